//! `AWS::Serverless::Connector`: what one resource needs to reach another, written as that wish.
//!
//! Which statements a wish stands for is data; here its variables are replaced by what the two resources are, and the
//! statements are put where they belong: a managed policy, a queue or topic policy, or a permission.

mod profile;

use crate::node::{Kind, Map, Node};

use self::profile::{End, Profile};
use super::Expansion;
use super::fault::{Fault, Outcome, Owner};
use super::make::Maker;
use super::resource::{Made, Written};
use super::shape;
use super::tree;

const KIND: &str = "AWS::Serverless::Connector";

/// Turns connectors written inside their source into resources of their own.
pub(super) fn unfold(resources: &mut Map) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut unfolded = Map::default();
    for (id, resource) in resources.iter() {
        let Some(connectors) = resource.get("Connectors") else { continue };
        let connectors = match Owner::Attribute(id).map(connectors, &format!("{id}.Connectors")) {
            Ok(connectors) => connectors,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        for (name, connector) in connectors.iter() {
            let full = format!("{id}{name}");
            match unfold_one(resources, id, name, &full, connector) {
                Ok(connector) => drop(unfolded.insert(full, connector)),
                Err(fault) => faults.push(fault.at(&connector.origin)),
            }
        }
    }
    for (id, connector) in unfolded.iter() {
        resources.insert(id, connector.clone());
    }
    for (_, resource) in resources.iter_mut() {
        resource.as_map_mut().and_then(|resource| resource.remove("Connectors"));
    }
    faults
}

fn unfold_one(resources: &Map, source: &str, name: &str, full: &str, connector: &Node) -> Outcome<Node> {
    let Some(mut map) = connector.as_map().cloned() else {
        return Err(Fault::resource(full, format!("{source}.{full} should be a map.")));
    };
    let maker = Maker::implied_by(&connector.origin);
    let path = format!("Connectors.{name}.Properties");
    let absent = maker.list([]);
    let written = map.get("Properties").unwrap_or(&absent);
    let mut properties = Owner::Attribute(source).map(written, &path)?.clone();
    let mut from = Map::default();
    from.insert("Id", maker.text(source));
    if let Some(reference) = properties.remove("SourceReference") {
        let reference = Owner::Resource(source).map(&reference, &format!("{path}.SourceReference"))?;
        if reference.contains_key("Id") {
            return Err(Fault::resource(name, "'Id' shouldn't be defined in 'SourceReference'."));
        }
        tree::overlay(&mut from, reference);
    }
    properties.insert("Source", Node::map(from, &connector.origin));
    map.insert("Type", maker.text(KIND));
    map.insert("Properties", Node::map(properties, &connector.origin));
    if resources.contains_key(full) {
        let message = format!(
            "Transforming resource with id [{source}] attempts to create a new resource with id [{full}] and type \
             \"{KIND}\". A resource with that id already exists within this template. Please use a different id for that \
             resource."
        );
        return Err(Fault::said(message));
    }
    let node = Node::map(map, &connector.origin);
    Written::read(full, KIND, &node, shape::CONNECTOR)?;
    Ok(node)
}

/// Expands one connector.
pub(super) fn expand(cx: &mut Expansion<'_>, id: &str, node: &Node) -> Outcome<Vec<Made>> {
    let written = Written::read(id, KIND, node, shape::CONNECTOR)?;
    let maker = written.maker();
    let empty = maker.empty();
    let source = written.get("Source").unwrap_or(&empty);
    let destination = written.get("Destination").unwrap_or(&empty);
    let several = destination.as_list().is_some();
    let destinations = destination.as_list().map_or_else(|| vec![destination.clone()], <[Node]>::to_vec);
    let mut made = Vec::new();
    for (index, destination) in destinations.iter().enumerate() {
        let to = End::read(cx, &written, destination, source)?;
        let from = End::read(cx, &written, source, destination)?;
        let suffix = if several { format!("Destination{index}") } else { String::new() };
        let mut resources = connect(cx, &written, &from, &to, &suffix)?;
        note(cx, &written, &from, &to, &mut resources);
        made.extend(resources);
    }
    if made.is_empty() {
        return Err(written.fault("'Destination' is an empty list"));
    }
    let ids: Vec<String> = made.iter().map(|made| made.id.clone()).collect();
    stand_in(cx, id, &ids, &maker);
    Ok(made)
}

