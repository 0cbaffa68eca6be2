//! `AWS::Serverless::GraphQLApi`: the API with its schema, keys, cache, domain, functions and resolvers.

mod authentication;
mod data_source;

use std::collections::BTreeMap;

use crate::node::{Map, Node};

use self::data_source::DataSources;
use super::Expansion;
use super::connector;
use super::fault::{Fault, Outcome};
use super::make::Maker;
use super::policies;
use super::resource::{Made, Written};
use super::shape;
use super::tree;

/// What a resolver without code of its own does: hand on what its last function returned.
const PASS_ON: &str = "\nexport function request(ctx) {\n    return {};\n}\n\nexport function response(ctx) {\n    return \
                       ctx.prev.result;\n}\n";

/// An API under construction.
struct Api<'w> {
    written: &'w Written,
    maker: Maker,
}

impl Api<'_> {
    /// A part of the API, with all the attributes that the API has.
    fn part(&self, suffix: &str, kind: &'static str) -> Made {
        let mut part = Made::new(format!("{}{suffix}", self.written.id), kind, &self.maker, &self.written.attributes);
        part.depends_on.clone_from(&self.written.depends_on);
        part
    }

    fn id(&self) -> Node {
        self.maker.attribute(&self.written.id, "ApiId")
    }

    fn entries(&self, name: &str) -> impl Iterator<Item = (&str, &Node)> {
        self.written.filled(name).and_then(Node::as_map).into_iter().flat_map(Map::iter)
    }

    /// The role by which the service does something for the API.
    fn role(&self, suffix: &str) -> Made {
        self.part(suffix, "AWS::IAM::Role")
            .with("AssumeRolePolicyDocument", policies::assumable_by(&self.maker, "appsync.amazonaws.com"))
    }
}

/// Expands one GraphQL API.
pub(super) fn expand(cx: &mut Expansion<'_>, id: &str, node: &Node) -> Outcome<Vec<Made>> {
    let mut written = Written::read_unchecked(id, node)?;
    // The transform looks at the properties it knows and lets others be.
    written.properties = shape::known(&written.properties, shape::GRAPHQL_API);
    shape::check(id, "AWS::Serverless::GraphQLApi", &written.properties, shape::GRAPHQL_API)
        .map_err(|fault| fault.at(&node.origin))?;
    let api = Api { maker: written.maker(), written: &written };
    let mut made = Vec::new();
    let (mut graph, callers) = construct(&api)?;
    made.extend(log(&api, &mut graph));
    made.push(graph);
    made.push(schema(&api)?);
    let schema_id = format!("{id}Schema");
    for (index, function) in callers.iter().enumerate() {
        made.extend(call_authorizer(cx, &api, function, index + 1)?);
    }
    made.extend(keys_cache_and_domain(&api));
    let mut sources = data_source::construct(cx, &api)?;
    made.append(&mut sources.made);
    let functions = functions(&api, &mut sources, &mut made)?;
    resolvers(&api, &functions, &schema_id, &mut made)?;
    if sources.uses_none {
        let id = format!("{}NoneDataSource", written.id);
        let nothing = api.part("NoneDataSource", "AWS::AppSync::DataSource").with("ApiId", api.id());
        made.push(nothing.with("Name", api.maker.text(id)).with("Type", api.maker.text("NONE")));
    }
    Ok(made)
}

fn construct(api: &Api<'_>) -> Outcome<(Made, Vec<Node>)> {
    let Api { written, maker } = api;
    let mut graph = Made::of(written, "AWS::AppSync::GraphQLApi");
    graph.set("Name", written.filled("Name").cloned().unwrap_or_else(|| maker.text(written.id.clone())));
    graph.set_given("XrayEnabled", written.get("XrayEnabled"));
    for name in ["Visibility", "OwnerContact", "IntrospectionConfig", "QueryDepthLimit", "ResolverCountLimit"] {
        graph.set_given(name, written.filled(name));
    }
    let callers = authentication::set(&mut graph, written)?;
    let mut tags = written.filled("Tags").and_then(Node::as_map).cloned().unwrap_or_default();
    tags.insert("graphqlapi:createdBy", maker.text("SAM"));
    graph.set("Tags", maker.list(maker.tags(&tags)));
    Ok((graph, callers))
}

