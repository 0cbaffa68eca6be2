//! SE009: a secret kept in a parameter store entry that is not encrypted.

use brigandine_model::{App, Finding, LogicalId, Piece, Practice, Property, RuleMeta, Value};

use super::provider_credential;
use crate::{
    Context, Rule, Sink,
    case::{filled, texts},
    rule::meta,
    secret::{Dynamic, Named, Reading, dynamic_references, named, read},
};

pub(crate) struct SecretInPlainParameter;

const META: RuleMeta = RuleMeta {
    practice: Practice::Secrets,
    frameworks: &["CWE-312", "OWASP-Serverless-S3"],
    ..meta(
        "SE009",
        "secret-in-plain-parameter",
        "a stored parameter holds a secret in clear",
        include_str!("../../pages/SE009-secret-in-plain-parameter.md"),
    )
};

impl Rule for SecretInPlainParameter {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for secret in &app.secrets {
            let Some(resource) = app.resources.get(&secret.id) else { continue };
            let plain = &*resource.kind == "AWS::SSM::Parameter" && secret.encrypted.value.known() != Some(&true);
            let Some(value) = resource.properties.as_ref().filter(|_| plain).and_then(|own| own.at(&["Value"])) else {
                continue;
            };
            let name = secret.name.as_ref().map_or_else(|| secret.id.to_string(), |name| spelled(&name.value));
            match look(app, &name, value) {
                Look::Fine => {}
                Look::Secret(how) => sink.finding(finding(&secret.id, value, how, sink)),
                Look::Open(why) => {
                    sink.cannot_tell(&format!("the value of `{}`", secret.id), why, (&secret.id, &value.provenance));
                }
            }
        }
    }
}

enum Look {
    Fine,
    Secret(&'static str),
    Open(&'static str),
}

/// Names end in the word that says what they hold: `/shop/db/password`.
fn spelled(name: &Value<String>) -> String {
    match name {
        Value::Known(text) => text.clone(),
        Value::Symbolic(symbol) => filled(symbol),
        _ => texts(name).into_iter().next().unwrap_or_default(),
    }
}

fn look(app: &App, name: &str, value: &Property) -> Look {
    let Some(text) = value.text() else { return Look::Fine };
    if dynamic_references(text).iter().any(Dynamic::is_secret) {
        return Look::Secret("a copy of a stored secret");
    }
    if hidden_parameters(app, value).next().is_some() {
        return Look::Secret("the value of a hidden parameter");
    }
    let Some(kind) = named(name) else { return Look::Fine };
    let passed = &value.provenance.parameters;
    let readings: Vec<Reading> = texts(text)
        .iter()
        .filter(|one| provider_credential::worst("Value", one).is_none())
        .filter(|one| {
            !app.parameters.iter().any(|own| passed.contains(&own.name) && own.default.as_deref() == Some(one))
        })
        .map(|one| read(kind, name, one))
        .collect();
    if readings.contains(&Reading::Secret) {
        Look::Secret("a secret")
    } else if readings.contains(&Reading::Ambiguous) && kind != Named::Credentials {
        Look::Open("it may be the secret itself or the name of a stored one")
    } else {
        Look::Fine
    }
}

fn hidden_parameters<'a>(app: &'a App, value: &'a Property) -> impl Iterator<Item = &'a str> {
    let pieces = match value.text() {
        Some(Value::Symbolic(symbol)) => symbol.pieces.as_slice(),
        _ => &[],
    };
    let named = pieces.iter().filter_map(|piece| match piece {
        Piece::Parameter(name) => Some(name),
        _ => None,
    });
    let all = named.chain(&value.provenance.parameters).map(|name| &**name);
    all.filter(|name| app.parameters.iter().any(|parameter| *parameter.name == **name && parameter.hidden))
}

fn finding(id: &LogicalId, value: &Property, how: &str, sink: &Sink) -> Finding {
    Finding {
        title: format!("the stored parameter `{id}` holds {how} in clear"),
        message: "a parameter of type `String` is not encrypted: everyone with `ssm:GetParameter`, which most read-only roles have, \
                  reads it"
            .to_owned(),
        label: format!("{how}, not shown here"),
        secrets: value.provenance.span.iter().cloned().collect(),
        resource: Some(id.clone()),
        fact: "secret in a plain parameter".to_owned(),
        help: vec![
            "keep it as an `AWS::SecretsManager::Secret`, or as a `SecureString` parameter made outside of the template".to_owned(),
            "replace the secret if its value stood in the template: it is known".to_owned(),
        ],
        ..sink.draft(&value.provenance)
    }
}
