//! DW001: strangers decide how much is spent, because nothing bounds how often or how widely functions run.

use brigandine_model::{App, Change, Finding, Fix, Function, Literal, LogicalId, Practice, Route, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::may_hold,
    door::{is_open, is_preflight},
    price::{Prices, amount, flood_of, prices, table_date},
    rule::{STRICT, meta},
    setting::Named,
    wording::{count, list},
};

pub(crate) struct UnboundedSpend;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::ApisAndEvents,
    // The open door and the missing throttle are told in every profile; this is the same flood, seen from the bill.
    profiles: STRICT,
    frameworks: &["CWE-770", "SAS-08"],
    ..meta(
        "DW001",
        "unbounded-spend",
        "strangers decide how much is spent: no throttle and no limit on simultaneous runs",
        include_str!("../../pages/DW001-unbounded-spend.md"),
    )
};

/// How many functions a fix gives a limit; with more, a person must divide the account's limit among them.
const MOST_IN_FIX: usize = 5;
/// Simultaneous runs that a fix reserves for each.
const RESERVED: i64 = 20;

impl Rule for UnboundedSpend {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    /// All functions of an account share one limit, so the worst of them says what an hour costs, and there is one finding.
    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let Some(prices) = prices() else { return };
        let mut exposed: Vec<(&Function, &Route, f64)> = app
            .functions
            .iter()
            .filter_map(|function| Some((function, free_route(app, function)?, flood_of(function, &prices)?)))
            .collect();
        exposed.sort_by(|one, other| other.2.total_cmp(&one.2));
        if let Some(finding) = finding(app, &exposed, &prices, sink) {
            sink.finding(finding);
        }
        for function in app.functions.iter().filter(|function| function.reserved_concurrency.is_none()) {
            if free_route(app, function).is_some() && flood_of(function, &prices).is_none() {
                let what = format!("what a flood of calls to `{}` costs", function.id);
                sink.cannot_tell(
                    &what,
                    "its memory or timeout is not settled",
                    (&function.id, &function.memory.provenance),
                );
            }
        }
    }
}

/// A route that anyone may call as fast as they like.
fn free_route<'a>(app: &'a App, function: &'a Function) -> Option<&'a Route> {
    app.routes_of(&function.id).find(|route| {
        let limited = route.throttle.is_some() || app.api(&route.api).is_some_and(|api| api.throttle.is_some());
        !limited && !is_preflight(route) && may_hold(&is_open(app, route))
    })
}

fn finding(app: &App, exposed: &[(&Function, &Route, f64)], prices: &Prices, sink: &Sink) -> Option<Finding> {
    let ((worst, route, dollars), _) = exposed.split_first()?;
    let ids: Vec<LogicalId> = exposed.iter().map(|(function, ..)| function.id.clone()).collect();
    let memory = worst.memory.value.settled().into_iter().max()?;
    let seconds = worst.timeout.value.settled().into_iter().max()?;
    Some(Finding {
        title: format!("a stranger can spend about ${} an hour through {}", amount(*dollars), list(&ids)),
        message: format!(
            "neither a throttle nor a limit stands before {} that anyone may call: {} simultaneous runs (an account's usual limit) of `{}` with {memory} \
             MiB for {seconds} s each, at the public prices of {}",
            count(exposed.len(), "function"),
            prices.account_concurrency,
            worst.id,
            table_date(),
        ),
        label: "nothing bounds how widely it runs".to_owned(),
        related: route.provenance.span.iter().map(|span| (span.clone(), format!("{} {} asks nothing", route.method, route.path))).collect(),
        resource: Some(worst.id.clone()),
        also: ids.iter().skip(1).cloned().collect(),
        fact: "unbounded spend".to_owned(),
        help: vec![
            "give the API a throttle first: it refuses what is too much before it costs anything".to_owned(),
            "then give each function `ReservedConcurrentExecutions`, about twice its busiest minute; nobody then uses up the whole account"
                .to_owned(),
        ],
        fix: fix(app, &ids),
        ..sink.draft(&worst.provenance)
    })
}

/// A limit that is too narrow turns customers away, so a person must look.
fn fix(app: &App, ids: &[LogicalId]) -> Option<Fix> {
    if ids.len() > MOST_IN_FIX {
        return None;
    }
    let changes: Option<Vec<Change>> = ids
        .iter()
        .map(|id| Named::find(app, id)?.set(&["ReservedConcurrentExecutions"], Literal::Number(RESERVED)))
        .collect();
    changes.map(|changes| Fix::risky("limit how widely the functions run", changes))
}
