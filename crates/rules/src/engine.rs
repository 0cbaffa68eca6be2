//! Asks the selected rules, hides what people chose to live with, and says what could not be told.

use std::{
    cell::LazyCell,
    collections::{HashMap, hash_map::Entry},
};

use brigandine_model::{App, Finding, Practice, Severity, Span, Suppressed, Unjudged};

use crate::{Context, RULES, Selection, Sink, path::Paths, rules::StaleSuppression, suppression::Suppressions};

/// What the rules said of one application.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What is wrong, worst first, then in the order of the template.
    pub findings: Vec<Finding>,
    /// What is wrong and hidden by a suppression that holds.
    pub suppressed: Vec<Suppressed>,
    /// What could not be judged, by the rules or by the reader of the template. Never a pass.
    pub unjudged: Vec<Unjudged>,
}

/// Judges one application.
pub fn judge(app: &App, selection: &Selection, context: &Context) -> Outcome {
    let mut suppressions = Suppressions::new(app, context.today);
    let mut outcome = Outcome { unjudged: app.unjudged.clone(), ..Outcome::default() };
    let paths = LazyCell::new(|| Paths::of(app));
    for rule in selection.rules() {
        let mut sink = Sink::new(rule.meta());
        rule.check(app, context, &mut sink);
        outcome.unjudged.append(&mut sink.unjudged);
        for mut finding in without_repeats(sink.findings) {
            if finding.severity >= Severity::Medium {
                paths.fill(&mut finding);
            }
            match suppressions.hides(&finding) {
                Some(by) => outcome.suppressed.push(Suppressed { finding, by }),
                None => outcome.findings.push(finding),
            }
        }
    }
    if selection.asks(StaleSuppression::CODE) {
        outcome.findings.extend(suppressions.idle(selection).map(StaleSuppression::matched_nothing));
    }
    outcome.put_in_order();
    outcome
}

/// One text is one cause, however many roles share it: a policy attached to three roles gives one finding, on the role with
/// the worst of them, that names the others.
fn without_repeats(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::with_capacity(findings.len());
    let mut known: HashMap<(Span, String), usize> = HashMap::new();
    for finding in findings {
        let cause = finding.span.clone().filter(|_| finding.practice == Practice::LeastPrivilege);
        let earlier = cause.map(|span| (span, finding.fact.clone())).and_then(|cause| match known.entry(cause) {
            Entry::Occupied(place) => Some(*place.get()),
            Entry::Vacant(place) => {
                place.insert(kept.len());
                None
            }
        });
        match earlier.and_then(|place| kept.get_mut(place)) {
            Some(kept) => join(kept, finding),
            None => kept.push(finding),
        }
    }
    kept
}

fn join(kept: &mut Finding, mut other: Finding) {
    if other.severity > kept.severity {
        std::mem::swap(kept, &mut other);
    }
    let more = other.resource.into_iter().chain(other.also).chain(std::mem::take(&mut kept.also));
    let mut also: Vec<_> = more.filter(|id| kept.resource.as_ref() != Some(id)).collect();
    also.sort();
    also.dedup();
    kept.also = also;
}

impl Outcome {
    fn put_in_order(&mut self) {
        self.findings.sort_by(|one, other| sort_key(one).cmp(&sort_key(other)));
        self.suppressed.sort_by(|one, other| sort_key(&one.finding).cmp(&sort_key(&other.finding)));
        self.unjudged.sort_by(|one, other| (&one.span, &one.code, one).cmp(&(&other.span, &other.code, other)));
        self.unjudged.dedup();
    }
}

fn sort_key(finding: &Finding) -> impl Ord + '_ {
    let rule = RULES.iter().position(|rule| rule.meta().code == finding.code.as_ref());
    (std::cmp::Reverse(finding.severity), &finding.span, rule, &finding.resource, &finding.fact)
}
