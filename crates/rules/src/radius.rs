//! The blast radius: which things of this application a role gets to, and how its policies mean them.

use brigandine_iam::{ActionPattern, ManagedClass, ManagedPolicy, Pattern, ResourcePattern, managed_policy};
use brigandine_model::{
    App, Effect, Fact, LogicalId, Piece, Provenance, Role, Statement, Store, StoreKind, Symbol, Value,
};

use crate::case::{HOLE, filled, is, may_hold, texts};

/// The platform deploys no template with more resources than this; what lies beyond is not looked at.
const MOST_RESOURCES: usize = 500;

/// How a policy means a thing. Ordered: later is wider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Aim {
    /// By its own name or a reference to it.
    Named,
    /// By a pattern that its name happens to fit.
    Pattern,
    /// As one of all.
    Everything,
}

/// Something of this application that a policy can name.
pub(crate) struct Thing<'a> {
    pub(crate) id: &'a LogicalId,
    /// Prefix of the actions on it.
    pub(crate) service: &'static str,
    /// The name it will have, where the template settles it.
    pub(crate) name: Option<&'a Fact<String>>,
    pub(crate) provenance: &'a Provenance,
    /// What stands after the account in its resource name, where that can be said.
    own_part: Option<String>,
}

/// A thing that a role gets to.
pub(crate) struct Reached<'a, 't> {
    pub(crate) thing: &'t Thing<'a>,
    pub(crate) aim: Aim,
    /// The text that means it.
    pub(crate) written: &'a Fact<String>,
    /// The statement; nothing where a policy of the platform grants it.
    pub(crate) statement: Option<&'a Statement>,
}

/// The stores of the application.
pub(crate) fn stores(app: &App) -> Vec<Thing<'_>> {
    app.stores.iter().take(MOST_RESOURCES).filter_map(|store| of_store(app, store)).collect()
}

/// The stored secrets and parameters of the application.
pub(crate) fn secrets(app: &App) -> Vec<Thing<'_>> {
    app.secrets
        .iter()
        .take(MOST_RESOURCES)
        .map(|secret| {
            let kind = app.resources.get(&secret.id).map_or("", |resource| &*resource.kind);
            let name = final_name(&secret.id, secret.name.as_ref());
            let (service, own_part) = if kind == "AWS::SSM::Parameter" {
                ("ssm", name.map(|name| format!("parameter/{}", name.trim_start_matches('/'))))
            } else {
                ("secretsmanager", name.map(|name| format!("secret:{name}-{HOLE}")))
            };
            Thing { id: &secret.id, service, name: secret.name.as_ref(), provenance: &secret.provenance, own_part }
        })
        .collect()
}

/// The functions of the application.
pub(crate) fn functions(app: &App) -> Vec<Thing<'_>> {
    app.functions
        .iter()
        .take(MOST_RESOURCES)
        .map(|function| {
            let name = final_name(&function.id, function.name.as_ref());
            Thing {
                id: &function.id,
                service: "lambda",
                name: function.name.as_ref(),
                provenance: &function.provenance,
                own_part: name.map(|name| format!("function:{name}")),
            }
        })
        .collect()
}

fn of_store<'a>(app: &App, store: &'a Store) -> Option<Thing<'a>> {
    let kind = app.resources.get(&store.id).map_or("", |resource| &*resource.kind);
    let (service, before) = match store.kind {
        StoreKind::Bucket => ("s3", ""),
        StoreKind::Table => ("dynamodb", "table/"),
        StoreKind::Queue => ("sqs", ""),
        StoreKind::Topic => ("sns", ""),
        StoreKind::Stream if kind == "AWS::Kinesis::Stream" => ("kinesis", "stream/"),
        StoreKind::Stream if kind == "AWS::KinesisFirehose::DeliveryStream" => ("firehose", "deliverystream/"),
        StoreKind::Bus => ("events", "event-bus/"),
        StoreKind::Stream | StoreKind::Database => return None,
    };
    let name = final_name(&store.id, store.name.as_ref());
    let own_part = name.map(|name| format!("{before}{name}"));
    Some(Thing { id: &store.id, service, name: store.name.as_ref(), provenance: &store.provenance, own_part })
}

/// The name the platform will give: the one that is written, or the stack's name, the logical id and something random.
fn final_name(id: &LogicalId, written: Option<&Fact<String>>) -> Option<String> {
    match written.map(|fact| &fact.value) {
        None => Some(format!("${{AWS.StackName}}-{id}-{HOLE}")),
        Some(Value::Known(name)) => Some(name.clone()),
        Some(Value::Symbolic(symbol)) => Some(rendered(symbol)),
        Some(_) => None,
    }
}

/// The symbol as text in which holes keep their names, but no colon: colons part resource names.
fn rendered(symbol: &Symbol) -> String {
    symbol.pieces.iter().fold(String::new(), |mut out, piece| {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Attribute { resource, .. } => out.extend(["${", resource.as_str(), "}"]),
            Piece::Parameter(name) => out.extend(["${", &name.replace("::", "."), "}"]),
            Piece::Dynamic(_) => out.push(HOLE),
        }
        out
    })
}

