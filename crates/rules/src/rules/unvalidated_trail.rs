//! MO013: a trail whose files can be changed without anyone noticing.

use brigandine_model::{App, Finding, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::when,
    rule::{STRICT, meta},
    trail::{Lacking, lacking},
};

pub(crate) struct UnvalidatedTrail;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Monitoring,
    profiles: STRICT,
    frameworks: &["CWE-353", "CloudTrail.4", "OWASP-Serverless-S10"],
    ..meta(
        "MO013",
        "unvalidated-trail",
        "files of a trail can be changed unseen",
        include_str!("../../pages/MO013-unvalidated-trail.md"),
    )
};

const KEY: &str = "EnableLogFileValidation";

impl Rule for UnvalidatedTrail {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for trail in lacking(app, KEY, |id| format!("whether files of `{id}` are signed"), sink) {
            let finding = finding(&trail, sink);
            sink.finding(finding);
        }
    }
}

fn finding(trail: &Lacking<'_>, sink: &Sink) -> Finding {
    let id = trail.id;
    Finding {
        title: format!("files of the trail `{id}` can be changed unseen{}", when(&trail.holds)),
        message: "who gets into the account may take their own steps out of the record, and nobody can prove that a line is missing"
            .to_owned(),
        label: "the files are not signed".to_owned(),
        resource: Some(id.clone()),
        fact: "no validation".to_owned(),
        help: vec![format!("set `{KEY}: true`: the platform signs a digest of the files every hour")],
        fix: trail.switch_on("sign the files of the trail"),
        ..sink.draft(trail.place())
    }
}
