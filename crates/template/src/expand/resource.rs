//! The two ends of every expansion: a resource of the serverless kinds as it was written, and a plain one as it is made.

use std::sync::Arc;

use crate::node::{Map, Node, Origin};

use super::fault::{Fault, Outcome};
use super::make::Maker;
use super::shape::{self, Property};
use super::tree;

/// Attributes that every resource made from another one takes over.
const PASSED_ON: [&str; 3] = ["Condition", "DeletionPolicy", "UpdateReplacePolicy"];
/// Attributes that stay with the resource itself.
const KEPT: [&str; 5] = ["DeletionPolicy", "UpdatePolicy", "Condition", "UpdateReplacePolicy", "Metadata"];

/// A resource (or an event) as written, its properties checked against what its kind knows.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) id: Arc<str>,
    pub(super) properties: Map,
    pub(super) attributes: Map,
    pub(super) depends_on: Option<Node>,
    pub(super) origin: Origin,
}

impl Written {
    /// Reads `node`, refusing properties that its kind does not know or that have another type.
    pub(super) fn read(id: &str, kind: &str, node: &Node, known: &[Property]) -> Outcome<Self> {
        let written = Self::read_unchecked(id, node)?;
        shape::check(id, kind, &written.properties, known).map_err(|fault| fault.at(&node.origin))?;
        Ok(written)
    }

    /// Reads `node` without a look at the properties.
    pub(super) fn read_unchecked(id: &str, node: &Node) -> Outcome<Self> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Fault::resource(id, "Logical ids must be alphanumeric.").at(&node.origin));
        }
        let properties = match node.get("Properties") {
            None => Map::default(),
            Some(properties) => properties.as_map().cloned().ok_or_else(|| {
                Fault::resource(id, "Properties of a resource must be an object.").at(&properties.origin)
            })?,
        };
        let mut attributes = Map::default();
        for name in KEPT {
            if let Some(value) = node.get(name) {
                attributes.insert(name, value.clone());
            }
        }
        let depends_on = node.get("DependsOn").cloned();
        Ok(Self { id: id.into(), properties, attributes, depends_on, origin: node.origin.clone() })
    }

    /// A property, unless it is absent or null.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        tree::given(&self.properties, name)
    }

    /// A property that counts as given.
    pub(super) fn filled(&self, name: &str) -> Option<&Node> {
        tree::filled(&self.properties, name)
    }

    /// The text of a property, when it is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(tree::text_of)
    }

    /// The attributes that what is made from it takes over.
    pub(super) fn passed_on(&self) -> Map {
        passed_on(&self.attributes)
    }

    /// Makes what this resource implies.
    pub(super) fn maker(&self) -> Maker {
        Maker::implied_by(&self.origin)
    }

    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::resource(&self.id, message).at(&self.origin)
    }
}

/// The attributes among `attributes` that pass on to what is made from their resource.
pub(super) fn passed_on(attributes: &Map) -> Map {
    let mut passed = Map::default();
    for name in PASSED_ON {
        if let Some(value) = attributes.get(name) {
            passed.insert(name, value.clone());
        }
    }
    passed
}

/// A plain resource in the making.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) properties: Map,
    pub(super) attributes: Map,
    pub(super) depends_on: Option<Node>,
    pub(super) origin: Origin,
}

impl Made {
    /// A resource without properties, implied by what the maker stands for.
    pub(super) fn new(id: impl Into<String>, kind: &'static str, maker: &Maker, attributes: &Map) -> Self {
        Self {
            id: id.into(),
            kind,
            properties: Map::default(),
            attributes: attributes.clone(),
            depends_on: None,
            origin: maker.origin.clone(),
        }
    }

    /// The plain resource that a written one turns into: same id, same place, all its attributes.
    pub(super) fn of(written: &Written, kind: &'static str) -> Self {
        Self {
            id: written.id.to_string(),
            kind,
            properties: Map::default(),
            attributes: written.attributes.clone(),
            depends_on: written.depends_on.clone(),
            origin: written.origin.clone(),
        }
    }

    pub(super) fn with(mut self, name: &str, value: Node) -> Self {
        self.set(name, value);
        self
    }

    pub(super) fn set(&mut self, name: &str, value: Node) {
        self.properties.insert(name, value);
    }

    /// Sets a property unless there is no value or it is null.
    pub(super) fn set_given(&mut self, name: &str, value: Option<&Node>) {
        if let Some(value) = value.filter(|value| !tree::is_null(value)) {
            self.properties.insert(name, value.clone());
        }
    }

    /// Takes the named properties over from what was written, under the same names.
    pub(super) fn take(&mut self, written: &Written, names: &[&str]) {
        for name in names {
            if let Some((key, origin, value)) = written.properties.entries().find(|(key, _, _)| &***key == *name)
                && !tree::is_null(value)
            {
                self.properties
                    .insert_key(crate::node::Key { text: key.clone(), origin: origin.clone() }, value.clone());
            }
        }
    }

    /// Replaces the tags, on kinds that have them.
    pub(super) fn assign_tags(&mut self, tags: &Map) {
        let maker = Maker::implied_by(&self.origin);
        match self.kind {
            "AWS::ApiGatewayV2::Stage" | "AWS::ApiGatewayV2::DomainName" | "AWS::ApiGatewayV2::Api" => {
                self.set("Tags", Node::map(tags.clone(), &self.origin));
            }
            "AWS::Lambda::Function"
            | "AWS::IAM::Role"
            | "AWS::ApiGateway::RestApi"
            | "AWS::ApiGateway::Stage"
            | "AWS::ApiGateway::DomainName"
            | "AWS::ApiGateway::DomainNameV2"
            | "AWS::ApiGateway::UsagePlan"
            | "AWS::ApiGateway::ApiKey"
            | "AWS::ApiGateway::DomainNameAccessAssociation"
            | "AWS::SQS::Queue"
            | "AWS::SNS::Topic"
            | "AWS::S3::Bucket"
            | "AWS::IoT::TopicRule"
            | "AWS::StepFunctions::StateMachine" => {
                let tags = maker.tags(tags);
                self.set("Tags", maker.list(tags));
            }
            _ => {}
        }
    }

    /// The resource as it stands in a template.
    pub(super) fn into_node(self) -> Node {
        let mut map = Map::default();
        map.insert("Type", Node::text(self.kind, &self.origin));
        if let Some(depends_on) = self.depends_on.filter(tree::truthy) {
            map.insert("DependsOn", depends_on);
        }
        tree::overlay(&mut map, &self.attributes);
        map.insert("Properties", Node::map(self.properties, &self.origin));
        Node::map(map, &self.origin)
    }
}
