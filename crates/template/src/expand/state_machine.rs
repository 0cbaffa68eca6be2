//! `AWS::Serverless::StateMachine`: the state machine, its role, its alias, and what its events need.

use crate::node::{Kind, Map, Node};

use super::Expansion;
use super::event::{self, Event, Route, rule, scheduler};
use super::fault::Outcome;
use super::function::{code, propagate_tags};
use super::implicit::MANAGED;
use super::make::Maker;
use super::paths;
use super::policies::{self, Grounds};
use super::resource::{self, Made, Written};
use super::shape;
use super::swagger;
use super::tree;

/// Expands one state machine.
pub(super) fn expand(cx: &mut Expansion<'_>, id: &str, node: &Node) -> Outcome<Vec<Made>> {
    let mut written = Written::read_unchecked(id, node)?;
    policies::expand_templates(&mut written)?;
    shape::check(id, "AWS::Serverless::StateMachine", &written.properties, shape::STATE_MACHINE)
        .map_err(|fault| fault.at(&node.origin))?;
    let events = events(cx, &written).map_err(|fault| fault.within(id))?;
    let mut machine = Made::of(&written, "AWS::StepFunctions::StateMachine");
    define(&written, &mut machine)?;
    let mut made = Vec::new();
    if written.filled("Role").is_some() && written.filled("Policies").is_some() {
        return Err(
            written.fault("Specify either 'Role' or 'Policies' (but not both at the same time) or neither of them")
        );
    }
    let maker = written.maker();
    if let Some(role) = written.filled("Role") {
        machine.set("RoleArn", role.clone());
    } else {
        let role = role(cx, &written)?;
        machine.set("RoleArn", maker.attribute(&role.id, "Arn"));
        made.push(role);
    }
    for (name, property) in [
        ("StateMachineName", "Name"),
        ("StateMachineType", "Type"),
        ("LoggingConfiguration", "Logging"),
        ("TracingConfiguration", "Tracing"),
    ] {
        machine.set_given(name, written.get(property));
    }
    machine.set("Tags", maker.list(tags(&written)));
    let target = publish(&written, &machine, &mut made)?;
    for event in events {
        made.extend(expand_event(cx, &written, &target, &event)?);
    }
    made.insert(0, machine);
    propagate_tags(&mut made, &written);
    Ok(made)
}

fn tags(written: &Written) -> Vec<Node> {
    let maker = written.maker();
    let mut tags = vec![maker.tag("stateMachine:createdBy", maker.text("SAM"))];
    tags.extend(written.filled("Tags").and_then(Node::as_map).into_iter().flat_map(|own| maker.tags(own)));
    tags
}

fn role(cx: &Expansion<'_>, written: &Written) -> Outcome<Made> {
    let maker = written.maker();
    let traced =
        written.get("Tracing").and_then(|tracing| tracing.get("Enabled")).and_then(tree::flag_of) == Some(true);
    let mut wanted = match written.filled("Policies") {
        None => Vec::new(),
        Some(policies) => policies.as_list().map_or_else(|| vec![policies.clone()], <[Node]>::to_vec),
    };
    if traced {
        wanted.push(maker.text(cx.tracing_policy()));
    }
    let grounds = Grounds {
        attributes: written.passed_on(),
        assume: policies::assumable_by(&maker, "states.amazonaws.com"),
        managed: Vec::new(),
        documents: Vec::new(),
        tags: tags(written),
    };
    policies::role(cx, written, Some(&maker.list(wanted)), grounds)
}

/// Sets where the definition is, or what it is with all that only deployment knows replaced by substitutions.
fn define(written: &Written, machine: &mut Made) -> Outcome<()> {
    let maker = written.maker();
    machine.set_given("DefinitionSubstitutions", written.filled("DefinitionSubstitutions"));
    match (written.filled("Definition"), written.filled("DefinitionUri")) {
        (Some(_), Some(_)) => {
            Err(written.fault("Specify either 'Definition' or 'DefinitionUri' property and not both."))
        }
        (None, None) => Err(written.fault("Either 'Definition' or 'DefinitionUri' property must be specified.")),
        (None, Some(uri)) => {
            let place = Maker { origin: uri.origin.clone() };
            let location = code::location(&written.id, "DefinitionUri", uri)?;
            machine.set("DefinitionS3Location", location.into_node(["Bucket", "Key", "Version"], &place));
            Ok(())
        }
        (Some(definition), None) => {
            let mut definition = definition.clone();
            let mut substitutions = Vec::new();
            substitute(&mut definition, &mut substitutions);
            if !substitutions.is_empty()
                && let Some(all) = tree::subtree(&mut machine.properties, "DefinitionSubstitutions", &maker.origin)
                && let Some(all) = all.as_map_mut()
            {
                for (name, value) in substitutions {
                    all.insert(name, value);
                }
            }
            let lines = tree::indented_lines(&definition);
            machine.set("DefinitionString", maker.join("\n", lines.into_iter().map(|line| maker.text(line))));
            Ok(())
        }
    }
}

