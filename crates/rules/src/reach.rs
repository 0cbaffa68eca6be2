//! How far a stranger is from a function, and what that does to a severity.

use brigandine_model::{App, Function, Judgement, LogicalId, Severity, SourceKind};

use crate::door;

/// How a stranger on the internet gets to a function. Ordered: later is nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Not through any door of this application: events and schedules only.
    Nowhere,
    /// Through a door that asks who calls, or one that could not be judged.
    Locked,
    /// Through a door that asks nothing.
    Open,
}

impl Reach {
    /// The nearest of several functions; nowhere when there are none.
    pub(crate) fn nearest<'a>(app: &App, functions: impl IntoIterator<Item = &'a Function>) -> Self {
        functions.into_iter().map(|function| Self::of(app, &function.id)).max().unwrap_or(Self::Nowhere)
    }

    fn of(app: &App, function: &LogicalId) -> Self {
        let doors = app.routes_of(function).map(|route| match door::is_open(app, route) {
            Judgement::Yes | Judgement::Sometimes(_) => Self::Open,
            Judgement::No if app.api(&route.api).is_some_and(|api| api.private.value.known() == Some(&true)) => {
                Self::Nowhere
            }
            Judgement::No | Judgement::CannotTell(_) => Self::Locked,
        });
        // A door whose route is not part of this template still is a door.
        let foreign = app.sources_of(function).any(|source| matches!(source.kind, SourceKind::Api | SourceKind::Url));
        let least = if foreign && app.routes_of(function).next().is_none() { Self::Locked } else { Self::Nowhere };
        doors.max().unwrap_or(least)
    }

    /// One step worse where a stranger walks in, one step better where none can.
    pub(crate) fn moves(self, severity: Severity) -> Severity {
        match self {
            Self::Open => worse(severity),
            Self::Locked => severity,
            Self::Nowhere => better(severity),
        }
    }

    /// The clause that tells why the severity is what it is.
    pub(crate) fn because(self) -> &'static str {
        match self {
            Self::Open => "an open route leads to it",
            Self::Locked => "its routes ask who calls",
            Self::Nowhere => "no route leads to it",
        }
    }
}

/// One step worse.
pub(crate) fn worse(severity: Severity) -> Severity {
    match severity {
        Severity::Info => Severity::Low,
        Severity::Low => Severity::Medium,
        Severity::Medium => Severity::High,
        Severity::High | Severity::Critical => Severity::Critical,
    }
}

/// One step better.
pub(crate) fn better(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium => Severity::Low,
        Severity::Low | Severity::Info => Severity::Info,
    }
}
