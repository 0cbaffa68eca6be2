//! `--profile launch-day`: what a team switches on in its provider before a flood comes, as changes of its template.
//!
//! Limits on every door, a firewall before the doors that can have one, logs that tell who came, caps on what strangers can
//! start, and alarms that somebody gets. What is there already is left alone, so a second run changes nothing.

mod alarm;
mod door;
mod firewall;
mod log;

use std::sync::Arc;

use brigandine_model::{App, Change, Literal, LogicalId, Piece, Property, Resource, Value};

/// Most resources of a stack, by the platform's quota.
const MOST_RESOURCES: usize = 500;
/// Simultaneous runs of one function that strangers can start.
const PUBLIC_RUNS: usize = 20;
/// Simultaneous runs of all such functions together: the platform's quota for an account is 1000, and some must be left.
const ALL_PUBLIC_RUNS: usize = 800;

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Each holds by itself, in this order.
    pub(super) steps: Vec<Step>,
    /// What a person must know or do.
    pub(super) notes: Vec<String>,
}

/// One thing that is switched on.
#[derive(Debug)]
pub(super) struct Step {
    /// What it does, imperative.
    pub(super) title: String,
    pub(super) changes: Vec<Change>,
    /// The resource of an earlier step that it refers to.
    needs: Option<String>,
}

impl Step {
    /// Whether everything it refers to is there.
    pub(super) fn holds(&self, app: &App) -> bool {
        self.needs.as_ref().is_none_or(|id| app.resources.contains_key(&LogicalId::new(id.as_str())))
    }
}

impl Plan {
    fn step(&mut self, title: String, changes: Vec<Change>) {
        self.steps.push(Step { title, changes, needs: None });
    }

    fn step_with(&mut self, needs: &str, title: String, changes: Vec<Change>) {
        self.steps.push(Step { title, changes, needs: Some(needs.to_owned()) });
    }

    fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// What this application still lacks.
pub(super) fn plan(app: &App) -> Plan {
    let mut plan = Plan::default();
    let site = Site { app };
    let stages = door::stages(&site, &mut plan);
    door::limits(&site, &stages, &mut plan);
    door::access_logs(&site, &stages, &mut plan);
    firewall::firewall(&site, &stages, &mut plan);
    log::logs(&site, &mut plan);
    caps(&site, &mut plan);
    alarm::alarms(&site, &stages, &mut plan);
    let room = MOST_RESOURCES.saturating_sub(app.resources.len());
    let declares = |step: &Step| step.changes.iter().filter(|change| matches!(change, Change::Declare { .. })).count();
    let mut added = 0;
    let before = plan.steps.len();
    plan.steps.retain(|step| {
        added += declares(step);
        added <= room
    });
    if plan.steps.len() < before {
        plan.note("a stack may have 500 resources, so not everything was added");
    }
    plan
}

/// The application, with the questions that all parts ask.
struct Site<'a> {
    app: &'a App,
}

impl Site<'_> {
    fn resource(&self, id: &LogicalId) -> Option<&Resource> {
        self.app.resources.get(id)
    }

    /// The type as a person wrote it; nothing when nobody wrote the resource.
    fn written(&self, id: &LogicalId) -> Option<&str> {
        self.resource(id)?.written_kind.as_deref()
    }

    fn condition(&self, id: &LogicalId) -> Option<&Arc<str>> {
        self.resource(id)?.condition.as_ref()
    }

    fn property(&self, id: &LogicalId, path: &[&str]) -> Option<&Property> {
        self.resource(id)?.properties.as_ref()?.at(path)
    }

    fn has(&self, id: &str) -> bool {
        self.resource(&LogicalId::new(id)).is_some()
    }

    /// A name that no resource has.
    fn free(&self, name: &str) -> String {
        let numbered = (2..1_000).map(|number| format!("{name}{number}"));
        std::iter::once(name.to_owned()).chain(numbered).find(|name| !self.has(name)).unwrap_or_default()
    }
}

/// Alarms, logs and keepers of functions, with a limit for those that strangers can start.
fn caps(site: &Site<'_>, plan: &mut Plan) {
    let is_public = |id: &LogicalId| site.app.routes_of(id).next().is_some();
    let public: Vec<_> = site.app.functions.iter().filter(|function| is_public(&function.id)).collect();
    let runs = (ALL_PUBLIC_RUNS / public.len().max(1)).clamp(1, PUBLIC_RUNS);
    for function in public {
        let id = &function.id;
        if function.reserved_concurrency.is_some() || site.written(id).is_none() {
            continue;
        }
        if site.property(id, &["ProvisionedConcurrencyConfig"]).is_some() {
            plan.note(format!("`{id}` keeps instances ready, so its limit of simultaneous runs is left to you"));
            continue;
        }
        let value = Literal::Number(i64::try_from(runs).unwrap_or(1));
        plan.step(
            format!("limit how often `{id}` runs at once"),
            vec![set(id, &["Properties", "ReservedConcurrentExecutions"], value)],
        );
        plan.note(format!(
            "{runs} simultaneous runs are reserved for each public function; check the sum against your account's quota"
        ));
    }
}

fn set(id: &LogicalId, path: &[&str], value: Literal) -> Change {
    Change::Set { resource: id.clone(), path: keys(path), value }
}

fn keys(path: &[&str]) -> Vec<Arc<str>> {
    path.iter().map(|key| (*key).into()).collect()
}

/// A resource of its own; it exists under the same condition as what it is for.
fn declare(name: &str, kind: &str, condition: Option<&Arc<str>>, properties: Literal) -> Change {
    let mut entries: Vec<(Arc<str>, Literal)> = vec![("Type".into(), Literal::text(kind))];
    entries.extend(condition.map(|name| ("Condition".into(), Literal::text(&**name))));
    if properties != Literal::Map(Vec::new()) {
        entries.push(("Properties".into(), properties));
    }
    Change::Declare { path: keys(&["Resources"]), name: name.into(), value: Literal::Map(entries) }
}

fn sub(text: &str) -> Literal {
    Literal::map([("Fn::Sub", Literal::text(text))])
}

/// Whether a value names this resource, in any case.
fn names(value: &Value<String>, id: &LogicalId) -> bool {
    match value {
        Value::Symbolic(symbol) => symbol.resources().any(|other| other == id),
        Value::OneOf(cases) => cases.iter().any(|case| names(&case.value, id)),
        Value::Known(_) | Value::Unknown(_) => false,
    }
}

/// The value as it can be written again; nothing when it is not settled.
fn again(value: &Value<String>) -> Option<Literal> {
    match value {
        Value::Known(text) => Some(Literal::text(text)),
        Value::Symbolic(symbol) => {
            let piece = |piece: &Piece| match piece {
                Piece::Text(text) => Some(text.replace("${", "${!")),
                Piece::Attribute { resource, attribute: None } => Some(format!("${{{resource}}}")),
                Piece::Attribute { resource, attribute: Some(name) } => Some(format!("${{{resource}.{name}}}")),
                Piece::Parameter(name) => Some(format!("${{{name}}}")),
                Piece::Dynamic(_) => None,
            };
            match symbol.pieces.as_slice() {
                [Piece::Parameter(name)] => Some(Literal::reference(name)),
                pieces => Some(sub(&pieces.iter().map(piece).collect::<Option<String>>()?)),
            }
        }
        Value::OneOf(_) | Value::Unknown(_) => None,
    }
}
