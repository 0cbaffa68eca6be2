//! MO013: a trail whose files can be changed without anyone noticing.

use brigandine_model::{App, Finding, Judgement, LogicalId, Practice, Resource, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::when,
    rule::{STRICT, meta},
    trail,
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
        for (id, resource) in trail::all(app) {
            let off = resource
                .properties
                .as_ref()
                .map_or(Judgement::Yes, |own| own.judge_text(&[KEY], true, &|text| !text.eq_ignore_ascii_case("true")));
            match off {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    sink.cannot_tell(&format!("whether files of `{id}` are signed"), &why, (id, &resource.provenance));
                }
                holds => sink.finding(finding((id, resource), &holds, sink)),
            }
        }
    }
}

fn finding(trail: (&LogicalId, &Resource), holds: &Judgement, sink: &Sink) -> Finding {
    let (id, resource) = trail;
    let written = resource.properties.as_ref().and_then(|own| own.at(&[KEY]));
    let provenance = written.map_or(&resource.provenance, |own| &own.provenance);
    Finding {
        title: format!("files of the trail `{id}` can be changed unseen{}", when(holds)),
        message: "who gets into the account may take their own steps out of the record, and nobody can prove that a line is missing"
            .to_owned(),
        label: "the files are not signed".to_owned(),
        resource: Some(id.clone()),
        fact: "no validation".to_owned(),
        help: vec![format!("set `{KEY}: true`: the platform signs a digest of the files every hour")],
        fix: crate::trail::switch_on(trail, KEY, "sign the files of the trail"),
        ..sink.draft(provenance)
    }
}
