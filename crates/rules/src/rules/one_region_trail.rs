//! MO014: a trail that sees one region of many.

use brigandine_model::{App, Finding, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::when,
    rule::{STRICT, meta},
    trail::{Lacking, lacking},
};

pub(crate) struct OneRegionTrail;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Monitoring,
    profiles: STRICT,
    frameworks: &["CWE-778", "CloudTrail.1", "OWASP-Serverless-S10"],
    ..meta(
        "MO014",
        "one-region-trail",
        "a trail records one region only",
        include_str!("../../pages/MO014-one-region-trail.md"),
    )
};

const KEY: &str = "IsMultiRegionTrail";

impl Rule for OneRegionTrail {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for trail in lacking(app, KEY, |id| format!("whether `{id}` records every region"), sink) {
            let finding = finding(&trail, sink);
            sink.finding(finding);
        }
    }
}

fn finding(trail: &Lacking<'_>, sink: &Sink) -> Finding {
    let id = trail.id;
    Finding {
        title: format!("the trail `{id}` records one region only{}", when(&trail.holds)),
        message: "an attacker with stolen keys works in a region where nobody looks: machines started there are first seen on the bill"
            .to_owned(),
        label: "other regions are not recorded".to_owned(),
        resource: Some(id.clone()),
        fact: "one region".to_owned(),
        help: vec![format!("set `{KEY}: true`")],
        fix: trail.switch_on("record every region"),
        ..sink.draft(trail.place())
    }
}
