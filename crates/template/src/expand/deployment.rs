//! Gradual deployments: how traffic moves from one published version of a function to the next.

use crate::node::{Map, Node};

use super::Expansion;
use super::conditions;
use super::fault::{Fault, Outcome};
use super::make::Maker;
use super::policies;
use super::resource::{Made, Written};
use super::tree;

const APPLICATION: &str = "ServerlessDeploymentApplication";
const ROLE: &str = "CodeDeployServiceRole";
const CONDITION: &str = "ServerlessCodeDeployCondition";
/// Ways of moving traffic that the deployment service knows by name.
const PREDEFINED: [&str; 9] = [
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
    "AllAtOnce",
];

/// What one function wants, when it wants gradual deployment at all.
#[derive(Clone, Debug)]
pub(super) struct Preference {
    function: String,
    config: Node,
    kind: Node,
    condition: Option<Node>,
    tags: Option<Map>,
}

/// Notes what a function wants, and makes its alias move gradually.
pub(super) fn add(cx: &mut Expansion<'_>, written: &Written, alias: Option<&mut Made>) -> Outcome<()> {
    let Some(config) = written.filled("DeploymentPreference") else { return Ok(()) };
    let fault = |message: &str| Fault::resource(&written.id, message).at(&config.origin);
    let passed = passes_condition(cx, written, config)?;
    let enabled = match config.get("Enabled") {
        None => true,
        Some(enabled) => {
            let enabled = cx.parameters.resolved_with_mappings(enabled)?;
            tree::truthy(&enabled) && !matches!(tree::text_of(&enabled), Some("false" | "False"))
        }
    };
    if !enabled {
        return Ok(());
    }
    let Some(kind) = config.get("Type") else {
        return Err(fault("'DeploymentPreference' is missing required Property 'Type'"));
    };
    let hooks = config.get("Hooks");
    if hooks.is_some_and(|hooks| hooks.as_map().is_none()) {
        return Err(fault("'Hooks' property of 'DeploymentPreference' must be a dictionary"));
    }
    let preference = Preference {
        function: written.id.to_string(),
        kind: cx.parameters.resolved_with_mappings(kind)?,
        config: config.clone(),
        condition: written.attributes.get("Condition").filter(|_| passed).cloned(),
        tags: written
            .filled("Tags")
            .filter(|_| written.filled("PropagateTags").is_some())
            .and_then(Node::as_map)
            .cloned(),
    };
    cx.deployments.push(preference);
    let Some(alias) = alias else {
        return Err(fault("'DeploymentPreference' requires AutoPublishAlias property to be specified."));
    };
    let maker = Maker::implied_by(&config.origin);
    let mut update = vec![
        ("ApplicationName", maker.reference(APPLICATION)),
        ("DeploymentGroupName", maker.reference(format!("{}DeploymentGroup", written.id))),
    ];
    for (name, hook) in [("BeforeAllowTrafficHook", "PreTraffic"), ("AfterAllowTrafficHook", "PostTraffic")] {
        let hook = hooks.and_then(|hooks| hooks.get(hook)).filter(|hook| !tree::is_null(hook));
        let hook = hook.filter(|hook| !hook.get("Ref").is_some_and(tree::is_null));
        update.extend(hook.map(|hook| (name, hook.clone())));
    }
    alias.attributes.insert("UpdatePolicy", maker.map([("CodeDeployLambdaAliasUpdate", maker.map(update))]));
    Ok(())
}

fn passes_condition(cx: &Expansion<'_>, written: &Written, config: &Node) -> Outcome<bool> {
    let Some(pass) = config.get("PassthroughCondition") else { return Ok(false) };
    let pass = cx.parameters.resolved_with_mappings(pass)?;
    match (tree::flag_of(&pass), tree::text_of(&pass)) {
        (Some(flag), _) => Ok(flag),
        (_, Some("true" | "True")) => Ok(true),
        (_, Some("false" | "False")) => Ok(false),
        _ if tree::is_intrinsic(&pass) => Err(written.fault(
            "Unsupported intrinsic: the only intrinsic functions supported for property PassthroughCondition are \
             FindInMap and parameter Refs.",
        )),
        _ => Err(written.fault("Invalid value for property PassthroughCondition.")),
    }
}

/// Makes what the deployments of all functions need.
pub(super) fn construct(cx: &mut Expansion<'_>) -> Outcome<Vec<Made>> {
    let all = std::mem::take(&mut cx.deployments);
    let Some(first) = all.first() else { return Ok(Vec::new()) };
    let maker = Maker::implied_by(&first.config.origin);
    let attributes = attributes(cx, &all, &maker);
    let tags: Map =
        all.iter().filter_map(|preference| preference.tags.as_ref()).fold(Map::default(), |mut tags, more| {
            tree::overlay(&mut tags, more);
            tags
        });
    let mut application = Made::new(APPLICATION, "AWS::CodeDeploy::Application", &maker, &attributes)
        .with("ComputePlatform", maker.text("Lambda"));
    let own_role = |preference: &Preference| tree::filled_in(&preference.config, "Role").is_some();
    let mut role = (!all.iter().all(own_role)).then(|| service_role(cx, &maker, &attributes));
    if !tags.is_empty() {
        let tags = maker.list(maker.tags(&tags));
        application.set("Tags", tags.clone());
        if let Some(role) = &mut role {
            role.set("Tags", tags.clone());
        }
    }
    let mut made = vec![application];
    made.extend(role);
    for preference in &all {
        made.push(group(preference)?);
    }
    Ok(made)
}

