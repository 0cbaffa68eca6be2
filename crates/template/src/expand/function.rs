//! `AWS::Serverless::Function`: the function, its role, its versions and aliases, its URL, and what its events need.

pub(super) mod code;
mod destination;
mod url;
mod version;

use crate::node::{Map, Node};

use super::Expansion;
use super::deployment;
use super::event::{self, Target};
use super::fault::{Fault, Outcome, Owner};
use super::make::Maker;
use super::policies::{self, Grounds};
use super::resource::{Made, Written};
use super::shape;
use super::tree;

/// Properties that go to the function under the same name, untouched.
const TAKEN: &[&str] = &[
    "Handler",
    "Runtime",
    "Description",
    "MemorySize",
    "Timeout",
    "VpcConfig",
    "Role",
    "Environment",
    "KmsKeyArn",
    "ReservedConcurrentExecutions",
    "Layers",
    "FileSystemConfigs",
    "ImageConfig",
    "PackageType",
    "Architectures",
    "SnapStart",
    "EphemeralStorage",
    "CodeSigningConfigArn",
    "RuntimeManagementConfig",
    "LoggingConfig",
    "TenancyConfig",
    "RecursiveLoop",
    "DurableConfig",
    "PublishToLatestPublished",
];

/// Tag keys that only the transform may set.
const RESERVED_TAGS: [&str; 3] = ["lambda:createdBy", "serverlessrepo:applicationId", "serverlessrepo:semanticVersion"];

/// Expands one function.
pub(super) fn expand(cx: &mut Expansion<'_>, id: &str, node: &Node) -> Outcome<Vec<Made>> {
    let mut written = Written::read_unchecked(id, node)?;
    policies::expand_templates(&mut written)?;
    shape::check(id, "AWS::Serverless::Function", &written.properties, shape::FUNCTION)
        .map_err(|fault| fault.at(&node.origin))?;
    let events = event::of_function(cx, &written).map_err(|fault| fault.within(id))?;
    check(&written)?;

    let mut function = construct(cx, &written)?;
    if written.filled("ProvisionedConcurrencyConfig").is_some() && written.filled("AutoPublishAlias").is_none() {
        let message = "To set ProvisionedConcurrencyConfig AutoPublishALias must be defined on the function";
        return Err(written.fault(message));
    }
    let mut made = Vec::new();
    let mut alias = version::publish(cx, &written, &mut function, &mut made)?;
    let target = Target::of_function(&function, alias.as_ref());
    if let Some(config) = written.filled("FunctionUrlConfig") {
        made.extend(url::construct(&written, &target, config)?);
    }
    deployment::add(cx, &written, alias.as_mut())?;
    let mut documents = Vec::new();
    if written.filled("EventInvokeConfig").is_some() {
        made.extend(destination::construct(cx, &mut written, alias.as_ref(), &mut documents)?);
    }
    made.extend(alias);
    let mut role = role(cx, &written, documents)?;
    let wanted = assign_role(cx, &written, &mut function, &mut role)?;
    for event in events {
        made.extend(event::expand(cx, &target, &mut role, event).map_err(|fault| fault.within(id))?);
    }
    if wanted {
        made.push(role);
    }
    made.insert(0, function);
    propagate_tags(&mut made, &written);
    Ok(made)
}

/// Tags everything made with the tags of the resource, when it says so.
pub(super) fn propagate_tags(made: &mut [Made], written: &Written) {
    let Some(tags) = written.filled("Tags").and_then(Node::as_map) else { return };
    if written.filled("PropagateTags").is_some() {
        for resource in made {
            resource.assign_tags(tags);
        }
    }
}

fn check(written: &Written) -> Outcome<()> {
    let given = |name: &str| written.get(name).is_some();
    let mut wrong = Vec::new();
    for other in ["ProvisionedConcurrencyConfig", "VpcConfig"] {
        if given("CapacityProviderConfig") && given(other) {
            wrong.push(format!("Cannot specify 'CapacityProviderConfig' and '{other}' together."));
        }
    }
    for (name, needed) in
        [("FunctionScalingConfig", "CapacityProviderConfig"), ("VersionDeletionPolicy", "AutoPublishAlias")]
    {
        if given(name) && !given(needed) {
            wrong.push(format!("'{name}' requires '{needed}'."));
        }
    }
    if !wrong.is_empty() {
        return Err(written.fault(wrong.join("\n")));
    }
    check_dead_letters(written)?;
    check_tenancy(written)
}

