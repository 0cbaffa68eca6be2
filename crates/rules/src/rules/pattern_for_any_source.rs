//! AP018: a rule of a bus that does not ask where an event comes from.

use brigandine_model::{
    App, Finding, Judgement, LogicalId, Practice, Principal, Property, PropertyKind, Resource, RuleMeta, Severity,
    Value,
};

use crate::{
    Context, Rule, Sink,
    case::when,
    reach::better,
    rule::{STRICT, meta},
    trigger::{of_kind, refers, store_of},
    wording::{list, with_origin_of_event},
};

pub(crate) struct PatternForAnySource;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::ApisAndEvents,
    profiles: STRICT,
    frameworks: &["CWE-20", "OWASP-Serverless-S1", "SAS-01"],
    ..meta(
        "AP018",
        "pattern-for-any-source",
        "a rule starts a function for events of any source",
        include_str!("../../pages/AP018-pattern-for-any-source.md"),
    )
};

impl Rule for PatternForAnySource {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (id, resource) in of_kind(app, &["AWS::Events::Rule"]) {
            let Some(properties) = &resource.properties else { continue };
            let functions = functions_behind(app, properties);
            if functions.is_empty() || properties.at(&["EventPattern"]).is_none() {
                continue;
            }
            match takes_any_source(properties) {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    sink.cannot_tell(&format!("which events `{id}` lets through"), &why, (id, &resource.provenance));
                }
                holds => {
                    let finding = finding((app, id, resource), &functions, &holds, sink);
                    sink.finding(finding);
                }
            }
        }
    }
}

fn functions_behind<'a>(app: &'a App, rule: &Property) -> Vec<&'a LogicalId> {
    let targets = rule.at(&["Targets"]).map(Property::items).unwrap_or_default();
    let named: Vec<&Value<String>> = targets.iter().filter_map(|target| target.at(&["Arn"])?.text()).collect();
    app.functions
        .iter()
        .map(|function| &function.id)
        .filter(|function| named.iter().any(|value| refers(value, function)))
        .collect()
}

fn takes_any_source(rule: &Property) -> Judgement {
    rule.judge(&["EventPattern"], &|pattern| match pattern.map(|pattern| &pattern.kind) {
        None => Judgement::No,
        Some(PropertyKind::Text(_)) => Judgement::CannotTell("the pattern is written as one text".into()),
        Some(_) => pattern.map_or(Judgement::No, |pattern| {
            pattern.judge(&["source"], &|source| {
                source.map_or(Judgement::Yes, |source| {
                    Judgement::settled(source.items().iter().any(|item| fits_everything(item)))
                })
            })
        }),
    })
}

/// `{prefix: ''}`, `{wildcard: '*'}`, `{exists: true}`, and everything but a few.
fn fits_everything(item: &Property) -> bool {
    let says = |key: &str, text: &str| item.at(&[key]).and_then(Property::known) == Some(text);
    says("prefix", "") || says("wildcard", "*") || says("exists", "true") || item.at(&["anything-but"]).is_some()
}

fn finding(place: (&App, &LogicalId, &Resource), functions: &[&LogicalId], holds: &Judgement, sink: &Sink) -> Finding {
    let (app, id, resource) = place;
    let properties = resource.properties.as_ref();
    let source = properties.and_then(|own| own.at(&["EventPattern", "source"]).or_else(|| own.at(&["EventPattern"])));
    let provenance = source.map_or(&resource.provenance, |source| &source.provenance);
    let shared = properties.is_some_and(|own| others_may_send(app, own));
    let who = if shared { "other accounts may send to its bus" } else { "whatever in the account may send to its bus" };
    Finding {
        severity: if shared { META.severity } else { better(META.severity) },
        title: format!("`{id}` starts {} for events of any source{}", list(functions), when(holds)),
        message: format!(
            "the pattern does not ask who sent an event, and {who}: an event with the right words in it is taken for one's own"
        ),
        label: with_origin_of_event("no source is asked for", provenance),
        resource: Some(resource.implied_by.clone().unwrap_or_else(|| id.clone())),
        fact: format!("{id} any source"),
        help: vec!["name the senders under `source` (and under `account` where others send)".to_owned()],
        ..sink.draft(provenance)
    }
}

/// A bus that is open to others, or one that is not part of the template.
fn others_may_send(app: &App, rule: &Property) -> bool {
    let Some(bus) = rule.at(&["EventBusName"]).and_then(Property::text) else { return false };
    let Some(store) = store_of(app, bus) else { return false };
    app.grants.iter().any(|grant| {
        !matches!(grant.principal, Principal::Service(_))
            && store_of(app, &grant.resource.value).is_some_and(|own| own.id == store.id)
    })
}
