//! AP018: a rule of a bus that does not ask where an event comes from.

use std::collections::BTreeSet;

use brigandine_model::{
    App, Finding, Judgement, LogicalId, Practice, Principal, Property, PropertyKind, Resource, RuleMeta, Severity,
};

use crate::{
    Context, Rule, Sink,
    case::when,
    reach::better,
    rule::{STRICT, meta},
    trigger::{Stores, named, of_kind},
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
        let functions: BTreeSet<&LogicalId> = app.functions.iter().map(|function| &function.id).collect();
        let buses = Buses::new(app);
        for (id, resource) in of_kind(app, &["AWS::Events::Rule"]) {
            let Some(properties) = &resource.properties else { continue };
            let functions = functions_behind(&functions, properties);
            if functions.is_empty() || properties.at(&["EventPattern"]).is_none() {
                continue;
            }
            match takes_any_source(properties) {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    sink.cannot_tell(&format!("which events `{id}` lets through"), &why, (id, &resource.provenance));
                }
                holds => {
                    let shared = buses.are_shared(properties);
                    let finding = finding((id, resource, shared), &functions, &holds, sink);
                    sink.finding(finding);
                }
            }
        }
    }
}

fn functions_behind<'a>(functions: &BTreeSet<&'a LogicalId>, rule: &Property) -> Vec<&'a LogicalId> {
    let targets = rule.at(&["Targets"]).map(Property::items).unwrap_or_default();
    let ids = targets.iter().filter_map(|target| target.at(&["Arn"])?.text()).flat_map(named);
    ids.filter_map(|id| functions.get(id).copied()).collect()
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

fn finding(place: (&LogicalId, &Resource, bool), functions: &[&LogicalId], holds: &Judgement, sink: &Sink) -> Finding {
    let (id, resource, shared) = place;
    let properties = resource.properties.as_ref();
    let source = properties.and_then(|own| own.at(&["EventPattern", "source"]).or_else(|| own.at(&["EventPattern"])));
    let provenance = source.map_or(&resource.provenance, |source| &source.provenance);
    let rule = if resource.written_kind.is_some() { format!("`{id}`") } else { "a rule".to_owned() };
    let who = if shared { "other accounts may send to its bus" } else { "whatever in the account may send to its bus" };
    Finding {
        severity: if shared { META.severity } else { better(META.severity) },
        title: format!("{rule} starts {} for events of any source{}", list(functions), when(holds)),
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

/// The buses to which others than services of the platform may send.
struct Buses<'a> {
    stores: Stores<'a>,
    shared: BTreeSet<&'a LogicalId>,
}

impl<'a> Buses<'a> {
    fn new(app: &'a App) -> Self {
        let stores = Stores::new(app);
        let others = app.grants.iter().filter(|grant| !matches!(grant.principal, Principal::Service(_)));
        let shared = others.filter_map(|grant| stores.of(&grant.resource.value)).map(|store| &store.id).collect();
        Self { stores, shared }
    }

    fn are_shared(&self, rule: &Property) -> bool {
        let bus = rule.at(&["EventBusName"]).and_then(Property::text);
        bus.and_then(|value| self.stores.of(value)).is_some_and(|store| self.shared.contains(&store.id))
    }
}
