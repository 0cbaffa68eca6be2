//! LP021: every model, at the account's expense.

use brigandine_iam::Pattern;
use brigandine_model::{App, Fact, Finding, Judgement, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{any, ask_text, both, may_hold, when},
    right::{Right, Wanted, rights},
    role::{Holder, first_where, is_narrowed},
    rule::meta,
    wording::with_origin,
};

pub(crate) struct AnyModel;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    frameworks: &["SAS-04", "SAS-08"],
    ..meta("LP021", "any-model", "a role may run every model there is", include_str!("../../pages/LP021-any-model.md"))
};

const RUN: Wanted = &[
    ("bedrock", &["InvokeModel", "InvokeModelWithResponseStream"]),
    ("sagemaker", &["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]),
];

impl Rule for AnyModel {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for holder in Holder::all(app) {
            let mut rights = rights(&holder, RUN);
            rights.dedup_by(|later, first| std::ptr::eq(later.statement, first.statement));
            for right in rights.iter().filter(|right| !is_narrowed(right.statement)) {
                let asked = |fact: &Fact<String>| ask_text(&fact.value, &is_every_model);
                let holds = both(right.holds.clone(), any(right.statement.resources.iter().map(asked)));
                if may_hold(&holds) && !holder.wide_writes().holds_any_of(right.statement) {
                    let star = first_where(&right.statement.resources, asked);
                    sink.finding(finding(&holder, right, (star, &holds), sink));
                }
            }
        }
    }
}

/// `*`, or every model or endpoint of a kind. A family (`anthropic.*`) is a choice somebody made.
fn is_every_model(text: &str) -> bool {
    let everything = |text: &str| Pattern::new(text).is_everything();
    let Some(own) = text.splitn(6, ':').nth(5) else { return everything(text) };
    everything(own) || own.split_once('/').is_some_and(|(_, name)| everything(name))
}

fn finding(holder: &Holder<'_>, right: &Right<'_>, from: (Option<&Fact<String>>, &Judgement), sink: &Sink) -> Finding {
    let (star, holds) = from;
    let provenance = star.map_or(&right.written.provenance, |fact| &fact.provenance);
    let what = if right.service == "bedrock" { "model" } else { "model endpoint" };
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} may run every {what}{}", holder.names(), when(holds)),
        message: format!(
            "prices of models differ a hundredfold, so whoever steers it runs the dearest one at the account's \
             expense; {}",
            holder.because()
        ),
        label: with_origin(format!("every {what}"), provenance),
        resource: Some(holder.resource()),
        fact: format!("every {what}"),
        help: vec![format!("name the {what}s that the code runs")],
        ..sink.draft(provenance)
    }
}
