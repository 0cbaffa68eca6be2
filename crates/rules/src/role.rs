//! Questions about roles and their statements that several rules ask.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet, HashSet},
};

use brigandine_iam::{Action, ActionPattern, ResourcePattern, narrows_resources};
use brigandine_model::{App, Effect, Fact, Function, Judgement, LogicalId, Role, Severity, Statement, Via};

use crate::{
    case::{any, ask_text, is, texts},
    escalation,
    reach::{Reach, better},
    rules::write_on_any_resource,
    wording::list,
};

/// A role together with those who run with it.
pub(crate) struct Holder<'a> {
    pub(crate) app: &'a App,
    pub(crate) role: &'a Role,
    pub(crate) functions: Vec<&'a Function>,
    /// Worked out when the first finding asks, since most roles have none.
    reach: OnceCell<Reach>,
    denials: OnceCell<Denials>,
    escalations: OnceCell<Marked>,
    wide_writes: OnceCell<Marked>,
}

/// Facts and statements of one role that a rule speaks of, known by where they lie.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    facts: HashSet<*const Fact<String>>,
    statements: HashSet<*const Statement>,
}

impl Marked {
    /// Marks an action as its statement writes it.
    pub(crate) fn mark(&mut self, statement: &Statement, written: &Fact<String>) {
        self.facts.insert(written);
        self.statements.insert(statement);
    }

    /// Whether this very action of this very statement is marked.
    pub(crate) fn holds(&self, written: &Fact<String>) -> bool {
        self.facts.contains(&std::ptr::from_ref(written))
    }

    /// Whether any action of this very statement is marked.
    pub(crate) fn holds_any_of(&self, statement: &Statement) -> bool {
        self.statements.contains(&std::ptr::from_ref(statement))
    }
}

impl<'a> Holder<'a> {
    /// Every role of the application.
    pub(crate) fn all(app: &'a App) -> impl Iterator<Item = Self> {
        let mut by_role: BTreeMap<&LogicalId, Vec<&Function>> = BTreeMap::new();
        for function in &app.functions {
            if let Some(role) = &function.role {
                by_role.entry(role).or_default().push(function);
            }
        }
        app.roles.iter().map(move |role| {
            let functions = by_role.remove(&role.id).unwrap_or_default();
            Self {
                app,
                role,
                functions,
                reach: OnceCell::new(),
                denials: OnceCell::new(),
                escalations: OnceCell::new(),
                wide_writes: OnceCell::new(),
            }
        })
    }

    /// How near strangers are to the functions that run with it.
    pub(crate) fn reach(&self) -> Reach {
        *self.reach.get_or_init(|| Reach::nearest(self.app, self.functions.iter().copied()))
    }

    /// Who may do it: the functions, or the role itself where none of this template runs with it.
    pub(crate) fn names(&self) -> String {
        let ids: Vec<&LogicalId> = self.functions.iter().map(|function| &function.id).collect();
        if ids.is_empty() { format!("`{}`", self.role.id) } else { list(&ids) }
    }

    /// What a person would look for: the function that implies the role, or else the role.
    pub(crate) fn resource(&self) -> LogicalId {
        match self.functions.as_slice() {
            [only] if self.role.provenance.via == Via::Implicit => only.id.clone(),
            _ => self.role.id.clone(),
        }
    }

    /// The severity here: nearer strangers make it worse, a boundary around the role makes it better.
    pub(crate) fn severity(&self, base: Severity) -> Severity {
        self.bounded(self.reach().moves(base))
    }

    /// The severity where strangers play no part: only a boundary around the role makes it better.
    pub(crate) fn bounded(&self, base: Severity) -> Severity {
        if self.role.boundary.is_some() { better(base) } else { base }
    }

    /// Why the severity is what it is, as a last clause.
    pub(crate) fn because(&self) -> String {
        let bounded = if self.role.boundary.is_some() { ", a permissions boundary bounds it" } else { "" };
        // Whether a route leads to what takes the role elsewhere, a machine or a service, cannot be seen here.
        let near = if self.functions.is_empty() { "no function here runs with it" } else { self.reach().because() };
        format!("{near}{bounded}")
    }

    /// Whether it is no role but a user or a group.
    pub(crate) fn is_people(&self) -> bool {
        let resource = self.app.resources.get(&self.role.id);
        resource.is_some_and(|resource| ["AWS::IAM::User", "AWS::IAM::Group"].contains(&&*resource.kind))
    }

    /// What lets an attacker use the role: only functions have code that the template knows of.
    pub(crate) fn weak_spot(&self) -> &'static str {
        if self.functions.is_empty() { "a break-in" } else { "a hole in the code" }
    }

    /// What the role takes away again.
    pub(crate) fn denials(&self) -> &Denials {
        self.denials.get_or_init(|| Denials::of(self.role))
    }

    /// The actions of which the rules on escalation speak, so that no other rule needs to.
    pub(crate) fn escalations(&self) -> &Marked {
        self.escalations.get_or_init(|| escalation::told(self))
    }

    /// The actions of which the rule on writing everywhere speaks.
    pub(crate) fn wide_writes(&self) -> &Marked {
        self.wide_writes.get_or_init(|| write_on_any_resource::told(self))
    }
}

/// The platform takes no role with as many denials as this; those beyond count as not there, which hides nothing.
const MOST_DENIALS: usize = 256;

/// Actions that a role takes away again, always, and everywhere or on all that has a name.
#[derive(Debug)]
pub(crate) struct Denials(Vec<Denial>);

