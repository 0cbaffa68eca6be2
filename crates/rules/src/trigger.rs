//! What starts functions, and the stores behind it: which store a text means, and who may put something into one.

use std::collections::{BTreeMap, BTreeSet};

use brigandine_model::{
    App, Entry, EventSource, Grant, Judgement, LogicalId, Piece, Principal, Property, Provenance, Resource, Store,
    Value,
};

use crate::{
    case::{both, not},
    door::{knows_callers, narrows_callers},
};

/// The resources of these kinds, by id.
pub(crate) fn of_kind<'a>(
    app: &'a App,
    kinds: &'static [&'static str],
) -> impl Iterator<Item = (&'a LogicalId, &'a Resource)> {
    app.resources.iter().filter(|(_, resource)| kinds.contains(&&*resource.kind))
}

/// The resources that a text names, in every case.
pub(crate) fn named(value: &Value<String>) -> Vec<&LogicalId> {
    match value {
        Value::Symbolic(symbol) => symbol.resources().collect(),
        Value::OneOf(cases) => cases.iter().flat_map(|case| named(&case.value)).collect(),
        Value::Known(_) | Value::Unknown(_) => Vec::new(),
    }
}

/// The stores of an application, by id and by name.
pub(crate) struct Stores<'a> {
    app: &'a App,
    by_id: BTreeMap<&'a LogicalId, &'a Store>,
    by_name: BTreeMap<String, &'a Store>,
    /// Statements beside which another one shuts out everyone who does not come from a known place.
    taken_back: BTreeSet<&'a Provenance>,
}

impl<'a> Stores<'a> {
    /// Those of this application.
    pub(crate) fn new(app: &'a App) -> Self {
        let by_id = app.stores.iter().map(|store| (&store.id, store)).collect();
        let name = |store: &'a Store| Some((plain(&store.name.as_ref()?.value)?, store));
        Self { app, by_id, by_name: app.stores.iter().filter_map(name).collect(), taken_back: taken_back(app) }
    }

    /// The store that a text means: by reference, or by the name that the template gives it.
    pub(crate) fn of(&self, value: &Value<String>) -> Option<&'a Store> {
        if let Some(store) = named(value).into_iter().find_map(|id| self.by_id.get(id)) {
            return Some(store);
        }
        let text = plain(value)?;
        let name = text.rsplit([':', '/']).next().filter(|name| !name.is_empty())?;
        self.by_name.get(name).or_else(|| self.by_name.get(&text)).copied()
    }

    /// What each store starts.
    pub(crate) fn sources(&self) -> BTreeMap<&'a LogicalId, Vec<&'a EventSource>> {
        let mut found: BTreeMap<&'a LogicalId, Vec<&'a EventSource>> = BTreeMap::new();
        for source in &self.app.sources {
            if let Some(store) = source.source.as_ref().and_then(|fact| self.of(&fact.value)) {
                found.entry(&store.id).or_default().push(source);
            }
        }
        found
    }

    /// Whether another statement of the same policy shuts out everyone who does not come from a known place.
    pub(crate) fn is_taken_back(&self, grant: &Grant) -> bool {
        self.taken_back.contains(&grant.provenance)
    }
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
    let bare = grant.conditions.is_empty() && (grant.source.is_some() || grant.source_account.is_some());
    bare || grant.conditions.iter().any(|condition| !condition.operator.contains("Not") && narrows_callers(condition))
}

/// Where resources keep the statements that grants come from.
const POLICIES: &[(&[&str], &[&str])] = &[
    (
        &["AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy", "AWS::S3::BucketPolicy"],
        &["PolicyDocument", "Statement"],
    ),
    (&["AWS::Events::EventBus"], &["Policy", "Statement"]),
    (&["AWS::Kinesis::ResourcePolicy"], &["ResourcePolicy", "Statement"]),
];

fn taken_back(app: &App) -> BTreeSet<&Provenance> {
    let mut found = BTreeSet::new();
    for (kinds, path) in POLICIES {
        for statements in of_kind(app, kinds).filter_map(|(_, resource)| resource.properties.as_ref()?.at(path)) {
            let items = statements.items();
            if items.iter().any(|item| shuts_out(item)) {
                found.extend(items.iter().map(|item| &item.provenance));
            }
        }
    }
    found
}

fn shuts_out(statement: &Property) -> bool {
    let conditions = statement.at(&["Condition"]).map(Property::entries).unwrap_or_default();
    let except_known = |operator: &Entry| {
        operator.name.contains("Not") && operator.value.entries().iter().any(|key| knows_callers(&key.name))
    };
    statement.at(&["Effect"]).and_then(Property::known) == Some("Deny") && conditions.iter().any(except_known)
}
