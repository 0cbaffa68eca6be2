//! What is different on which route: which guards only observe, and what the firewall leaves alone. A route is named by its
//! label; where two APIs have a route of that label, with its API, so that a word meant for the one never opens the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use brigandine_model::{ApiStyle, App, Guard, LogicalId};

use crate::{
    Error, Settings,
    plan::label,
    settings::{Observe, RouteInspection},
};

/// The operator's words about single routes, beside what the application has.
pub(crate) struct Observing<'a> {
    observe: &'a Observe,
    inspection: Option<&'a BTreeMap<Arc<str>, RouteInspection>>,
    /// The APIs that have a route of this label.
    apis: BTreeMap<String, BTreeSet<&'a LogicalId>>,
}

impl<'a> Observing<'a> {
    pub(crate) fn new(settings: &'a Settings, app: &'a App) -> Self {
        let mut apis: BTreeMap<String, BTreeSet<&LogicalId>> = BTreeMap::new();
        let served = |id: &LogicalId| app.api(id).is_some_and(|api| api.style != ApiStyle::WebSocket);
        for route in app.routes.iter().filter(|route| served(&route.api)) {
            apis.entry(label(app, route)).or_default().insert(&route.api);
        }
        let inspection = settings.firewall.as_ref().map(|firewall| &firewall.routes);
        Self { observe: &settings.observe, inspection, apis }
    }

    /// What only observes on the route of this API and label.
    pub(crate) fn on(&self, api: &LogicalId, label: &str) -> BTreeSet<Guard> {
        self.said(&self.observe.routes, api, label).flatten().copied().collect()
    }

    /// What the firewall does differently there.
    pub(crate) fn inspection(&self, api: &LogicalId, label: &str) -> RouteInspection {
        let said = self.inspection.into_iter().flat_map(|routes| self.said(routes, api, label));
        said.fold(RouteInspection::default(), |whole, part| RouteInspection {
            inspect: whole.inspect.or(part.inspect),
            responses: whole.responses.or(part.responses),
        })
    }

    /// What is said of a route, the closer word first. A label that does not say which of several routes it means says nothing.
    fn said<'m, T>(
        &self,
        routes: &'m BTreeMap<Arc<str>, T>,
        api: &LogicalId,
        label: &str,
    ) -> impl Iterator<Item = &'m T> {
        let own = routes.get(format!("{api} {label}").as_str());
        let bare = routes.get(label).filter(|_| self.apis.get(label).is_none_or(|apis| apis.len() < 2));
        own.into_iter().chain(bare)
    }

    /// Refuses labels that several routes have.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let observed = self.observe.routes.keys().map(|name| ("observe", name));
        let inspected = self.inspection.into_iter().flat_map(BTreeMap::keys).map(|name| ("inspect", name));
        for (setting, name) in observed.chain(inspected) {
            let Some(apis) = self.apis.get(&**name).filter(|apis| apis.len() > 1) else { continue };
            let forms: Vec<String> = apis.iter().map(|api| format!("`{api} {name}`")).collect();
            let reason = format!("several APIs have a route `{name}`; write {}", forms.join(" or "));
            return Err(Error::Setting { name: setting, reason });
        }
        Ok(())
    }
}
