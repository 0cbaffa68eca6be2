//! Trails: the account's record of who called which of the platform's own actions.

use brigandine_model::{App, Change, Fix, Judgement, Literal, LogicalId, Provenance, Resource};

use crate::Sink;

/// Every trail that the template owns.
pub(crate) fn all(app: &App) -> impl Iterator<Item = (&LogicalId, &Resource)> {
    app.resources.iter().filter(|(_, resource)| &*resource.kind == "AWS::CloudTrail::Trail")
}

/// A trail on which something is not switched on.
pub(crate) struct Lacking<'a> {
    pub(crate) id: &'a LogicalId,
    resource: &'a Resource,
    key: &'static str,
    /// When it is off.
    pub(crate) holds: Judgement,
}

/// The trails that lack the property. Where that cannot be told, `sink` is: `asked` says what the property decides.
pub(crate) fn lacking<'a>(
    app: &'a App,
    key: &'static str,
    asked: fn(&LogicalId) -> String,
    sink: &mut Sink,
) -> Vec<Lacking<'a>> {
    let mut found = Vec::new();
    for (id, resource) in all(app) {
        let is_off = |text: &str| !text.eq_ignore_ascii_case("true");
        let own = resource.properties.as_ref();
        match own.map_or(Judgement::Yes, |own| own.judge_text(&[key], true, &is_off)) {
            Judgement::No => {}
            Judgement::CannotTell(why) => sink.cannot_tell(&asked(id), &why, (id, &resource.provenance)),
            holds => found.push(Lacking { id, resource, key, holds }),
        }
    }
    found
}

impl Lacking<'_> {
    /// Where the property is set, or the trail where it is not.
    pub(crate) fn place(&self) -> &Provenance {
        let written = self.resource.properties.as_ref().and_then(|own| own.at(&[self.key]));
        written.map_or(&self.resource.provenance, |own| &own.provenance)
    }

    /// Switches the property on.
    pub(crate) fn switch_on(&self, title: &str) -> Option<Fix> {
        self.resource.written_kind.as_ref()?;
        let path = vec!["Properties".into(), self.key.into()];
        Some(Fix::safe(title, vec![Change::Set { resource: self.id.clone(), path, value: Literal::Flag(true) }]))
    }
}
