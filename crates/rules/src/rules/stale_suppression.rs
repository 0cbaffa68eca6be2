//! ED001: a suppression that nobody can answer for: without reason, owner or end, over, unknown, or idle.
//!
//! It speaks of our own form only. What was written for another checker follows that checker's habits.

use brigandine_model::{App, Finding, Practice, RuleMeta, Scope, Severity, Suppression};
use jiff::civil::Date;

use crate::{
    Context, Rule, Sink, nearest_code, rule,
    rule::{draft, meta},
    suppression::{has_reason, is_over, missing},
};

pub(crate) struct StaleSuppression;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Education,
    ..meta(
        "ED001",
        "stale-suppression",
        "a suppression without reason, owner or end, or with nothing to hide",
        include_str!("../../pages/ED001-stale-suppression.md"),
    )
};

impl Rule for StaleSuppression {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, context: &Context, sink: &mut Sink) {
        let own = app.suppressions.iter().filter(|one| one.peer.is_none());
        own.filter_map(|one| fault(one, context.today)).for_each(|finding| sink.finding(finding));
    }
}

impl StaleSuppression {
    /// The code, for the engine, which alone knows what a suppression matched.
    pub(crate) const CODE: &'static str = META.code;

    /// The finding for a suppression that hid nothing.
    pub(crate) fn matched_nothing(suppression: &Suppression) -> Finding {
        let code = &suppression.code;
        say(
            suppression,
            (&format!("nothing is left for this suppression of `{code}` to hide"), "hides nothing"),
            "what it excused is gone, so the next fault of that kind would be hidden unseen; take it out",
        )
    }
}

fn fault(suppression: &Suppression, today: Date) -> Option<Finding> {
    let code = &suppression.code;
    if rule(code).is_none() {
        let meant = nearest_code(code).map_or_else(String::new, |near| format!("; did you mean `{near}`"));
        let title = format!("there is no rule `{code}` to suppress");
        return Some(say(suppression, (&title, "no such rule"), &format!("it hides nothing{meant}")));
    }
    if !has_reason(suppression) {
        let title = format!("this suppression of `{code}` gives no reason");
        return Some(say(
            suppression,
            (&title, "no reason"),
            "it hides nothing until it says why the finding is acceptable",
        ));
    }
    if let Some(last) = suppression.until.filter(|_| is_over(suppression, today)) {
        let title = format!("this suppression of `{code}` is over since {last}");
        return Some(say(
            suppression,
            (&title, "expired"),
            "it hides nothing any more: fix the finding, or decide again and set a new day",
        ));
    }
    let missing = missing(suppression);
    let label = format!("no {}", missing.join(", no "));
    let title = format!("this suppression of `{code}` names no {}", missing.join(" and no "));
    let message = "it hides the finding, but nobody will ask again whether it still should: \
                   add `owner=` and `until=`, in metadata `Owner` and `Until`";
    (!missing.is_empty()).then(|| say(suppression, (&title, &label), message))
}

fn say(suppression: &Suppression, words: (&str, &str), message: &str) -> Finding {
    let (title, label) = words;
    Finding {
        title: title.to_owned(),
        message: message.to_owned(),
        label: label.to_owned(),
        resource: match &suppression.scope {
            Scope::Resource(id) => Some(id.clone()),
            Scope::Line(_) | Scope::File => None,
        },
        fact: format!("{} {label}", suppression.code),
        help: Vec::new(),
        ..draft(&META, Some(suppression.span.clone()))
    }
}
