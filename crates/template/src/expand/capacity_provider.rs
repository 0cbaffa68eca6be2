//! `AWS::Serverless::CapacityProvider`: machines of one's own that functions run on, and the role that starts them.

use crate::node::{Kind, Map, Meaning, Node};

use super::Expansion;
use super::fault::Outcome;
use super::make::Maker;
use super::policies;
use super::resource::{Made, Written};
use super::shape;
use super::tree;

/// Expands one capacity provider.
pub(super) fn expand(cx: &Expansion<'_>, id: &str, node: &Node) -> Outcome<Vec<Made>> {
    let written = Written::read(id, "AWS::Serverless::CapacityProvider", node, shape::CAPACITY_PROVIDER)?;
    check(&written)?;
    let maker = written.maker();
    let mut provider = Made::of(&written, "AWS::Lambda::CapacityProvider");
    provider.set_given("CapacityProviderName", written.filled("CapacityProviderName"));
    provider.set_given("KmsKeyArn", written.filled("KmsKeyArn"));
    if let Some(network) = written.filled("VpcConfig") {
        provider
            .set("VpcConfig", picked(network, &[("SubnetIds", "SubnetIds"), ("SecurityGroupIds", "SecurityGroupIds")]));
    }
    let mut made = Vec::new();
    let role = if let Some(role) = written.filled("OperatorRole") {
        role.clone()
    } else {
        let role = operator_role(cx, &written);
        let arn = maker.attribute(&role.id, "Arn");
        made.push(role);
        arn
    };
    provider.set("PermissionsConfig", maker.map([("CapacityProviderOperatorRoleArn", role)]));
    let own = written.filled("Tags").and_then(Node::as_map).cloned().unwrap_or_default();
    provider.set("Tags", tags(&maker, &own));
    if let Some(instances) = written.filled("InstanceRequirements") {
        let names = [
            ("Architectures", "Architectures"),
            ("AllowedTypes", "AllowedInstanceTypes"),
            ("ExcludedTypes", "ExcludedInstanceTypes"),
        ];
        provider.set("InstanceRequirements", picked(instances, &names));
    }
    if let Some(scaling) = written.filled("ScalingConfig") {
        provider.set("CapacityProviderScalingConfig", scaling_config(scaling));
    }
    if let Some(logging) = written.filled("LoggingConfig") {
        provider.set("TelemetryConfig", maker.map([("LoggingConfig", logging.clone())]));
    }
    if let Some(managed) = written.filled("ManagedResourceTags") {
        let explicit = managed
            .get("Tags")
            .and_then(Node::as_map)
            .map(|tags| maker.map([("Mode", maker.text("Explicit")), ("ExplicitTags", maker.list(maker.tags(tags)))]));
        provider.set("PropagateTags", explicit.unwrap_or_else(|| maker.empty()));
    }
    if written.filled("PropagateTags").is_some() {
        for made in &mut made {
            made.set("Tags", tags(&maker, &own));
        }
    }
    made.push(provider);
    Ok(made)
}

fn tags(maker: &Maker, own: &Map) -> Node {
    let mut all = own.clone();
    all.insert("lambda:createdBy", maker.text("SAM"));
    maker.list(maker.tags(&all))
}

/// The given entries under their new names.
fn picked(node: &Node, names: &[(&'static str, &'static str)]) -> Node {
    let maker = Maker { origin: node.origin.clone() };
    let given = |name: &str| node.get(name).filter(|value| !tree::is_null(value)).cloned();
    maker.map(names.iter().filter_map(|(old, new)| Some((*new, given(old)?))))
}

fn operator_role(cx: &Expansion<'_>, written: &Written) -> Made {
    let maker = written.maker();
    let policy = maker.text(cx.managed_policy_arn("AWSLambdaManagedEC2ResourceOperator"));
    Made::new(format!("{}OperatorRole", written.id), "AWS::IAM::Role", &maker, &written.passed_on())
        .with("AssumeRolePolicyDocument", policies::assumable_by(&maker, "lambda.amazonaws.com"))
        .with("ManagedPolicyArns", maker.list([policy]))
        .with("Tags", tags(&maker, &Map::default()))
}