fn is_dynamic(node: &Node) -> bool {
    let reference = tree::text_of(node).and_then(|text| text.strip_prefix("{{resolve:")?.strip_suffix("}}"));
    reference.and_then(|reference| reference.split_once(':')).is_some_and(|(service, name)| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        !service.is_empty() && !name.is_empty() && service.bytes().all(plain)
    })
}

/// Replaces intrinsics and dynamic references in the order of their keys.
fn substitute(node: &mut Node, found: &mut Vec<(String, Node)>) {
    let replace = |value: &mut Node, found: &mut Vec<(String, Node)>| {
        if tree::is_intrinsic(value) || is_dynamic(value) {
            let name = format!("definition_substitution_{}", found.len() + 1);
            let placeholder = Node::text(format!("${{{name}}}"), &value.origin);
            found.push((name, std::mem::replace(value, placeholder)));
        } else {
            substitute(value, found);
        }
    };
    match &mut node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => items.iter_mut().for_each(|item| replace(item, found)),
        Kind::Map(map) => {
            let mut names: Vec<String> = map.keys().map(str::to_owned).collect();
            names.sort_unstable();
            for name in names {
                if let Some(value) = map.get_mut(&name) {
                    replace(value, found);
                }
            }
        }
    }
}

/// What an event starts: the state machine or its alias.
struct Started {
    id: String,
    arn: Node,
    attributes: Map,
}

fn publish(written: &Written, machine: &Made, made: &mut Vec<Made>) -> Outcome<Started> {
    let maker = written.maker();
    let own = Started {
        id: machine.id.clone(),
        arn: maker.reference(machine.id.as_str()),
        attributes: machine.attributes.clone(),
    };
    let preference = written.filled("DeploymentPreference");
    let through_alias = written.filled("UseAliasAsEventTarget").is_some();
    let Some(name) = written.filled("AutoPublishAlias") else {
        let refuse =
            |name: &str| Err(written.fault(format!("'{name}' requires 'AutoPublishAlias' property to be specified.")));
        return match (through_alias, preference) {
            (true, _) => refuse("UseAliasAsEventTarget"),
            (false, Some(_)) => refuse("DeploymentPreference"),
            (false, None) => Ok(own),
        };
    };
    let mut attributes = written.passed_on();
    for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
        if !attributes.contains_key(policy) {
            attributes.insert(policy, maker.text("Retain"));
        }
    }
    let version_id = format!("{}Version", written.id);
    let version = Made::new(version_id.as_str(), "AWS::StepFunctions::StateMachineVersion", &maker, &attributes)
        .with("StateMachineArn", maker.reference(written.id.clone()))
        .with("StateMachineRevisionId", maker.attribute(&written.id, "StateMachineRevisionId"));
    let mut shift = preference.cloned().unwrap_or_else(|| maker.map([("Type", maker.text("ALL_AT_ONCE"))]));
    if let Some(shift) = shift.as_map_mut() {
        shift.insert("StateMachineVersionArn", maker.reference(version_id));
    }
    let alias_id = format!("{}Alias{}", written.id, tree::shown(name));
    let alias = Made::new(alias_id.as_str(), "AWS::StepFunctions::StateMachineAlias", &maker, &written.passed_on())
        .with("Name", name.clone())
        .with("DeploymentPreference", shift);
    let started =
        Started { arn: maker.reference(alias_id.as_str()), id: alias_id, attributes: alias.attributes.clone() };
    made.extend([version, alias]);
    Ok(if through_alias { started } else { own })
}

fn events(cx: &Expansion<'_>, written: &Written) -> Outcome<Vec<Event>> {
    let Some(events) = written.filled("Events").and_then(Node::as_map) else { return Ok(Vec::new()) };
    let mut read = Vec::new();
    for (name, node) in events.iter() {
        let event = Event::read(&written.id, name, node, shape::machine_event_properties)?;
        if event.kind == "Api" {
            event::check_rest_api(cx, &event)?;
        }
        read.push(event);
    }
    Ok(read)
}

