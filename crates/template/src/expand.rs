//! The serverless transform: a template of `AWS::Serverless` resources turned into plain CloudFormation.
//!
//! What the transform does is part of what an application is: roles, permissions, stages and whole APIs exist only in its
//! result. Every node here keeps the place a person would edit to change it, whatever way it came about. Ids that other
//! parts of a template refer to must come out as deployment makes them, hashes and all.
//!
//! The order is fixed: definitions for APIs without one, APIs implied by events, Globals, then the resources: functions
//! and state machines first, since their events add to APIs, then APIs, then the rest; references last.

mod application;
mod capacity_provider;
mod conditions;
mod connector;
mod deployment;
mod event;
mod fault;
mod function;
mod globals;
mod graphql_api;
mod http_api;
mod implicit;
mod layer;
mod make;
mod managed_policies;
mod openapi;
mod parameters;
mod paths;
mod policies;
mod policy_templates;
mod record_set;
mod references;
mod resource;
mod rest;
mod shape;
mod simple_table;
mod state_machine;
mod swagger;
#[cfg(test)]
mod tests;
mod tree;
mod websocket_api;

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::node::{Map, Node, Origin};

use self::fault::{Fault, Outcome, Owner};
use self::implicit::Style;
use self::make::Maker;
use self::parameters::Parameters;
use self::resource::Made;
use self::rest::authorizer_uri as rest_authorizer_uri;

/// What the transform is told from outside.
#[derive(Clone, Debug)]
pub struct Options {
    /// The region of the deployment.
    pub region: String,
    /// The partition of the region: `aws` for most.
    pub partition: String,
    /// Values of template parameters; defaults are read from the template.
    pub parameters: BTreeMap<String, String>,
    /// Names of managed policies and their ARNs.
    pub managed_policies: BTreeMap<String, String>,
    /// What stands for the address of a template from the public repository, which only that service knows.
    pub repository_url: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            partition: "aws".to_owned(),
            parameters: BTreeMap::new(),
            managed_policies: BTreeMap::new(),
            repository_url: String::new(),
        }
    }
}

/// Why the transform refuses a template.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ExpandError {
    /// The resource it is about, when it is about one.
    pub resource: Option<Arc<str>>,
    /// What deployment would say, or what is not built here yet.
    pub message: String,
    /// Where it stands.
    pub origin: Origin,
}

/// Expands a template. All that is wrong is told at once, in the order of resource ids.
pub fn expand(root: Node, options: &Options) -> Result<Node, Vec<ExpandError>> {
    let origin = root.origin.clone();
    expand_root(root, options).map_err(|faults| told(faults, &origin))
}

fn told(faults: Vec<Fault>, origin: &Origin) -> Vec<ExpandError> {
    let mut errors: Vec<ExpandError> = Vec::new();
    for fault in faults {
        let message = fault.sentence();
        if errors.iter().any(|error| error.message == message) {
            continue;
        }
        let origin = fault.origin().unwrap_or(origin).clone();
        errors.push(ExpandError { resource: fault.about_resource(), message, origin });
    }
    let key = |error: &ExpandError| error.resource.as_deref().unwrap_or(&error.message).to_owned();
    errors.sort_by_cached_key(key);
    errors
}

