//! SE011: a secret in what everyone reads: outputs, scripts, code within the template, descriptions, plain properties.

use std::cell::LazyCell;

use brigandine_model::{App, Change, Finding, Fix, LogicalId, Piece, Practice, RuleMeta, Value};

use super::provider_credential;
use crate::{
    Context, Rule, Sink, hidden_parameter,
    leaf::{Leaf, Repeats, leaves},
    rule::meta,
    secret::{Dynamic, Named, assignments, dynamic_references, is_convincing, named},
    wording::with_origin,
};

pub(crate) struct SecretInText;

const META: RuleMeta = RuleMeta {
    practice: Practice::Secrets,
    frameworks: &["CWE-532", "CWE-798", "OWASP-Serverless-S3"],
    ..meta(
        "SE011",
        "secret-in-text",
        "a secret stands in an output, a script, a description or a property that others read",
        include_str!("../../pages/SE011-secret-in-text.md"),
    )
};

/// Properties whose text is run or read by others than the one who deploys, and the word for people.
const CARRIERS: &[(&str, &str)] = &[
    ("UserData", "start script"),
    ("ZipFile", "code"),
    ("FunctionCode", "code"),
    ("BuildSpec", "build description"),
    ("DefinitionString", "workflow"),
    ("Definition", "workflow"),
    ("DefinitionSubstitutions", "workflow"),
    ("Body", "API description"),
    ("SecretString", "stored value"),
];

impl Rule for SecretInText {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let leaves = leaves(app);
        let repeats = LazyCell::new(|| Repeats::of(&leaves));
        for leaf in leaves.iter().filter(|leaf| !is_anothers(leaf)) {
            let fault = if leaf.kind.is_none() { in_output(app, leaf) } else { in_property(app, leaf) };
            if let Some(fault) = fault {
                let fact = format!("{} in clear", leaf.place(&repeats));
                let finding = Finding { fact, ..finding(app, leaf, &fault, sink) };
                sink.finding(finding);
            }
        }
    }
}

/// Variables are SE002's and SE004's, stored parameters SE009's, keys of an API SE013's, examples nobody's.
fn is_anothers(leaf: &Leaf<'_>) -> bool {
    let example = |key: &&str| matches!(*key, "example" | "examples" | "Metadata" | "Description" | "description");
    leaf.is_variable()
        || leaf.path.iter().any(example)
        || matches!(
            (leaf.kind, leaf.path.as_slice()),
            (Some("AWS::SSM::Parameter" | "AWS::ApiGateway::ApiKey"), ["Value"]) | (_, [.., "Tags", _] | ["Tags"])
        )
}

enum Fault {
    /// An output prints it.
    Printed,
    /// A hidden parameter or a stored secret is put in clear into a text that others read.
    Revealed(&'static str),
    /// A text gives a literal to the name.
    Assigned(String),
    /// The property itself is the secret.
    Literal,
}

fn in_output(app: &App, leaf: &Leaf<'_>) -> Option<Fault> {
    let value = leaf.property.text()?;
    let access_key = symbol_pieces(value).any(|piece| match piece {
        Piece::Attribute { resource, attribute: Some(attribute) } => {
            &**attribute == "SecretAccessKey"
                && app.resources.get(resource).is_some_and(|resource| &*resource.kind == "AWS::IAM::AccessKey")
        }
        _ => false,
    });
    let name = leaf.owners.first().map(LogicalId::as_str).unwrap_or_default();
    (access_key || has_hidden_parameter(app, leaf) || is_literal(app, name, leaf)).then_some(Fault::Printed)
}

fn in_property(app: &App, leaf: &Leaf<'_>) -> Option<Fault> {
    let carrier = CARRIERS.iter().find(|(key, _)| leaf.path.contains(key)).map(|(_, word)| *word);
    let Some(word) = carrier else {
        return is_literal(app, leaf.name(), leaf).then_some(Fault::Literal);
    };
    if word == "start script" && reveals(app, leaf) || word != "stored value" && has_hidden_parameter(app, leaf) {
        return Some(Fault::Revealed(word));
    }
    let texts = leaf.texts(app);
    let first = texts.iter().find_map(|text| {
        let shaped = provider_credential::worst(leaf.name(), text).is_some();
        assignments(text).into_iter().next().filter(|_| !shaped).map(|one| one.name.to_owned())
    });
    match first {
        Some(name) => Some(Fault::Assigned(name)),
        None => is_literal(app, leaf.name(), leaf).then_some(Fault::Literal),
    }
}

/// A start script shows a copied secret to every process of the machine.
fn reveals(app: &App, leaf: &Leaf<'_>) -> bool {
    let copied = leaf.property.text().is_some_and(|value| dynamic_references(value).iter().any(Dynamic::is_secret));
    copied || has_hidden_parameter(app, leaf)
}

fn has_hidden_parameter(app: &App, leaf: &Leaf<'_>) -> bool {
    let hidden = |name: &str| app.parameters.iter().any(|parameter| *parameter.name == *name && parameter.hidden);
    let Some(value) = leaf.property.text() else { return false };
    let within = symbol_pieces(value).any(|piece| matches!(piece, Piece::Parameter(name) if hidden(name)));
    within || leaf.property.provenance.parameters.iter().any(|name| hidden(name))
}

/// The pieces of every case.
fn symbol_pieces(value: &Value<String>) -> Box<dyn Iterator<Item = &Piece> + '_> {
    match value {
        Value::Symbolic(symbol) => Box::new(symbol.pieces.iter()),
        Value::OneOf(cases) => Box::new(cases.iter().flat_map(|case| symbol_pieces(&case.value))),
        Value::Known(_) | Value::Unknown(_) => Box::new(std::iter::empty()),
    }
}

