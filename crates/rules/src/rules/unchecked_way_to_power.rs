//! AP020: what a stranger sends reaches a function that may do nearly anything, and nothing on the way looks at it.

use brigandine_model::{ApiStyle, App, Finding, Function, Judgement, Practice, Role, Route, RuleMeta, Severity};

use super::{any_action_any_resource, unchecked_input::is_checked};
use crate::{
    Context, Rule, Sink,
    case::may_hold,
    door::{changes, is_preflight, is_public, name},
    power::{Act, powers},
    rule::{STRICT, meta},
    way,
    wording::{list, with_origin_of_event},
};

pub(crate) struct UncheckedWayToPower;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::ApisAndEvents,
    profiles: STRICT,
    frameworks: &["CWE-20", "OWASP-Serverless-S1", "SAS-01"],
    ..meta(
        "AP020",
        "unchecked-way-to-power",
        "unchecked input from the internet reaches a function with far-reaching rights",
        include_str!("../../pages/AP020-unchecked-way-to-power.md"),
    )
};

/// What makes its holder more than it was, or takes much away.
const FAR_REACHING: &[Act] = &[
    ("iam", "AttachRolePolicy"),
    ("iam", "CreateAccessKey"),
    ("iam", "CreateRole"),
    ("iam", "PassRole"),
    ("iam", "PutRolePolicy"),
    ("lambda", "UpdateFunctionCode"),
    ("cloudformation", "CreateStack"),
    ("cloudformation", "DeleteStack"),
    ("dynamodb", "DeleteTable"),
    ("ec2", "RunInstances"),
    ("ec2", "TerminateInstances"),
    ("rds", "DeleteDBCluster"),
    ("rds", "DeleteDBInstance"),
    ("s3", "DeleteBucket"),
    ("s3", "PutBucketPolicy"),
    ("ssm", "SendCommand"),
];

impl Rule for UncheckedWayToPower {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for function in &app.functions {
            let Some(role) = function.role.as_ref().and_then(|role| app.role(role)) else { continue };
            let Some(route) = app.routes_of(&function.id).find(|route| lets_anything_through(app, route)) else {
                continue;
            };
            if let Some(rights) = rights(role) {
                let finding = finding(app, (function, role, route), &rights, sink);
                sink.finding(finding);
            }
        }
    }
}

fn lets_anything_through(app: &App, route: &Route) -> bool {
    let held = app.api(&route.api).is_some_and(|api| api.style == ApiStyle::WebSocket);
    let public = app.api(&route.api).is_some_and(|api| may_hold(&is_public(api)));
    public && (held || changes(route)) && !is_preflight(route) && !is_checked(route)
}

fn rights(role: &Role) -> Option<String> {
    let everything = role.statements.iter().map(any_action_any_resource::judge);
    if may_hold(&crate::case::any(everything.collect::<Vec<Judgement>>())) {
        return Some("everything".to_owned());
    }
    let acts: Vec<String> = powers(role, FAR_REACHING).iter().map(crate::power::Power::name).collect();
    (!acts.is_empty()).then(|| list(&acts))
}

fn finding(app: &App, way: (&Function, &Role, &Route), rights: &str, sink: &Sink) -> Finding {
    let (function, role, route) = way;
    let mut path = way::through(app, route);
    path.push(way::step(&role.provenance, format!("the role of `{}` allows {}", function.id, rights.replace('`', ""))));
    Finding {
        title: format!("nothing checks what `{}` hands to `{}`, which may do {rights}", name(route), function.id),
        message: "one mistake in reading the request (a path, a command, a query built from it) and the sender uses those rights \
                  as the function does"
            .to_owned(),
        label: with_origin_of_event("whatever is sent passes", &route.provenance),
        related: role.provenance.span.clone().map(|span| (span, "the role it runs with".to_owned())).into_iter().collect(),
        resource: Some(function.id.clone()),
        fact: format!("unchecked way to {rights}"),
        path,
        help: vec![
            "ask for a shape before the function runs (a model with `ValidateBody: true`)".to_owned(),
            "or move the far-reaching step into a function of its own that no route leads to".to_owned(),
        ],
        ..sink.draft(&route.provenance)
    }
}
