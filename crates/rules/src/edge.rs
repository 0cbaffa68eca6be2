//! The outermost doors: content networks, the APIs behind them, and the firewalls before either.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use brigandine_model::{Api, ApiStyle, App, Judgement, LogicalId, Property, Resource, Value};

use crate::trigger::{named, of_kind};

const DISTRIBUTION: &[&str] = &["AWS::CloudFront::Distribution"];
const STAGE: &[&str] = &["AWS::ApiGateway::Stage"];

/// A content network's way to what is behind it.
pub(crate) struct Origin<'a> {
    /// The distribution.
    pub(crate) distribution: (&'a LogicalId, &'a Resource),
    /// What stands there of the origin.
    pub(crate) settings: &'a Property,
}

/// The distributions of the application, those that are switched off left out.
pub(crate) fn distributions(app: &App) -> impl Iterator<Item = (&LogicalId, &Resource)> {
    let is_on = |resource: &Resource| {
        let enabled = resource.properties.as_ref().and_then(|own| own.at(&["DistributionConfig", "Enabled"]));
        enabled.and_then(Property::known) != Some("false")
    };
    of_kind(app, DISTRIBUTION).filter(move |(_, resource)| is_on(resource))
}

/// The origins of distributions by what they lead to: an API at the platform's own address, a bucket.
pub(crate) fn origins(app: &App) -> BTreeMap<&LogicalId, Origin<'_>> {
    let mut found = BTreeMap::new();
    for (id, resource) in distributions(app) {
        let origins = resource.properties.as_ref().and_then(|own| own.at(&["DistributionConfig", "Origins"]));
        for settings in origins.map(Property::items).unwrap_or_default() {
            let address = settings.at(&["DomainName"]).and_then(Property::text);
            for behind in address.map(named).unwrap_or_default() {
                found.entry(behind).or_insert(Origin { distribution: (id, resource), settings });
            }
        }
    }
    found
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

/// What firewalls stand before.
pub(crate) struct Shields<'a> {
    protected: BTreeSet<&'a LogicalId>,
    /// Why it is not known what one of them stands before.
    unknown: Option<Arc<str>>,
}

impl<'a> Shields<'a> {
    /// Those of this application. A firewall before a stage stands before its API.
    pub(crate) fn new(app: &'a App) -> Self {
        let owner =
            |stage: &'a Resource| named(stage.properties.as_ref()?.at(&["RestApiId"])?.text()?).into_iter().next();
        let stages: BTreeMap<&LogicalId, &LogicalId> =
            of_kind(app, STAGE).filter_map(|(id, stage)| Some((id, owner(stage)?))).collect();
        let mut shields = Self { protected: BTreeSet::new(), unknown: None };
        for fact in app.wafs.iter().flat_map(|waf| &waf.protects) {
            let ids = named(&fact.value);
            shields.protected.extend(ids.iter().filter_map(|id| stages.get(*id)));
            shields.protected.extend(ids.iter());
            match &fact.value {
                Value::Unknown(why) => shields.unknown = Some(why.clone()),
                Value::Symbolic(symbol) if ids.is_empty() => {
                    shields.unknown = Some(format!("it is only known once deployed what `{symbol}` is").into());
                }
                _ => {}
            }
        }
        shields
    }

    /// Whether a firewall stands before the resource with this id, or before a stage of it.
    pub(crate) fn covers(&self, id: &LogicalId) -> Judgement {
        match &self.unknown {
            _ if self.protected.contains(id) => Judgement::Yes,
            Some(why) => Judgement::CannotTell(why.clone()),
            None => Judgement::No,
        }
    }
}

/// Whether the API is of a style before which the platform lets a firewall stand.
pub(crate) fn can_be_shielded(api: &Api) -> bool {
    api.style == ApiStyle::Rest
}
