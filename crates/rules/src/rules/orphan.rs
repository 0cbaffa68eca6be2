//! DP005: a function, role or secret that nothing in the template uses.

use std::collections::BTreeSet;

use brigandine_model::{App, Finding, LogicalId, Practice, Property, Provenance, Resource, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    rule::{STRICT, meta},
    setting::referred_below,
};

pub(crate) struct Orphan;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Deployment,
    profiles: STRICT,
    frameworks: &["CWE-1164", "SAS-11"],
    ..meta(
        "DP005",
        "orphan",
        "a function, role or secret that nothing uses",
        include_str!("../../pages/DP005-orphan.md"),
    )
};

/// Resources that stand beside another one and do not use it.
const BESIDE: [&str; 10] = [
    "AWS::Lambda::Alias",
    "AWS::Lambda::Version",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Logs::LogGroup",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy",
    "AWS::SecretsManager::ResourcePolicy",
];

impl Rule for Orphan {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let used = used(app);
        let started: BTreeSet<&LogicalId> = app.sources.iter().map(|source| &source.function).collect();
        let taken: BTreeSet<&LogicalId> = app.functions.iter().filter_map(|function| function.role.as_ref()).collect();
        for function in &app.functions {
            // A name is an address: whoever knows it may call from outside.
            if !started.contains(&function.id) && function.name.is_none() && !used.contains(&function.id) {
                let words = ("function", "nothing starts it");
                tell(app, (&function.id, &function.provenance), words, sink);
            }
        }
        for role in &app.roles {
            let is_role = |resource: &Resource| resource.written_kind.as_deref() == Some("AWS::IAM::Role");
            let written = app.resources.get(&role.id).is_some_and(is_role);
            let named = app.resources.get(&role.id).and_then(|resource| resource.properties.as_ref());
            let named = named.is_some_and(|properties| properties.at(&["RoleName"]).is_some());
            if written && !named && !used.contains(&role.id) && !taken.contains(&role.id) {
                tell(app, (&role.id, &role.provenance), ("role", "nothing takes it"), sink);
            }
        }
        for secret in app.secrets.iter().filter(|secret| secret.name.is_none() && !used.contains(&secret.id)) {
            tell(app, (&secret.id, &secret.provenance), ("secret", "nothing refers to it"), sink);
        }
    }
}

/// Every resource that another one, or an output, refers to.
fn used(app: &App) -> BTreeSet<LogicalId> {
    let mut used = BTreeSet::new();
    for (id, resource) in app.resources.iter().filter(|(_, resource)| !BESIDE.contains(&&*resource.kind)) {
        let below = resource.properties.iter().flat_map(referred_below);
        used.extend(below.filter(|other| *other != id).cloned());
    }
    used.extend(app.outputs.iter().flat_map(|output| referred_below(&output.value)).cloned());
    // What an alias stands for is used when the alias is.
    let aliases: Vec<(&LogicalId, Vec<&LogicalId>)> = app
        .resources
        .iter()
        .filter(|(_, resource)| ["AWS::Lambda::Alias", "AWS::Lambda::Version"].contains(&&*resource.kind))
        .map(|(id, resource)| {
            (
                id,
                resource
                    .properties
                    .iter()
                    .flat_map(Property::entries)
                    .flat_map(|entry| referred_below(&entry.value))
                    .collect(),
            )
        })
        .collect();
    for (alias, behind) in aliases {
        if used.contains(alias) {
            used.extend(behind.into_iter().cloned());
        }
    }
    used
}

/// What was not read may use anything.
fn tell(app: &App, (id, place): (&LogicalId, &Provenance), (noun, why): (&str, &str), sink: &mut Sink) {
    if !app.unjudged.is_empty() {
        let open = "part of the template is not read, and may use it";
        return sink.cannot_tell(&format!("whether anything uses the {noun} `{id}`"), open, (id, place));
    }
    let finding = Finding {
        title: format!("nothing uses the {noun} `{id}`"),
        message: format!(
            "{why} in this template: what is left over keeps its rights and gets no updates, because nobody looks at it"
        ),
        label: why.to_owned(),
        resource: Some(id.clone()),
        fact: "unused".to_owned(),
        help: vec![
            "take it out; if something outside uses it, hand it out under `Outputs` so that readers see it".to_owned(),
        ],
        ..sink.draft(place)
    };
    sink.finding(finding);
}
