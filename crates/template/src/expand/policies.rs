//! The Policies property of a function or state machine, and the role made from it.

use crate::node::{Map, Node};

use super::Expansion;
use super::fault::{Fault, Outcome};
use super::make::Maker;
use super::policy_templates;
use super::resource::{Made, Written};
use super::tree;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Managed,
    Statement,
    Template,
    Unknown,
}

fn kind(policy: &Node, with_templates: bool) -> Outcome<Kind> {
    if tree::text_of(policy).is_some() {
        return Ok(Kind::Managed);
    }
    if tree::as_if(policy).is_some() {
        return conditional_kind(policy, with_templates);
    }
    if tree::is_intrinsic(policy) {
        return Ok(Kind::Managed);
    }
    let Some(map) = policy.as_map() else { return Ok(Kind::Unknown) };
    if map.contains_key("Statement") {
        return Ok(Kind::Statement);
    }
    let is_template = with_templates && map.len() == 1 && map.keys().all(policy_templates::is_known);
    Ok(if is_template { Kind::Template } else { Kind::Unknown })
}

fn conditional_kind(policy: &Node, with_templates: bool) -> Outcome<Kind> {
    let Some((_, then, otherwise)) = tree::arms(policy) else {
        return Err(Fault::template("Fn::If requires 3 arguments").at(&policy.origin));
    };
    let (first, second) = (kind(then, with_templates)?, kind(otherwise, with_templates)?);
    if first == second || tree::is_no_value(otherwise) {
        return Ok(first);
    }
    if tree::is_no_value(then) {
        return Ok(second);
    }
    let message = "Different policy types within the same Fn::If statement is unsupported. Separate different policy \
                   types into different Fn::If statements";
    Err(Fault::template(message).at(&policy.origin))
}

fn entries(policies: Option<&Node>) -> Vec<Node> {
    match policies.filter(|policies| tree::truthy(policies)) {
        None => Vec::new(),
        Some(policies) => policies.as_list().map_or_else(|| vec![policies.clone()], <[Node]>::to_vec),
    }
}

/// Replaces uses of policy templates among the policies of a resource by the statements they stand for.
pub(super) fn expand_templates(written: &mut Written) -> Outcome<()> {
    let Some(policies) = written.get("Policies").cloned() else { return Ok(()) };
    let entries = entries(Some(&policies));
    if entries.is_empty() {
        return Ok(());
    }
    let mut expanded = Vec::new();
    for policy in entries {
        expanded.push(match kind(&policy, true)? {
            Kind::Template => expand_template(&written.id, &policy)?,
            _ => policy,
        });
    }
    written.properties.insert("Policies", Node::list(expanded, &policies.origin));
    Ok(())
}

fn expand_template(id: &str, policy: &Node) -> Outcome<Node> {
    if let Some((condition, then, otherwise)) = tree::arms(policy) {
        let arm = |arm: &Node| if tree::is_no_value(arm) { Ok(arm.clone()) } else { expand_template(id, arm) };
        let arms = Node::list(vec![condition.clone(), arm(then)?, arm(otherwise)?], &policy.origin);
        return Ok(Node::intrinsic("Fn::If", arms));
    }
    match policy.as_map().and_then(|map| map.iter().next()) {
        Some((name, values)) => policy_templates::expand(id, name, values),
        None => Ok(policy.clone()),
    }
}

/// What a role is made of besides the policies of its resource.
pub(super) struct Grounds {
    pub(super) attributes: Map,
    pub(super) assume: Node,
    pub(super) managed: Vec<Node>,
    pub(super) documents: Vec<Node>,
    pub(super) tags: Vec<Node>,
}

/// The role of a function or state machine.
pub(super) fn role(cx: &Expansion<'_>, written: &Written, policies: Option<&Node>, grounds: Grounds) -> Outcome<Made> {
    let maker = written.maker();
    let id = format!("{}Role", written.id);
    let Grounds { attributes, assume, mut managed, mut documents, tags } = grounds;
    for (index, policy) in entries(policies).into_iter().enumerate() {
        match kind(&policy, false)? {
            Kind::Statement => documents.push(document(&id, index, &policy)),
            Kind::Managed => {
                let policy = managed_policy(cx, &policy);
                if !managed.iter().any(|known| tree::same(known, &policy)) {
                    managed.push(policy);
                }
            }
            Kind::Template | Kind::Unknown => {
                let message = format!("Policy at index {index} in the 'Policies' property is not valid");
                return Err(Fault::resource(&written.id, message).at(&policy.origin));
            }
        }
    }
    let mut role = Made::new(id, "AWS::IAM::Role", &maker, &attributes)
        .with("AssumeRolePolicyDocument", assume)
        .with("ManagedPolicyArns", maker.list(managed));
    if !documents.is_empty() {
        role.set("Policies", maker.list(documents));
    }
    role.set_given("Path", written.get("RolePath"));
    role.set_given("PermissionsBoundary", written.get("PermissionsBoundary"));
    role.set("Tags", maker.list(tags));
    Ok(role)
}

