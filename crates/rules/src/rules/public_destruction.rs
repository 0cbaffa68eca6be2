//! LP024: a function behind a door that asks who calls may destroy whole stores. Where nothing asks, AP004 tells it.

use std::cell::LazyCell;

use brigandine_model::{App, Fact, Finding, Fix, Judgement, RuleMeta, Severity, Via};

use super::{service_wide_action, wildcard_policy_template};
use crate::{
    Context, Rule, Sink,
    case::{may_hold, when},
    place::Places,
    reach::Reach,
    right::{Right, Wanted, rights},
    role::Holder,
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct PublicDestruction;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    frameworks: &["OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP024",
        "public-destruction",
        "a function behind a route may destroy whole stores",
        include_str!("../../pages/LP024-public-destruction.md"),
    )
};

/// What takes away a store, its copies, its key or its name as a whole. Deleting single records is everyday work.
pub(super) const DESTROYS: Wanted = &[
    ("backup", &["DeleteBackupVault", "DeleteRecoveryPoint"]),
    ("cloudformation", &["DeleteStack"]),
    ("cognito-idp", &["DeleteUserPool"]),
    ("dynamodb", &["DeleteTable", "DeleteBackup"]),
    ("elasticfilesystem", &["DeleteFileSystem"]),
    ("events", &["DeleteEventBus"]),
    ("firehose", &["DeleteDeliveryStream"]),
    ("kinesis", &["DeleteStream"]),
    ("kms", &["DisableKey", "ScheduleKeyDeletion"]),
    ("lambda", &["DeleteFunction"]),
    ("rds", &["DeleteDBCluster", "DeleteDBClusterSnapshot", "DeleteDBInstance", "DeleteDBSnapshot"]),
    ("s3", &["DeleteBucket", "PutLifecycleConfiguration"]),
    ("secretsmanager", &["DeleteSecret"]),
    ("sns", &["DeleteTopic"]),
    ("sqs", &["DeleteQueue", "PurgeQueue"]),
    ("states", &["DeleteStateMachine"]),
];

/// The first action of a service that takes away a whole store.
pub(super) fn destroyer(service: &str) -> Option<&'static str> {
    let (_, names) = DESTROYS.iter().find(|(own, _)| *own == service)?;
    names.first().copied()
}

/// The fact of a finding about these actions. An open door changes who tells it and how badly, and not the fact.
pub(super) fn fact(actions: impl Iterator<Item = String>) -> String {
    format!("may destroy by {}", actions.collect::<Vec<_>>().join(" "))
}

impl Rule for PublicDestruction {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let places = LazyCell::new(|| Places::of(app));
        for holder in Holder::all(app) {
            let mut found = rights(&holder, DESTROYS);
            if found.is_empty() || holder.reach() != Reach::Locked {
                continue;
            }
            found.retain(|right| may_hold(&right.holds) && !is_told(&holder, right));
            for here in found.chunk_by(|one, other| std::ptr::eq(one.statement, other.statement)) {
                let written: Vec<&Fact<String>> = here.iter().map(|right| right.written).collect();
                let fix = places
                    .take_away(&written)
                    .map(|changes| Fix::risky("take the right to destroy whole stores away", changes));
                sink.finding(Finding { fix, ..finding(&holder, here, sink) });
            }
        }
    }
}

/// Wider faults of the same text say it already; what a policy template brings along is not what a person asked for. That
/// the resource is wide as well is another fault than that the action is named.
fn is_told(holder: &Holder<'_>, right: &Right<'_>) -> bool {
    let is_wide = right.text.contains(['*', '?']) && holder.wide_writes().holds(right.written);
    matches!(right.statement.provenance.via, Via::PolicyTemplate(_))
        || is_wide
        || service_wide_action::speaks_of(holder, right.statement, right.written)
        || wildcard_policy_template::fills(right.statement)
}

fn finding(holder: &Holder<'_>, here: &[Right<'_>], sink: &Sink) -> Finding {
    let Some(first) = here.first() else { return sink.draft(&holder.role.provenance) };
    let texts: Vec<&str> = here.iter().map(|right| right.text.as_str()).collect();
    let by =
        if first.text.contains(['*', '?']) { format!(" (`{}:{}`)", first.service, first.name) } else { String::new() };
    let holds: Judgement = crate::case::any(here.iter().map(|right| right.holds.clone()));
    let provenance = &first.written.provenance;
    Finding {
        severity: holder.bounded(META.severity),
        title: format!("{} may call {} behind a route{}", holder.names(), list(&texts), when(&holds)),
        message: format!(
            "it may take away whole stores{by}, not only records in them, and its callers send it its input: {}",
            holder.because()
        ),
        label: with_origin("takes away a whole store", provenance),
        resource: Some(holder.resource()),
        fact: fact(here.iter().map(|right| format!("{}:{}", right.service, right.name))),
        help: vec!["leave this to the deployment, or to a function that no route leads to".to_owned()],
        ..sink.draft(provenance)
    }
}
