//! Custom domains of HTTP and WebSocket APIs.

use crate::expand::Expansion;
use crate::expand::fault::{Fault, Outcome};
use crate::expand::make::Maker;
use crate::expand::record_set::{self, Domain};
use crate::expand::resource::{Made, Written};
use crate::expand::tree;
use crate::node::Node;

/// Makes the domain, tagged as the creator's, its mappings to the API, and its name records.
pub(in crate::expand) fn construct(cx: &mut Expansion<'_>, written: &Written, creator: &str) -> Outcome<Vec<Made>> {
    let Some(config) = written.get("Domain") else { return Ok(Vec::new()) };
    let given = |name: &str| config.get(name).filter(|value| !tree::is_null(value));
    let filled = |name: &str| config.get(name).filter(|value| tree::truthy(value));
    let fault = |message: &str| Fault::resource(&written.id, message).at(&config.origin);
    let (Some(name), Some(certificate)) = (given("DomainName"), given("CertificateArn")) else {
        return Err(fault("Custom Domains only works if both DomainName and CertificateArn are provided."));
    };
    let maker = Maker::implied_by(&config.origin);
    let id = format!("ApiGatewayDomainNameV2{}", tree::suffix(name));
    if given("EndpointConfiguration").is_some_and(|endpoint| tree::text_of(endpoint) != Some("REGIONAL")) {
        return Err(fault("EndpointConfiguration for Custom Domains must be one of ['REGIONAL']."));
    }
    let endpoint = given("EndpointConfiguration").cloned().unwrap_or_else(|| maker.text("REGIONAL"));
    let mut details = vec![("CertificateArn", certificate.clone()), ("EndpointType", endpoint)];
    for name in ["OwnershipVerificationCertificateArn", "SecurityPolicy"] {
        details.extend(filled(name).map(|value| (name, value.clone())));
    }
    let mut domain = Made::new(id.as_str(), "AWS::ApiGatewayV2::DomainName", &maker, &written.passed_on())
        .with("DomainName", name.clone())
        .with("DomainNameConfigurations", maker.list([maker.map(details)]))
        .with("Tags", maker.map([(creator, maker.text("SAM"))]));
    if let Some(mutual) = filled("MutualTlsAuthentication") {
        domain.set("MutualTlsAuthentication", mutual_tls(written, mutual)?);
    }
    let mut made = vec![domain];
    made.extend(mappings(written, config, &id)?);
    let source = maker.text(id);
    made.extend(record_set::construct(cx, written, &Domain { config, source, endpoint: "REGIONAL" })?);
    Ok(made)
}

fn mutual_tls(written: &Written, mutual: &Node) -> Outcome<Node> {
    let known = ["TruststoreUri", "TruststoreVersion"];
    let Some(map) = mutual.as_map() else {
        let message = "MutualTlsAuthentication must be a map with at least one of the following fields \
                       ['TruststoreUri', 'TruststoreVersion'].";
        return Err(Fault::resource(&written.id, message).at(&mutual.origin));
    };
    let mut unknown: Vec<_> = map.keys().filter(|key| !known.contains(key)).collect();
    if !unknown.is_empty() {
        unknown.sort_unstable();
        let message = "Available MutualTlsAuthentication fields are ['TruststoreUri', 'TruststoreVersion'].";
        return Err(Fault::resource(&unknown.join(","), message).at(&mutual.origin));
    }
    let maker = Maker { origin: mutual.origin.clone() };
    Ok(maker.map(known.iter().filter_map(|name| Some((*name, tree::filled(map, name)?.clone())))))
}

fn mappings(written: &Written, config: &Node, domain: &str) -> Outcome<Vec<Made>> {
    let maker = Maker::implied_by(&config.origin);
    let mapping = |id: String, key: Option<Node>| {
        let mut mapping = Made::new(id, "AWS::ApiGatewayV2::ApiMapping", &maker, &written.passed_on())
            .with("DomainName", maker.reference(domain))
            .with("ApiId", maker.reference(written.id.clone()))
            .with("Stage", maker.reference(format!("{}.Stage", written.id)));
        mapping.set_given("ApiMappingKey", key.as_ref());
        mapping
    };
    let bases = match config.get("BasePath").filter(|base| tree::truthy(base)) {
        Some(base) if tree::text_of(base).is_some() => vec![base.clone()],
        Some(base) => base.as_list().map(<[Node]>::to_vec).unwrap_or_default(),
        None => Vec::new(),
    };
    if bases.is_empty() {
        return Ok(vec![mapping(format!("{}ApiMapping", written.id), None)]);
    }
    let mut made = Vec::new();
    for base in bases {
        let fault = |message: &str| Fault::resource(&written.id, message).at(&base.origin);
        let Some(text) = tree::text_of(&base) else { return Err(fault("Basepath must be a string.")) };
        let fits = |character: char| character.is_ascii_alphanumeric() || matches!(character, '/' | '-' | '_');
        if !text.chars().all(fits) {
            return Err(fault("Invalid Basepath name provided."));
        }
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        let key = Node::text(text.trim_matches('/'), &base.origin);
        made.push(mapping(format!("{}{plain}ApiMapping", written.id), Some(key)));
    }
    Ok(made)
}