fn expand_root(root: Node, options: &Options) -> Result<Node, Vec<Fault>> {
    let single = |fault: Fault| vec![fault];
    check(&root).map_err(single)?;
    let parameters = Parameters::new(&root, options);
    let origin = root.origin.clone();
    let Some(mut map) = root.as_map().cloned() else { return Ok(root) };
    implicit::define(&mut map);
    implicit::gather(&mut map, Style::Rest)?;
    implicit::gather(&mut map, Style::Http)?;
    globals::merge(&mut map).map_err(single)?;
    implicit::align_versions(&mut map);
    map.remove("Transform");

    let mut source = map.remove("Resources").and_then(|resources| resources.as_map().cloned()).unwrap_or_default();
    let mut faults = connector::unfold(&mut source);
    let conditions = map.remove("Conditions").and_then(|conditions| conditions.as_map().cloned());
    let mut cx = Expansion::new(options, parameters, source, conditions);
    match cx.run() {
        Ok(found) => faults.extend(found),
        Err(fault) => return Err(vec![fault]),
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    if let Some(conditions) = cx.conditions {
        map.insert("Conditions", Node::map(conditions, &origin));
    }
    map.insert("Resources", Node::map(cx.output, &origin));
    let mut plain = Node::map(map, &origin);
    references::rewrite(&mut plain, &cx.renamed, &cx.references).map_err(single)?;
    Ok(plain)
}

/// Refuses what is no template at all.
fn check(root: &Node) -> Outcome<()> {
    let resources = root.get("Resources").and_then(Node::as_map).filter(|resources| !resources.is_empty());
    let Some(resources) = resources else {
        return Err(Fault::document("'Resources' section is required").at(&root.origin));
    };
    if let Some((_, other)) = resources.iter().find(|(_, resource)| resource.as_map().is_none()) {
        let message = "All 'Resources' must be Objects. If you're using YAML, this may be an indentation issue.";
        return Err(Fault::document(message).at(&other.origin));
    }
    for (id, resource) in resources.iter() {
        let condition = resource.get("Condition").filter(|condition| tree::truthy(condition));
        if let Some(condition) = condition.filter(|condition| tree::text_of(condition).is_none()) {
            return Err(Fault::document("Every Condition member must be a string.").at(&condition.origin));
        }
        // Connectors and GraphQL APIs came later and are looked at only when it is their turn.
        let early = |kind: &str| !matches!(kind, "AWS::Serverless::Connector" | "AWS::Serverless::GraphQLApi");
        if kind_of(resource).is_some_and(|kind| turn(kind).is_some() && early(kind))
            && let Some(properties) = resource.get("Properties")
        {
            Owner::Attribute(id).map(properties, "Properties")?;
        }
    }
    Ok(())
}

fn kind_of(resource: &Node) -> Option<&str> {
    resource.get("Type").and_then(tree::text_of)
}

/// Where the kinds stand in the order of expansion; absent for kinds that are not ours.
fn turn(kind: &str) -> Option<u8> {
    Some(match kind.strip_prefix("AWS::Serverless::")? {
        "Function" => 0,
        "WebFunction" => 1,
        "StateMachine" => 2,
        "Api" | "HttpApi" | "WebSocketApi" => 3,
        "SimpleTable" | "Application" | "LayerVersion" | "CapacityProvider" | "NetworkConnector" | "MicrovmImage"
        | "GraphQLApi" => 4,
        "Connector" => 5,
        _ => return None,
    })
}

/// A template under expansion.
pub(crate) struct Expansion<'o> {
    options: &'o Options,
    parameters: Parameters,
    /// Resources as written, with what earlier steps and events added to them.
    source: Map,
    /// Resources of the result.
    output: Map,
    conditions: Option<Map>,
    renamed: references::Renamed,
    references: references::Properties,
    deployments: Vec<deployment::Preference>,
    shared_plan: rest::SharedPlan,
    /// Groups of name records by id: APIs in the same zone share one.
    record_sets: IndexMap<String, Made>,
}

impl<'o> Expansion<'o> {
    fn new(options: &'o Options, parameters: Parameters, source: Map, conditions: Option<Map>) -> Self {
        Self {
            options,
            parameters,
            output: source.clone(),
            source,
            conditions,
            renamed: BTreeMap::new(),
            references: BTreeMap::new(),
            deployments: Vec::new(),
            shared_plan: rest::SharedPlan::default(),
            record_sets: IndexMap::new(),
        }
    }

    /// Expands everything. A fatal fault stands alone, others are gathered.
    fn run(&mut self) -> Result<Vec<Fault>, Fault> {
        let mut faults = Vec::new();
        for id in self.order() {
            let Some(node) = self.source.get(&id).cloned() else { continue };
            match self.expand_resource(&id, &node) {
                Ok(made) => faults.extend(self.store(&id, &node, made)),
                Err(fault) if fault.is_fatal() => return Err(fault.at(&node.origin)),
                Err(fault) => faults.push(fault.at(&node.origin)),
            }
        }
        match deployment::construct(self) {
            Ok(made) => made.into_iter().for_each(|made| self.put(made)),
            Err(fault) => faults.push(fault),
        }
        Ok(faults)
    }

    fn order(&self) -> Vec<String> {
        let mut ids: Vec<(u8, &str)> =
            self.source.iter().filter_map(|(id, node)| Some((turn(kind_of(node)?)?, id))).collect();
        ids.sort_by_key(|(turn, _)| *turn);
        ids.into_iter().map(|(_, id)| id.to_owned()).collect()
    }

    fn expand_resource(&mut self, id: &str, node: &Node) -> Outcome<Vec<Made>> {
        match kind_of(node).unwrap_or_default() {
            "AWS::Serverless::Function" => function::expand(self, id, node),
            "AWS::Serverless::StateMachine" => state_machine::expand(self, id, node),
            "AWS::Serverless::Api" => rest::expand(self, id, node),
            "AWS::Serverless::HttpApi" => http_api::expand(self, id, node),
            "AWS::Serverless::SimpleTable" => simple_table::expand(id, node),
            "AWS::Serverless::LayerVersion" => layer::expand(self, id, node),
            "AWS::Serverless::Application" => application::expand(self, id, node),
            "AWS::Serverless::WebSocketApi" => websocket_api::expand(self, id, node),
            "AWS::Serverless::GraphQLApi" => graphql_api::expand(self, id, node),
            "AWS::Serverless::CapacityProvider" => capacity_provider::expand(self, id, node),
            "AWS::Serverless::Connector" => connector::expand(self, id, node),
            kind => Err(Fault::resource(id, format!("`{kind}` is not expanded here yet."))),
        }
    }