fn is_literal(app: &App, name: &str, leaf: &Leaf<'_>) -> bool {
    // `credentials` of an integration is a role, and elsewhere as often the name of what is stored.
    let wanted = |kind: &Named| *kind != Named::Credentials || name == "SecretString";
    let Some(kind) = named(name).filter(wanted) else { return false };
    let texts = leaf.texts(app);
    texts.iter().any(|text| is_convincing(kind, name, text) && provider_credential::worst(name, text).is_none())
}

fn finding(app: &App, leaf: &Leaf<'_>, fault: &Fault, sink: &Sink) -> Finding {
    let provenance = &leaf.property.provenance;
    let words = leaf.words();
    let (title, message) = match fault {
        Fault::Printed => (
            format!("{words} prints a secret"),
            "outputs are shown in the console, in build logs and to everyone who may describe the stack; `NoEcho` does not reach \
             them"
                .to_owned(),
        ),
        Fault::Revealed(word) => (
            format!("{words} puts a secret in clear into a {word}"),
            format!("a {word} is stored and shown as it is, to everyone who may look at the resource"),
        ),
        Fault::Assigned(name) => (
            format!("{words} gives `{name}` a value in clear"),
            "everyone who can read the repository or the deployed resource has the secret, and it stays in the history".to_owned(),
        ),
        Fault::Literal => (
            format!("{words} is written in clear"),
            "everyone who can read the repository or the deployed template has the secret, and it stays in the history".to_owned(),
        ),
    };
    Finding {
        title,
        message,
        label: with_origin("a secret, not shown here", provenance),
        secrets: provenance.span.iter().cloned().collect(),
        resource: leaf.owners.first().cloned(),
        also: leaf.owners.iter().skip(1).cloned().collect(),
        help: help(fault),
        fix: fix(app, leaf, fault),
        ..sink.draft(provenance)
    }
}

fn help(fault: &Fault) -> Vec<String> {
    match fault {
        Fault::Printed => vec!["take the output away, and hand out the name of the stored secret instead".to_owned()],
        Fault::Revealed(_) => vec!["let what runs there read the secret from its store, by a role of its own".to_owned()],
        Fault::Assigned(_) | Fault::Literal => vec![
            "replace the secret: it is known".to_owned(),
            "keep the new one in a secret store; where a property must have the value, `{{resolve:secretsmanager:NAME}}` gets it \
             there at deployment"
                .to_owned(),
        ],
    }
}

fn fix(app: &App, leaf: &Leaf<'_>, fault: &Fault) -> Option<Fix> {
    let owner = leaf.owners.first()?;
    match fault {
        Fault::Printed => {
            let output = app.outputs.iter().find(|output| *output.name == *owner.as_str())?;
            let span = output.provenance.span.clone()?;
            Some(Fix::risky(format!("take the output `{owner}` away"), vec![Change::RemoveAt { span }]))
        }
        Fault::Literal => hidden_parameter::fix(app, &format!("{owner}_{}", leaf.name()), leaf.plain_literal()?),
        Fault::Revealed(_) | Fault::Assigned(_) => None,
    }
}
