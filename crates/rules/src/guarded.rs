//! Policies beside the stores they protect: a policy names its store by reference or by name.

use std::collections::BTreeMap;

use brigandine_model::{App, LogicalId, Property};

use crate::setting::{Named, of_kinds, referred_below};

/// The policies of one type, by what they name.
pub(crate) struct Policies<'a> {
    by_id: BTreeMap<&'a LogicalId, Vec<Named<'a>>>,
    by_name: BTreeMap<&'a str, Vec<Named<'a>>>,
}

impl<'a> Policies<'a> {
    /// The policies of this type; `target` is the property that names what they protect.
    pub(crate) fn of(app: &'a App, kind: &str, target: &str) -> Self {
        let mut policies = Self { by_id: BTreeMap::new(), by_name: BTreeMap::new() };
        for policy in of_kinds(app, &[kind]) {
            let Some(named) = policy.at(&[target]) else { continue };
            for id in referred_below(named) {
                policies.by_id.entry(id).or_default().push(policy);
            }
            for name in named.items().into_iter().filter_map(Property::known) {
                policies.by_name.entry(name).or_default().push(policy);
            }
        }
        policies
    }

    /// The policies that protect a store, whose own name stands at `name`.
    pub(crate) fn protecting(&self, store: &Named<'_>, name: &str) -> impl Iterator<Item = &Named<'a>> {
        let named = store.at(&[name]).and_then(Property::known);
        let by_name = named.and_then(|name| self.by_name.get(name)).into_iter().flatten();
        self.by_id.get(store.id).into_iter().flatten().chain(by_name)
    }
}