fn check_dead_letters(written: &Written) -> Outcome<()> {
    let Some(queue) = written.filled("DeadLetterQueue") else { return Ok(()) };
    let (Some(kind), Some(_)) = (tree::filled_in(queue, "Type"), tree::filled_in(queue, "TargetArn")) else {
        let message = "'DeadLetterQueue' requires Type and TargetArn properties to be specified.";
        return Err(Fault::resource(&written.id, message).at(&queue.origin));
    };
    match Owner::Resource(&written.id).text(kind, "DeadLetterQueue.Type")? {
        "SQS" | "SNS" => Ok(()),
        _ => {
            let message = "'DeadLetterQueue' requires Type of ['SQS', 'SNS']";
            Err(Fault::resource(&written.id, message).at(&kind.origin))
        }
    }
}

fn check_tenancy(written: &Written) -> Outcome<()> {
    let Some(tenancy) = written.filled("TenancyConfig") else { return Ok(()) };
    let refuse = |what: &str| {
        let message = format!("{what} is not supported for functions enabled with tenancy configuration.");
        Err(Fault::resource(&written.id, message).at(&tenancy.origin))
    };
    for (name, what) in [
        ("ProvisionedConcurrencyConfig", "Provisioned concurrency"),
        ("FunctionUrlConfig", "Function URL"),
        ("SnapStart", "SnapStart"),
    ] {
        if written.filled(name).is_some() {
            return refuse(what);
        }
    }
    let events = written.filled("Events").and_then(Node::as_map).into_iter().flat_map(Map::iter);
    for (_, event) in events {
        let kind = event.get("Type").map(tree::shown).unwrap_or_default();
        if kind != "Api" && kind != "HttpApi" {
            let message = format!(
                "Event source '{kind}' is not supported for functions enabled with tenancy configuration. Only Api and \
                 HttpApi event sources are supported."
            );
            return Err(Fault::resource(&written.id, message).at(&event.origin));
        }
    }
    Ok(())
}

/// Whether tracing is on, as far as can be known.
fn is_traced(cx: &Expansion<'_>, written: &Written) -> Outcome<bool> {
    match written.filled("Tracing") {
        None => Ok(false),
        Some(tracing) => Ok(tree::text_of(&cx.parameters.resolved(tracing)?) != Some("Disabled")),
    }
}

fn construct(cx: &Expansion<'_>, written: &Written) -> Outcome<Made> {
    let maker = written.maker();
    let mut function = Made::of(written, "AWS::Lambda::Function");
    function.set_given("FunctionName", written.filled("FunctionName"));
    function.take(written, TAKEN);
    function.set("Code", code::construct(written)?);
    function.set("Tags", maker.list(tags(written)?));
    if is_traced(cx, written)?
        && let Some(tracing) = written.get("Tracing")
    {
        function.set("TracingConfig", Node::map(single("Mode", tracing), &tracing.origin));
    }
    if let Some(arn) = written.filled("DeadLetterQueue").and_then(|queue| queue.get("TargetArn")) {
        function.set("DeadLetterConfig", Node::map(single("TargetArn", arn), &arn.origin));
    }
    if let Some(config) = written.filled("CapacityProviderConfig") {
        function.set("CapacityProviderConfig", capacity_provider(written, config)?);
    }
    function.set_given("FunctionScalingConfig", written.filled("FunctionScalingConfig"));
    code::check_package(written, &function)?;
    Ok(function)
}

fn single(name: &str, value: &Node) -> Map {
    let mut map = Map::default();
    map.insert(name, value.clone());
    map
}

fn capacity_provider(written: &Written, config: &Node) -> Outcome<Node> {
    let maker = Maker { origin: config.origin.clone() };
    let Some(arn) = config.get("Arn") else {
        return Err(Fault::resource(&written.id, "Invalid CapacityProviderConfig: Arn is required").at(&config.origin));
    };
    let mut instances = vec![("CapacityProviderArn", arn.clone())];
    for name in ["PerExecutionEnvironmentMaxConcurrency", "ExecutionEnvironmentMemoryGiBPerVCpu"] {
        instances.extend(config.get(name).filter(|value| !tree::is_null(value)).map(|value| (name, value.clone())));
    }
    Ok(maker.map([("LambdaManagedInstancesCapacityProviderConfig", maker.map(instances))]))
}

