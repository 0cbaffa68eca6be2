//! Custom domains of a REST API, public and private.

use crate::expand::Expansion;
use crate::expand::fault::{Fault, Outcome, Owner};
use crate::expand::make::Maker;
use crate::expand::record_set::{self, Domain};
use crate::expand::resource::{Made, Written};
use crate::expand::tree;
use crate::node::Node;

/// Makes the domain, its mappings to the API, and its name records.
pub(super) fn construct(cx: &mut Expansion<'_>, written: &Written) -> Outcome<Vec<Made>> {
    let Some(config) = written.get("Domain") else { return Ok(Vec::new()) };
    let owner = Owner::Resource(&written.id);
    owner.map(config, "Domain")?;
    let name = owner.some(config.get("DomainName"), "Domain.DomainName")?;
    let certificate = owner.some(config.get("CertificateArn"), "Domain.CertificateArn")?;
    let maker = Maker::implied_by(&config.origin);
    let regional = maker.text("REGIONAL");
    let endpoint_node = config.get("EndpointConfiguration").filter(|endpoint| !tree::is_null(endpoint));
    let endpoint_node = endpoint_node.unwrap_or(&regional);
    let Some(endpoint @ ("EDGE" | "REGIONAL" | "PRIVATE")) = tree::text_of(endpoint_node) else {
        let message = "EndpointConfiguration for Custom Domains must be one of ['EDGE', 'REGIONAL', 'PRIVATE'].";
        return Err(Fault::resource(&written.id, message).at(&endpoint_node.origin));
    };
    let is_private = endpoint == "PRIVATE";
    let kind = if is_private { "AWS::ApiGateway::DomainNameV2" } else { "AWS::ApiGateway::DomainName" };
    let prefix = if is_private { "ApiGatewayDomainNameV2" } else { "ApiGatewayDomainName" };
    let id = format!("{prefix}{}", tree::suffix(name));
    let mut domain = Made::new(id.as_str(), kind, &maker, &written.passed_on()).with("DomainName", name.clone());
    let certificate_property = if endpoint == "REGIONAL" { "RegionalCertificateArn" } else { "CertificateArn" };
    domain.set(certificate_property, certificate.clone());
    let mut endpoints = vec![("Types", maker.list([endpoint_node.clone()]))];
    let address = config.get("IpAddressType").filter(|kind| tree::truthy(kind));
    endpoints.extend(address.map(|kind| ("IpAddressType", kind.clone())));
    domain.set("EndpointConfiguration", maker.map(endpoints));
    if !is_private {
        mutual_tls(&mut domain, written, config)?;
    }
    for name in ["SecurityPolicy", "EndpointAccessMode", "Policy", "OwnershipVerificationCertificateArn"] {
        let known = if is_private { name != "OwnershipVerificationCertificateArn" } else { name != "Policy" };
        domain.set_given(name, config.get(name).filter(|value| known && tree::truthy(value)));
    }
    let mut made = vec![domain];
    made.extend(mappings(written, config, &id, is_private)?);
    // The records of a private domain are named after the domain itself.
    let source = if is_private { name.clone() } else { maker.text(id.as_str()) };
    made.extend(record_set::construct(cx, written, &Domain { config, source, endpoint })?);
    if is_private {
        made.extend(access(written, config, &id)?);
    }
    Ok(made)
}

fn mutual_tls(domain: &mut Made, written: &Written, config: &Node) -> Outcome<()> {
    let Some(mutual) = config.get("MutualTlsAuthentication").filter(|mutual| tree::truthy(mutual)) else {
        return Ok(());
    };
    let known = ["TruststoreUri", "TruststoreVersion"];
    let map = Owner::Resource(&written.id).map(mutual, "Domain.MutualTlsAuthentication")?;
    if map.keys().any(|key| !known.contains(&key)) {
        let message = "Available Domain.MutualTlsAuthentication fields are ['TruststoreUri', 'TruststoreVersion'].";
        return Err(Fault::resource(&written.id, message).at(&mutual.origin));
    }
    let maker = Maker { origin: mutual.origin.clone() };
    let entries = known.iter().filter_map(|name| Some((*name, tree::filled(map, name)?.clone())));
    domain.set("MutualTlsAuthentication", maker.map(entries));
    Ok(())
}

fn mappings(written: &Written, config: &Node, domain: &str, is_private: bool) -> Outcome<Vec<Made>> {
    let maker = Maker::implied_by(&config.origin);
    let mapping = |id: String, base: Option<Node>| {
        let (kind, name) = if is_private {
            ("AWS::ApiGateway::BasePathMappingV2", "DomainNameArn")
        } else {
            ("AWS::ApiGateway::BasePathMapping", "DomainName")
        };
        let mut mapping = Made::new(id, kind, &maker, &written.passed_on())
            .with(name, maker.reference(domain))
            .with("RestApiId", maker.reference(written.id.clone()))
            .with("Stage", maker.reference(format!("{}.Stage", written.id)));
        mapping.set_given("BasePath", base.as_ref());
        mapping
    };
    let base = config.get("BasePath").filter(|base| tree::truthy(base));
    let bases = match base {
        Some(base) if tree::text_of(base).is_some() => vec![base.clone()],
        Some(base) => base.as_list().map(<[Node]>::to_vec).unwrap_or_default(),
        None => Vec::new(),
    };
    if bases.is_empty() {
        return Ok(vec![mapping(format!("{}BasePathMapping", written.id), None)]);
    }
    let normalize = config.get("NormalizeBasePath").is_none_or(tree::truthy);
    let mut made = Vec::new();
    for (index, base) in bases.iter().enumerate() {
        let text = Owner::Resource(&written.id).text(base, &format!("Domain.BasePath[{index}]"))?;
        let plain: String = text.chars().filter(|character| character.is_alphanumeric()).collect();
        let id = format!("{}{plain}BasePathMapping", written.id);
        let base = if normalize { Node::text(plain, &base.origin) } else { base.clone() };
        made.push(mapping(id, Some(base)));
    }
    Ok(made)
}

fn access(written: &Written, config: &Node, domain: &str) -> Outcome<Option<Made>> {
    let Some(access) = config.get("AccessAssociation").filter(|access| !tree::is_null(access)) else {
        return Ok(None);
    };
    let maker = Maker::implied_by(&access.origin);
    let map = Owner::Resource(&written.id).map(access, "Domain.AccessAssociation")?;
    let endpoint = map.get("VpcEndpointId").cloned().unwrap_or_else(|| Node::plain("null", &access.origin));
    let id =
        format!("DomainNameAccessAssociation{}", tree::suffix(&maker.list([endpoint.clone(), maker.text(domain)])));
    let mut made = Made::new(id, "AWS::ApiGateway::DomainNameAccessAssociation", &maker, &written.passed_on())
        .with("DomainNameArn", maker.reference(domain))
        .with("AccessAssociationSourceType", maker.text("VPCE"));
    made.set_given("AccessAssociationSource", Some(&endpoint));
    Ok(Some(made))
}
