//! SE007: a function that is given the name of a secret but not the right to read it.

use brigandine_model::{
    App, Change, Finding, Fix, Function, Judgement, Literal, Practice, RuleMeta, Severity, Value, Variable, Via,
};

use crate::{
    Context, Rule, Sink,
    rule::meta,
    stored_secret::{Reads, StoredSecret},
    wording::with_origin,
};

pub(crate) struct UngrantedSecret;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Secrets,
    ..meta(
        "SE007",
        "ungranted-secret",
        "a function names a secret that it may not read",
        include_str!("../../pages/SE007-ungranted-secret.md"),
    )
};

impl Rule for UngrantedSecret {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let secrets = StoredSecret::all(app);
        for function in &app.functions {
            for secret in &secrets {
                if let Some(variable) = secret.variable_of(function) {
                    check_one(app, (function, variable), secret, sink);
                }
            }
        }
    }
}

fn check_one(app: &App, named: (&Function, &Variable), secret: &StoredSecret<'_>, sink: &mut Sink) {
    let (function, variable) = named;
    let what = format!("whether `{}` may read the secret `{}`", function.id, secret.id);
    let at = (&function.id, &variable.value.provenance);
    let role = function.role.as_ref().and_then(|role| app.role(role)).filter(|_| function.foreign_role.is_none());
    let Some(role) = role else {
        return sink.cannot_tell(&what, "its role is not part of the template", at);
    };
    match secret.reads(role) {
        Reads::ByName(_) | Reads::AsAny => {}
        Reads::Unknown(why) => sink.cannot_tell(&what, &why, at),
        Reads::No => match is_let_in(app, secret) {
            Judgement::No => sink.finding(finding(app, named, secret, sink)),
            Judgement::CannotTell(why) => sink.cannot_tell(&what, &why, at),
            Judgement::Yes | Judgement::Sometimes(_) => {}
        },
    }
}

/// Whether the secret itself lets somebody in, by a policy of its own.
fn is_let_in(app: &App, secret: &StoredSecret<'_>) -> Judgement {
    let own = app.grants.iter().any(|grant| match &grant.resource.value {
        Value::Symbolic(symbol) => symbol.resources().any(|id| id == secret.id),
        _ => false,
    });
    if own { Judgement::CannotTell("the secret has a policy of its own".into()) } else { Judgement::No }
}

fn finding(app: &App, named: (&Function, &Variable), secret: &StoredSecret<'_>, sink: &Sink) -> Finding {
    let (function, variable) = named;
    let related = secret.provenance.span.clone().map(|span| (span, "the secret".to_owned()));
    Finding {
        title: format!("`{}` is given the name of `{}` but may not read it", function.id, secret.id),
        message: "reading it will be refused at run time; such faults tend to be mended in a hurry, with a right to read all secrets"
            .to_owned(),
        label: with_origin(format!("names `{}`", secret.id), &variable.value.provenance),
        related: related.into_iter().collect(),
        resource: Some(function.id.clone()),
        fact: format!("no grant of {}", secret.id),
        help: vec![format!(
            "allow `secretsmanager:GetSecretValue` on `{0}`; in SAM: `AWSSecretsManagerGetSecretValuePolicy: {{SecretArn: !Ref {0}}}`",
            secret.id
        )],
        fix: fix(app, function, secret),
        ..sink.draft(&variable.value.provenance)
    }
}

/// A right to read this one secret, where SAM makes the function's role.
fn fix(app: &App, function: &Function, secret: &StoredSecret<'_>) -> Option<Fix> {
    let resource = app.resources.get(&function.id)?;
    let role = app.role(function.role.as_ref()?)?;
    let made = role.provenance.via == Via::Implicit || app.resources.get(&role.id)?.written_kind.is_none();
    (made && resource.written_kind.as_deref() == Some("AWS::Serverless::Function")).then(|| {
        let grant = Literal::map([("SecretArn", Literal::reference(secret.id.as_str()))]);
        let value = Literal::map([("AWSSecretsManagerGetSecretValuePolicy", grant)]);
        let path = vec!["Properties".into(), "Policies".into()];
        Fix::risky(
            format!("let `{}` read `{}`", function.id, secret.id),
            vec![Change::Append { resource: function.id.clone(), path, value }],
        )
    })
}