/// The tags of a resource with the one that the transform adds.
pub(super) fn tags(written: &Written) -> Outcome<Vec<Node>> {
    tags_with(written, Vec::new())
}

/// [`tags`] with further ones of the transform.
pub(super) fn tags_with(written: &Written, further: Vec<Node>) -> Outcome<Vec<Node>> {
    let maker = written.maker();
    let own = written.filled("Tags").and_then(Node::as_map);
    let mut tags = vec![maker.tag("lambda:createdBy", maker.text("SAM"))];
    tags.extend(further);
    if let Some(own) = own {
        if let Some(reserved) = RESERVED_TAGS.iter().find(|name| own.contains_key(name)) {
            return Err(written.fault(format!(
                "{reserved} is a reserved Tag key name and cannot be set on your resource. Please change the tag key in \
                 the input."
            )));
        }
        tags.extend(maker.tags(own));
    }
    Ok(tags)
}

fn role(cx: &Expansion<'_>, written: &Written, mut documents: Vec<Node>) -> Outcome<Made> {
    let maker = written.maker();
    let arn = |name: &str| maker.text(cx.managed_policy_arn(name));
    let basic = match written.filled("DurableConfig") {
        Some(_) => "service-role/AWSLambdaBasicDurableExecutionRolePolicy",
        None => "service-role/AWSLambdaBasicExecutionRole",
    };
    let mut managed = vec![arn(basic)];
    if is_traced(cx, written)? {
        managed.push(arn(cx.tracing_policy()));
    }
    if written.filled("VpcConfig").is_some() {
        managed.push(arn("service-role/AWSLambdaVPCAccessExecutionRole"));
    }
    if let Some(queue) = written.filled("DeadLetterQueue") {
        documents.insert(0, dead_letter_policy(queue));
    }
    let assume = match written.get("AssumeRolePolicyDocument") {
        Some(document) => document.clone(),
        None => policies::assumable_by(&maker, "lambda.amazonaws.com"),
    };
    let grounds = Grounds { attributes: written.passed_on(), assume, managed, documents, tags: tags(written)? };
    policies::role(cx, written, written.get("Policies"), grounds)
}

fn dead_letter_policy(queue: &Node) -> Node {
    let maker = Maker::implied_by(&queue.origin);
    let action = match queue.get("Type").and_then(tree::text_of) {
        Some("SNS") => "sns:Publish",
        _ => "sqs:SendMessage",
    };
    let target = queue.get("TargetArn").cloned().unwrap_or_else(|| maker.no_value());
    maker.map([
        ("PolicyName", maker.text("DeadLetterQueuePolicy")),
        (
            "PolicyDocument",
            maker.map([
                ("Version", maker.text("2012-10-17")),
                ("Statement", maker.list([policies::allow(&maker, maker.text(action), target)])),
            ]),
        ),
    ])
}

/// Gives the function its role. Says whether the role made here is used at all.
fn assign_role(cx: &mut Expansion<'_>, written: &Written, function: &mut Made, role: &mut Made) -> Outcome<bool> {
    let maker = written.maker();
    let arn = maker.attribute(&role.id, "Arn");
    let Some(own) = written.get("Role") else {
        function.set("Role", arn);
        return Ok(true);
    };
    if tree::as_if(own).is_none() {
        return Ok(false);
    }
    let resolved = cx.parameters.resolved(own)?;
    let Some((condition, then, otherwise)) = tree::arms(&resolved) else {
        return Err(written.fault("Malformed 'Role' property: Fn::If requires 3 arguments."));
    };
    let name = tree::shown(condition);
    match (tree::is_no_value(then), tree::is_no_value(otherwise)) {
        (true, true) => function.set("Role", arn),
        (true, false) => {
            function.set("Role", maker.either(condition.clone(), arn, otherwise.clone()));
            role.attributes.insert("Condition", condition.clone());
        }
        (false, true) => {
            function.set("Role", maker.either(condition.clone(), then.clone(), arn));
            let opposite = format!("NOT{name}");
            role.attributes.insert("Condition", maker.text(opposite.as_str()));
            cx.conditions_mut().insert(opposite, maker.not(&name));
        }
        (false, false) => return Ok(false),
    }
    Ok(true)
}
