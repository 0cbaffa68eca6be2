//! The outermost doors: content networks, the APIs behind them, and the firewalls before either.

use brigandine_model::{Api, ApiStyle, App, Fact, Judgement, LogicalId, Property, Resource, Value};

use crate::{
    case::any,
    trigger::{of_kind, refers},
};

const DISTRIBUTION: &[&str] = &["AWS::CloudFront::Distribution"];
const STAGE: &[&str] = &["AWS::ApiGateway::Stage"];

/// A content network's way to what is behind it.
pub(crate) struct Origin<'a> {
    /// The distribution.
    pub(crate) distribution: (&'a LogicalId, &'a Resource),
    /// What stands there of the origin.
    pub(crate) settings: &'a Property,
    /// The address behind it.
    pub(crate) address: &'a Property,
}

/// The distributions of the application, those that are switched off left out.
pub(crate) fn distributions(app: &App) -> impl Iterator<Item = (&LogicalId, &Resource)> {
    let is_on = |resource: &Resource| {
        let enabled = resource.properties.as_ref().and_then(|own| own.at(&["DistributionConfig", "Enabled"]));
        enabled.and_then(Property::known) != Some("false")
    };
    of_kind(app, DISTRIBUTION).filter(move |(_, resource)| is_on(resource))
}

/// Every origin of every distribution.
pub(crate) fn origins(app: &App) -> Vec<Origin<'_>> {
    let mut found = Vec::new();
    for (id, resource) in distributions(app) {
        let origins = resource.properties.as_ref().and_then(|own| own.at(&["DistributionConfig", "Origins"]));
        for settings in origins.map(Property::items).unwrap_or_default() {
            if let Some(address) = settings.at(&["DomainName"]) {
                found.push(Origin { distribution: (id, resource), settings, address });
            }
        }
    }
    found
}

impl Origin<'_> {
    /// Whether the origin is this API, at the platform's own address.
    pub(crate) fn is(&self, api: &Api) -> bool {
        self.address.text().is_some_and(|value| refers(value, &api.id))
    }
}

/// Whether a firewall stands before a distribution.
pub(crate) fn is_shielded_distribution(resource: &Resource) -> Judgement {
    let Some(properties) = &resource.properties else { return Judgement::No };
    properties.judge(&["DistributionConfig", "WebACLId"], &|property| match property.and_then(Property::text) {
        None => Judgement::No,
        // Whoever names a firewall in a parameter has one.
        Some(value) => value.judge(&|text| !text.is_empty(), &|_| Some(true)),
    })
}

/// Whether a firewall stands before the resource with this id, or before a stage of it.
pub(crate) fn is_shielded(app: &App, id: &LogicalId) -> Judgement {
    let stages = of_kind(app, STAGE).filter(|(_, stage)| {
        let owner = stage.properties.as_ref().and_then(|own| own.at(&["RestApiId"])?.text());
        owner.is_some_and(|value| refers(value, id))
    });
    let mut names: Vec<&LogicalId> = stages.map(|(stage, _)| stage).collect();
    names.push(id);
    any(app.wafs.iter().flat_map(|waf| &waf.protects).map(|protected| covers(protected, &names)))
}

fn covers(protected: &Fact<String>, names: &[&LogicalId]) -> Judgement {
    if names.iter().any(|name| refers(&protected.value, name)) {
        return Judgement::Yes;
    }
    match &protected.value {
        Value::Unknown(why) => Judgement::CannotTell(why.clone()),
        Value::Symbolic(symbol) if symbol.resources().next().is_none() => {
            Judgement::CannotTell(format!("it is only known once deployed what `{symbol}` is").into())
        }
        _ => Judgement::No,
    }
}

/// Whether the API is of a style before which the platform lets a firewall stand.
pub(crate) fn can_be_shielded(api: &Api) -> bool {
    api.style == ApiStyle::Rest
}
