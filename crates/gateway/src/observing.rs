//! Which guards only observe on which route. A route is named by its label; where two APIs have a route of that label,
//! with its API, so that a word meant for the one never opens the other.

use std::collections::{BTreeMap, BTreeSet};

use brigandine_model::{ApiStyle, App, Guard, LogicalId};

use crate::{Error, plan::label, settings::Observe};

/// The operator's words about single routes, beside what the application has.
pub(crate) struct Observing<'a> {
    observe: &'a Observe,
    /// The APIs that have a route of this label.
    apis: BTreeMap<String, BTreeSet<&'a LogicalId>>,
}

impl<'a> Observing<'a> {
    pub(crate) fn new(observe: &'a Observe, app: &'a App) -> Self {
        let mut apis: BTreeMap<String, BTreeSet<&LogicalId>> = BTreeMap::new();
        let served = |id: &LogicalId| app.api(id).is_some_and(|api| api.style != ApiStyle::WebSocket);
        for route in app.routes.iter().filter(|route| served(&route.api)) {
            apis.entry(label(app, route)).or_default().insert(&route.api);
        }
        Self { observe, apis }
    }

    /// What only observes on the route of this API and label. A label that does not say which of several routes it means
    /// says nothing.
    pub(crate) fn on(&self, api: &LogicalId, label: &str) -> BTreeSet<Guard> {
        let own = self.observe.routes.get(format!("{api} {label}").as_str());
        let bare = self.observe.routes.get(label).filter(|_| self.apis.get(label).is_none_or(|apis| apis.len() < 2));
        own.into_iter().chain(bare).flatten().copied().collect()
    }

    /// Refuses labels that several routes have.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for name in self.observe.routes.keys() {
            let Some(apis) = self.apis.get(&**name).filter(|apis| apis.len() > 1) else { continue };
            let forms: Vec<String> = apis.iter().map(|api| format!("`{api} {name}`")).collect();
            let reason = format!("several APIs have a route `{name}`; write {}", forms.join(" or "));
            return Err(Error::Setting { name: "observe", reason });
        }
        Ok(())
    }
}
