//! Suppressions: which of them hold today, and what they cover.

use brigandine_model::{App, Finding, LogicalId, Resource, Scope, Span, Suppression, Via};
use jiff::civil::Date;

use crate::{Selection, rule};

/// The suppressions of one application, with how often each was used.
pub(crate) struct Suppressions<'a> {
    app: &'a App,
    holding: Vec<(&'a Suppression, bool)>,
}

impl<'a> Suppressions<'a> {
    /// Those that hold on this day.
    pub(crate) fn new(app: &'a App, today: Date) -> Self {
        let holding = app.suppressions.iter().filter(|one| holds(one, today)).map(|one| (one, false)).collect();
        Self { app, holding }
    }

    /// The suppression that hides the finding. Every one that fits counts as used.
    pub(crate) fn hides(&mut self, finding: &Finding) -> Option<Suppression> {
        let app = self.app;
        let mut by = None;
        for (suppression, used) in &mut self.holding {
            if suppression.code.eq_ignore_ascii_case(&finding.code) && covers(app, suppression, finding) {
                *used = true;
                by.get_or_insert_with(|| (*suppression).clone());
            }
        }
        by
    }

    /// Those in our own form that hid nothing, although their rule was asked. One that is told to be incomplete is not told again.
    pub(crate) fn idle<'s>(&'s self, selection: &'s Selection) -> impl Iterator<Item = &'a Suppression> + 's {
        let asked = |one: &Suppression| rule(&one.code).is_some_and(|rule| selection.asks(rule.meta().code));
        let told = |one: &Suppression| one.peer.is_some() || !missing(one).is_empty();
        self.holding.iter().filter(move |(one, used)| !used && asked(one) && !told(one)).map(|(one, _)| *one)
    }
}

/// Whether it hides anything today: it says why, unless it was written for another checker, and its last day is not over.
fn holds(suppression: &Suppression, today: Date) -> bool {
    (suppression.peer.is_some() || has_reason(suppression)) && !is_over(suppression, today)
}

/// What a suppression in our own form does not say of who decided for how long.
pub(crate) fn missing(suppression: &Suppression) -> Vec<&'static str> {
    let owned = suppression.owner.as_ref().is_some_and(|owner| !owner.trim().is_empty());
    let missing = [(!owned, "owner"), (suppression.until.is_none(), "last day")];
    missing.into_iter().filter(|(absent, _)| *absent).map(|(_, what)| what).collect()
}

/// Whether it says why.
pub(crate) fn has_reason(suppression: &Suppression) -> bool {
    suppression.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty())
}

/// Whether its last day is over.
pub(crate) fn is_over(suppression: &Suppression, today: Date) -> bool {
    suppression.until.is_some_and(|last| last < today)
}

fn covers(app: &App, suppression: &Suppression, finding: &Finding) -> bool {
    let same_file = finding.span.as_ref().is_none_or(|span| span.file == suppression.span.file);
    match &suppression.scope {
        Scope::File => same_file,
        Scope::Line(line) => same_file && finding.span.as_ref().is_some_and(|span| span.line == *line),
        Scope::Resource(id) => is_of(app, id, finding),
    }
}

/// Whether the finding is on the resource or on something it implies. One resource's suppression does not speak for others
/// that have the same fault from the same text.
fn is_of(app: &App, id: &LogicalId, finding: &Finding) -> bool {
    let Some(found_on) = finding.resource.as_ref().filter(|_| finding.also.is_empty()) else { return false };
    found_on == id
        || app.resources.get(id).zip(app.resources.get(found_on)).is_some_and(|(own, other)| is_implied_by(other, own))
}

fn is_implied_by(other: &Resource, own: &Resource) -> bool {
    let inside =
        |inner: &Span, outer: &Span| inner.file == outer.file && outer.start <= inner.start && inner.end <= outer.end;
    other.provenance.via == Via::Implicit
        && matches!((&other.provenance.span, &own.provenance.span), (Some(inner), Some(outer)) if inside(inner, outer))
}
