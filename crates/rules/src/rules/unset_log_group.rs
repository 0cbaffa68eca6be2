//! MO001: functions whose log group nobody declared.

use brigandine_model::{App, Finding, Fix, Function, Literal, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    log_group::{self, Lines},
    rule::{STRICT, meta},
};

pub(crate) struct UnsetLogGroup;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Monitoring,
    profiles: STRICT,
    frameworks: &["CloudWatch.16", "SAS-05"],
    ..meta(
        "MO001",
        "unset-log-group",
        "the log group of a function is made by the platform, and keeps its lines for ever",
        include_str!("../../pages/MO001-unset-log-group.md"),
    )
};

impl Rule for UnsetLogGroup {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for function in app.functions.iter().filter(|function| matches!(log_group::of(app, function), Lines::Unsaid)) {
            sink.finding(finding(app, function, sink));
        }
    }
}

fn finding(app: &App, function: &Function, sink: &Sink) -> Finding {
    Finding {
        title: format!("nobody declared the log group of `{}`", function.id),
        message: "the platform makes one at the first call: its lines stay for ever, are paid for ever, and whatever personal data \
                  they hold stays with them"
            .to_owned(),
        label: "no log group of its own".to_owned(),
        resource: Some(function.id.clone()),
        fact: "no log group".to_owned(),
        help: vec![format!(
            "declare an `AWS::Logs::LogGroup` named `/aws/lambda/${{{}}}` with `RetentionInDays`",
            function.id
        )],
        fix: fix(app, function),
        ..sink.draft(&function.provenance)
    }
}

/// Where the function ran before, its group exists and must be imported or deleted first: a person must look.
fn fix(app: &App, function: &Function) -> Option<Fix> {
    let name = Literal::map([("Fn::Sub", Literal::text(format!("/aws/lambda/${{{}}}", function.id)))]);
    let group = log_group::declare(app, &format!("{}Logs", function.id), Some(name))?;
    Some(Fix::risky(format!("declare the log group of `{}`", function.id), vec![group]))
}
