//! MO008: an alarm that tells nobody.

use std::collections::BTreeSet;

use brigandine_model::{
    App, Finding, Judgement, LogicalId, Practice, Property, Provenance, Resource, RuleMeta, Severity, Value,
};

use crate::{
    Context, Rule, Sink,
    case::may_hold,
    rule::{STRICT, meta},
    stage::referred,
};

pub(crate) struct UnheardAlarm;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Monitoring,
    profiles: STRICT,
    frameworks: &["CWE-778", "CloudWatch.15", "SAS-05"],
    ..meta("MO008", "unheard-alarm", "an alarm tells nobody", include_str!("../../pages/MO008-unheard-alarm.md"))
};

impl Rule for UnheardAlarm {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let alarms: Vec<(&LogicalId, &Resource)> =
            app.resources.iter().filter(|(_, one)| is_alarm(&one.kind)).collect();
        let asked = if alarms.is_empty() { BTreeSet::new() } else { asked(app) };
        for (id, resource) in alarms {
            match look(app, (id, resource), &asked) {
                Look::Heard => {}
                Look::Unknown(why, at) => sink.cannot_tell(&format!("whom `{id}` tells"), &why, (id, at)),
                Look::Unheard(why, at) => sink.finding(finding(id, why, at, sink)),
            }
        }
    }
}

fn is_alarm(kind: &str) -> bool {
    matches!(kind, "AWS::CloudWatch::Alarm" | "AWS::CloudWatch::CompositeAlarm")
}

enum Look<'a> {
    Heard,
    Unheard(String, &'a Provenance),
    Unknown(String, &'a Provenance),
}

fn look<'a>(app: &'a App, alarm: (&LogicalId, &'a Resource), asked: &BTreeSet<&LogicalId>) -> Look<'a> {
    let (id, resource) = alarm;
    let Some(properties) = &resource.properties else { return Look::Heard };
    let off = properties.judge_text(&["ActionsEnabled"], false, &|text| text.eq_ignore_ascii_case("false"));
    if may_hold(&off) {
        let at = properties.at(&["ActionsEnabled"]).map_or(&resource.provenance, |own| &own.provenance);
        return Look::Unheard("its actions are switched off".to_owned(), at);
    }
    if asked.contains(id) {
        return Look::Heard;
    }
    match properties.is_set(&["AlarmActions"]) {
        Judgement::CannotTell(why) => return Look::Unknown(why.to_string(), &resource.provenance),
        Judgement::No => return Look::Unheard("it has no action".to_owned(), &resource.provenance),
        Judgement::Yes | Judgement::Sometimes(_) => {}
    }
    let actions = properties.at(&["AlarmActions"]).map(Property::items).unwrap_or_default();
    let silent = |action: &&Property| referred(action).is_some_and(|topic| is_empty_topic(app, topic));
    match actions.first() {
        None => Look::Unheard("it has no action".to_owned(), &resource.provenance),
        Some(first) if actions.iter().all(silent) => {
            let topic = referred(first).map(LogicalId::to_string).unwrap_or_default();
            Look::Unheard(format!("nobody subscribes to `{topic}`"), &first.provenance)
        }
        Some(_) => Look::Heard,
    }
}

/// Resources whose state something else asks for: alarms of other alarms, of deployments, of scaling policies.
fn asked(app: &App) -> BTreeSet<&LogicalId> {
    let mut found = BTreeSet::new();
    for (own, resource) in &app.resources {
        let mut texts = Vec::new();
        resource.properties.iter().for_each(|properties| properties.texts(&mut texts));
        for (_, text) in texts {
            if let Some(Value::Symbolic(symbol)) = text.text() {
                found.extend(symbol.resources().filter(|id| *id != own));
            }
        }
    }
    found
}

/// A topic of this template to which nothing of it subscribes.
fn is_empty_topic(app: &App, topic: &LogicalId) -> bool {
    let Some(resource) = app.resources.get(topic).filter(|one| &*one.kind == "AWS::SNS::Topic") else { return false };
    let own = resource.properties.as_ref().and_then(|own| own.at(&["Subscription"])).is_some();
    let subscribes = |one: &Resource| {
        &*one.kind == "AWS::SNS::Subscription"
            && one.properties.as_ref().and_then(|own| own.at(&["TopicArn"])).and_then(referred) == Some(topic)
    };
    let handed_out = app.outputs.iter().any(|output| referred(&output.value) == Some(topic));
    !own && !handed_out && !app.resources.values().any(subscribes)
}

fn finding(id: &LogicalId, why: String, at: &Provenance, sink: &Sink) -> Finding {
    Finding {
        title: format!("the alarm `{id}` tells nobody: {why}"),
        message: "an alarm that changes colour in a console nobody looks at is found on the day after".to_owned(),
        label: why.clone(),
        resource: Some(id.clone()),
        fact: why,
        help: vec![
            "give it a topic in `AlarmActions`, and the topic a subscription of somebody who is awake".to_owned(),
        ],
        ..sink.draft(at)
    }
}