/// The things that a statement means in any way.
pub(crate) fn meant<'a, 't>(statement: &Statement, things: &'t [Thing<'a>]) -> Vec<&'t Thing<'a>> {
    let meanings = meanings_of(statement);
    things.iter().filter(|thing| meanings.iter().any(|meaning| meaning.aim(thing).is_some())).collect()
}

/// What one resource of a policy means, worked out once for all things.
struct Meaning<'a> {
    written: &'a Fact<String>,
    statement: Option<&'a Statement>,
    /// What it refers to: then its text says nothing more.
    refers_to: Vec<&'a LogicalId>,
    texts: Vec<(ResourcePattern, Option<(Pattern, Pattern)>)>,
}

impl<'a> Meaning<'a> {
    fn of(written: &'a Fact<String>, statement: Option<&'a Statement>) -> Self {
        let mut meaning = Self { written, statement, refers_to: Vec::new(), texts: Vec::new() };
        meaning.read(&written.value);
        meaning
    }

    fn read(&mut self, value: &'a Value<String>) {
        match value {
            Value::Known(text) => self.text(text, text),
            Value::Symbolic(symbol) if symbol.resources().next().is_some() => self.refers_to.extend(symbol.resources()),
            Value::Symbolic(symbol) => self.text(&filled(symbol), &rendered(symbol)),
            Value::OneOf(cases) => cases.iter().for_each(|case| self.read(&case.value)),
            Value::Unknown(_) => {}
        }
    }

    fn text(&mut self, plain: &str, with_names: &str) {
        let mut parts = with_names.splitn(6, ':');
        let own = parts.nth(2).zip(parts.nth(2)).map(|(service, rest)| (Pattern::new(service), Pattern::new(rest)));
        self.texts.push((ResourcePattern::new(plain), own));
    }

    /// How it means the thing; nothing where it does not.
    fn aim(&self, thing: &Thing<'_>) -> Option<Aim> {
        let named = self.refers_to.contains(&thing.id).then_some(Aim::Named);
        self.texts.iter().filter_map(|text| aim_of_text(text, thing)).chain(named).max()
    }
}

fn aim_of_text((whole, own): &(ResourcePattern, Option<(Pattern, Pattern)>), thing: &Thing<'_>) -> Option<Aim> {
    if whole.covers_service(thing.service) {
        return Some(Aim::Everything);
    }
    let (_, rest) = own.as_ref().filter(|(service, _)| service.matches(thing.service))?;
    let own_part = thing.own_part.as_deref()?;
    let objects = || thing.service == "s3" && rest.matches(&format!("{own_part}/{HOLE}"));
    let fits = rest.matches(own_part) || objects();
    fits.then(|| if is_its_name(rest.as_str(), own_part) { Aim::Named } else { Aim::Pattern })
}

/// Whether a pattern is a name with at most what comes below it.
fn is_its_name(rest: &str, own_part: &str) -> bool {
    let own = own_part.trim_end_matches(HOLE).trim_end_matches('-').to_ascii_lowercase();
    let below = rest.trim_end_matches('*').trim_end_matches(['/', '-', '?']);
    own == below && !own.is_empty()
}

/// The things that a role gets to, each with its widest grant.
pub(crate) fn reached<'a, 't>(role: &'a Role, things: &'t [Thing<'a>]) -> Vec<Reached<'a, 't>> {
    let statements = allowing(role);
    let managed = attached(role);
    let widest = |thing: &'t Thing<'a>| {
        let written = statements.iter().filter(|(actions, _)| touches(actions, thing.service));
        let by_statement = written.flat_map(|(_, meanings)| {
            meanings.iter().filter_map(|meaning| {
                let aim = meaning.aim(thing)?;
                Some(Reached { thing, aim, written: meaning.written, statement: meaning.statement })
            })
        });
        let grants = managed.iter().filter(|(_, policy)| is_about(policy, thing.service));
        let by_policy = grants.map(|(written, _)| Reached { thing, aim: Aim::Everything, written, statement: None });
        by_statement.chain(by_policy).max_by_key(|reached| reached.aim)
    };
    things.iter().filter_map(widest).collect()
}

/// Allowing statements: what they allow, and on what.
fn allowing(role: &Role) -> Vec<(Vec<ActionPattern>, Vec<Meaning<'_>>)> {
    let allows = |statement: &&Statement| may_hold(&is(&statement.effect, &Effect::Allow));
    let patterns = |statement: &Statement| {
        let texts = statement.actions.iter().flat_map(|fact| texts(&fact.value));
        texts.filter_map(|text| text.parse().ok()).collect()
    };
    let statements = role.statements.iter().filter(allows).take(MOST_RESOURCES);
    statements.map(|statement| (patterns(statement), meanings_of(statement))).collect()
}

fn meanings_of(statement: &Statement) -> Vec<Meaning<'_>> {
    statement.resources.iter().map(|written| Meaning::of(written, Some(statement))).collect()
}

