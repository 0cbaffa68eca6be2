//! The way an attacker takes, step by step, from the internet to what a fault opens.

use brigandine_model::{App, Provenance, Route, Step};

use crate::door;

/// One step.
pub(crate) fn step(provenance: &Provenance, words: impl Into<String>) -> Step {
    Step { span: provenance.span.clone(), words: words.into() }
}

/// From the internet through a route to the function behind it, where one of this application's is.
pub(crate) fn through(app: &App, route: &Route) -> Vec<Step> {
    let mut steps = vec![step(&route.provenance, format!("anyone on the internet calls `{}`", door::name(route)))];
    if let Some(function) = route.function.as_ref().and_then(|id| app.function(id)) {
        steps.push(step(&function.provenance, format!("`{}` runs", function.id)));
    }
    steps
}
