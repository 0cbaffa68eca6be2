//! EN004: a bucket, queue or topic whose policy does not refuse unencrypted connections.

use brigandine_model::{App, Change, Finding, Fix, Literal, Practice, Property, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    guarded::Policies,
    rule::{STRICT, meta},
    setting::{Named, of_kinds},
};

pub(crate) struct ClearTextAllowed;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Encryption,
    profiles: STRICT,
    frameworks: &["CWE-319", "OWASP-Serverless-S3", "S3.5"],
    ..meta(
        "EN004",
        "clear-text-allowed",
        "a bucket, queue or topic answers requests that are not encrypted on the way",
        include_str!("../../pages/EN004-clear-text-allowed.md"),
    )
};

/// Type of the store and its name, type of its policy and the property that names what it protects.
const POLICIES: [(&str, &str, &str, &str); 3] = [
    ("AWS::S3::Bucket", "BucketName", "AWS::S3::BucketPolicy", "Bucket"),
    ("AWS::SQS::Queue", "QueueName", "AWS::SQS::QueuePolicy", "Queues"),
    ("AWS::SNS::Topic", "TopicName", "AWS::SNS::TopicPolicy", "Topics"),
];

impl Rule for ClearTextAllowed {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (store, name, policy, target) in POLICIES {
            let policies = Policies::of(app, policy, target);
            for named in of_kinds(app, &[store]) {
                let own: Vec<&Named<'_>> = policies.protecting(&named, name).collect();
                // Only what a bucket holds is fetched by strangers' tools; the others matter once someone else may call.
                let asked = store == "AWS::S3::Bucket" || !own.is_empty();
                if asked && !own.iter().any(|policy| refuses_clear_text(policy)) {
                    let finding = finding(&named, own.first().copied(), sink);
                    sink.finding(finding);
                }
            }
        }
    }
}

fn refuses_clear_text(policy: &Named<'_>) -> bool {
    policy.items(&["PolicyDocument", "Statement"]).into_iter().any(|statement| {
        let is = |path: &[&str], wanted: &str| {
            statement.at(path).and_then(Property::known).is_some_and(|text| text.eq_ignore_ascii_case(wanted))
        };
        let plain = ["Bool", "BoolIfExists"]
            .iter()
            .any(|operator| is(&["Condition", operator, "aws:SecureTransport"], "false"));
        let old = statement.at(&["Condition", "NumericLessThan", "s3:TlsVersion"]).is_some();
        is(&["Effect"], "Deny") && (plain || old)
    })
}

fn finding(named: &Named<'_>, policy: Option<&Named<'_>>, sink: &Sink) -> Finding {
    let place = policy.map_or_else(|| named.resource.provenance.clone(), |policy| policy.place(&["PolicyDocument"]));
    Finding {
        title: format!("`{}` answers unencrypted requests", named.id),
        message: format!(
            "a client that is set up for plain HTTP sends its data and its signature to `{}` for all to read",
            named.id
        ),
        label: "no statement refuses `aws:SecureTransport: false`".to_owned(),
        resource: Some(named.id.clone()),
        fact: "clear text allowed".to_owned(),
        help: vec!["deny everything to everyone when `aws:SecureTransport` is false".to_owned()],
        fix: policy.and_then(|policy| fix(named, policy)),
        ..sink.draft(&place)
    }
}

/// Who still calls in clear would be stopped, so a person must look.
fn fix(named: &Named<'_>, policy: &Named<'_>) -> Option<Fix> {
    policy.resource.written_kind.as_ref()?;
    let arn = Literal::attribute(named.id.as_str(), "Arn");
    let (action, resource) = match &*named.resource.kind {
        "AWS::S3::Bucket" => {
            let below = Literal::map([("Fn::Sub", Literal::text(format!("${{{}.Arn}}/*", named.id)))]);
            ("s3:*", Literal::List(vec![arn, below]))
        }
        "AWS::SQS::Queue" => ("sqs:*", arn),
        _ => ("sns:Publish", Literal::reference(named.id.as_str())),
    };
    let secure = Literal::map([("aws:SecureTransport", Literal::text("false"))]);
    let statement = Literal::map([
        ("Sid", Literal::text("RefuseClearText")),
        ("Effect", Literal::text("Deny")),
        ("Principal", Literal::text("*")),
        ("Action", Literal::text(action)),
        ("Resource", resource),
        ("Condition", Literal::map([("Bool", secure)])),
    ]);
    let path = ["Properties", "PolicyDocument", "Statement"].map(Into::into).to_vec();
    let change = Change::Append { resource: policy.id.clone(), path, value: statement };
    Some(Fix::risky("refuse unencrypted requests", vec![change]))
}
