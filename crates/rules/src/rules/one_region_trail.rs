//! MO014: a trail that sees one region of many.

use brigandine_model::{App, Finding, Judgement, LogicalId, Practice, Resource, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::when,
    rule::{STRICT, meta},
    trail,
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
        for (id, resource) in trail::all(app) {
            let off = resource
                .properties
                .as_ref()
                .map_or(Judgement::Yes, |own| own.judge_text(&[KEY], true, &|text| !text.eq_ignore_ascii_case("true")));
            match off {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    sink.cannot_tell(&format!("whether `{id}` records every region"), &why, (id, &resource.provenance));
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
        title: format!("the trail `{id}` records one region only{}", when(holds)),
        message: "an attacker with stolen keys works in a region where nobody looks: machines started there are first seen on the bill"
            .to_owned(),
        label: "other regions are not recorded".to_owned(),
        resource: Some(id.clone()),
        fact: "one region".to_owned(),
        help: vec![format!("set `{KEY}: true`")],
        fix: crate::trail::switch_on(trail, KEY, "record every region"),
        ..sink.draft(provenance)
    }
}
