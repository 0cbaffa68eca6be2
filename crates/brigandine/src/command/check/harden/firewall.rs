//! A firewall of the platform before every stage of the older style; the other doors cannot have one.

use brigandine_model::{ApiStyle, Literal, Waf};

use super::{Plan, Site, declare, door::Stage, names, sub};

/// The names of what is added.
const FIREWALL: &str = "LaunchFirewall";
const ADDRESSES: &str = "LaunchBlockedAddresses";

/// Requests of one address in five minutes before it has to wait.
const RATE: i64 = 2_000;

/// Rule groups that the platform keeps, in the order in which they are asked.
const GROUPS: [&str; 3] =
    ["AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"];

/// Adds a firewall and ties it to every stage that has none.
pub(super) fn firewall(site: &Site<'_>, stages: &[Stage<'_>], plan: &mut Plan) {
    for api in &site.app.apis {
        let door = match api.style {
            ApiStyle::Http => "an HTTP API",
            ApiStyle::FunctionUrl => "a function URL",
            ApiStyle::WebSocket => "a WebSocket API",
            ApiStyle::Rest => continue,
        };
        plan.note(format!(
            "`{}` is {door}, which the firewall cannot be tied to: put a CloudFront distribution with one before it, or use a REST API",
            api.id
        ));
    }
    let bare: Vec<&Stage<'_>> = stages.iter().filter(|stage| stage.is_rest() && !is_protected(site, stage)).collect();
    if bare.is_empty() {
        return;
    }
    let own = site.app.wafs.iter().find(|waf| is_regional(site, waf));
    let firewall = own.map_or(FIREWALL, |waf| waf.id.as_str());
    if own.is_none() {
        plan.step(
            "add a firewall with managed rules, a rate limit and a list of blocked addresses".to_owned(),
            vec![
                declare(ADDRESSES, "AWS::WAFv2::IPSet", None, addresses()),
                declare(FIREWALL, "AWS::WAFv2::WebACL", None, rules()),
            ],
        );
    }
    for stage in bare {
        let condition = site.condition(stage.id);
        if condition.is_some() && site.written(stage.id).is_none() && site.written(&stage.api.id).is_none() {
            plan.note(format!(
                "`{}` exists under a condition of its own making; tie the firewall to it by hand",
                stage.api.id
            ));
            continue;
        }
        let arn = format!(
            "arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}::/restapis/${{{}}}/stages/{}",
            stage.api.id,
            stage.hole()
        );
        let properties = Literal::map([("ResourceArn", sub(&arn)), ("WebACLArn", Literal::attribute(firewall, "Arn"))]);
        let name = site.free(&format!("{}Firewall", stage.id));
        plan.step_with(
            firewall,
            format!("put the firewall before `{}`", stage.id),
            vec![declare(&name, "AWS::WAFv2::WebACLAssociation", condition, properties)],
        );
    }
}

/// Whether some firewall is tied to the stage, or to something that cannot be told and may be it.
fn is_protected(site: &Site<'_>, stage: &Stage<'_>) -> bool {
    let is_its = |value: &brigandine_model::Value<String>| match value {
        brigandine_model::Value::Unknown(_) => true,
        value => names(value, stage.id) || names(value, &stage.api.id),
    };
    site.app.wafs.iter().flat_map(|waf| &waf.protects).any(|fact| is_its(&fact.value))
}

fn is_regional(site: &Site<'_>, waf: &Waf) -> bool {
    site.written(&waf.id) == Some("AWS::WAFv2::WebACL")
        && site.condition(&waf.id).is_none()
        && site.property(&waf.id, &["Scope"]).and_then(|scope| scope.known()) == Some("REGIONAL")
}

fn addresses() -> Literal {
    Literal::map([
        ("Description", Literal::text("Addresses that are turned away")),
        ("Scope", Literal::text("REGIONAL")),
        ("IPAddressVersion", Literal::text("IPV4")),
        ("Addresses", Literal::List(Vec::new())),
    ])
}

fn rules() -> Literal {
    let blocked =
        Literal::map([("IPSetReferenceStatement", Literal::map([("Arn", Literal::attribute(ADDRESSES, "Arn"))]))]);
    let rate = Literal::map([(
        "RateBasedStatement",
        Literal::map([("Limit", Literal::Number(RATE)), ("AggregateKeyType", Literal::text("IP"))]),
    )]);
    let block = || ("Action", Literal::map([("Block", Literal::Map(Vec::new()))]));
    let mut rules = vec![rule(0, "BlockedAddresses", block(), blocked), rule(1, "RateOfOneAddress", block(), rate)];
    for (priority, group) in (2..).zip(GROUPS) {
        let statement = Literal::map([(
            "ManagedRuleGroupStatement",
            Literal::map([("VendorName", Literal::text("AWS")), ("Name", Literal::text(group))]),
        )]);
        let keep = ("OverrideAction", Literal::map([("None", Literal::Map(Vec::new()))]));
        rules.push(rule(priority, group.trim_start_matches("AWSManagedRules"), keep, statement));
    }
    Literal::map([
        ("Scope", Literal::text("REGIONAL")),
        ("DefaultAction", Literal::map([("Allow", Literal::Map(Vec::new()))])),
        ("VisibilityConfig", watched(FIREWALL)),
        ("Rules", Literal::List(rules)),
    ])
}

fn rule(priority: i64, name: &str, action: (&str, Literal), statement: Literal) -> Literal {
    Literal::map([
        ("Name", Literal::text(name)),
        ("Priority", Literal::Number(priority)),
        action,
        ("Statement", statement),
        ("VisibilityConfig", watched(name)),
    ])
}

fn watched(name: &str) -> Literal {
    Literal::map([
        ("MetricName", Literal::text(name)),
        ("CloudWatchMetricsEnabled", Literal::Flag(true)),
        ("SampledRequestsEnabled", Literal::Flag(true)),
    ])
}
