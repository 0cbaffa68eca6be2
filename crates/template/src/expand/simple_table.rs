//! `AWS::Serverless::SimpleTable`: a table with one key.

use crate::node::Node;

use super::fault::{Fault, Outcome, Owner};
use super::resource::{Made, Written};
use super::shape;
use super::tree;

/// Expands one table.
pub(super) fn expand(id: &str, node: &Node) -> Outcome<Vec<Made>> {
    let written = Written::read(id, "AWS::Serverless::SimpleTable", node, shape::SIMPLE_TABLE)?;
    let maker = written.maker();
    let (name, kind) = match written.filled("PrimaryKey") {
        None => (maker.text("id"), maker.text("S")),
        Some(key) => {
            let owner = Owner::Resource(id);
            let name = owner.some(key.get("Name"), "PrimaryKey.Name")?;
            let kind = owner.some(key.get("Type"), "PrimaryKey.Type")?;
            (name.clone(), attribute_type(id, kind)?)
        }
    };
    let attribute = maker.map([("AttributeName", name.clone()), ("AttributeType", kind)]);
    let key = maker.map([("AttributeName", name), ("KeyType", maker.text("HASH"))]);
    let mut table = Made::of(&written, "AWS::DynamoDB::Table")
        .with("AttributeDefinitions", maker.list([attribute]))
        .with("KeySchema", maker.list([key]));
    for name in ["PointInTimeRecoverySpecification", "ProvisionedThroughput", "SSESpecification", "TableName"] {
        table.set_given(name, written.filled(name));
    }
    if written.filled("ProvisionedThroughput").is_none() {
        table.set("BillingMode", maker.text("PAY_PER_REQUEST"));
    }
    if let Some(tags) = written.filled("Tags").and_then(Node::as_map) {
        table.set("Tags", maker.list(maker.tags(tags)));
    }
    Ok(vec![table])
}

fn attribute_type(id: &str, kind: &Node) -> Outcome<Node> {
    let short = match tree::text_of(kind) {
        Some("String") => "S",
        Some("Number") => "N",
        Some("Binary") => "B",
        _ => {
            let message = format!("Invalid 'Type' \"{}\".", tree::shown(kind));
            return Err(Fault::resource(id, message).at(&kind.origin));
        }
    };
    Ok(Node::text(short, &kind.origin))
}