fn expand_event(cx: &mut Expansion<'_>, written: &Written, target: &Started, event: &Event) -> Outcome<Vec<Made>> {
    let attributes = resource::passed_on(&target.attributes);
    match event.kind.as_str() {
        "ScheduleV2" => {
            scheduler::expand(&scheduler::Called::StateMachine { arn: &target.arn, attributes: &attributes }, event)
        }
        "Schedule" => {
            let rule = rule::scheduled(event, &attributes)?;
            start(written, target, event, rule)
        }
        "Api" => expand_api(cx, written, target, event),
        _ => {
            let mut rule = rule::patterned(event, &attributes);
            rule.set_given("State", event.get("State").filter(|state| tree::truthy(state)));
            start(written, target, event, rule)
        }
    }
}

fn start(written: &Written, target: &Started, event: &Event, mut made_rule: Made) -> Outcome<Vec<Made>> {
    let maker = event.maker();
    let attributes = resource::passed_on(&target.attributes);
    let (queue, mut made) = rule::dead_letters(event, &maker.attribute(event.id(), "Arn"), &attributes)?;
    let role = if let Some(role) = event.get("RoleArn") {
        role.clone()
    } else {
        let role = event_role(written, target, event, "events.amazonaws.com");
        let arn = maker.attribute(&role.id, "Arn");
        made.push(role);
        arn
    };
    let id = rule::target_id(event, "StepFunctionsTarget", true);
    made_rule.set("Targets", maker.list([rule::aim(event, &target.arn, id, Some(role), queue)]));
    made.push(made_rule);
    Ok(made)
}

fn event_role(written: &Written, target: &Started, event: &Event, principal: &str) -> Made {
    let maker = event.maker();
    let id = format!("{}Role", event.id());
    let policy = policies::delivery(&maker, "States", &target.arn, &id);
    let mut role = Made::new(id, "AWS::IAM::Role", &maker, &resource::passed_on(&target.attributes))
        .with("AssumeRolePolicyDocument", policies::assumable_by(&maker, principal))
        .with("Policies", maker.list(policy));
    role.set_given("PermissionsBoundary", written.filled("PermissionsBoundary"));
    role
}

fn expand_api(cx: &mut Expansion<'_>, written: &Written, target: &Started, event: &Event) -> Outcome<Vec<Made>> {
    let maker = event.maker();
    let role = event_role(written, target, event, "apigateway.amazonaws.com");
    let reference = event.get("RestApiId").cloned().unwrap_or_else(|| maker.no_value());
    let Some(api) = tree::text_of(reference.get("Ref").unwrap_or(&reference)).map(str::to_owned) else {
        return Ok(vec![role]);
    };
    let properties = cx.source_properties(&api, &maker).cloned().unwrap_or_default();
    let body = properties.get("DefinitionBody").filter(|_| tree::filled(&properties, MANAGED).is_some());
    let Some(body) = body else { return Ok(vec![role]) };
    let path = event.written.text("Path").unwrap_or_default();
    let method = event.written.text("Method").unwrap_or_default().to_lowercase();
    let mut edited = body.clone();
    swagger::check(&edited)?;
    if paths::has_integration(&edited, path, &method)? {
        return Err(event.fault(format!("API method \"{method}\" defined multiple times for path \"{path}\".")));
    }
    let escaped = event.get("UnescapeMappingTemplate").is_none_or(|plain| !tree::truthy(plain));
    let template = maker.map([("application/json", request_template(&maker, &target.id, escaped))]);
    let role_arn = maker.attribute(&role.id, "Arn");
    let condition = target.attributes.get("Condition");
    swagger::add_state_machine(&mut edited, (path, &method), template, role_arn, (condition, &maker))?;
    let route = Route { event: &event.name, api: &api, path, method: &method, stage: None };
    event::rest_auth::add(cx, event.get("Auth"), &properties, &route, &mut edited)?;
    cx.define(&api, edited);
    Ok(vec![role])
}

/// The request that starts the state machine with the body as its input.
fn request_template(maker: &Maker, target: &str, escaped: bool) -> Node {
    let input = if escaped {
        "\"$util.escapeJavaScript($input.json('$'))\""
    } else {
        "\"$util.escapeJavaScript($input.json('$')).replaceAll(\"\\\\'\",\"'\")\""
    };
    maker.sub(format!("{{\"input\": {input}, \"stateMachineArn\": \"${{{target}}}\"}}"))
}
