//! Buckets whose changes call a function.

use crate::expand::Expansion;
use crate::expand::fault::{Fault, Outcome, Owner};
use crate::expand::make::Maker;
use crate::expand::resource::{Made, Written};
use crate::expand::tree;
use crate::node::{Kind, Map, Node};

use super::{Event, Target};

/// Refuses an event whose bucket is not in the template.
pub(super) fn check(cx: &Expansion<'_>, event: &Event) -> Outcome<()> {
    bucket(cx, event).map(|_| ())
}

fn bucket(cx: &Expansion<'_>, event: &Event) -> Outcome<String> {
    let reference = event.get("Bucket").and_then(|bucket| bucket.get("Ref"));
    if reference.is_some_and(|id| tree::text_of(id).is_none()) {
        return Err(event.fault("'Ref' value in S3 events is not a valid string."));
    }
    match reference.and_then(tree::text_of).filter(|id| cx.source.contains_key(id)) {
        Some(id) => Ok(id.to_owned()),
        None => Err(event.fault("S3 events must reference an S3 bucket in the same template.")),
    }
}

pub(super) fn expand(cx: &mut Expansion<'_>, target: &Target, event: &Event) -> Outcome<Vec<Made>> {
    let maker = event.maker();
    let id = bucket(cx, event)?;
    let permission =
        event.permission(target, "s3.amazonaws.com", "").with("SourceAccount", maker.reference("AWS::AccountId"));
    let mut node = cx.source.get(&id).cloned().unwrap_or_else(|| maker.empty());
    if let Some(bucket) = node.as_map_mut() {
        match permission.attributes.get("Condition") {
            Some(condition) => depend_by_tag(bucket, &id, &permission.id, condition, &maker)?,
            None => depend(bucket, event, &permission.id, &maker)?,
        }
        notify(bucket, &id, target, event, &maker)?;
    }
    if node.get("Type").and_then(tree::text_of) != Some("AWS::S3::Bucket") {
        let actual = node.get("Type").map_or_else(|| "None".to_owned(), tree::shown);
        let message = format!("Resource has incorrect Type; expected 'AWS::S3::Bucket', got '{actual}'");
        return Err(Fault::resource(&id, message).at(&node.origin));
    }
    let written = Written::read_unchecked(&id, &node)?;
    cx.source.insert(id.as_str(), node);
    let mut made = Made::of(&written, "AWS::S3::Bucket");
    made.properties = written.properties;
    Ok(vec![permission, made])
}

/// The bucket must come after the permission, or its notifications are refused.
fn depend(bucket: &mut Map, event: &Event, permission: &str, maker: &Maker) -> Outcome<()> {
    let mut depends = match bucket.get("DependsOn") {
        None => Vec::new(),
        Some(Node { kind: Kind::List(items), .. }) => items.clone(),
        Some(one) if tree::text_of(one).is_some() => vec![one.clone()],
        Some(other) => {
            let message = "Invalid type for field 'DependsOn'. Expected a string or list of strings.";
            return Err(Fault::resource(event.id(), message).at(&other.origin));
        }
    };
    if depends.iter().any(|item| tree::text_of(item).is_none()) {
        let message = "Invalid type for field 'DependsOn'. Expected a string or list of strings.";
        return Err(Fault::resource(event.id(), message).at(&event.written.origin));
    }
    if !depends.iter().any(|item| tree::text_of(item) == Some(permission)) {
        depends.push(maker.text(permission));
    }
    bucket.insert("DependsOn", maker.list(depends));
    Ok(())
}

/// A dependency cannot be conditional, a reference in a tag can.
fn depend_by_tag(bucket: &mut Map, id: &str, permission: &str, condition: &Node, maker: &Maker) -> Outcome<()> {
    let origin = maker.origin.clone();
    let Some(properties) = tree::subtree(bucket, "Properties", &origin).and_then(Node::as_map_mut) else {
        return Ok(());
    };
    let mut tags = match tree::given(properties, "Tags") {
        Some(tags) => Owner::Resource(id).list(tags, "Tags")?.to_vec(),
        None => Vec::new(),
    };
    let value = maker.either(condition.clone(), maker.reference(permission), maker.text("no dependency"));
    tags.push(maker.tag(&format!("sam:ConditionalDependsOn:{permission}"), value));
    properties.insert("Tags", maker.list(tags));
    Ok(())
}

fn notify(bucket: &mut Map, id: &str, target: &Target, event: &Event, maker: &Maker) -> Outcome<()> {
    let origin = maker.origin.clone();
    if let Some(written) = bucket.get("Properties").filter(|written| written.as_map().is_none()) {
        return Err(Fault::resource(id, "Properties should be a map.").at(&written.origin));
    }
    let properties = tree::subtree(bucket, "Properties", &origin).and_then(Node::as_map_mut);
    let Some(properties) = properties else { return Ok(()) };
    if let Some(written) = tree::given(properties, "NotificationConfiguration") {
        Owner::Resource(id).map(written, "NotificationConfiguration")?;
    }
    let Some(config) = tree::subtree(properties, "NotificationConfiguration", &origin).and_then(Node::as_map_mut)
    else {
        return Ok(());
    };
    let mut calls = match tree::given(config, "LambdaConfigurations") {
        None => Vec::new(),
        Some(written) => written.as_list().map(<[Node]>::to_vec).ok_or_else(|| {
            Fault::resource(id, "Invalid type for LambdaConfigurations. Must be a list.").at(&written.origin)
        })?,
    };
    for kind in kinds(event) {
        let mut call = vec![("Function", target.arn.clone()), ("Event", kind)];
        call.extend(event.get("Filter").map(|filter| ("Filter", filter.clone())));
        let call = maker.map(call);
        let call = match target.condition() {
            Some(condition) => maker.only_if(condition, call),
            None => call,
        };
        if !calls.iter().any(|known| tree::same(known, &call)) {
            calls.push(call);
        }
    }
    config.insert("LambdaConfigurations", maker.list(calls));
    Ok(())
}

fn kinds(event: &Event) -> Vec<Node> {
    match event.get("Events") {
        Some(Node { kind: Kind::List(kinds), .. }) => kinds.clone(),
        Some(kind) => vec![kind.clone()],
        None => Vec::new(),
    }
}