fn document(role: &str, index: usize, policy: &Node) -> Node {
    let maker = Maker { origin: policy.origin.clone() };
    let named = |policy: &Node| {
        maker.map([("PolicyName", maker.text(format!("{role}Policy{index}"))), ("PolicyDocument", policy.clone())])
    };
    match tree::arms(policy) {
        Some((condition, then, otherwise)) => {
            let arm = |arm: &Node| if tree::is_no_value(arm) { arm.clone() } else { named(arm) };
            maker.either(condition.clone(), arm(then), arm(otherwise))
        }
        None => named(policy),
    }
}

fn managed_policy(cx: &Expansion<'_>, policy: &Node) -> Node {
    let by_name = |node: &Node| match tree::text_of(node).and_then(|name| cx.named_policy(name)) {
        Some(arn) => Node::text(arn, &node.origin),
        None => node.clone(),
    };
    match tree::arms(policy) {
        Some((condition, then, otherwise)) => {
            let arms = Node::list(vec![condition.clone(), by_name(then), by_name(otherwise)], &policy.origin);
            Node::intrinsic("Fn::If", arms)
        }
        None => by_name(policy),
    }
}

/// Adds a managed policy to a role unless it is there.
pub(super) fn attach(role: &mut Made, arn: Node) {
    append(role, "ManagedPolicyArns", arn, tree::same);
}

/// Adds an inline policy to a role unless its document is there.
pub(super) fn embed(role: &mut Made, policy: Node) {
    append(role, "Policies", policy, |known, new| match (known.get("PolicyDocument"), new.get("PolicyDocument")) {
        (Some(known), Some(new)) => tree::same(known, new),
        _ => false,
    });
}

fn append(role: &mut Made, name: &str, item: Node, is_same: impl Fn(&Node, &Node) -> bool) {
    let mut items = role.properties.get(name).and_then(Node::as_list).map(<[Node]>::to_vec).unwrap_or_default();
    if !items.iter().any(|known| is_same(known, &item)) {
        items.push(item);
        let list = Node::list(items, &role.origin);
        role.set(name, list);
    }
}

/// The policy that lets a service take on a role.
pub(super) fn assumable_by(maker: &Maker, service: &str) -> Node {
    maker.map([
        ("Version", maker.text("2012-10-17")),
        (
            "Statement",
            maker.list([maker.map([
                ("Action", maker.texts(["sts:AssumeRole"])),
                ("Effect", maker.text("Allow")),
                ("Principal", maker.map([("Service", maker.texts([service]))])),
            ])]),
        ),
    ])
}

/// A statement that allows one action.
pub(super) fn allow(maker: &Maker, action: Node, resource: Node) -> Node {
    maker.map([("Action", action), ("Effect", maker.text("Allow")), ("Resource", resource)])
}

/// An inline policy of some statements.
pub(super) fn inline(
    maker: &Maker,
    name: impl Into<std::sync::Arc<str>>,
    statements: impl IntoIterator<Item = Node>,
) -> Node {
    maker
        .map([("PolicyName", maker.text(name)), ("PolicyDocument", maker.map([("Statement", maker.list(statements))]))])
}

/// The inline policy that lets a role deliver to a destination of this type.
pub(super) fn delivery(maker: &Maker, kind: &str, destination: &Node, id: &str) -> Option<Node> {
    let one = |name: &str, action: &str| {
        inline(maker, format!("{id}{name}"), [allow(maker, maker.text(action), destination.clone())])
    };
    Some(match kind {
        "SQS" => one("SQSPolicy", "sqs:SendMessage"),
        "SNS" => one("SNSPolicy", "sns:publish"),
        "EventBridge" => one("EventBridgePolicy", "events:PutEvents"),
        "Lambda" => one("LambdaPolicy", "lambda:InvokeFunction"),
        "States" => one("StartExecutionPolicy", "states:StartExecution"),
        "S3" | "S3Bucket" => {
            let objects = maker.join("/", [destination.clone(), maker.text("*")]);
            inline(
                maker,
                format!("{id}S3Policy"),
                [
                    allow(maker, maker.text("s3:PutObject"), objects),
                    allow(maker, maker.text("s3:ListBucket"), destination.clone()),
                ],
            )
        }
        _ => return None,
    })
}
