//! LP009: one role for several functions.

use brigandine_model::{App, Finding, LogicalId, RuleMeta, Severity, Via};

use crate::{
    Context, Rule, Sink,
    role::{Holder, grants_beyond_running},
    rule::meta,
    wording::{count, list},
};

pub(crate) struct SharedRole;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    frameworks: &["CWE-653", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP009",
        "shared-role",
        "several functions run with one role",
        include_str!("../../pages/LP009-shared-role.md"),
    )
};

impl Rule for SharedRole {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for holder in Holder::all(app) {
            // Sharing what every function has anyway joins nothing.
            let grants =
                grants_beyond_running(holder.role) || holder.role.managed.iter().any(|fact| !is_for_running(fact));
            if holder.functions.len() > 1 && grants {
                let finding = finding(&holder, sink);
                sink.finding(finding);
            }
        }
    }
}

/// Whether the policy is what the platform keeps for starting, logging and tracing. Of others nothing is known here, but
/// that they are there.
fn is_for_running(fact: &brigandine_model::Fact<String>) -> bool {
    const FOR_RUNNING: &[&str] = &[
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaENIManagementAccess",
        "AWSLambdaVPCAccessExecutionRole",
        "AWSXRayDaemonWriteAccess",
        "AWSXrayWriteOnlyAccess",
        "CloudWatchLambdaInsightsExecutionRolePolicy",
    ];
    crate::case::texts(&fact.value)
        .iter()
        .all(|text| text.rsplit('/').next().is_some_and(|name| FOR_RUNNING.contains(&name)))
}

fn finding(holder: &Holder<'_>, sink: &Sink) -> Finding {
    let ids: Vec<LogicalId> = holder.functions.iter().map(|function| function.id.clone()).collect();
    let provenance = &holder.role.provenance;
    let own =
        if provenance.via == Via::Written { "the role of them all" } else { "implied here, the role of them all" };
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} functions run with the role `{}`", ids.len(), holder.role.id),
        message: format!(
            "{} share every right that any one of them needs, so a hole in one of {} opens what the others may do; {}",
            list(&ids),
            count(ids.len(), "function"),
            holder.because()
        ),
        label: own.to_owned(),
        resource: Some(holder.role.id.clone()),
        fact: "shared by several functions".to_owned(),
        help: vec![
            "leave `Role` away and give each function its own `Policies`: SAM makes one role for each".to_owned(),
        ],
        ..sink.draft(provenance)
    }
}
