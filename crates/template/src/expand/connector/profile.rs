//! What a connector between two kinds of resources stands for, as data, and the two ends it is filled in with.

use std::sync::LazyLock;

use serde_json::Value;

use crate::expand::Expansion;
use crate::expand::fault::Outcome;
use crate::expand::make::Maker;
use crate::expand::resource::Written;
use crate::expand::tree;
use crate::node::Node;

const DATA: &str = include_str!("../../../data/connector-profiles.json");

static PROFILES: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(DATA).unwrap_or_default());

/// One end of a connector.
#[derive(Default)]
pub(super) struct End {
    pub(super) id: Option<String>,
    pub(super) kind: String,
    pub(super) arn: Option<Node>,
    pub(super) role: Option<Node>,
    pub(super) queue_url: Option<Node>,
    resource_id: Option<Node>,
    name: Option<Node>,
    qualifier: Option<Node>,
}

impl End {
    /// Reads an end written as `written_end`, with `other` at the other side.
    pub(super) fn read(cx: &Expansion<'_>, connector: &Written, written_end: &Node, other: &Node) -> Outcome<Self> {
        let fault = |message: &str| connector.fault(message);
        let keys: Vec<&str> = written_end.as_map().map(|map| map.keys().collect()).unwrap_or_default();
        let by_id = keys.contains(&"Id");
        let by_properties = keys.iter().any(|key| *key != "Id" && *key != "Qualifier");
        if by_id == by_properties {
            return Err(fault(
                "Must provide 'Id' (with optional 'Qualifier') or a supported combination of other properties.",
            ));
        }
        let given = |name: &str| written_end.get(name).filter(|value| !tree::is_null(value)).cloned();
        let text = |node: &Node| tree::text_of(node).filter(|text| !text.is_empty()).map(str::to_owned);
        let Some(id) = given("Id").filter(tree::truthy) else {
            let kind = given("Type").as_ref().and_then(text);
            let Some(kind) = kind else { return Err(fault("'Type' is missing or not a string.")) };
            return Ok(Self {
                id: None,
                kind: plain_kind(&kind).to_owned(),
                arn: given("Arn"),
                role: given("RoleName"),
                queue_url: given("QueueUrl"),
                resource_id: given("ResourceId"),
                name: given("Name"),
                qualifier: given("Qualifier"),
            });
        };
        let Some(id) = text(&id) else { return Err(fault("'Id' is missing or not a string.")) };
        let Some(resource) = cx.output.get(&id).filter(|resource| tree::truthy(resource)) else {
            return Err(fault(&format!("Unable to find resource with logical ID '{id}'.")));
        };
        let kind = resource.get("Type").and_then(text);
        let Some(kind) = kind else { return Err(fault("'Type' is missing or not a string.")) };
        Ok(Self::of_resource(id, kind, resource, (written_end, other)))
    }

    fn of_resource(id: String, kind: String, resource: &Node, (written_end, other): (&Node, &Node)) -> Self {
        let maker = Maker::implied_by(&written_end.origin);
        let facts = PROFILES.get("resources").and_then(|kinds| kinds.get(&kind));
        let replace = |name: &str| (name == "logicalId").then(|| Some(maker.text(id.as_str())));
        let output = |name: &str| {
            let value = facts?.get("Outputs")?.get(name)?;
            filled(value, &replace, &maker).ok()
        };
        let role = match facts.and_then(|facts| facts.get("Inputs")?.get("Role")) {
            Some(Value::String(name)) => resource.at(&["Properties", name]),
            Some(_) => rule_role(resource, other),
            None => None,
        };
        let role = role.and_then(tree::logical_id_of).map(|id| maker.reference(id));
        let qualifier = written_end.get("Qualifier").cloned().or_else(|| output("Qualifier"));
        Self {
            arn: output("Arn"),
            role,
            queue_url: output("Url"),
            resource_id: output("Id"),
            name: output("Name"),
            qualifier: qualifier.filter(|qualifier| !tree::is_null(qualifier)),
            id: Some(id),
            kind,
        }
    }
}

/// The role of the rule's target that is the other end.
fn rule_role<'r>(rule: &'r Node, other: &Node) -> Option<&'r Node> {
    let targets = rule.at(&["Properties", "Targets"])?.as_list()?;
    let is_other = |target: &&Node| {
        let arn = target.get("Arn");
        let id = arn.and_then(tree::logical_id_of);
        let same_id = id.is_some() && id == other.get("Id").and_then(tree::text_of);
        let other_arn = other.get("Arn").filter(|arn| tree::truthy(arn));
        same_id || matches!((arn, other_arn), (Some(arn), Some(other)) if tree::same(arn, other))
    };
    targets.iter().find(is_other)?.get("RoleArn")
}

