//! SE001: a credential that its provider's own format gives away.

use std::cell::LazyCell;

use brigandine_model::{App, Finding, LogicalId, Parameter, Practice, Provenance, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink, hidden_parameter,
    leaf::{Leaf, Repeats, leaves},
    rule::meta,
    secret::{Credential, Weight, credentials, is_secret_access_key},
    wording::with_origin,
};

pub(crate) struct ProviderCredential;

const META: RuleMeta = RuleMeta {
    severity: Severity::Critical,
    practice: Practice::Secrets,
    frameworks: &["CWE-798", "OWASP-Serverless-S3", "SAS-07"],
    ..meta(
        "SE001",
        "provider-credential",
        "a credential of a provider is written into the template",
        include_str!("../../pages/SE001-provider-credential.md"),
    )
};

impl Rule for ProviderCredential {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let leaves = leaves(app);
        let repeats = LazyCell::new(|| Repeats::of(&leaves));
        for leaf in &leaves {
            let texts = leaf.texts(app);
            if let Some((kind, weight)) = texts.iter().find_map(|text| worst(leaf.name(), text)) {
                let fact = format!("{} holds {kind}", leaf.place(&repeats));
                let finding = Finding { fact, ..in_text(app, leaf, (kind, weight), sink) };
                sink.finding(finding);
            }
        }
        for parameter in &app.parameters {
            let default = parameter.default.as_deref().unwrap_or_default();
            if let Some((kind, weight)) = worst(&parameter.name, default) {
                sink.finding(in_parameter(parameter, (kind, weight), sink));
            }
        }
    }
}

/// What a text under a name gives away, the worst first.
pub(crate) fn worst(name: &str, text: &str) -> Option<(&'static str, Weight)> {
    if is_secret_access_key(name, text) {
        return Some(("an AWS secret access key", Weight::Opens));
    }
    let found = credentials(text);
    let opens = |one: &&Credential| one.weight == Weight::Opens;
    found.iter().find(opens).or(found.first()).map(|one| (one.kind, one.weight))
}

fn severity(weight: Weight) -> Severity {
    match weight {
        Weight::Opens => META.severity,
        Weight::Half => Severity::High,
    }
}

fn message(kind: &str, weight: Weight) -> String {
    match weight {
        Weight::Opens => format!(
            "{kind} lets its holder in at once, from anywhere, and everyone who can read the repository, a build log or the \
             deployed configuration is its holder"
        ),
        Weight::Half => format!(
            "{kind} is written down only where the account behind it is used by hand: with its other half, or within its limits, \
             whoever reads the template acts in its name"
        ),
    }
}

fn help() -> Vec<String> {
    vec![
        "revoke it with its provider first: it is known, and stays in the history".to_owned(),
        "keep the new one in a secret store and hand over the name of it; for AWS itself the function's role is enough"
            .to_owned(),
    ]
}

fn in_text(app: &App, leaf: &Leaf<'_>, found: (&str, Weight), sink: &Sink) -> Finding {
    let (kind, weight) = found;
    let provenance = &leaf.property.provenance;
    Finding {
        severity: severity(weight),
        title: format!("{} holds {kind}", leaf.words()),
        message: message(kind, weight),
        label: with_origin(format!("{kind}, not shown here"), provenance),
        secrets: provenance.span.iter().cloned().collect(),
        resource: leaf.owners.first().cloned(),
        also: leaf.owners.iter().skip(1).cloned().collect(),
        help: help(),
        fix: leaf
            .plain_literal()
            .filter(|_| leaf.is_variable())
            .and_then(|one| hidden_parameter::fix(app, leaf.name(), one)),
        ..sink.draft(provenance)
    }
}

fn in_parameter(parameter: &Parameter, found: (&str, Weight), sink: &Sink) -> Finding {
    let (kind, weight) = found;
    let span = parameter.default_span.clone().or_else(|| parameter.provenance.span.clone());
    Finding {
        severity: severity(weight),
        title: format!("the default of `{}` is {kind}", parameter.name),
        message: message(kind, weight),
        label: format!("{kind}, not shown here"),
        secrets: span.iter().cloned().collect(),
        resource: Some(LogicalId::new(parameter.name.clone())),
        fact: format!("default of {} is {kind}", parameter.name),
        help: help(),
        ..sink.draft(&Provenance { span, ..parameter.provenance.clone() })
    }
}
