//! SE013: the key of an API, written down or printed.

use brigandine_model::{
    App, Change, Finding, Fix, Judgement, LogicalId, Output, Piece, Practice, Property, RuleMeta, Value,
};

use crate::{
    Context, Rule, Sink,
    case::{may_hold, when},
    rule::meta,
};

pub(crate) struct LiteralApiKey;

const META: RuleMeta = RuleMeta {
    practice: Practice::Secrets,
    frameworks: &["CWE-798", "OWASP-Serverless-S2"],
    ..meta(
        "SE013",
        "literal-api-key",
        "the value of an API key is written into the template or printed by it",
        include_str!("../../pages/SE013-literal-api-key.md"),
    )
};

impl Rule for LiteralApiKey {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (id, resource) in &app.resources {
            let properties = resource.properties.as_ref().filter(|_| &*resource.kind == "AWS::ApiGateway::ApiKey");
            let Some(value) = properties.and_then(|own| own.at(&["Value"])) else { continue };
            let holds = is_written(app, value);
            if may_hold(&holds) {
                sink.finding(written((id, resource.implied_by.is_none()), value, &holds, sink));
            }
        }
        for output in &app.outputs {
            if let Some(key) = printed_key(app, output) {
                sink.finding(printed(output, key, sink));
            }
        }
    }
}

/// Whether the value is a literal: one that comes from a parameter is judged where the parameter stands.
fn is_written(app: &App, value: &Property) -> Judgement {
    let passed = &value.provenance.parameters;
    let default = |text: &str| {
        app.parameters.iter().any(|own| passed.contains(&own.name) && own.default.as_deref() == Some(text))
    };
    let Some(text) = value.text() else { return Judgement::No };
    text.judge(&|text| !text.is_empty() && !text.contains("{{resolve:") && !default(text), &|_| Some(false))
}

fn written(key: (&LogicalId, bool), value: &Property, holds: &Judgement, sink: &Sink) -> Finding {
    let (id, own) = key;
    let remove = Change::Remove { resource: id.clone(), path: vec!["Properties".into(), "Value".into()] };
    Finding {
        title: format!("the key `{id}` is written in clear{}", when(holds)),
        message: "everyone who can read the repository calls the API as the customer to whom the key belongs, within that \
                  customer's quota"
            .to_owned(),
        label: "the key, not shown here".to_owned(),
        secrets: value.provenance.span.iter().cloned().collect(),
        resource: Some(id.clone()),
        fact: "literal key".to_owned(),
        help: vec![
            "take `Value` out: the platform makes up a key that nobody knows, and customers get it from the console or by \
             `get-api-key`"
                .to_owned(),
        ],
        fix: own.then(|| Fix::risky("let the platform make up the key; callers need the new one", vec![remove])),
        ..sink.draft(&value.provenance)
    }
}

/// The API key whose value an output prints.
fn printed_key<'a>(app: &'a App, output: &'a Output) -> Option<&'a LogicalId> {
    let Some(Value::Symbolic(symbol)) = output.value.text() else { return None };
    symbol.pieces.iter().find_map(|piece| match piece {
        Piece::Attribute { resource, attribute: Some(attribute) } if matches!(&**attribute, "ApiKey" | "Value") => {
            let kind = app.resources.get(resource).map(|resource| &*resource.kind);
            matches!(kind, Some("AWS::AppSync::ApiKey" | "AWS::ApiGateway::ApiKey")).then_some(resource)
        }
        _ => None,
    })
}

fn printed(output: &Output, key: &LogicalId, sink: &Sink) -> Finding {
    let remove = output.provenance.span.clone().map(|span| Change::RemoveAt { span });
    Finding {
        title: format!("the output `{}` prints the key `{key}`", output.name),
        message: "outputs are shown in the console, in build logs and to everyone who may describe the stack: whoever reads them \
                  calls the API"
            .to_owned(),
        label: "the value of the key".to_owned(),
        resource: Some(key.clone()),
        fact: format!("printed by {}", output.name),
        help: vec!["take the output away; who needs the key reads it from the API's service".to_owned()],
        fix: remove.map(|change| Fix::risky(format!("take the output `{}` away", output.name), vec![change])),
        ..sink.draft(&output.value.provenance)
    }
}