fn plain_kind(kind: &str) -> &str {
    match kind {
        "AWS::Serverless::Function" => "AWS::Lambda::Function",
        "AWS::Serverless::StateMachine" => "AWS::StepFunctions::StateMachine",
        "AWS::Serverless::Api" => "AWS::ApiGateway::RestApi",
        "AWS::Serverless::HttpApi" => "AWS::ApiGatewayV2::Api",
        "AWS::Serverless::SimpleTable" => "AWS::DynamoDB::Table",
        other => other,
    }
}

/// What a connector from one kind to another stands for.
pub(super) struct Profile(&'static Value);

impl Profile {
    pub(super) fn between(from: &str, to: &str) -> Option<Self> {
        PROFILES.get("profiles")?.get(from)?.get(to).map(Self)
    }

    fn property(&self, name: &str) -> Option<&'static Value> {
        self.0.get("Properties")?.get(name)
    }

    pub(super) fn kind(&self) -> &'static str {
        self.0.get("Type").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn is_held_by_source(&self) -> bool {
        self.property("SourcePolicy").and_then(Value::as_bool).unwrap_or_default()
    }

    pub(super) fn depended_by(&self) -> Option<&'static str> {
        self.property("DependedBy").and_then(Value::as_str)
    }

    /// The permissions there are to wish for.
    pub(super) fn categories(&self) -> Vec<String> {
        let categories = self.property("AccessCategories").and_then(Value::as_object);
        categories.into_iter().flatten().map(|(name, _)| name.clone()).collect()
    }

    /// Which of them go together; any, when there is no entry.
    pub(super) fn combinations(&self) -> Vec<Vec<String>> {
        let combinations = self.property("ValidAccessCategories").and_then(Value::as_array).into_iter().flatten();
        combinations
            .map(|combination| {
                let names = combination.as_array().into_iter().flatten().filter_map(Value::as_str);
                let mut names: Vec<String> = names.map(str::to_owned).collect();
                names.sort_unstable();
                names
            })
            .collect()
    }

    /// The permissions with their variables replaced, or what is missing for that: of the destination first.
    pub(super) fn filled(&self, from: &End, to: &End, maker: &Maker) -> Result<Vec<(String, Node)>, String> {
        let given = || Some(maker.empty());
        let any = End { arn: given(), resource_id: given(), name: given(), qualifier: given(), ..End::default() };
        self.filled_with(&any, to, maker)?;
        self.filled_with(from, to, maker)
    }

    fn filled_with(&self, from: &End, to: &End, maker: &Maker) -> Result<Vec<(String, Node)>, String> {
        let replace = |name: &str| {
            let (end, name) = match name.split_once('.')? {
                ("Source", name) => (from, name),
                ("Destination", name) => (to, name),
                _ => return None,
            };
            Some(match name {
                "Arn" => end.arn.clone(),
                "ResourceId" => end.resource_id.clone(),
                "Name" => end.name.clone(),
                "Qualifier" => end.qualifier.clone(),
                _ => return None,
            })
        };
        let categories = self.property("AccessCategories").and_then(Value::as_object).into_iter().flatten();
        categories.map(|(name, value)| Ok((name.clone(), filled(value, &replace, maker)?))).collect()
    }
}

/// Data as a tree, `%{Name}` replaced. A text that is more than the variable becomes a substitution.
fn filled(value: &Value, replace: &dyn Fn(&str) -> Option<Option<Node>>, maker: &Maker) -> Result<Node, String> {
    match value {
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| Ok((key.as_str(), filled(value, replace, maker)?)));
            Ok(maker.map(entries.collect::<Result<Vec<_>, String>>()?))
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| filled(item, replace, maker)).collect::<Result<Vec<_>, _>>()?;
            Ok(maker.list(items))
        }
        Value::String(text) => filled_text(text, replace, maker),
        Value::Null => Ok(Node::plain("null", &maker.origin)),
        other => Ok(Node::plain(other.to_string(), &maker.origin)),
    }
}

fn filled_text(text: &str, replace: &dyn Fn(&str) -> Option<Option<Node>>, maker: &Maker) -> Result<Node, String> {
    let mut result = String::new();
    let mut variables = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("%{") {
        let Some((name, tail)) = after.split_once('}') else { break };
        let Some(value) = replace(name) else { break };
        let value = value.ok_or_else(|| format!("{name} is missing."))?;
        if before.is_empty() && tail.is_empty() && result.is_empty() {
            return Ok(value);
        }
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        result.push_str(before);
        result.push_str("${");
        result.push_str(&plain);
        result.push('}');
        variables.push((plain, value));
        rest = tail;
    }
    result.push_str(rest);
    if !variables.is_empty() {
        let variables = maker.map(variables);
        return Ok(maker.call("Fn::Sub", maker.list([maker.text(result), variables])));
    }
    Ok(if result.contains("${") { maker.sub(result) } else { maker.text(result) })
}
