//! SE002: a secret written into an environment variable.

use std::collections::BTreeMap;

use brigandine_model::{App, Fact, Finding, Fix, Judgement, LogicalId, Practice, RuleMeta, Span, Value};

use super::provider_credential;
use crate::{
    Context, Rule, Sink,
    case::{texts, when},
    hidden_parameter,
    rule::meta,
    secret::{Named, Reading, named, read},
    wording::{list, with_origin},
};

pub(crate) struct SecretInEnvironment;

const META: RuleMeta = RuleMeta {
    practice: Practice::Secrets,
    frameworks: &["CWE-798", "OWASP-Serverless-S3", "SAS-07"],
    ..meta(
        "SE002",
        "secret-in-environment",
        "a secret is written into an environment variable",
        include_str!("../../pages/SE002-secret-in-environment.md"),
    )
};

impl Rule for SecretInEnvironment {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for variable in by_place(app) {
            check_variable(app, &variable, sink);
        }
    }
}

/// A variable whose name says that it is secret, and the functions that get it from the same text.
struct Variable<'a> {
    name: &'a str,
    kind: Named,
    value: &'a Fact<String>,
    functions: Vec<LogicalId>,
}

/// One line in Globals is one cause, however many functions it serves.
fn by_place(app: &App) -> Vec<Variable<'_>> {
    let mut found: Vec<Variable<'_>> = Vec::new();
    let mut places: BTreeMap<(&Span, &str), usize> = BTreeMap::new();
    for (function, variable) in app.functions.iter().flat_map(|one| one.environment.iter().map(move |own| (one, own))) {
        let Some(kind) = named(&variable.name) else { continue };
        let place = variable.value.provenance.span.as_ref().map(|span| (span, &*variable.name));
        let known = place.and_then(|place| places.get(&place)).and_then(|index| found.get_mut(*index));
        if let Some(known) = known.filter(|known| known.value == &variable.value) {
            known.functions.push(function.id.clone());
            continue;
        }
        places.extend(place.map(|place| (place, found.len())));
        let functions = vec![function.id.clone()];
        found.push(Variable { name: &variable.name, kind, value: &variable.value, functions });
    }
    found
}

fn check_variable(app: &App, variable: &Variable<'_>, sink: &mut Sink) {
    let Some(first) = variable.functions.first() else { return };
    let what = format!("`{}` of {}", variable.name, list(&variable.functions));
    let reading =
        |text: &str| if is_default(app, variable.value, text) { Reading::Harmless } else { read_one(variable, text) };
    if let Value::Unknown(why) = &variable.value.value {
        return sink.cannot_tell(&what, why, (first, &variable.value.provenance));
    }
    let readings: Vec<Reading> = texts(&variable.value.value).iter().map(|text| reading(text)).collect();
    if readings.contains(&Reading::Secret) {
        let secret = |text: &str| reading(text) == Reading::Secret;
        let holds =
            variable.value.value.judge(&|text| secret(text), &|symbol| Some(secret(&crate::case::filled(symbol))));
        let finding = Finding { fix: fix(app, variable), ..finding(variable, &holds, sink) };
        sink.finding(finding);
    } else if readings.contains(&Reading::Ambiguous) {
        let why = "its value may be the secret itself or the name of a stored one";
        sink.cannot_tell(&what, why, (first, &variable.value.provenance));
    } else if readings.contains(&Reading::Placeholder) {
        let why = "its value is a placeholder, so the real one is put in somewhere else";
        sink.cannot_tell(&what, why, (first, &variable.value.provenance));
    }
}

/// A credential that its own shape gives away is SE001's, whatever its name.
fn read_one(variable: &Variable<'_>, text: &str) -> Reading {
    if provider_credential::worst(variable.name, text).is_some() {
        return Reading::Harmless;
    }
    read(variable.kind, variable.name, text)
}

/// Whether the text came in through a parameter's default: that is another rule's finding, at another line.
fn is_default(app: &App, value: &Fact<String>, text: &str) -> bool {
    value.provenance.parameters.iter().any(|name| {
        app.parameters.iter().any(|parameter| parameter.name == *name && parameter.default.as_deref() == Some(text))
    })
}

/// Only a plain literal can be replaced unseen; what is put together from pieces takes a person.
fn fix(app: &App, variable: &Variable<'_>) -> Option<Fix> {
    let provenance = &variable.value.provenance;
    let span = provenance.span.as_ref().filter(|_| provenance.parameters.is_empty())?;
    hidden_parameter::fix(app, variable.name, (span, variable.value.value.known()?))
}

fn finding(variable: &Variable<'_>, holds: &Judgement, sink: &Sink) -> Finding {
    let Variable { name, value, functions, .. } = variable;
    let clear = if variable.kind == Named::Connection { "carries a password in clear" } else { "is written in clear" };
    Finding {
        title: format!("`{name}` of {} {clear}{}", list(functions), when(holds)),
        message: format!(
            "everyone who can read the repository, the build log or the function's configuration has the value of `{name}`, and \
             it stays in the history"
        ),
        label: with_origin("a secret, not shown here", &value.provenance),
        secrets: value.provenance.span.iter().cloned().collect(),
        resource: functions.first().cloned(),
        also: functions.iter().skip(1).cloned().collect(),
        fact: format!("{name} in clear"),
        help: vec![
            "replace the value with a new one, since the old one is known".to_owned(),
            "keep it in a secret store, hand the function its name (`SECRET_NAME`) and let it read the value when it starts"
                .to_owned(),
        ],
        ..sink.draft(&value.provenance)
    }
}