    /// Puts what a resource came to in its place, and notes what may be referred to as its properties.
    fn store(&mut self, id: &str, node: &Node, made: Vec<Made>) -> Vec<Fault> {
        let own = self.renamed.get(id).map_or(id, String::as_str).to_owned();
        for (property, kind) in references::referable(kind_of(node).unwrap_or_default()) {
            if let Some(stands) = made.iter().rev().find(|made| made.kind == *kind) {
                self.references.insert((own.clone(), (*property).to_owned()), stands.id.clone());
            }
        }
        self.output.remove(id);
        let mut faults = Vec::new();
        for made in made {
            if self.is_taken(&made) {
                let message = format!(
                    "Transforming resource with id [{id}] attempts to create a new resource with id [{}] and type \
                     \"{}\". A resource with that id already exists within this template. Please use a different id for \
                     that resource.",
                    made.id, made.kind
                );
                faults.push(Fault::said(message).at(&node.origin));
            } else {
                self.put(made);
            }
        }
        faults
    }

    fn put(&mut self, made: Made) {
        let id = made.id.clone();
        self.output.insert(id, made.into_node());
    }

    /// Whether somebody wrote a resource of this id that this one does not stand for.
    fn is_taken(&self, made: &Made) -> bool {
        let Some(written) = self.source.get(&made.id) else { return false };
        let written = kind_of(written).unwrap_or_default();
        let stands_for = match made.kind {
            "AWS::Lambda::Function" => "AWS::Serverless::Function",
            "AWS::Lambda::LayerVersion" => "AWS::Serverless::LayerVersion",
            "AWS::Lambda::CapacityProvider" => "AWS::Serverless::CapacityProvider",
            "AWS::ApiGateway::RestApi" => "AWS::Serverless::Api",
            "AWS::ApiGatewayV2::Api" if written == "AWS::Serverless::WebSocketApi" => written,
            "AWS::ApiGatewayV2::Api" => "AWS::Serverless::HttpApi",
            "AWS::DynamoDB::Table" => "AWS::Serverless::SimpleTable",
            "AWS::CloudFormation::Stack" => "AWS::Serverless::Application",
            "AWS::StepFunctions::StateMachine" => "AWS::Serverless::StateMachine",
            "AWS::AppSync::GraphQLApi" => "AWS::Serverless::GraphQLApi",
            same @ ("AWS::S3::Bucket"
            | "AWS::SNS::Topic"
            | "AWS::Cognito::UserPool"
            | "AWS::ApiGateway::DomainName"
            | "AWS::ApiGateway::BasePathMapping"
            | "AWS::ApiGateway::DomainNameV2"
            | "AWS::ApiGateway::BasePathMappingV2") => same,
            _ => return true,
        };
        written != stands_for
    }

    fn managed_policy_arn(&self, name: &str) -> String {
        format!("arn:{}:iam::aws:policy/{name}", self.options.partition)
    }

    /// The ARN of a managed policy that is called by its name.
    fn named_policy(&self, name: &str) -> Option<String> {
        let given = self.options.managed_policies.get(name).cloned();
        given.or_else(|| managed_policies::path(name).map(|path| self.managed_policy_arn(&path)))
    }

    /// The policy that lets a function or state machine send traces.
    fn tracing_policy(&self) -> &'static str {
        if self.options.partition == "aws" { "AWSXrayWriteOnlyAccess" } else { "AWSXRayDaemonWriteAccess" }
    }

    fn conditions_mut(&mut self) -> &mut Map {
        self.conditions.get_or_insert_default()
    }

    /// The properties of a written resource, made empty when it has none.
    fn source_properties(&mut self, id: &str, maker: &Maker) -> Option<&mut Map> {
        let resource = self.source.get_mut(id)?.as_map_mut()?;
        tree::subtree(resource, "Properties", &maker.origin)?.as_map_mut()
    }

    /// Replaces the definition of an API.
    fn define(&mut self, api: &str, body: Node) {
        let maker = Maker { origin: body.origin.clone() };
        if let Some(properties) = self.source_properties(api, &maker) {
            properties.insert("DefinitionBody", body);
        }
    }
}
