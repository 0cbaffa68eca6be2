//! LP025: one open function from which most of the application's stores are in reach.

use brigandine_model::{App, Finding, Function, LogicalId, RuleMeta, Severity};

use super::any_action_any_resource;
use crate::{
    Context, Rule, Sink,
    radius::{reached, stores},
    reach::Reach,
    role::Holder,
    rule::meta,
    wording::{count, list},
};

pub(crate) struct WideBlastRadius;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    frameworks: &["CWE-653", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP025",
        "wide-blast-radius",
        "one open function reaches most stores of the application",
        include_str!("../../pages/LP025-wide-blast-radius.md"),
    )
};

/// With fewer stores than this, most of them is one or two, and says nothing.
const FEWEST_STORES: usize = 4;

impl Rule for WideBlastRadius {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let things = stores(app);
        // With one function alone there is nobody to share the work with.
        if things.len() < FEWEST_STORES || app.functions.len() < 2 {
            return;
        }
        for holder in Holder::all(app).filter(|holder| !holder.functions.is_empty()) {
            if holder.reach() != Reach::Open || any_action_any_resource::is_almighty(holder.role) {
                continue;
            }
            let found = reached(holder.role, &things);
            // More than half.
            if found.len() * 2 > things.len() {
                let ids: Vec<&LogicalId> = found.iter().map(|one| one.thing.id).collect();
                let finding = Finding {
                    related: found
                        .iter()
                        .take(3)
                        .filter_map(|one| {
                            Some((one.written.provenance.span.clone()?, format!("opens `{}`", one.thing.id)))
                        })
                        .collect(),
                    ..finding(&holder, &ids, (things.len(), sink))
                };
                sink.finding(finding);
            }
        }
    }
}

fn finding(holder: &Holder<'_>, ids: &[&LogicalId], (all, sink): (usize, &Sink)) -> Finding {
    let function: Option<&&Function> = holder.functions.first();
    let provenance = function.map_or(&holder.role.provenance, |function| &function.provenance);
    Finding {
        severity: holder.bounded(META.severity),
        title: format!("{} reaches {} of the {} here", holder.names(), ids.len(), count(all, "store")),
        message: format!(
            "a route that asks nothing leads to it, and whoever breaks in there has {} in their hands at once",
            list(ids)
        ),
        label: "one hole here opens most of the application".to_owned(),
        resource: Some(holder.resource()),
        fact: "reaches most stores".to_owned(),
        help: vec!["divide the work among functions, each with a role for its own stores".to_owned()],
        ..sink.draft(provenance)
    }
}