#[derive(Debug)]
struct Denial {
    /// On what.
    resources: Vec<ResourcePattern>,
    patterns: Vec<ActionPattern>,
    /// Whether it takes away all but these.
    all_but: bool,
}

impl Denials {
    fn of(role: &Role) -> Self {
        let denies = |statement: &&Statement| {
            is(&statement.effect, &Effect::Deny) == Judgement::Yes
                && statement.conditions.is_empty()
                && statement.except_resources.is_empty()
        };
        let denial = |statement: &Statement| {
            let settled = statement.resources.iter().filter_map(|fact| fact.value.known());
            let resources = settled.map(|text| ResourcePattern::new(text)).collect();

            let all_but = !statement.except_actions.is_empty();
            let facts = if all_but { &statement.except_actions } else { &statement.actions };
            let texts = facts.iter().flat_map(|fact| texts(&fact.value));
            Denial { resources, patterns: texts.filter_map(|text| text.parse().ok()).collect(), all_but }
        };
        Self(role.statements.iter().filter(denies).take(MOST_DENIALS).map(denial).collect())
    }

    /// Whether the action is taken away again.
    pub(crate) fn take_away(&self, service: &str, name: &str) -> bool {
        let meant = |denial: &Denial| denial.patterns.iter().any(|pattern| pattern.matches(service, name));
        let named = ResourcePattern::new(&format!("arn:aws:{service}:*:*:*"));
        let all = |denial: &Denial| denial.resources.iter().any(|resource| resource.contains(&named));
        self.0.iter().any(|denial| meant(denial) != denial.all_but && all(denial))
    }
}

/// Whether one of the statement's resources is every resource of the service, or every one of a kind.
pub(crate) fn covers_kind(statement: &Statement, service: &str) -> Judgement {
    if !statement.except_resources.is_empty() {
        return Judgement::Yes;
    }
    let covers = |text: &str| ResourcePattern::new(text).covers_service(service);
    any(statement.resources.iter().map(|resource| ask_text(&resource.value, &covers)))
}

/// The resource by which the statement covers a kind, for a place to point at.
pub(crate) fn kind_fact<'a>(statement: &'a Statement, service: &str) -> Option<&'a Fact<String>> {
    let covers = |text: &str| ResourcePattern::new(text).covers_service(service);
    first_where(&statement.resources, |fact| ask_text(&fact.value, &covers))
}

/// Whether the statement says what it means by what it leaves out.
pub(crate) fn is_inverted(statement: &Statement) -> bool {
    !statement.except_actions.is_empty() || !statement.except_resources.is_empty()
}

/// What the platform's own execution roles grant on every resource, because functions cannot start or log without it.
const NEEDED_TO_RUN: &[(&str, &[&str])] = &[
    ("logs", &["CreateLogGroup", "CreateLogStream", "PutLogEvents"]),
    (
        "ec2",
        &[
            "AssignPrivateIpAddresses",
            "CreateNetworkInterface",
            "DeleteNetworkInterface",
            "DescribeNetworkInterfaces",
            "DetachNetworkInterface",
            "UnassignPrivateIpAddresses",
        ],
    ),
    ("xray", &["PutTraceSegments", "PutTelemetryRecords"]),
];

/// Whether no function could start or log without it.
pub(crate) fn is_needed_to_run(action: Action) -> bool {
    NEEDED_TO_RUN.iter().any(|(service, names)| action.service == *service && names.contains(&action.name))
}

/// Whether the role grants anything beyond starting, logging and tracing.
pub(crate) fn grants_beyond_running(role: &Role) -> bool {
    let needed = |pattern: &ActionPattern| {
        let mut covered = pattern.covered().peekable();
        covered.peek().is_some() && covered.all(is_needed_to_run)
    };
    let patterns: BTreeSet<String> = role
        .statements
        .iter()
        .filter(|statement| crate::case::may_hold(&is(&statement.effect, &Effect::Allow)))
        .flat_map(|statement| statement.actions.iter().chain(&statement.except_actions))
        .flat_map(|fact| texts(&fact.value))
        .collect();
    patterns.iter().any(|text| !text.parse().is_ok_and(|pattern| needed(&pattern)))
}

/// Whether a fact of actions means every action there is.
pub(crate) fn is_every_action(action: &Fact<String>) -> Judgement {
    let may = |text: &str| text.bytes().all(|sign| matches!(sign, b'*' | b'?' | b':'));
    ask_text(&action.value, &|text| {
        may(text) && text.parse::<ActionPattern>().is_ok_and(|pattern| pattern.covers_every_action())
    })
}

/// Whether a statement reaches every resource of every service.
pub(crate) fn reaches_everything(statement: &Statement) -> Judgement {
    let everything = |text: &str| {
        // `arn:*:*:*:*:*` is the long way to say the same.
        ["s3", "iam", "dynamodb"].iter().all(|service| ResourcePattern::new(text).covers_service(service))
    };
    any(statement.resources.iter().map(|resource| ask_text(&resource.value, &everything)))
}

/// Whether the statement holds only for some resources because of a condition.
pub(crate) fn is_narrowed(statement: &Statement) -> bool {
    statement.conditions.iter().any(|condition| narrows_resources(&condition.key))
}

/// The first of the facts for which the question may be answered with yes, for a place to point at.
pub(crate) fn first_where(
    facts: &[Fact<String>],
    question: impl Fn(&Fact<String>) -> Judgement,
) -> Option<&Fact<String>> {
    facts.iter().find(|fact| crate::case::may_hold(&question(fact)))
}
