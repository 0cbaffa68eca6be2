//! Trails: the account's record of who called which of the platform's own actions.

use brigandine_model::{App, Change, Fix, Literal, LogicalId, Resource};

/// Every trail that the template owns.
pub(crate) fn all(app: &App) -> impl Iterator<Item = (&LogicalId, &Resource)> {
    app.resources.iter().filter(|(_, resource)| &*resource.kind == "AWS::CloudTrail::Trail")
}

/// Switches a property of the trail on.
pub(crate) fn switch_on(trail: (&LogicalId, &Resource), key: &str, title: &str) -> Option<Fix> {
    let (id, resource) = trail;
    resource.written_kind.as_ref()?;
    let path = vec!["Properties".into(), key.into()];
    Some(Fix::safe(title, vec![Change::Set { resource: id.clone(), path, value: Literal::Flag(true) }]))
}