fn permissions(written: &Written, from: &End, to: &End, profile: &Profile) -> Outcome<Vec<String>> {
    let mut wanted: Vec<String> =
        written.get("Permissions").and_then(Node::as_list).unwrap_or_default().iter().map(tree::shown).collect();
    let known = profile.categories();
    if wanted.is_empty() {
        return Err(written.fault(format!("'Permissions' cannot be empty; valid values are: {}.", known.join(", "))));
    }
    let unsupported =
        format!("Unsupported 'Permissions' provided for connector from {} to {}; valid", from.kind, to.kind);
    if wanted.iter().any(|permission| !known.contains(permission)) {
        return Err(written.fault(format!("{unsupported} values are: {}.", known.join(", "))));
    }
    wanted.sort_unstable();
    wanted.dedup();
    let combinations = profile.combinations();
    if !combinations.is_empty() && !combinations.contains(&wanted) {
        let shown: Vec<_> = combinations.iter().map(|combination| combination.join(" + ")).collect();
        return Err(written.fault(format!("{unsupported} combinations are: {}.", shown.join(", "))));
    }
    Ok(wanted)
}

fn connect(cx: &mut Expansion<'_>, written: &Written, from: &End, to: &End, suffix: &str) -> Outcome<Vec<Made>> {
    let Some(profile) = Profile::between(&from.kind, &to.kind) else {
        return Err(written.fault(format!(
            "Unable to create connector from {} to {}; it's not supported or the template is invalid.",
            from.kind, to.kind
        )));
    };
    let wanted = permissions(written, from, to, &profile)?;
    let maker = written.maker();
    let (side, holder) = if profile.is_held_by_source() { ("Source", from) } else { ("Destination", to) };
    let missing = |what: &str| written.fault(format!("Unable to get {what} from '{side}' resource."));
    let categories = profile.filled(from, to, &maker).map_err(|missing| written.fault(missing))?;
    let granted: Vec<(&String, &Node)> =
        categories.iter().filter(|(name, _)| wanted.contains(name)).map(|(name, node)| (name, node)).collect();
    let base = |id: String, kind: &'static str| {
        let mut made = Made::new(id, kind, &maker, &written.attributes);
        made.depends_on.clone_from(&written.depends_on);
        made
    };
    let document = || {
        let statements = granted.iter().filter_map(|(_, category)| category.get("Statement")?.as_list());
        let statements: Vec<Node> = statements.flatten().cloned().collect();
        maker.map([("Version", maker.text("2012-10-17")), ("Statement", maker.list(statements))])
    };
    let id = &written.id;
    Ok(match profile.kind() {
        "AWS_IAM_ROLE_MANAGED_POLICY" => {
            let role = holder.role.clone().ok_or_else(|| missing("IAM role name"))?;
            let policy = base(format!("{id}Policy{suffix}"), "AWS::IAM::ManagedPolicy")
                .with("PolicyDocument", document())
                .with("Roles", maker.list([role]));
            order(cx, &profile, from, to, &policy.id, &maker);
            vec![policy]
        }
        "AWS_SQS_QUEUE_POLICY" => {
            let url = holder.queue_url.clone().ok_or_else(|| missing("SQS queue URL"))?;
            let policy = base(format!("{id}QueuePolicy{suffix}"), "AWS::SQS::QueuePolicy");
            vec![policy.with("PolicyDocument", document()).with("Queues", maker.list([url]))]
        }
        "AWS_SNS_TOPIC_POLICY" => {
            let arn = holder.arn.clone().ok_or_else(|| missing("SNS topic ARN"))?;
            let policy = base(format!("{id}TopicPolicy{suffix}"), "AWS::SNS::TopicPolicy");
            vec![policy.with("PolicyDocument", document()).with("Topics", maker.list([arn]))]
        }
        _ => {
            let arn = holder.arn.clone().ok_or_else(|| missing("Lambda function ARN"))?;
            let permission = |(name, category): &(&String, &Node)| {
                let mut permission = base(format!("{id}{name}LambdaPermission{suffix}"), "AWS::Lambda::Permission")
                    .with("FunctionName", arn.clone());
                for name in ["Action", "Principal", "SourceArn", "SourceAccount"] {
                    permission.set_given(name, category.get(name));
                }
                permission
            };
            granted.iter().map(permission).collect()
        }
    })
}

