//! Asks the selected rules, hides what people chose to live with, and says what could not be told.

use std::cell::LazyCell;

use brigandine_model::{App, Finding, Severity, Suppressed, Unjudged};

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
        for mut finding in sink.findings {
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
