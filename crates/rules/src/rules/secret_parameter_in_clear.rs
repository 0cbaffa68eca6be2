//! SE003: a secret that travels through a template parameter with a default, or in sight of everyone.

use std::collections::BTreeMap;

use brigandine_model::{
    App, Change, Finding, Fix, Literal, LogicalId, Parameter, Piece, Practice, Provenance, RuleMeta, Span, Value,
    Variable,
};

use crate::{
    Context, Rule, Sink,
    reach::better,
    rule::meta,
    secret::{Named, Reading, named, read},
};

pub(crate) struct SecretParameterInClear;

const META: RuleMeta = RuleMeta {
    practice: Practice::Secrets,
    frameworks: &["CWE-522", "OWASP-Serverless-S3", "SAS-07"],
    ..meta(
        "SE003",
        "secret-parameter-in-clear",
        "a secret parameter has a default, or is shown to everyone who sees the stack",
        include_str!("../../pages/SE003-secret-parameter-in-clear.md"),
    )
};

impl Rule for SecretParameterInClear {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let mut uses = uses(app);
        for parameter in app.parameters.iter().filter(|parameter| parameter.kind.as_ref() == "String") {
            let mut own = uses.remove(&*parameter.name).unwrap_or_default();
            own.retain(|one| is_parameter(one.variable, parameter));
            check_parameter(parameter, &own, sink);
        }
    }
}

/// Where a parameter's value ends up: a variable of a function whose name says that it is secret.
struct Use<'a> {
    function: &'a LogicalId,
    variable: &'a Variable,
    kind: Named,
}

fn check_parameter(parameter: &Parameter, uses: &[Use<'_>], sink: &mut Sink) {
    let Some(kind) = named(&parameter.name).or_else(|| uses.first().map(|one| one.kind)) else { return };
    let default = parameter.default.as_deref().filter(|text| !text.trim().is_empty());
    let reading = default.map(|text| read(kind, &parameter.name, text));
    match (reading, kind) {
        (Some(Reading::Secret), _) => sink.finding(finding(parameter, uses, Fault::Default, sink)),
        (Some(Reading::Harmless), _) => {}
        (Some(Reading::Ambiguous | Reading::Placeholder) | None, Named::Credentials | Named::Connection)
            if !parameter.hidden =>
        {
            let why = "its value may be the secret itself or only say where it is";
            let resource =
                uses.first().map_or_else(|| LogicalId::new(parameter.name.clone()), |one| one.function.clone());
            sink.cannot_tell(&format!("the parameter `{}`", parameter.name), why, (&resource, &parameter.provenance));
        }
        (_, _) if !parameter.hidden => sink.finding(finding(parameter, uses, Fault::Shown, sink)),
        _ => {}
    }
}

/// The secret variables of all functions by the parameters whose value they may be.
fn uses(app: &App) -> BTreeMap<&str, Vec<Use<'_>>> {
    let mut uses: BTreeMap<&str, Vec<Use<'_>>> = BTreeMap::new();
    let all = app.functions.iter().flat_map(|one| one.environment.iter().map(move |variable| (&one.id, variable)));
    for (function, variable) in all {
        let Some(kind) = named(&variable.name) else { continue };
        for parameter in candidates(variable) {
            uses.entry(parameter).or_default().push(Use { function, variable, kind });
        }
    }
    uses
}

/// Parameters whose value the variable may be, and nothing besides.
fn candidates(variable: &Variable) -> impl Iterator<Item = &str> {
    let reference = match &variable.value.value {
        Value::Symbolic(symbol) => match symbol.pieces.as_slice() {
            [Piece::Parameter(name)] => Some(&**name),
            _ => None,
        },
        _ => None,
    };
    let passed_through = variable.value.provenance.parameters.iter().map(|name| &**name);
    reference.into_iter().chain(passed_through.filter(|_| matches!(variable.value.value, Value::Known(_))))
}

/// Whether the variable's value is the parameter and nothing else.
fn is_parameter(variable: &Variable, parameter: &Parameter) -> bool {
    match &variable.value.value {
        Value::Known(text) => parameter.default.as_deref() == Some(text.as_str()),
        _ => true,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Default,
    Shown,
}

fn finding(parameter: &Parameter, uses: &[Use<'_>], fault: Fault, sink: &Sink) -> Finding {
    let name = &parameter.name;
    let own = Provenance { span: place(parameter, fault), ..parameter.provenance.clone() };
    let (title, message, label) = match fault {
        Fault::Default => (
            format!("the secret `{name}` has a default"),
            "everyone who can read the repository has the value, and a stack made without a choice of its own runs with it",
            "the default is a secret, not shown here",
        ),
        Fault::Shown => (
            format!("the secret `{name}` is shown to everyone who may look at the stack"),
            "without `NoEcho` the platform prints the value in its console, in its answers and in build logs",
            "`NoEcho` is not set",
        ),
    };
    Finding {
        severity: if fault == Fault::Default { META.severity } else { better(META.severity) },
        title,
        message: message.to_owned(),
        label: label.to_owned(),
        related: uses
            .iter()
            .take(3)
            .filter_map(|one| Some((one.variable.value.provenance.span.clone()?, says(one))))
            .collect(),
        secrets: parameter.default_span.iter().cloned().collect(),
        resource: Some(uses.first().map_or_else(|| LogicalId::new(name.clone()), |one| one.function.clone())),
        fact: format!("parameter {name}"),
        help: help(parameter, fault),
        fix: fix(parameter, fault),
        ..sink.draft(&own)
    }
}

fn place(parameter: &Parameter, fault: Fault) -> Option<Span> {
    let exact = match fault {
        Fault::Default => &parameter.default_span,
        Fault::Shown => &parameter.hidden_span,
    };
    exact.clone().or_else(|| parameter.provenance.span.clone())
}

fn says(one: &Use<'_>) -> String {
    format!("reaches `{}` of `{}`", one.variable.name, one.function)
}

fn help(parameter: &Parameter, fault: Fault) -> Vec<String> {
    let mut help = Vec::new();
    if fault == Fault::Default {
        help.push("take the default out, and replace the secret: it is known".to_owned());
    }
    if !parameter.hidden {
        help.push(format!("add `NoEcho: true` to `{}`", parameter.name));
    }
    help.push("better: keep the secret in a store and pass its name".to_owned());
    help
}

/// Hiding a value changes nothing for anyone who calls the application. Taking a default away asks whoever deploys for it.
fn fix(parameter: &Parameter, fault: Fault) -> Option<Fix> {
    let hide = hidden(parameter);
    match (fault, &parameter.default_span) {
        (Fault::Shown, _) => Some(Fix::safe("hide the value", vec![hide?])),
        (Fault::Default, Some(span)) => {
            let changes = std::iter::once(Change::RemoveAt { span: span.clone() }).chain(hide).collect();
            Some(Fix::risky("take the default out and hide the value", changes))
        }
        (Fault::Default, None) => None,
    }
}

fn hidden(parameter: &Parameter) -> Option<Change> {
    if parameter.hidden {
        return None;
    }
    let value = Literal::Flag(true);
    Some(match parameter.hidden_span.clone() {
        Some(span) => Change::Replace { span, value },
        None => {
            Change::Declare { path: vec!["Parameters".into(), parameter.name.clone()], name: "NoEcho".into(), value }
        }
    })
}
