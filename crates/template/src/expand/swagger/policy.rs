//! Resource policies in the definition of a REST API.

use crate::expand::fault::{Fault, Outcome};
use crate::expand::make::Maker;
use crate::expand::paths;
use crate::expand::tree;
use crate::node::{Map, Node};

use super::section;

const POLICY: &str = "x-amazon-apigateway-policy";

/// Adds the statements that a resource policy stands for, for one path.
pub(in crate::expand) fn add(body: &mut Node, policy: &Node, path: &str, stage: &Node) -> Outcome<()> {
    let maker = Maker::implied_by(&policy.origin);
    let resources = || resources(body, path, stage, &maker);
    let given = |name: &str| policy.get(name).filter(|value| !tree::is_null(value));
    let mut statements = Vec::new();
    for (name, effect) in [("AwsAccountWhitelist", "Allow"), ("AwsAccountBlacklist", "Deny")] {
        if let Some(accounts) = given(name).filter(|accounts| tree::truthy(accounts)) {
            let principal = maker.map([("AWS", as_list(accounts, &maker))]);
            statements.push((statement(&maker, effect, resources()?, principal, None), false));
        }
    }
    for (name, operator) in [("IpRangeWhitelist", "NotIpAddress"), ("IpRangeBlacklist", "IpAddress")] {
        if let Some(ranges) = given(name).filter(|ranges| tree::truthy(ranges)) {
            let condition = maker.map([(operator, maker.map([("aws:SourceIp", as_list(ranges, &maker))]))]);
            statements.extend(gate(&maker, resources()?, condition));
        }
    }
    for (list, operator) in [("Blacklist", "StringEquals"), ("Whitelist", "StringNotEquals")] {
        if let Some(networks) = networks(policy, list, &maker)? {
            let condition = maker.map([(operator, networks)]);
            statements.extend(gate(&maker, resources()?, condition));
        }
    }
    let Some(map) = section(body, POLICY, &maker).and_then(Node::as_map_mut) else { return Ok(()) };
    let mut all = existing(map);
    for (statement, unique) in statements {
        if !unique || !all.iter().any(|known| tree::same(known, &statement)) {
            all.push(statement);
        }
    }
    store(map, all, &maker);
    Ok(())
}

/// Adds the statements somebody wrote out.
pub(in crate::expand) fn add_statements(body: &mut Node, policy: &Node) {
    let Some(custom) = tree::filled_in(policy, "CustomStatements") else { return };
    let maker = Maker { origin: custom.origin.clone() };
    let Some(map) = section(body, POLICY, &maker).and_then(Node::as_map_mut) else { return };
    if tree::given(map, "Statement").is_none() {
        map.insert("Version", maker.text("2012-10-17"));
        map.insert("Statement", custom.clone());
        return;
    }
    let mut all = existing(map);
    for statement in custom.as_list().map_or_else(|| vec![custom.clone()], <[Node]>::to_vec) {
        if !all.iter().any(|known| tree::same(known, &statement)) {
            all.push(statement);
        }
    }
    store(map, all, &maker);
}

fn existing(policy: &Map) -> Vec<Node> {
    match tree::given(policy, "Statement") {
        None => Vec::new(),
        Some(statements) => statements.as_list().map_or_else(|| vec![statements.clone()], <[Node]>::to_vec),
    }
}

fn store(policy: &mut Map, mut statements: Vec<Node>, maker: &Maker) {
    if statements.is_empty() {
        return;
    }
    policy.insert("Version", maker.text("2012-10-17"));
    // One statement about accounts stands alone, not in a list.
    let alone = statements.len() == 1 && statements.first().is_some_and(|one| one.at(&["Principal", "AWS"]).is_some());
    let value = if alone { statements.pop().unwrap_or_else(|| maker.empty()) } else { maker.list(statements) };
    policy.insert("Statement", value);
}

fn as_list(node: &Node, maker: &Maker) -> Node {
    if node.as_list().is_some() { node.clone() } else { maker.list([node.clone()]) }
}

fn statement(maker: &Maker, effect: &str, resources: Node, principal: Node, condition: Option<Node>) -> Node {
    let mut statement = vec![
        ("Effect", maker.text(effect)),
        ("Action", maker.text("execute-api:Invoke")),
        ("Resource", resources),
        ("Principal", principal),
    ];
    statement.extend(condition.map(|condition| ("Condition", condition)));
    maker.map(statement)
}

/// Everyone may call, but not where the condition holds. Such statements are not repeated.
fn gate(maker: &Maker, resources: Node, condition: Node) -> [(Node, bool); 2] {
    [
        (statement(maker, "Allow", resources.clone(), maker.text("*"), None), true),
        (statement(maker, "Deny", resources, maker.text("*"), Some(condition)), true),
    ]
}

fn networks(policy: &Node, list: &str, maker: &Maker) -> Outcome<Option<Node>> {
    let (mut networks, mut endpoints) = (Vec::new(), Vec::new());
    let name = format!("SourceVpc{list}");
    for one in policy.get(&name).and_then(Node::as_list).unwrap_or_default() {
        match tree::text_of(one) {
            Some(text) if text.starts_with("vpce-") => endpoints.push(one.clone()),
            Some(text) if text.starts_with("vpc-") => networks.push(one.clone()),
            Some(_) => {}
            None => {
                let message = format!(
                    "{name} must be a list of strings. Use IntrinsicVpc{list} instead for values that use Intrinsic \
                     Functions"
                );
                return Err(Fault::document(message).at(&one.origin));
            }
        }
    }
    let listed = |name: String| policy.get(&name).and_then(Node::as_list).unwrap_or_default().to_vec();
    networks.extend(listed(format!("IntrinsicVpc{list}")));
    endpoints.extend(listed(format!("IntrinsicVpce{list}")));
    let mut sources = Vec::new();
    for (name, list) in [("aws:SourceVpc", networks), ("aws:SourceVpce", endpoints)] {
        if !list.is_empty() {
            sources.push((name, maker.list(list)));
        }
    }
    Ok((!sources.is_empty()).then(|| maker.map(sources)))
}

/// What the methods of a path are to a policy.
fn resources(body: &Node, path: &str, stage: &Node, maker: &Maker) -> Outcome<Node> {
    let mut resources = Vec::new();
    for item in paths::items(body, path)? {
        for method in item.as_map().into_iter().flat_map(Map::keys) {
            let lower = method.to_lowercase();
            let shown =
                if lower == paths::ANY_METHOD || lower == "any" { "*".to_owned() } else { method.to_uppercase() };
            let arn = format!("execute-api:/${{__Stage__}}/{shown}{}", paths::starred(path));
            resources.push(maker.sub_with(arn, [("__Stage__", stage.clone())]));
        }
    }
    Ok(maker.list(resources))
}
