//! SE004: a stored secret that deployment copies into an environment variable.

use std::collections::BTreeMap;

use brigandine_model::{App, Change, Finding, Fix, Function, Literal, Practice, RuleMeta, Span, Variable, Via};

use crate::{
    Context, Rule, Sink,
    case::HOLE,
    rule::meta,
    secret::{Dynamic, dynamic_references, is_reference_alone},
    wording::{list, with_origin},
};

pub(crate) struct ResolvedSecretInEnvironment;

const META: RuleMeta = RuleMeta {
    practice: Practice::Secrets,
    frameworks: &["CWE-526", "OWASP-Serverless-S3", "SAS-07"],
    ..meta(
        "SE004",
        "resolved-secret-in-environment",
        "a stored secret is copied into an environment variable when the stack is deployed",
        include_str!("../../pages/SE004-resolved-secret-in-environment.md"),
    )
};

impl Rule for ResolvedSecretInEnvironment {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for copy in copies(app) {
            let finding = finding(app, &copy, sink);
            sink.finding(finding);
        }
    }
}

/// A variable into which a stored secret is copied, and the functions that get it from the same text.
struct Copy<'a> {
    variable: &'a Variable,
    secret: Dynamic,
    functions: Vec<&'a Function>,
}

fn copies(app: &App) -> Vec<Copy<'_>> {
    let mut found: Vec<Copy<'_>> = Vec::new();
    let mut places: BTreeMap<(&Span, &str), usize> = BTreeMap::new();
    for (function, variable) in app.functions.iter().flat_map(|one| one.environment.iter().map(move |own| (one, own))) {
        let Some(secret) = dynamic_references(&variable.value.value).into_iter().find(Dynamic::is_secret) else {
            continue;
        };
        let place = variable.value.provenance.span.as_ref().map(|span| (span, &*variable.name));
        if let Some(known) = place.and_then(|place| places.get(&place)).and_then(|index| found.get_mut(*index)) {
            known.functions.push(function);
            continue;
        }
        places.extend(place.map(|place| (place, found.len())));
        found.push(Copy { variable, secret, functions: vec![function] });
    }
    found
}

fn finding(app: &App, copy: &Copy<'_>, sink: &Sink) -> Finding {
    let Copy { variable, secret, functions } = copy;
    let ids: Vec<_> = functions.iter().map(|function| function.id.clone()).collect();
    let name = match &secret.resource {
        Some(id) => format!("the secret `{id}`"),
        None => "a stored secret".to_owned(),
    };
    Finding {
        title: format!("`{}` of {} gets a copy of {name}", variable.name, list(&ids)),
        message: "deployment puts the value itself into the function's configuration: whoever may look at the function reads it, \
                  and it stays there when the secret is replaced"
            .to_owned(),
        label: with_origin("replaced by the value at deployment", &variable.value.provenance),
        resource: ids.first().cloned(),
        also: ids.iter().skip(1).cloned().collect(),
        fact: format!("{} copies a secret", variable.name),
        help: vec![
            "hand over the name of the secret, give the function the right to read that one, and read it when the function \
             starts"
                .to_owned(),
        ],
        fix: fix(app, copy),
        ..sink.draft(&variable.value.provenance)
    }
}

/// The name of the secret in the place of its copy, with the right to read it. The code must follow.
fn fix(app: &App, copy: &Copy<'_>) -> Option<Fix> {
    let [function] = copy.functions.as_slice() else { return None };
    let expanded = app.resources.get(&function.id)?.written_kind.as_deref() == Some("AWS::Serverless::Function");
    let own_role = app.role(function.role.as_ref()?).is_some_and(|role| !is_written(app, &role.id));
    let alone = is_reference_alone(&copy.variable.value.value) && copy.variable.value.provenance.via == Via::Written;
    if !expanded || !own_role || !alone {
        return None;
    }
    let span = copy.variable.value.provenance.span.clone()?;
    let (name, grant) = named(app, &copy.secret)?;
    let policy = Literal::map([("AWSSecretsManagerGetSecretValuePolicy", Literal::map([("SecretArn", grant)]))]);
    let policies = vec!["Properties".into(), "Policies".into()];
    Some(Fix::risky(
        "hand over the name of the secret and the right to read it; the code must read it then",
        vec![
            Change::Replace { span, value: name },
            Change::Append { resource: function.id.clone(), path: policies, value: policy },
        ],
    ))
}

/// What means the secret for the code, and for a grant: there, six signs that the platform makes up follow the name.
fn named(app: &App, secret: &Dynamic) -> Option<(Literal, Literal)> {
    if let Some(id) = &secret.resource {
        let known = app.secrets.iter().any(|one| one.id == *id);
        return known.then(|| (Literal::reference(id.as_str()), Literal::reference(id.as_str())));
    }
    if secret.id.contains([HOLE, '$']) {
        return None;
    }
    if secret.id.starts_with("arn:") {
        return Some((Literal::text(secret.id.clone()), Literal::text(secret.id.clone())));
    }
    let arn = |end: &str| {
        let text = format!(
            "arn:${{AWS::Partition}}:secretsmanager:${{AWS::Region}}:${{AWS::AccountId}}:secret:{}{end}",
            secret.id
        );
        Literal::map([("Fn::Sub", Literal::text(text))])
    };
    Some((arn(""), arn("-??????")))
}

fn is_written(app: &App, id: &brigandine_model::LogicalId) -> bool {
    app.resources.get(id).is_some_and(|resource| resource.written_kind.is_some())
}