fn scaling_config(scaling: &Node) -> Node {
    let maker = Maker { origin: scaling.origin.clone() };
    let given = |name: &str| scaling.get(name).filter(|value| !tree::is_null(value)).cloned();
    let mut config: Vec<_> = given("MaxVCpuCount").map(|count| ("MaxVCpuCount", count)).into_iter().collect();
    match given("AverageCPUUtilization") {
        None => config.push(("ScalingMode", maker.text("Auto"))),
        Some(utilization) => {
            let policy = maker.map([
                ("PredefinedMetricType", maker.text("LambdaCapacityProviderAverageCPUUtilization")),
                ("TargetValue", utilization),
            ]);
            config.extend([("ScalingMode", maker.text("Manual")), ("ScalingPolicies", maker.list([policy]))]);
        }
    }
    maker.map(config)
}

/// What a nested entry must be.
#[derive(Clone, Copy)]
enum Wanted {
    Texts,
    Whole,
    Number,
    Map,
}

impl Wanted {
    fn accepts(self, node: &Node) -> bool {
        let is_map = |node: &Node| node.as_map().is_some();
        match (self, &node.kind) {
            (_, Kind::Map(_)) => true,
            (Self::Texts, Kind::List(items)) => items.iter().all(|item| is_map(item) || tree::text_of(item).is_some()),
            (Self::Whole, Kind::Scalar(_)) => match node.meaning() {
                Some(Meaning::Int(_)) => true,
                Some(Meaning::Text(text)) => text.parse::<i64>().is_ok(),
                _ => false,
            },
            (Self::Number, Kind::Scalar(_)) => match node.meaning() {
                Some(Meaning::Int(_) | Meaning::Float(_)) => true,
                Some(Meaning::Text(text)) => text.parse::<f64>().is_ok(),
                _ => false,
            },
            _ => false,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Texts => "dictionary or list",
            Self::Whole => "dictionary or integer",
            Self::Number => "dictionary or number",
            Self::Map => "dictionary",
        }
    }
}

/// A property's nested entries: name, what it must be, whether it must be there.
type Entries = &'static [(&'static str, Wanted, bool)];

const NESTED: [(&str, Entries); 4] = [
    ("VpcConfig", &[("SecurityGroupIds", Wanted::Texts, false), ("SubnetIds", Wanted::Texts, true)]),
    (
        "InstanceRequirements",
        &[
            ("Architectures", Wanted::Texts, false),
            ("AllowedTypes", Wanted::Texts, false),
            ("ExcludedTypes", Wanted::Texts, false),
        ],
    ),
    ("ScalingConfig", &[("MaxVCpuCount", Wanted::Whole, false), ("AverageCPUUtilization", Wanted::Number, false)]),
    ("ManagedResourceTags", &[("Tags", Wanted::Map, false)]),
];

fn check(written: &Written) -> Outcome<()> {
    let mut wrong = Vec::new();
    for (name, entries) in NESTED {
        let Some(map) = written.get(name).and_then(Node::as_map) else { continue };
        for (entry, wanted, required) in entries {
            match tree::given(map, entry) {
                None if *required => wrong.push(format!("Property '{name}.{entry}' is required.")),
                Some(value) if !wanted.accepts(value) => {
                    wrong.push(format!("Property '{name}.{entry}' value must be {}.", wanted.name()));
                }
                _ => {}
            }
        }
        for key in map.keys().filter(|key| entries.iter().all(|(entry, _, _)| entry != key)) {
            wrong.push(format!("Property '{name}.{key}' is an invalid property."));
        }
    }
    let instances = |name: &str| {
        written.get("InstanceRequirements").and_then(|it| it.get(name)).is_some_and(|types| !tree::is_null(types))
    };
    if wrong.is_empty() && instances("AllowedTypes") && instances("ExcludedTypes") {
        wrong.push(
            "Cannot specify 'InstanceRequirements.AllowedTypes' and 'InstanceRequirements.ExcludedTypes' together."
                .to_owned(),
        );
    }
    if wrong.is_empty() { Ok(()) } else { Err(written.fault(wrong.join(" "))) }
}
