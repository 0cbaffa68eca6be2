//! SE005: a secret that Globals hand to every function.

use std::collections::BTreeMap;

use brigandine_model::{App, Finding, LogicalId, Piece, Practice, RuleMeta, Span, Value, Variable, Via};

use super::provider_credential;
use crate::{
    Context, Rule, Sink,
    case::texts,
    rule::meta,
    secret::{Dynamic, Reading, dynamic_references, named, read},
    wording::list,
};

pub(crate) struct SecretForEveryFunction;

const META: RuleMeta = RuleMeta {
    practice: Practice::Secrets,
    frameworks: &["CWE-653", "OWASP-Serverless-S3", "SAS-07"],
    ..meta(
        "SE005",
        "secret-for-every-function",
        "Globals hand a secret to every function",
        include_str!("../../pages/SE005-secret-for-every-function.md"),
    )
};

impl Rule for SecretForEveryFunction {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let mut shared: BTreeMap<(&Span, &str), (&Variable, Vec<LogicalId>)> = BTreeMap::new();
        for function in &app.functions {
            for variable in function.environment.iter().filter(|variable| variable.value.provenance.via == Via::Globals)
            {
                let Some(span) = &variable.value.provenance.span else { continue };
                let entry = shared.entry((span, &variable.name)).or_insert_with(|| (variable, Vec::new()));
                entry.1.push(function.id.clone());
            }
        }
        for (variable, functions) in shared.into_values() {
            if functions.len() > 1 && is_secret(app, variable) {
                sink.finding(finding(variable, &functions, sink));
            }
        }
    }
}

/// A secret in any of the ways in which one gets into a variable: a literal, a hidden parameter, a copy of a stored one.
fn is_secret(app: &App, variable: &Variable) -> bool {
    let value = &variable.value.value;
    let literal = |text: &String| {
        let by_name = named(&variable.name).is_some_and(|kind| read(kind, &variable.name, text) == Reading::Secret);
        by_name || provider_credential::worst(&variable.name, text).is_some()
    };
    dynamic_references(value).iter().any(Dynamic::is_secret)
        || parameters(variable).any(|name| is_hidden(app, name))
        || texts(value).iter().any(literal)
}

fn parameters(variable: &Variable) -> impl Iterator<Item = &str> {
    let pieces = match &variable.value.value {
        Value::Symbolic(symbol) => symbol.pieces.as_slice(),
        _ => &[],
    };
    let named = pieces.iter().filter_map(|piece| match piece {
        Piece::Parameter(name) => Some(&**name),
        _ => None,
    });
    named.chain(variable.value.provenance.parameters.iter().map(|name| &**name))
}

fn is_hidden(app: &App, name: &str) -> bool {
    app.parameters.iter().any(|parameter| *parameter.name == *name && parameter.hidden)
}

fn finding(variable: &Variable, functions: &[LogicalId], sink: &Sink) -> Finding {
    let name = &variable.name;
    Finding {
        title: format!("every function gets the secret `{name}`, {} of them", functions.len()),
        message: format!(
            "a fault in any one of {} gives the secret away, and nobody can tell from the template which of them needs it",
            list(functions)
        ),
        label: "a secret, given to all (from Globals)".to_owned(),
        secrets: variable.value.provenance.span.iter().cloned().collect(),
        resource: functions.first().cloned(),
        also: functions.iter().skip(1).cloned().collect(),
        fact: format!("{name} in Globals"),
        help: vec![
            "move the variable to the functions that use it; better, let those read the secret from its store"
                .to_owned(),
        ],
        ..sink.draft(&variable.value.provenance)
    }
}