fn attached(role: &Role) -> Vec<(&Fact<String>, ManagedPolicy)> {
    role.managed.iter().take(MOST_RESOURCES).filter_map(|fact| Some((fact, policy_of(fact)?))).collect()
}

/// The policy of the platform that is meant; which partition it is kept in does not matter.
fn policy_of(fact: &Fact<String>) -> Option<ManagedPolicy> {
    texts(&fact.value).into_iter().find_map(|text| managed_policy(&text.replacen(HOLE, "aws", 1)))
}

fn is_about(policy: &ManagedPolicy, service: &str) -> bool {
    !matches!(policy.class, ManagedClass::Execution | ManagedClass::Narrow)
        && policy.services.iter().any(|own| own == "*" || own == service)
}

fn touches(actions: &[ActionPattern], service: &str) -> bool {
    actions.iter().any(|action| action.is_about(service))
}

#[cfg(test)]
mod tests {
    use brigandine_model::Role;

    use super::*;

    fn store(id: &str, kind: StoreKind, name: Option<&str>) -> Store {
        let name = name.map(|name| Fact::known(name.to_owned(), Provenance::default()));
        let provenance = Provenance::default();
        Store { id: LogicalId::new(id), kind, name, encrypted: None, failure_target: None, provenance }
    }

    fn app() -> App {
        App {
            stores: vec![
                store("Orders", StoreKind::Table, None),
                store("Photos", StoreKind::Bucket, Some("photos")),
                store("Jobs", StoreKind::Queue, Some("shop-jobs")),
            ],
            ..App::default()
        }
    }

    fn role(action: &str, resource: Value<String>) -> Role {
        let statement = Statement {
            id: None,
            effect: Fact::known(Effect::Allow, Provenance::default()),
            actions: vec![Fact::known(action.to_owned(), Provenance::default())],
            except_actions: Vec::new(),
            resources: vec![Fact { value: resource, provenance: Provenance::default() }],
            except_resources: Vec::new(),
            principals: Vec::new(),
            except_principals: false,
            conditions: Vec::new(),
            provenance: Provenance::default(),
        };
        Role {
            id: LogicalId::new("Role"),
            statements: vec![statement],
            managed: Vec::new(),
            trust: Vec::new(),
            boundary: None,
            provenance: Provenance::default(),
        }
    }

    fn text(text: &str) -> Value<String> {
        Value::Known(text.to_owned())
    }

    fn in_stack(before: &str, after: &str) -> Value<String> {
        let pieces =
            vec![Piece::Text(before.into()), Piece::Parameter("AWS::StackName".into()), Piece::Text(after.into())];
        Value::Symbolic(Symbol { pieces })
    }

    fn reaches(action: &str, resource: Value<String>) -> Vec<(String, Aim)> {
        let (app, role) = (app(), role(action, resource));
        let things = stores(&app);
        reached(&role, &things).iter().map(|one| (one.thing.id.to_string(), one.aim)).collect()
    }

    #[test]
    fn names_patterns_and_everything_are_told_apart() {
        let all: [(_, _, &[_]); 8] = [
            ("s3:GetObject", text("arn:aws:s3:::photos/*"), &[("Photos", Aim::Named)]),
            ("s3:GetObject", text("arn:aws:s3:::ph*"), &[("Photos", Aim::Pattern)]),
            ("s3:GetObject", text("*"), &[("Photos", Aim::Everything)]),
            ("sqs:*", text("arn:aws:sqs:*:*:shop-*"), &[("Jobs", Aim::Pattern)]),
            ("sqs:*", text("arn:aws:sqs:*:*:other"), &[]),
            ("dynamodb:GetItem", in_stack("arn:aws:dynamodb:*:*:table/", "-*"), &[("Orders", Aim::Pattern)]),
            ("dynamodb:GetItem", text("arn:aws:dynamodb:*:*:table/Orders"), &[]),
            ("dynamodb:GetItem", text("arn:aws:s3:::photos"), &[]),
        ];
        for (action, resource, wanted) in all {
            let wanted: Vec<_> = wanted.iter().map(|(id, aim)| ((*id).to_owned(), *aim)).collect();
            assert_eq!(reaches(action, resource.clone()), wanted, "{action} on {resource:?}");
        }
    }

    #[test]
    fn a_reference_names_and_says_nothing_of_others() {
        let symbol = Symbol::attribute(LogicalId::new("Orders"), Some("Arn"));
        assert_eq!(reaches("dynamodb:*", Value::Symbolic(symbol)), [("Orders".to_owned(), Aim::Named)]);
    }

    #[test]
    fn a_policy_of_the_platform_reaches_its_service() {
        let app = app();
        let mut role = role("logs:PutLogEvents", text("*"));
        role.managed.push(Fact::known("AmazonSQSFullAccess".to_owned(), Provenance::default()));
        let things = stores(&app);
        let reached: Vec<_> = reached(&role, &things).iter().map(|one| (one.thing.id.to_string(), one.aim)).collect();
        assert_eq!(reached, [("Jobs".to_owned(), Aim::Everything)]);
    }
}
