//! LP012: a name pattern that other functions' stores fit too.

use std::{
    cell::LazyCell,
    collections::{BTreeMap, BTreeSet},
};

use brigandine_model::{App, Fact, Finding, LogicalId, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    mention::{Mentions, Surroundings},
    radius::{Aim, Reached, Thing, reached, secrets, stores},
    role::Holder,
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct PatternOverOtherStores;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    frameworks: &["CWE-732", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP012",
        "pattern-over-other-stores",
        "a name pattern in a policy fits stores of other functions",
        include_str!("../../pages/LP012-pattern-over-other-stores.md"),
    )
};

impl Rule for PatternOverOtherStores {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let things: Vec<_> = stores(app).into_iter().chain(secrets(app)).collect();
        let told = LazyCell::new(|| told(app, &things));
        for holder in Holder::all(app).filter(|holder| !holder.functions.is_empty()) {
            let mut by_pattern = reached(holder.role, &things);
            by_pattern.retain(|one| one.aim == Aim::Pattern);
            while let Some(written) = by_pattern.first().map(|one| one.written) {
                let (here, rest) = by_pattern.into_iter().partition(|one| std::ptr::eq(one.written, written));
                by_pattern = rest;
                let others = of_others(&holder, &told, &here);
                if !others.is_empty() {
                    sink.finding(finding(&holder, written, &others, sink));
                }
            }
        }
    }
}

/// Which functions are told of each thing.
type Told<'a> = BTreeMap<&'a LogicalId, BTreeSet<&'a LogicalId>>;

fn told<'a>(app: &'a App, things: &[Thing<'a>]) -> Told<'a> {
    let surroundings = Surroundings::of(app);
    let mut told = Told::new();
    for function in &app.functions {
        let mentions = Mentions::with_surroundings(app, &surroundings, [function]);
        for thing in things.iter().filter(|thing| mentions.names(thing.id, thing.name)) {
            told.entry(thing.id).or_default().insert(&function.id);
        }
    }
    told
}

/// Those that other functions are told of, and these are not.
fn of_others<'a>(holder: &Holder<'_>, told: &Told<'_>, here: &[Reached<'_, 'a>]) -> Vec<&'a LogicalId> {
    let own: BTreeSet<&LogicalId> = holder.functions.iter().map(|function| &function.id).collect();
    let is_of_others = |one: &&Reached<'_, 'a>| {
        told.get(one.thing.id).is_some_and(|functions| functions.iter().all(|id| !own.contains(id)))
    };
    here.iter().filter(is_of_others).map(|one| one.thing.id).collect()
}

fn finding(holder: &Holder<'_>, written: &Fact<String>, others: &[&LogicalId], sink: &Sink) -> Finding {
    let provenance = &written.provenance;
    let ids: Vec<&str> = others.iter().map(|id| id.as_str()).collect();
    Finding {
        severity: holder.severity(META.severity),
        title: format!("a pattern lets {} use {} of other functions", holder.names(), list(others)),
        message: format!(
            "the pattern fits names that only other functions are told of, so a hole in {} opens their data too; {}",
            holder.names(),
            holder.because()
        ),
        label: with_origin("fits more than its own", provenance),
        resource: Some(holder.resource()),
        fact: format!("the pattern fits {}", ids.join(" ")),
        help: vec!["name the resources one by one, with `!GetAtt` or `!Ref`".to_owned()],
        ..sink.draft(provenance)
    }
}
