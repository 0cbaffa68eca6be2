//! Tables and functions that a GraphQL API reads from, and the roles it reads them by.

use std::collections::BTreeMap;

use crate::expand::Expansion;
use crate::expand::connector;
use crate::expand::fault::{Fault, Outcome};
use crate::expand::make::Maker;
use crate::expand::resource::Made;
use crate::expand::tree;
use crate::node::{Map, Node};

use super::{Api, wish};

/// The data sources of an API.
#[derive(Default)]
pub(super) struct DataSources {
    pub(super) made: Vec<Made>,
    names: BTreeMap<String, Node>,
    /// Whether a function reads from nothing.
    pub(super) uses_none: bool,
}

impl DataSources {
    /// The name of the source that a function reads from.
    pub(super) fn name_for(&mut self, api: &Api<'_>, function: &str, node: &Node) -> Outcome<Node> {
        let fault = |message: String| Fault::resource(function, message).at(&node.origin);
        let Some(source) = tree::filled_in(node, "DataSource") else {
            return Err(fault("'DataSource' must be set.".to_owned()));
        };
        let Some(name) = tree::text_of(source) else { return Ok(source.clone()) };
        if name.eq_ignore_ascii_case("none") {
            self.uses_none = true;
            return Ok(api.maker.attribute(&format!("{}NoneDataSource", api.written.id), "Name"));
        }
        self.names.get(name).cloned().ok_or_else(|| {
            fault(format!(
                "Either define DataSource '{name}' in 'DataSources' or use intrinsic function like GetAtt, ImportValue, \
                 Sub or another one to reference a DataSource defined outside of this GraphQLApi resource."
            ))
        })
    }
}

/// The two kinds of sources that have data.
#[derive(Clone, Copy)]
enum Source {
    Table,
    Function,
}

/// Makes the data sources.
pub(super) fn construct(cx: &mut Expansion<'_>, api: &Api<'_>) -> Outcome<DataSources> {
    let mut sources = DataSources::default();
    for (property, kind) in [("DynamoDb", Source::Table), ("Lambda", Source::Function)] {
        let written = api.written.filled("DataSources").and_then(|all| all.get(property)).and_then(Node::as_map);
        for (name, node) in written.into_iter().flat_map(Map::iter) {
            let made = one(cx, api, (name, node), kind)?;
            sources.names.extend(made.first().map(|source| (name.to_owned(), api.maker.attribute(&source.id, "Name"))));
            sources.made.extend(made);
        }
    }
    Ok(sources)
}

fn one(cx: &mut Expansion<'_>, api: &Api<'_>, (name, node): (&str, &Node), kind: Source) -> Outcome<Vec<Made>> {
    let maker = Maker::implied_by(&node.origin);
    let given = |name: &str| tree::filled_in(node, name).cloned();
    let (service, service_kind) = match kind {
        Source::Table => ("DynamoDB", "AMAZON_DYNAMODB"),
        Source::Function => ("Lambda", "AWS_LAMBDA"),
    };
    let mut source = api
        .part(&format!("{name}{service}DataSource"), "AWS::AppSync::DataSource")
        .with("Name", given("Name").unwrap_or_else(|| maker.text(name)))
        .with("Type", maker.text(service_kind))
        .with("ApiId", api.id());
    source.set_given("Description", node.get("Description"));
    let (target, permissions, connected) = match kind {
        Source::Table => {
            source.set("DynamoDBConfig", table_config(node, &maker));
            let arn = given("TableArn").unwrap_or_else(|| table_arn(node, &maker));
            let permissions = given("Permissions").unwrap_or_else(|| maker.texts(["Read", "Write"]));
            (("AWS::DynamoDB::Table", arn), permissions, "ToTableConnector")
        }
        Source::Function => {
            let arn = node.get("FunctionArn").cloned().unwrap_or_else(|| maker.no_value());
            source.set("LambdaConfig", maker.map([("LambdaFunctionArn", arn.clone())]));
            (("AWS::Lambda::Function", arn), maker.texts(["Write"]), "ToLambdaConnector")
        }
    };
    if let Some(role) = given("ServiceRoleArn") {
        source.set("ServiceRoleArn", role);
        return Ok(vec![source]);
    }
    let role = api.role(&format!("{name}{service}DataSourceRole"));
    source.set("ServiceRoleArn", maker.attribute(&role.id, "Arn"));
    let from = maker.map([
        ("Type", maker.text("AWS::AppSync::DataSource")),
        ("Arn", maker.attribute(&source.id, "DataSourceArn")),
        ("RoleName", maker.reference(role.id.as_str())),
    ]);
    let wish = wish(&maker, from, (target.0, &target.1), permissions);
    let id = format!("{}{connected}", source.id);
    let mut made = vec![source, role];
    made.extend(connector::expand(cx, &id, &wish)?);
    Ok(made)
}

fn region(node: &Node, maker: &Maker) -> Node {
    tree::filled_in(node, "Region").cloned().unwrap_or_else(|| maker.reference("AWS::Region"))
}

fn table_config(node: &Node, maker: &Maker) -> Node {
    let mut config = vec![("AwsRegion", region(node, maker))];
    config.extend(node.get("TableName").map(|name| ("TableName", name.clone())));
    for (name, property) in
        [("UseCallerCredentials", "UseCallerCredentials"), ("Versioned", "Versioned"), ("DeltaSyncConfig", "DeltaSync")]
    {
        config.extend(tree::filled_in(node, property).map(|value| (name, value.clone())));
    }
    maker.map(config)
}

fn table_arn(node: &Node, maker: &Maker) -> Node {
    let name = node.get("TableName").cloned().unwrap_or_else(|| maker.no_value());
    let arn = "arn:${AWS::Partition}:dynamodb:${__Region__}:${AWS::AccountId}:table/${__TableName__}";
    maker.sub_with(arn, [("__TableName__", name), ("__Region__", region(node, maker))])
}
