//! AP013: a web firewall that lets everything pass, or does not slow anyone down.

use brigandine_model::{
    App, Finding, Judgement, LogicalId, Practice, Property, PropertyKind, Resource, RuleMeta, Severity,
};

use crate::{Context, Rule, Sink, case::when, rule::meta, trigger::of_kind, wording::with_origin};

pub(crate) struct IdleFirewall;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-693", "WAF.10", "SAS-08"],
    ..meta(
        "AP013",
        "idle-firewall",
        "a web firewall has no rules, only counts, or limits no rate",
        include_str!("../../pages/AP013-idle-firewall.md"),
    )
};

impl Rule for IdleFirewall {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (id, resource) in of_kind(app, &["AWS::WAFv2::WebACL"]) {
            let Some(properties) = &resource.properties else { continue };
            // Who blocks by default has to name what may pass: an empty list is shut, not idle.
            match properties.is_set(&["DefaultAction", "Allow"]) {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    let what = format!("what the firewall `{id}` does by default");
                    sink.cannot_tell(&what, &why, (id, &resource.provenance));
                }
                holds => check_rules((id, resource, &holds), properties.at(&["Rules"]), sink),
            }
        }
    }
}

fn check_rules(acl: (&LogicalId, &Resource, &Judgement), rules: Option<&Property>, sink: &mut Sink) {
    let (id, resource, holds) = acl;
    let unknown = |property: &Property| match &property.kind {
        PropertyKind::Unknown(why) => Some(why.clone()),
        PropertyKind::Text(value) => Some(match value {
            brigandine_model::Value::Unknown(why) => why.clone(),
            _ => "its rules are computed".into(),
        }),
        _ => None,
    };
    let rules: Vec<&Property> = rules.map(Property::items).unwrap_or_default();
    if let Some(why) = rules.iter().find_map(|rule| unknown(rule)) {
        let what = format!("what the firewall `{id}` stops");
        return sink.cannot_tell(&what, &why, (id, &resource.provenance));
    }
    let told = if rules.is_empty() {
        Some(("has no rules", "every request passes, as if there were no firewall", Severity::Medium))
    } else if rules.iter().all(|rule| only_counts(rule)) {
        Some(("only counts", "every rule notes what it sees and lets it pass", Severity::Medium))
    } else if !rules.iter().any(|rule| may_limit_rate(rule)) {
        Some((
            "limits no rate",
            "one address may ask as often as it likes, and each request is paid for",
            Severity::Low,
        ))
    } else {
        None
    };
    let Some((fault, follows, severity)) = told else { return };
    sink.finding(Finding {
        severity,
        title: format!("the web firewall `{id}` {fault}{}", when(holds)),
        message: follows.to_owned(),
        label: with_origin(fault, &resource.provenance),
        resource: Some(id.clone()),
        fact: fault.to_owned(),
        help: vec![
            "add the platform's managed rule groups (`ManagedRuleGroupStatement`) and a `RateBasedStatement`, each with \
             `OverrideAction: {None: {}}` or `Action: {Block: {}}`"
                .to_owned(),
        ],
        ..sink.draft(&resource.provenance)
    });
}

fn only_counts(rule: &Property) -> bool {
    rule.at(&["Action", "Count"]).is_some() || rule.at(&["OverrideAction", "Count"]).is_some()
}

/// A group kept elsewhere may hold one.
fn may_limit_rate(rule: &Property) -> bool {
    !only_counts(rule)
        && ["RateBasedStatement", "RuleGroupReferenceStatement"]
            .iter()
            .any(|kind| rule.at(&["Statement", kind]).is_some())
}