/// Says on everything made which connector it belongs to.
fn note(cx: &Expansion<'_>, written: &Written, from: &End, to: &End, made: &mut [Made]) {
    let maker = written.maker();
    let kind = |end: &End| {
        let original = end.id.as_deref().and_then(|id| cx.source.get(id)?.get("Type").and_then(tree::text_of));
        maker.map([("Type", maker.text(original.unwrap_or(&end.kind)))])
    };
    let ends = maker.map([("Source", kind(from)), ("Destination", kind(to))]);
    let connectors = maker.map([(written.id.clone(), ends)]);
    for made in made {
        let mut metadata = made.attributes.get("Metadata").and_then(Node::as_map).cloned().unwrap_or_default();
        metadata.insert("aws:sam:connectors", connectors.clone());
        made.attributes.insert("Metadata", Node::map(metadata, &maker.origin));
    }
}

fn depends_on(resource: &Node) -> Vec<Node> {
    match resource.get("DependsOn") {
        None => Vec::new(),
        Some(Node { kind: Kind::List(items), .. }) => items.clone(),
        Some(one) => vec![one.clone()],
    }
}

fn depend(cx: &mut Expansion<'_>, id: &str, on: &str, maker: &Maker) {
    let Some(resource) = cx.output.get_mut(id) else { return };
    let mut depends = depends_on(resource);
    if !depends.iter().any(|known| tree::text_of(known) == Some(on)) {
        depends.push(maker.text(on));
    }
    if let Some(resource) = resource.as_map_mut() {
        resource.insert("DependsOn", maker.list(depends));
    }
}

/// Makes what uses a policy at once come after it.
fn order(cx: &mut Expansion<'_>, profile: &Profile, from: &End, to: &End, policy: &str, maker: &Maker) {
    let (Some(source), destination) = (from.id.as_deref(), to.id.as_deref()) else { return };
    match profile.depended_by() {
        Some("SOURCE") => depend(cx, source, policy, maker),
        Some("DESTINATION_EVENT_SOURCE_MAPPING") => {
            let Some(function) = destination else { return };
            let points_at = |mapping: &Node, name: &str, id: &str| {
                mapping.at(&["Properties", name]).and_then(tree::logical_id_of) == Some(id)
            };
            let mappings: Vec<String> = cx
                .output
                .iter()
                .filter(|(_, one)| one.get("Type").and_then(tree::text_of) == Some("AWS::Lambda::EventSourceMapping"))
                .filter(|(_, one)| points_at(one, "FunctionName", function) && points_at(one, "EventSourceArn", source))
                .map(|(id, _)| id.to_owned())
                .collect();
            if let [only] = &mappings[..] {
                depend(cx, only, policy, maker);
            }
        }
        _ => {}
    }
}

/// What depended on a connector depends on what it came to.
fn stand_in(cx: &mut Expansion<'_>, connector: &str, ids: &[String], maker: &Maker) {
    for (_, resource) in cx.output.iter_mut() {
        let mut depends = depends_on(resource);
        let before = depends.len();
        depends.retain(|one| tree::text_of(one) != Some(connector));
        if depends.len() == before {
            continue;
        }
        for id in ids {
            if !depends.iter().any(|known| tree::text_of(known) == Some(id)) {
                depends.push(maker.text(id.as_str()));
            }
        }
        if let Some(resource) = resource.as_map_mut() {
            resource.insert("DependsOn", maker.list(depends));
        }
    }
}