/// Application and role are there only when one of the functions is.
fn attributes(cx: &mut Expansion<'_>, all: &[Preference], maker: &Maker) -> Map {
    let mut names: Vec<String> = all.iter().filter_map(|one| one.condition.as_ref().map(tree::shown)).collect();
    let mut attributes = Map::default();
    if names.len() < all.len() {
        return attributes;
    }
    names.sort_unstable();
    names.dedup();
    let condition = match &names[..] {
        [only] => only.clone(),
        several => {
            conditions::combine(cx.conditions_mut(), CONDITION, several, maker);
            CONDITION.to_owned()
        }
    };
    attributes.insert("Condition", maker.text(condition));
    attributes
}

fn service_role(cx: &Expansion<'_>, maker: &Maker, attributes: &Map) -> Made {
    let policy = match cx.options.partition.as_str() {
        "aws-iso" | "aws-iso-b" => "service-role/AWSCodeDeployRoleForLambdaLimited",
        _ => "service-role/AWSCodeDeployRoleForLambda",
    };
    Made::new(ROLE, "AWS::IAM::Role", maker, attributes)
        .with("AssumeRolePolicyDocument", policies::assumable_by(maker, "codedeploy.amazonaws.com"))
        .with("ManagedPolicyArns", maker.list([maker.text(cx.managed_policy_arn(policy))]))
}

fn group(preference: &Preference) -> Outcome<Made> {
    let maker = Maker::implied_by(&preference.config.origin);
    let given = |name: &str| tree::filled_in(&preference.config, name);
    let mut attributes = Map::default();
    if let Some(condition) = &preference.condition {
        attributes.insert("Condition", condition.clone());
    }
    let id = format!("{}DeploymentGroup", preference.function);
    let mut group = Made::new(id, "AWS::CodeDeploy::DeploymentGroup", &maker, &attributes)
        .with("ApplicationName", maker.reference(APPLICATION))
        .with(
            "AutoRollbackConfiguration",
            maker.map([
                ("Enabled", maker.flag(true)),
                (
                    "Events",
                    maker.texts(["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]),
                ),
            ]),
        )
        .with("DeploymentConfigName", configuration(&preference.kind, None, &maker))
        .with(
            "DeploymentStyle",
            maker.map([
                ("DeploymentType", maker.text("BLUE_GREEN")),
                ("DeploymentOption", maker.text("WITH_TRAFFIC_CONTROL")),
            ]),
        )
        .with("ServiceRoleArn", given("Role").cloned().unwrap_or_else(|| maker.attribute(ROLE, "Arn")));
    group.set_given("TriggerConfigurations", given("TriggerConfigurations"));
    if let Some(alarms) = given("Alarms").filter(|alarms| !tree::is_no_value(alarms)) {
        group.set("AlarmConfiguration", alarm_configuration(preference, alarms, &maker)?);
    }
    if let Some(tags) = &preference.tags {
        group.set("Tags", maker.list(maker.tags(tags)));
    }
    Ok(group)
}

/// Names of the service's own configurations get the prefix that the service gives them, wherever they stand.
fn configuration(node: &Node, inside: Option<&str>, maker: &Maker) -> Node {
    if let Some(items) = node.as_list() {
        return Node::list(items.iter().map(|item| configuration(item, None, maker)).collect(), &node.origin);
    }
    if let Some((name, argument)) = node.as_intrinsic() {
        return Node::intrinsic(name, configuration(argument, Some(name), maker));
    }
    if tree::text_of(node).is_none_or(|text| !PREDEFINED.contains(&text)) {
        node.clone()
    } else {
        let prefixed = "CodeDeployDefault.Lambda${ConfigName}";
        let arguments = maker.list([maker.text(prefixed), maker.map([("ConfigName", node.clone())])]);
        if inside == Some("Fn::Sub") { arguments } else { maker.call("Fn::Sub", arguments) }
    }
}

fn alarm_configuration(preference: &Preference, alarms: &Node, maker: &Maker) -> Outcome<Node> {
    if tree::as_if(alarms).is_some() {
        let fault = || Fault::resource(&preference.function, "Fn::If requires 3 arguments").at(&alarms.origin);
        let (condition, then, otherwise) = tree::arms(alarms).ok_or_else(fault)?;
        let then = alarm_list(preference, then, maker)?;
        let otherwise = alarm_list(preference, otherwise, maker)?;
        return Ok(maker.either(condition.clone(), then, otherwise));
    }
    alarm_list(preference, alarms, maker)
}

fn alarm_list(preference: &Preference, alarms: &Node, maker: &Maker) -> Outcome<Node> {
    let Some(items) = alarms.as_list() else {
        return Err(Fault::resource(&preference.function, "Alarms must be a list").at(&alarms.origin));
    };
    if items.first().is_none_or(tree::is_no_value) {
        return Ok(maker.empty());
    }
    let named = items.iter().map(|alarm| maker.map([("Name", alarm.clone())]));
    Ok(maker.map([("Enabled", maker.flag(true)), ("Alarms", maker.list(named.collect::<Vec<_>>()))]))
}
