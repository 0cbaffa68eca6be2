//! DP007: a function outside the network of the database it names.

use brigandine_model::{App, Finding, Function, LogicalId, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::may_hold,
    rule::{STRICT, meta},
    setting::{Named, is_true, referred},
    wording::with_origin,
};

pub(crate) struct OutsideNetwork;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Frameworks,
    profiles: STRICT,
    frameworks: &["Lambda.3"],
    ..meta(
        "DP007",
        "outside-network",
        "a function stands outside the network of the database it names",
        include_str!("../../pages/DP007-outside-network.md"),
    )
};

/// Stores that are reached through a network of one's own only.
const STORES: [&str; 10] = [
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBProxy",
    "AWS::DocDB::DBCluster",
    "AWS::Neptune::DBCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ServerlessCache",
    "AWS::MemoryDB::Cluster",
    "AWS::DAX::Cluster",
];

impl Rule for OutsideNetwork {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for function in app.functions.iter().filter(|function| !function.private_network) {
            let named = function.environment.iter().find_map(|variable| {
                let store = referred(&variable.value.value).into_iter().find(|id| is_private(app, id))?;
                Some((variable, store))
            });
            if let Some((variable, store)) = named {
                let finding = finding(function, (variable, store), sink);
                sink.finding(finding);
            }
        }
    }
}

/// A database with an address on the internet, or with an API of its own, is reached without its network.
fn is_private(app: &App, id: &LogicalId) -> bool {
    let Some(named) = Named::find(app, id).filter(|named| STORES.contains(&&*named.resource.kind)) else {
        return false;
    };
    let open = ["PubliclyAccessible", "EnableHttpEndpoint"];
    !open.iter().any(|key| may_hold(&named.text(&[key], false, &is_true)))
}

fn finding(function: &Function, (variable, store): (&brigandine_model::Variable, &LogicalId), sink: &Sink) -> Finding {
    let place = &variable.value.provenance;
    Finding {
        title: format!("`{}` names `{store}` but stands outside its network", function.id),
        message: format!(
            "either it cannot connect, or `{store}` is reachable from the internet after all: both are worth knowing before launch"
        ),
        label: with_origin("a store behind a network", place),
        resource: Some(function.id.clone()),
        fact: format!("outside the network of {store}"),
        help: vec![
            "give the function a `VpcConfig` with private subnets and a security group that the store lets in"
                .to_owned(),
        ],
        ..sink.draft(place)
    }
}
