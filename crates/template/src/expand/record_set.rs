//! Name records that point at custom domains, grouped by the zone they stand in.

use crate::node::Node;

use super::Expansion;
use super::fault::{Fault, Outcome, Owner};
use super::make::Maker;
use super::resource::{Made, Written};
use super::tree;

/// A custom domain, as far as its name records care.
pub(super) struct Domain<'d> {
    /// The Domain property.
    pub(super) config: &'d Node,
    /// What its attributes are read from.
    pub(super) source: Node,
    pub(super) endpoint: &'d str,
}

/// Adds the records of a domain to the group of their zone, and returns that group.
pub(super) fn construct(cx: &mut Expansion<'_>, written: &Written, domain: &Domain<'_>) -> Outcome<Option<Made>> {
    let Some(config) = domain.config.get("Route53").filter(|config| !tree::is_null(config)) else { return Ok(None) };
    let owner = Owner::Resource(&written.id);
    let map = owner.map(config, "Domain.Route53")?;
    let zone_id = tree::given(map, "HostedZoneId");
    let zone_name = tree::given(map, "HostedZoneName");
    let Some(zone) = zone_id.or(zone_name) else {
        let message = "HostedZoneId or HostedZoneName is required to enable Route53 support on Custom Domains.";
        return Err(Fault::resource(&written.id, message).at(&config.origin));
    };
    let maker = Maker::implied_by(&config.origin);
    let records = records(domain, config, &maker);
    let group = |id: String| {
        let mut group = Made::new(id, "AWS::Route53::RecordSetGroup", &maker, &written.passed_on());
        group.set_given("HostedZoneId", zone_id);
        group.set_given("HostedZoneName", zone_name);
        group
    };
    if let Some(separate) = tree::filled(map, "SeparateRecordSetGroup") {
        owner.flag(separate, "Domain.Route53.SeparateRecordSetGroup")?;
        let name = domain.config.get("DomainName").cloned().unwrap_or_else(|| maker.no_value());
        let suffix = tree::suffix(&maker.list([zone.clone(), name]));
        return Ok(Some(group(format!("RecordSetGroup{suffix}")).with("RecordSets", maker.list(records))));
    }
    let id = format!("RecordSetGroup{}", tree::suffix(zone));
    let group = cx.record_sets.entry(id.clone()).or_insert_with(|| group(id));
    let mut all = group.properties.get("RecordSets").and_then(Node::as_list).map(<[Node]>::to_vec).unwrap_or_default();
    all.extend(records);
    group.set("RecordSets", maker.list(all));
    Ok(Some(group.clone()))
}

fn records(domain: &Domain<'_>, config: &Node, maker: &Maker) -> Vec<Node> {
    let name = domain.config.get("DomainName").cloned().unwrap_or_else(|| maker.no_value());
    let target = alias(domain, config, maker);
    let record = |kind: &str| {
        let mut record = vec![("Name", name.clone()), ("Type", maker.text(kind)), ("AliasTarget", target.clone())];
        for name in ["Region", "SetIdentifier"] {
            let value = config.get(name).filter(|value| !tree::is_null(value));
            record.extend(value.map(|value| (name, value.clone())));
        }
        maker.map(record)
    };
    let mut records = vec![record("A")];
    if config.get("IpV6").and_then(tree::flag_of) == Some(true) {
        records.push(record("AAAA"));
    }
    records
}

fn alias(domain: &Domain<'_>, config: &Node, maker: &Maker) -> Node {
    /// The zone of every content delivery network domain.
    const EDGE_ZONE: &str = "Z2FDTNDATAQYW2";
    let attribute = |name: &str| maker.call("Fn::GetAtt", maker.list([domain.source.clone(), maker.text(name)]));
    let null = || Node::plain("null", &maker.origin);
    let written = |name: &str| config.get(name).filter(|value| !tree::is_null(value)).cloned();
    let mut alias: Vec<_> =
        written("EvaluateTargetHealth").map(|health| ("EvaluateTargetHealth", health)).into_iter().collect();
    let (zone, name) = match domain.endpoint {
        "REGIONAL" => (attribute("RegionalHostedZoneId"), attribute("RegionalDomainName")),
        "EDGE" => (
            maker.text(EDGE_ZONE),
            written("DistributionDomainName").unwrap_or_else(|| attribute("DistributionDomainName")),
        ),
        _ => (
            written("VpcEndpointHostedZoneId").unwrap_or_else(null),
            written("VpcEndpointDomainName").unwrap_or_else(null),
        ),
    };
    alias.extend([("HostedZoneId", zone), ("DNSName", name)]);
    maker.map(alias)
}
