//! AP016: a service of the platform may act on anyone's behalf.

use std::collections::BTreeSet;

use brigandine_model::{
    App, Change, Finding, Fix, Grant, Judgement, Literal, LogicalId, Practice, Principal, Property, Resource, RuleMeta,
    Severity, Span, StoreKind,
};

use crate::{
    Context, Rule, Sink,
    case::{any, not, when},
    rule::meta,
    trigger::{Stores, is_narrowed, of_kind},
    wording::with_origin,
};

pub(crate) struct ConfusedService;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-441", "OWASP-Serverless-S5"],
    ..meta(
        "AP016",
        "confused-service",
        "a service may call a function or send to a store on behalf of any account",
        include_str!("../../pages/AP016-confused-service.md"),
    )
};

impl Rule for ConfusedService {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (id, resource) in of_kind(app, &["AWS::Lambda::Permission"]) {
            // What the transform makes narrows itself as far as the service can.
            if let (Some(properties), true) = (&resource.properties, resource.written_kind.is_some()) {
                check_permission((id, resource), properties, sink);
            }
        }
        let stores = Stores::new(app);
        let mut told: BTreeSet<Option<Span>> = BTreeSet::new();
        for grant in app.grants.iter().filter(|grant| !is_narrowed(grant)) {
            if let Principal::Service(service) = &grant.principal
                && let Some(store) = stores.of(&grant.resource.value)
                && says_for_whom(&text(&service.value), store.kind)
                && !stores.is_taken_back(grant)
                && told.insert(grant.provenance.span.clone())
            {
                let service = text(&service.value);
                let finding = store_finding(&store.id, grant, &service, sink);
                sink.finding(finding);
            }
        }
    }
}

/// Services that tell a store for whom they send. Where a service does not, a condition would stop it altogether: events of
/// buses come to topics without any such word.
fn says_for_whom(service: &str, kind: StoreKind) -> bool {
    let known: &[&str] = match kind {
        StoreKind::Queue => &["events", "s3", "sns"],
        StoreKind::Topic => &["cloudtrail", "cloudwatch", "config", "s3", "ses"],
        _ => &[],
    };
    known.contains(&service.split('.').next().unwrap_or_default()) && service.contains("amazonaws.com")
}

fn text(value: &brigandine_model::Value<String>) -> String {
    let text = match value {
        brigandine_model::Value::Symbolic(symbol) => symbol.to_string(),
        other => crate::case::texts(other).into_iter().next().unwrap_or_default(),
    };
    text.replace("${AWS::URLSuffix}", "amazonaws.com").replace(crate::case::HOLE, "?")
}

fn check_permission(permission: (&LogicalId, &Resource), properties: &Property, sink: &mut Sink) {
    let (id, resource) = permission;
    let Some(service) = properties.at(&["Principal"]).and_then(Property::text).map(text) else { return };
    let is_service = service.contains(".amazonaws.com") || service.contains(".amazon.com");
    if !is_service {
        return;
    }
    let narrowing = ["SourceArn", "SourceAccount", "PrincipalOrgID", "EventSourceToken"];
    match not(any(narrowing.iter().map(|key| properties.is_set(&[key])))) {
        Judgement::No => {}
        Judgement::CannotTell(why) => {
            let what = format!("on whose behalf `{service}` may call");
            sink.cannot_tell(&what, &why, (id, &resource.provenance));
        }
        holds => sink.finding(Finding {
            title: format!("`{service}` may call {} on behalf of any account{}", called(properties), when(&holds)),
            message: "the service calls for all of its customers: whoever makes it call this function from an account of their own \
                      chooses what the function gets"
                .to_owned(),
            label: with_origin("neither `SourceArn` nor `SourceAccount`", &resource.provenance),
            resource: Some(id.clone()),
            fact: format!("{service} for any account"),
            help: vec!["add `SourceArn` with the one resource that may, or at least `SourceAccount: !Ref AWS::AccountId`".to_owned()],
            fix: fix(id, &service),
            ..sink.draft(&resource.provenance)
        }),
    }
}

/// The function a permission is about, for a title.
pub(super) fn called(properties: &Property) -> String {
    let function = properties.at(&["FunctionName"]).and_then(Property::text);
    match function {
        Some(brigandine_model::Value::Symbolic(symbol)) => {
            symbol.resources().next().map_or_else(|| "a function".to_owned(), |id| format!("`{id}`"))
        }
        Some(brigandine_model::Value::Known(name)) => format!("`{name}`"),
        _ => "a function".to_owned(),
    }
}

/// Callers of other accounts are refused afterwards, so the edit is never safe. Services that send no account along are
/// narrowed by a resource name instead.
fn fix(id: &LogicalId, service: &str) -> Option<Fix> {
    let name = service.split('.').next().unwrap_or_default();
    let pattern = match name {
        "apigateway" => "execute-api:${AWS::Region}:${AWS::AccountId}:*",
        "events" => "events:${AWS::Region}:${AWS::AccountId}:rule/*",
        "sns" => "sns:${AWS::Region}:${AWS::AccountId}:*",
        "logs" => "logs:${AWS::Region}:${AWS::AccountId}:*",
        "s3" | "cognito-idp" | "ses" | "config" | "secretsmanager" | "iot" => "",
        _ => return None,
    };
    let (key, value) = if pattern.is_empty() {
        ("SourceAccount", Literal::reference("AWS::AccountId"))
    } else {
        ("SourceArn", Literal::map([("Fn::Sub", Literal::text(format!("arn:${{AWS::Partition}}:{pattern}")))]))
    };
    let path = ["Properties", key].map(Into::into).to_vec();
    Some(Fix::risky(
        "let it call on behalf of this account only",
        vec![Change::Set { resource: id.clone(), path, value }],
    ))
}

fn store_finding(store: &LogicalId, grant: &Grant, service: &str, sink: &Sink) -> Finding {
    Finding {
        title: format!("`{service}` may send to `{store}` on behalf of any account"),
        message: "the service sends for all of its customers: whoever makes it send here from an account of their own chooses what \
                  arrives"
            .to_owned(),
        label: with_origin("no condition on the source", &grant.provenance),
        resource: Some(store.clone()),
        fact: format!("{service} for any account"),
        help: vec![
            "add `Condition: {ArnEquals: {aws:SourceArn: ...}}` with the one resource that may, or `StringEquals` on \
             `aws:SourceAccount`"
                .to_owned(),
        ],
        ..sink.draft(&grant.provenance)
    }
}
