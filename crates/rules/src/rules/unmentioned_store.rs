//! LP011: a grant on a store that nothing tells the function of.

use brigandine_model::{App, Finding, Provenance, RuleMeta, Severity, Via};

use crate::{
    Context, Rule, Sink,
    mention::{Mentions, Surroundings},
    radius::{Aim, Reached, reached, stores},
    role::Holder,
    rule::{STRICT, meta},
    wording::with_origin,
};

pub(crate) struct UnmentionedStore;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    profiles: STRICT,
    frameworks: &["CWE-272", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP011",
        "unmentioned-store",
        "a function may use a store that nothing tells it of",
        include_str!("../../pages/LP011-unmentioned-store.md"),
    )
};

impl Rule for UnmentionedStore {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let things = stores(app);
        let surroundings = Surroundings::of(app);
        for holder in Holder::all(app) {
            // What several functions share is needed by one of them; who needs what is told by another rule.
            let [function] = holder.functions.as_slice() else { continue };
            let mentions = Mentions::with_surroundings(app, &surroundings, [*function]);
            if mentions.is_open {
                continue;
            }
            for one in reached(holder.role, &things) {
                // A store with a name of its own may stand in the code; one that the platform names cannot.
                let unknowable = one.aim == Aim::Named && one.thing.name.is_none() && is_of_its_own(&one);
                if unknowable && !mentions.names(one.thing.id, None) {
                    let finding = finding(&holder, &one, sink);
                    sink.finding(finding);
                }
            }
        }
    }
}

/// What a connector or an event implies is needed by the platform and not by the code.
fn is_of_its_own(one: &Reached<'_, '_>) -> bool {
    let via = |provenance: &Provenance| provenance.via == Via::Implicit;
    !via(&one.written.provenance) && one.statement.is_some_and(|statement| !via(&statement.provenance))
}

fn finding(holder: &Holder<'_>, one: &Reached<'_, '_>, sink: &Sink) -> Finding {
    let provenance = &one.written.provenance;
    let store = one.thing.id;
    Finding {
        severity: holder.severity(META.severity).min(META.severity),
        title: format!("{} may use `{store}`, of which nothing tells it", holder.names()),
        message: format!(
            "the platform names `{store}`, and neither the environment nor an event of {} says that name, so the grant only \
             helps somebody who breaks in; {}",
            holder.names(),
            holder.because()
        ),
        label: with_origin("granted and not used", provenance),
        related: one.thing.provenance.span.iter().map(|span| (span.clone(), "this store".to_owned())).collect(),
        resource: Some(holder.resource()),
        fact: format!("{store} is granted and not mentioned"),
        help: vec![
            "take the grant away, or hand the name to the function in its environment if the code does use it"
                .to_owned(),
        ],
        ..sink.draft(provenance)
    }
}
