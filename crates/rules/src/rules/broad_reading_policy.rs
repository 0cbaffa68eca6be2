//! LP006: a policy that reads everything of a service, for a function that is told of a few.

use brigandine_iam::{ManagedClass, ManagedPolicy, managed_policy};
use brigandine_model::{App, Change, Fact, Finding, Fix, Literal, LogicalId, RuleMeta, Severity, StoreKind, Via};

use crate::{
    Context, Rule, Sink,
    case::{HOLE, texts},
    mention::Mentions,
    narrow::only_store,
    role::Holder,
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct BroadReadingPolicy;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    frameworks: &["CWE-732", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP006",
        "broad-reading-policy",
        "a managed policy reads a whole service for a function that is told of a few resources",
        include_str!("../../pages/LP006-broad-reading-policy.md"),
    )
};

impl Rule for BroadReadingPolicy {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for holder in Holder::all(app).filter(|holder| !holder.functions.is_empty()) {
            for attached in &holder.role.managed {
                let Some((policy, kind)) = reads_all(attached) else { continue };
                let told = told_of(&holder, kind);
                if !told.is_empty() {
                    let finding = finding(&holder, (attached, &policy, kind), &told, sink);
                    sink.finding(finding);
                }
            }
        }
    }
}

/// The policy, and the kind of store that it reads all of.
fn reads_all(attached: &Fact<String>) -> Option<(ManagedPolicy, StoreKind)> {
    let policy = texts(&attached.value).into_iter().find_map(|text| managed_policy(&text.replacen(HOLE, "aws", 1)))?;
    let [service] = policy.services.as_slice() else { return None };
    let kind = match service.as_str() {
        "dynamodb" => StoreKind::Table,
        "s3" => StoreKind::Bucket,
        _ => return None,
    };
    (policy.class == ManagedClass::ReadOnly).then_some((policy, kind))
}

/// The stores of the kind that the functions are told of.
fn told_of<'a>(holder: &Holder<'a>, kind: StoreKind) -> Vec<&'a LogicalId> {
    let mentions = Mentions::of(holder.app, holder.functions.iter().copied());
    let stores = holder.app.stores.iter().filter(|store| store.kind == kind);
    stores.filter(|store| mentions.names(&store.id, store.name.as_ref())).map(|store| &store.id).collect()
}

fn finding(
    holder: &Holder<'_>,
    (attached, policy, kind): (&Fact<String>, &ManagedPolicy, StoreKind),
    told: &[&LogicalId],
    sink: &Sink,
) -> Finding {
    let provenance = &attached.provenance;
    let (what, template) = match kind {
        StoreKind::Bucket => ("bucket", "`S3ReadPolicy`"),
        _ => ("table", "`DynamoDBReadPolicy`"),
    };
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} may read every {what}, and is told of {}", holder.names(), list(told)),
        message: format!(
            "`{}` reads every {what} of the account, those of other applications too; {}",
            policy.name,
            holder.because()
        ),
        label: with_origin(format!("reads every {what}"), provenance),
        resource: Some(holder.resource()),
        fact: policy.name.clone(),
        help: vec![format!("grant the policy template {template} on {} instead", list(told))],
        fix: fix(holder, attached, kind),
        ..sink.draft(provenance)
    }
}

/// Only the list of a function's own policies takes policy templates.
fn fix(holder: &Holder<'_>, attached: &Fact<String>, kind: StoreKind) -> Option<Fix> {
    let own = holder.role.provenance.via == Via::Implicit && attached.provenance.via == Via::Written;
    let span = attached.provenance.span.clone().filter(|_| own && attached.value.known().is_some())?;
    let (template, parameter) = match kind {
        StoreKind::Bucket => ("S3ReadPolicy", "BucketName"),
        _ => ("DynamoDBReadPolicy", "TableName"),
    };
    let store = only_store(holder, kind)?.as_str();
    let value = Literal::map([(template, Literal::map([(parameter, Literal::reference(store))]))]);
    Some(Fix::risky(format!("grant `{template}` on `{store}` instead"), vec![Change::Replace { span, value }]))
}
