//! What starts functions, and the stores behind it: which store a text means, and who may put something into one.

use brigandine_model::{App, EventSource, Grant, Judgement, LogicalId, Piece, Principal, Resource, Store, Value};

use crate::{
    case::{both, not},
    door::narrows_callers,
};

/// The resources of these kinds, by id.
pub(crate) fn of_kind<'a>(
    app: &'a App,
    kinds: &'static [&'static str],
) -> impl Iterator<Item = (&'a LogicalId, &'a Resource)> {
    app.resources.iter().filter(|(_, resource)| kinds.contains(&&*resource.kind))
}

/// Whether a text names this resource.
pub(crate) fn refers(value: &Value<String>, id: &LogicalId) -> bool {
    match value {
        Value::Symbolic(symbol) => symbol.resources().any(|other| other == id),
        Value::OneOf(cases) => cases.iter().any(|case| refers(&case.value, id)),
        Value::Known(_) | Value::Unknown(_) => false,
    }
}

/// The store that a text means: by reference, or by the name that the template gives it.
pub(crate) fn store_of<'a>(app: &'a App, value: &Value<String>) -> Option<&'a Store> {
    app.stores.iter().find(|store| refers(value, &store.id)).or_else(|| {
        let text = plain(value)?;
        let name = text.rsplit([':', '/']).next().filter(|name| !name.is_empty())?;
        app.stores.iter().find(|store| {
            store.name.as_ref().and_then(|fact| plain(&fact.value)).is_some_and(|own| own == name || own == text)
        })
    })
}

/// The text of a value where it is one text, holes as a person writes them.
fn plain(value: &Value<String>) -> Option<String> {
    match value {
        Value::Known(text) => Some(text.clone()),
        Value::Symbolic(symbol) if symbol.pieces.iter().any(|piece| matches!(piece, Piece::Text(_))) => {
            Some(symbol.to_string())
        }
        _ => None,
    }
}

/// What the store starts.
pub(crate) fn started_by<'a>(app: &'a App, store: &'a Store) -> Vec<&'a EventSource> {
    let from = |source: &&EventSource| {
        source.source.as_ref().is_some_and(|fact| store_of(app, &fact.value).is_some_and(|own| own.id == store.id))
    };
    app.sources.iter().filter(from).collect()
}

/// Whether anyone at all is meant by the grant.
pub(crate) fn is_for_anyone(grant: &Grant) -> Judgement {
    let who = match &grant.principal {
        Principal::Internet => Judgement::Yes,
        Principal::Account(_) | Principal::Service(_) => Judgement::No,
        Principal::Unknown(why) => Judgement::CannotTell(why.clone()),
    };
    both(who, not(Judgement::settled(is_narrowed(grant))))
}

/// Whether the grant says on whose behalf it holds.
pub(crate) fn is_narrowed(grant: &Grant) -> bool {
    grant.source.is_some() || grant.source_account.is_some() || grant.conditions.iter().any(narrows_callers)
}
