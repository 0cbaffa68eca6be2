//! AP004: a stranger's request runs a function that may destroy, or spend.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use brigandine_model::{
    App, Finding, Function, LogicalId, Practice, Provenance, Role, Route, RouteMethod, RuleMeta, Severity, Span, Via,
};

use super::{
    any_action_any_resource::is_almighty,
    public_destruction::{self, DESTROYS},
    unauthenticated_route::is_open_route,
};
use crate::{
    Context, Rule, Sink,
    door::name,
    power::{Act, Power, powers},
    rule::meta,
    way,
    wording::{list, with_origin},
};

pub(crate) struct OpenWayToDestruction;

const META: RuleMeta = RuleMeta {
    severity: Severity::Critical,
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-306", "OWASP-Serverless-S2", "OWASP-Serverless-S5", "SAS-02"],
    ..meta(
        "AP004",
        "open-way-to-destruction",
        "a route without authentication reaches a function that may destroy, or spend",
        include_str!("../../pages/AP004-open-way-to-destruction.md"),
    )
};

/// What takes machines, identities or traces away. Whole stores go by the table that LP024 asks by.
const DESTROYS_MORE: &[Act] =
    &[("cognito-idp", "AdminDeleteUser"), ("ec2", "TerminateInstances"), ("logs", "DeleteLogGroup")];

/// What takes whole stores, functions, machines or identities away.
fn destroys() -> &'static [Act] {
    static ALL: LazyLock<Vec<Act>> = LazyLock::new(|| {
        let of_stores = DESTROYS.iter().flat_map(|(service, names)| names.iter().map(|name| (*service, *name)));
        of_stores.chain(DESTROYS_MORE.iter().copied()).collect()
    });
    &ALL
}

/// What is paid for by each call, and dearly.
const SPENDS: &[Act] = &[
    ("bedrock", "InvokeModel"),
    ("bedrock", "InvokeModelWithResponseStream"),
    ("ec2", "RunInstances"),
    ("mobiletargeting", "SendMessages"),
    ("sagemaker", "CreateTrainingJob"),
    ("ses", "SendEmail"),
    ("ses", "SendRawEmail"),
    ("sms-voice", "SendTextMessage"),
];

/// What takes single records away: a fault only where the route itself says that it deletes.
const REMOVES: &[Act] = &[("dynamodb", "DeleteItem"), ("s3", "DeleteObject")];

impl Rule for OpenWayToDestruction {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let mut open: BTreeMap<&LogicalId, Vec<&Route>> = BTreeMap::new();
        for route in app.routes.iter().filter(|route| is_open_route(app, route)) {
            if let Some(function) = &route.function {
                open.entry(function).or_default().push(route);
            }
        }
        let mut known: BTreeMap<&LogicalId, [Vec<Power<'_>>; 3]> = BTreeMap::new();
        for function in &app.functions {
            let Some(routes) = open.get(&function.id) else { continue };
            let Some(role) = function.role.as_ref().and_then(|role| app.role(role)) else { continue };
            if is_almighty(role) {
                continue;
            }
            let held = known
                .entry(&role.id)
                .or_insert_with(|| [asked_for(powers(role, destroys())), powers(role, SPENDS), powers(role, REMOVES)]);
            if let Some(worst) = worst(held, routes) {
                let finding = finding(app, (function, role), &worst, sink);
                sink.finding(finding);
            }
        }
    }
}

/// Without what a policy template brings along beside what it is taken for: nobody asked for that.
fn asked_for(mut powers: Vec<Power<'_>>) -> Vec<Power<'_>> {
    let comes_along = |power: &Power<'_>| {
        power.statement.is_some_and(|statement| matches!(statement.provenance.via, Via::PolicyTemplate(_)))
    };
    powers.retain(|power| !comes_along(power));
    powers
}

/// The worst that a stranger may have done, and by which route.
struct Worst<'a> {
    route: &'a Route,
    powers: &'a [Power<'a>],
    severity: Severity,
    consequence: &'static str,
    /// Whether whole things are gone afterwards.
    destroys: bool,
}

fn worst<'a>(held: &'a [Vec<Power<'a>>; 3], routes: &[&'a Route]) -> Option<Worst<'a>> {
    let [destroys, spends, removes] = held;
    let first = routes.first().copied()?;
    let deletes = routes
        .iter()
        .copied()
        .find(|route| matches!(&route.method, RouteMethod::One(name) if name.eq_ignore_ascii_case("DELETE")));
    if !destroys.is_empty() {
        let route = deletes.unwrap_or(first);
        let consequence = "what it takes away is gone after one request: stores, functions, machines or users";
        return Some(Worst { route, powers: destroys, severity: Severity::Critical, consequence, destroys: true });
    }
    if let (Some(route), false) = (deletes, removes.is_empty()) {
        let consequence = "a loop over ids empties what it keeps";
        return Some(Worst { route, powers: removes, severity: Severity::Critical, consequence, destroys: false });
    }
    let route = routes.iter().copied().find(|route| crate::door::changes(route)).unwrap_or(first);
    let consequence = "a loop over the address is paid for by its owner, call by call";
    let spend = Worst { route, powers: spends, severity: Severity::High, consequence, destroys: false };
    (!spends.is_empty()).then_some(spend)
}

fn finding(app: &App, holder: (&Function, &Role), worst: &Worst<'_>, sink: &Sink) -> Finding {
    let (function, role) = holder;
    let acts: Vec<String> = worst.powers.iter().map(Power::name).collect();
    let route = worst.route;
    let mut path = way::through(app, route);
    path.push(way::step(&role.provenance, format!("the role of `{}` lets it", function.id)));
    if let Some(power) = worst.powers.first() {
        path.push(way::step(&power.written.provenance, format!("`{}`", power.name())));
    }
    // The door has a finding of its own (AP001, AP003, AP022): this one stands where the right is given.
    let place = worst.powers.first().map_or(&role.provenance, |power| &power.written.provenance);
    Finding {
        severity: worst.severity,
        title: format!("anyone may reach {} through `{}`", list(&acts), name(route)),
        message: format!(
            "nothing asks who calls `{}`, the function `{}` behind it may do that, and {}",
            name(route),
            function.id,
            worst.consequence
        ),
        label: with_origin("what a stranger gets to", place),
        related: places(route, worst.powers, place),
        resource: Some(function.id.clone()),
        fact: if worst.destroys {
            public_destruction::fact(acts.into_iter())
        } else {
            format!("open way to {}", acts.join(" "))
        },
        path,
        help: vec![
            "ask who calls: an authorizer on the route (AP001)".to_owned(),
            "or take the action from the role, where the function never needs it".to_owned(),
        ],
        ..sink.draft(place)
    }
}

/// The way in, and the other rights.
fn places(route: &Route, powers: &[Power<'_>], primary: &Provenance) -> Vec<(Span, String)> {
    const SHOWN: usize = 3;
    let mut lines: BTreeSet<u32> = primary.span.iter().map(|span| span.line).collect();
    let door = route.provenance.span.clone().map(|span| (span, "open way in".to_owned()));
    let spans = powers.iter().filter_map(|power| Some((power.written.provenance.span.clone()?, power.name())));
    let further = spans.filter(|(span, _)| lines.insert(span.line)).take(SHOWN);
    door.into_iter().chain(further.map(|(span, name)| (span, format!("allows `{name}`")))).collect()
}
