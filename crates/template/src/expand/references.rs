//! Rewriting references in the end: `!Ref Orders.Alias` to what was made of it, old ids to new ones.

use std::collections::BTreeMap;

use crate::node::{Kind, Node};

use super::fault::Outcome;
use super::parameters::substitute;
use super::tree;

/// Old ids to new ones.
pub(super) type Renamed = BTreeMap<String, String>;
/// What stands for a property of a serverless resource.
pub(super) type Properties = BTreeMap<(String, String), String>;

/// What may be referred to as a property of each serverless kind, and the kind of resource that stands for it.
pub(super) fn referable(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        "AWS::Serverless::Function" => &[
            ("Alias", "AWS::Lambda::Alias"),
            ("Version", "AWS::Lambda::Version"),
            ("DestinationTopic", "AWS::SNS::Topic"),
            ("DestinationQueue", "AWS::SQS::Queue"),
        ],
        "AWS::Serverless::Api" => &[
            ("Stage", "AWS::ApiGateway::Stage"),
            ("Deployment", "AWS::ApiGateway::Deployment"),
            ("DomainName", "AWS::ApiGateway::DomainName"),
            ("DomainNameV2", "AWS::ApiGateway::DomainNameV2"),
            ("UsagePlan", "AWS::ApiGateway::UsagePlan"),
            ("UsagePlanKey", "AWS::ApiGateway::UsagePlanKey"),
            ("ApiKey", "AWS::ApiGateway::ApiKey"),
        ],
        "AWS::Serverless::HttpApi" | "AWS::Serverless::WebSocketApi" => {
            &[("Stage", "AWS::ApiGatewayV2::Stage"), ("DomainName", "AWS::ApiGatewayV2::DomainName")]
        }
        _ => &[],
    }
}

/// Rewrites everything in `root`.
pub(super) fn rewrite(root: &mut Node, renamed: &Renamed, properties: &Properties) -> Outcome<()> {
    if !renamed.is_empty() {
        rename(root, renamed)?;
    }
    if properties.is_empty() { Ok(()) } else { resolve(root, properties) }
}

fn each_child(node: &mut Node, mut act: impl FnMut(&mut Node) -> Outcome<()>) -> Outcome<()> {
    match &mut node.kind {
        Kind::Scalar(_) => Ok(()),
        Kind::List(items) => items.iter_mut().try_for_each(act),
        Kind::Map(map) => map.iter_mut().try_for_each(|(_, value)| act(value)),
    }
}

fn set_argument(node: &mut Node, name: &str, argument: Node) {
    if let Some(map) = node.as_map_mut() {
        map.insert(name, argument);
    }
}

fn rename(node: &mut Node, renamed: &Renamed) -> Outcome<()> {
    if let Some(depends) = node.as_map_mut().and_then(|map| map.get_mut("DependsOn")) {
        rename_texts(depends, renamed);
    }
    match node.as_intrinsic() {
        Some(("Ref", id)) => {
            if let Some(new) = tree::text_of(id).and_then(|id| renamed.get(id)) {
                let new = Node::text(new.as_str(), &id.origin);
                set_argument(node, "Ref", new);
            }
        }
        Some(("Fn::GetAtt", parts)) => {
            let split = split(parts);
            if let [first, rest @ ..] = &split[..]
                && let Some(new) = renamed.get(first)
            {
                let parts = join(parts, std::iter::once(new).chain(rest));
                set_argument(node, "Fn::GetAtt", parts);
            }
        }
        Some(("Fn::Sub", _)) => substitute_in(node, |name| {
            let (id, rest) = name.split_once('.').map_or((name, None), |(id, rest)| (id, Some(rest)));
            let new = renamed.get(id)?;
            Some(rest.map_or_else(|| format!("${{{new}}}"), |rest| format!("${{{new}.{rest}}}")))
        })?,
        _ => {}
    }
    each_child(node, |child| rename(child, renamed))
}

fn rename_texts(node: &mut Node, renamed: &Renamed) {
    if let Some(new) = tree::text_of(node).and_then(|id| renamed.get(id)) {
        *node = Node::text(new.as_str(), &node.origin);
    } else if let Kind::List(items) = &mut node.kind {
        for item in items {
            rename_texts(item, renamed);
        }
    }
}

fn resolve(node: &mut Node, properties: &Properties) -> Outcome<()> {
    let made = |id: &str, property: &str| properties.get(&(id.to_owned(), property.to_owned()));
    match node.as_intrinsic() {
        Some(("Ref", id)) => {
            let named = tree::text_of(id).and_then(|id| id.split_once('.'));
            if let Some(new) = named.and_then(|(id, property)| made(id, property)) {
                let new = Node::text(new.as_str(), &id.origin);
                set_argument(node, "Ref", new);
            }
        }
        Some(("Fn::GetAtt", parts)) => {
            let split = split(parts);
            if let [id, property, rest @ ..] = &split[..]
                && let Some(new) = made(id, property)
            {
                let parts = join(parts, std::iter::once(new).chain(rest));
                set_argument(node, "Fn::GetAtt", parts);
            }
        }
        Some(("Fn::Sub", _)) => substitute_in(node, |name| {
            let mut parts = name.splitn(3, '.');
            let new = made(parts.next()?, parts.next()?)?;
            Some(parts.next().map_or_else(|| format!("${{{new}}}"), |rest| format!("${{{new}.{rest}}}")))
        })?,
        _ => {}
    }
    each_child(node, |child| resolve(child, properties))
}

/// The parts of an attribute's name, however it was divided.
fn split(parts: &Node) -> Vec<String> {
    let items = parts.as_list().unwrap_or_default();
    let texts: Option<Vec<&str>> = items.iter().map(tree::text_of).collect();
    match texts {
        Some(texts) if texts.len() > 1 => texts.iter().flat_map(|text| text.split('.')).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn join<'p>(old: &Node, parts: impl Iterator<Item = &'p String>) -> Node {
    Node::list(parts.map(|part| Node::text(part.as_str(), &old.origin)).collect(), &old.origin)
}

fn substitute_in(node: &mut Node, replacement: impl Fn(&str) -> Option<String>) -> Outcome<()> {
    let Some(argument) = node.as_map_mut().and_then(|map| map.get_mut("Fn::Sub")) else { return Ok(()) };
    let text = match &mut argument.kind {
        Kind::List(items) => match items.first_mut() {
            Some(first) => first,
            None => return Ok(()),
        },
        _ => argument,
    };
    let Some(written) = tree::text_of(text) else { return Ok(()) };
    let new = substitute(written, |name| Ok(replacement(name)))?;
    if new != written {
        *text = Node::text(new, &text.origin);
    }
    Ok(())
}