/// Sets how the API logs; makes the role for it unless one was named.
fn log(api: &Api<'_>, graph: &mut Made) -> Option<Made> {
    let maker = &api.maker;
    let logging = api.written.get("Logging");
    if logging.and_then(tree::flag_of) == Some(false) {
        return None;
    }
    let given = |name: &str| logging.and_then(|logging| tree::filled_in(logging, name)).cloned();
    let mut config = vec![("FieldLogLevel", given("FieldLogLevel").unwrap_or_else(|| maker.text("ALL")))];
    config.extend(given("ExcludeVerboseContent").map(|exclude| ("ExcludeVerboseContent", exclude)));
    let (role, arn) = if let Some(arn) = given("CloudWatchLogsRoleArn") {
        (None, arn)
    } else {
        let policy = maker.sub("arn:${AWS::Partition}:iam::aws:policy/service-role/AWSAppSyncPushToCloudWatchLogs");
        let role = api.role("CloudWatchRole").with("ManagedPolicyArns", maker.list([policy]));
        let arn = maker.attribute(&role.id, "Arn");
        (Some(role), arn)
    };
    config.push(("CloudWatchLogsRoleArn", arn));
    graph.set("LogConfig", maker.map(config));
    role
}

fn schema(api: &Api<'_>) -> Outcome<Made> {
    let (inline, uri) = (api.written.filled("SchemaInline"), api.written.filled("SchemaUri"));
    match (inline, uri) {
        (None, None) => return Err(api.written.fault("One of 'SchemaInline' or 'SchemaUri' must be set.")),
        (Some(_), Some(_)) => {
            return Err(api.written.fault("Both 'SchemaInline' and 'SchemaUri' cannot be defined at the same time."));
        }
        _ => {}
    }
    let mut schema = api.part("Schema", "AWS::AppSync::GraphQLSchema").with("ApiId", api.id());
    schema.set_given("Definition", inline);
    schema.set_given("DefinitionS3Location", uri);
    Ok(schema)
}

/// Lets the API call an authorizer function.
fn call_authorizer(cx: &mut Expansion<'_>, api: &Api<'_>, function: &Node, number: usize) -> Outcome<Vec<Made>> {
    let maker = &api.maker;
    let source = [
        ("Type", maker.text("AWS::AppSync::GraphQLApi")),
        ("Arn", maker.reference(api.written.id.clone())),
        ("ResourceId", api.id()),
    ];
    let wish = wish(maker, maker.map(source), ("AWS::Lambda::Function", function), maker.texts(["Write"]));
    connector::expand(cx, &format!("{}ToLambdaAuthConnector{number}", api.written.id), &wish)
}

/// A connector that nobody wrote.
fn wish(maker: &Maker, source: Node, (kind, arn): (&str, &Node), permissions: Node) -> Node {
    let destination = maker.map([("Type", maker.text(kind)), ("Arn", arn.clone())]);
    let properties = [("Source", source), ("Destination", destination), ("Permissions", permissions)];
    maker.map([("Type", maker.text("AWS::Serverless::Connector")), ("Properties", maker.map(properties))])
}

fn keys_cache_and_domain(api: &Api<'_>) -> Vec<Made> {
    let mut made = Vec::new();
    for (name, key) in api.entries("ApiKeys") {
        let mut part = api.part(name, "AWS::AppSync::ApiKey").with("ApiId", api.id());
        for (name, property) in [("ApiKeyId", "ApiKeyId"), ("Description", "Description"), ("Expires", "ExpiresOn")] {
            part.set_given(name, key.get(property));
        }
        made.push(part);
    }
    if let Some(cache) = api.written.filled("Cache") {
        let mut part = api.part("ApiCache", "AWS::AppSync::ApiCache").with("ApiId", api.id());
        for name in ["ApiCachingBehavior", "Type", "Ttl", "AtRestEncryptionEnabled", "TransitEncryptionEnabled"] {
            part.set_given(name, cache.get(name));
        }
        made.push(part);
    }
    if let Some(domain) = api.written.filled("DomainName") {
        let mut part = api.part("DomainName", "AWS::AppSync::DomainName");
        for name in ["CertificateArn", "DomainName", "Description"] {
            part.set_given(name, domain.get(name));
        }
        let link = api
            .part("DomainNameApiAssociation", "AWS::AppSync::DomainNameApiAssociation")
            .with("ApiId", api.id())
            .with("DomainName", api.maker.reference(part.id.as_str()));
        made.extend([part, link]);
    }
    made
}

fn runtime(part: &str, node: &Node) -> Outcome<Node> {
    let Some(runtime) = tree::filled_in(node, "Runtime") else {
        let message = format!("'Runtime' must be defined as a property in {part}.");
        return Err(Fault::resource(part, message).at(&node.origin));
    };
    let maker = Maker { origin: runtime.origin.clone() };
    let names = [("Name", "Name"), ("RuntimeVersion", "Version")];
    Ok(maker.map(names.into_iter().filter_map(|(name, property)| Some((name, runtime.get(property)?.clone())))))
}

fn only_one_code(part: &str, node: &Node) -> Outcome<()> {
    let both = tree::filled_in(node, "InlineCode").is_some() && tree::filled_in(node, "CodeUri").is_some();
    if both {
        let message = "Both 'InlineCode' and 'CodeUri' cannot be defined at the same time.";
        return Err(Fault::resource(part, message).at(&node.origin));
    }
    Ok(())
}

/// Makes the functions of pipelines, and returns what each is called by.
fn functions(api: &Api<'_>, sources: &mut DataSources, made: &mut Vec<Made>) -> Outcome<BTreeMap<String, Node>> {
    let mut ids = BTreeMap::new();
    for (name, node) in api.entries("Functions") {
        let fault = |message: &str| Fault::resource(name, message).at(&node.origin);
        if let Some(id) = tree::filled_in(node, "Id") {
            let given = node.as_map().into_iter().flat_map(Map::iter).filter(|(_, value)| !tree::is_null(value));
            if given.count() != 1 {
                return Err(fault("'Id' cannot be defined with other properties in Function."));
            }
            ids.insert(name.to_owned(), id.clone());
            continue;
        }
        only_one_code(name, node)?;
        let (inline, uri) = (tree::filled_in(node, "InlineCode"), tree::filled_in(node, "CodeUri"));
        if inline.or(uri).is_none() {
            return Err(fault("One of 'InlineCode' or 'CodeUri' must be set."));
        }
        let own_name = node.get("Name").filter(|name| tree::truthy(name)).cloned();
        let mut function = api
            .part(name, "AWS::AppSync::FunctionConfiguration")
            .with("ApiId", api.id())
            .with("Name", own_name.unwrap_or_else(|| api.maker.text(name)))
            .with("DataSourceName", sources.name_for(api, name, node)?)
            .with("Runtime", runtime(name, node)?);
        function.set_given("Code", inline);
        function.set_given("CodeS3Location", uri);
        function.set_given("MaxBatchSize", node.get("MaxBatchSize"));
        function.set_given("Description", node.get("Description"));
        function.set_given("SyncConfig", tree::filled_in(node, "Sync"));
        ids.insert(name.to_owned(), api.maker.attribute(&function.id, "FunctionId"));
        made.push(function);
    }
    Ok(ids)
}

fn resolvers(api: &Api<'_>, functions: &BTreeMap<String, Node>, schema: &str, made: &mut Vec<Made>) -> Outcome<()> {
    let maker = &api.maker;
    for (kind, fields) in api.entries("Resolvers") {
        for (name, node) in fields.as_map().into_iter().flat_map(Map::iter) {
            only_one_code(name, node)?;
            let (inline, uri) = (tree::filled_in(node, "InlineCode"), tree::filled_in(node, "CodeUri"));
            let field = tree::filled_in(node, "FieldName").cloned().unwrap_or_else(|| maker.text(name));
            let mut resolver = api
                .part(&format!("{kind}{name}"), "AWS::AppSync::Resolver")
                .with("ApiId", api.id())
                .with("FieldName", field)
                .with("TypeName", maker.text(kind))
                .with("Kind", maker.text("PIPELINE"));
            resolver.depends_on = Some(maker.texts([schema]));
            if inline.or(uri).is_some() {
                resolver.set_given("Code", inline);
                resolver.set_given("CodeS3Location", uri);
                resolver.set("Runtime", runtime(name, node)?);
            } else {
                resolver.set("Code", maker.text(PASS_ON));
                let runtime = [("Name", maker.text("APPSYNC_JS")), ("RuntimeVersion", maker.text("1.0.0"))];
                resolver.set("Runtime", maker.map(runtime));
            }
            resolver.set("PipelineConfig", pipeline(maker, functions, name, node)?);
            resolver.set_given("CachingConfig", tree::filled_in(node, "Caching"));
            resolver.set_given("MaxBatchSize", tree::filled_in(node, "MaxBatchSize"));
            made.push(resolver);
        }
    }
    Ok(())
}

fn pipeline(maker: &Maker, functions: &BTreeMap<String, Node>, name: &str, node: &Node) -> Outcome<Node> {
    let fault = |message: String| Fault::resource(name, message).at(&node.origin);
    let Some(pipeline) = tree::filled_in(node, "Pipeline").and_then(Node::as_list) else {
        return Err(fault(format!(
            "Resolver '{name}' must have Pipeline defined. Unit resolvers are not supported. If you need a Unit resolver \
             you can use AppSync resource."
        )));
    };
    let id = |function: &Node| {
        let function = tree::shown(function);
        functions.get(&function).cloned().ok_or_else(|| fault(format!("Function '{function}' does not exist.")))
    };
    let ids = pipeline.iter().map(id).collect::<Outcome<Vec<_>>>()?;
    Ok(maker.map([("Functions", maker.list(ids))]))
}
