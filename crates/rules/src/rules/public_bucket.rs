//! EN011: a bucket whose contents anyone may read or change.

use brigandine_model::{App, Change, Finding, Fix, Judgement, Literal, Practice, Property, Provenance, RuleMeta, Via};

use crate::{
    Context, Rule, Sink,
    case::{any, both, may_hold, not, when},
    guarded::Policies,
    reach::{better, worse},
    rule::meta,
    setting::{Named, ask, closed_document, is_true, means_anyone, of_kinds, place_in},
    wording::with_origin,
};

pub(crate) struct PublicBucket;

const META: RuleMeta = RuleMeta {
    practice: Practice::Encryption,
    frameworks: &["CWE-732", "OWASP-Serverless-S3", "S3.2", "S3.3", "S3.8"],
    ..meta(
        "EN011",
        "public-bucket",
        "anyone on the internet may read or change what a bucket holds",
        include_str!("../../pages/EN011-public-bucket.md"),
    )
};

/// The four settings that refuse public access; all are on in buckets made since April 2023.
const BLOCKS: [&str; 4] = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];
const BLOCK: &str = "PublicAccessBlockConfiguration";

/// Conditions by which a policy knows whom it lets in.
const NARROWING: [&str; 16] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "aws:calledvia",
    "aws:vpcsourceip",
    "s3:dataaccesspointaccount",
];

impl Rule for PublicBucket {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let policies = Policies::of(app, "AWS::S3::BucketPolicy", "Bucket");
        for named in of_kinds(app, &["AWS::S3::Bucket"]) {
            let before = sink.findings.len();
            list(&named, sink);
            for policy in policies.protecting(&named, "BucketName") {
                if let Some(why) = closed_document(policy.at(&["PolicyDocument"])) {
                    let what = format!("whether anyone may read `{}`", named.id);
                    sink.cannot_tell(&what, why, (policy.id, &policy.place(&["PolicyDocument"])));
                }
                let statements = policy.items(&["PolicyDocument", "Statement"]);
                for statement in &statements {
                    opened(&named, (statement, statements.len() == 1), sink);
                }
            }
            if sink.findings.len() == before {
                unguarded(&named, sink);
            }
        }
    }
}

/// An access control list of the kind that opens the bucket.
fn list(named: &Named<'_>, sink: &mut Sink) {
    let path = ["AccessControl"];
    let public = |text: &str| matches!(text, "PublicRead" | "PublicReadWrite" | "AuthenticatedRead");
    let opens = both(named.text(&path, false, &public), not(blocked(named, &["BlockPublicAcls", "IgnorePublicAcls"])));
    let writes = may_hold(&named.text(&path, false, &|text| text == "PublicReadWrite"));
    let place = named.place(&path);
    let fix = place.span.clone().filter(|_| named.at(&path).is_some_and(|list| list.known().is_some()));
    let fix =
        fix.map(|span| Fix::risky("close the bucket", vec![Change::Replace { span, value: Literal::text("Private") }]));
    tell(named, (&place, writes, fix), &opens, sink);
}

fn opened(named: &Named<'_>, (statement, alone): (&Property, bool), sink: &mut Sink) {
    let narrowed = statement.at(&["Condition"]).is_some_and(|condition| {
        condition.entries().iter().flat_map(|operator| operator.value.entries()).any(|key| {
            let name = key.name.to_ascii_lowercase();
            NARROWING.contains(&&*name)
        })
    });
    let allows = ask(Some(statement), &["Effect"], false, &|text| text == "Allow");
    let open = both(allows, means_anyone(statement));
    let open = both(
        both(open, Judgement::settled(!narrowed)),
        not(blocked(named, &["BlockPublicPolicy", "RestrictPublicBuckets"])),
    );
    let actions = statement.at(&["Action"]).map(Property::items).unwrap_or_default();
    let changes = |text: &str| {
        let action = text.to_ascii_lowercase();
        action == "*" || action == "s3:*" || ["s3:put", "s3:delete"].iter().any(|start| action.starts_with(start))
    };
    let all_but = may_hold(&statement.is_set(&["NotAction"]));
    let writes = all_but || may_hold(&any(actions.iter().map(|action| ask(Some(action), &[], false, &changes))));
    let place = place_in(statement, &["Principal"]).unwrap_or_else(|| statement.provenance.clone());
    let fix = if alone { None } else { take_away(named, statement) };
    tell(named, (&place, writes, fix), &open, sink);
}

/// Without the grant; a policy without any statement would be refused, so the last one stays.
fn take_away(named: &Named<'_>, statement: &Property) -> Option<Fix> {
    let span = statement.provenance.span.clone().filter(|_| statement.provenance.via == Via::Written)?;
    let mut changes = vec![Change::RemoveAt { span }];
    if may_hold(&unblocked(named)) {
        changes.push(block(named)?);
    }
    Some(Fix::risky("take the grant away", changes))
}

/// All four settings on.
fn block(named: &Named<'_>) -> Option<Change> {
    named.set(&[BLOCK], Literal::map(BLOCKS.map(|setting| (setting, Literal::Flag(true)))))
}

/// Whether one of these settings refuses what the list or the policy allows.
fn blocked(named: &Named<'_>, settings: &[&str]) -> Judgement {
    any(settings.iter().map(|setting| named.text(&[BLOCK, setting], false, &is_true)))
}

/// Whether the block that every new bucket has is taken away in so many words.
fn unblocked(named: &Named<'_>) -> Judgement {
    let whole = named.at(&[BLOCK]).map_or(Judgement::No, |_| Judgement::Yes);
    both(whole, not(any(BLOCKS.iter().map(|setting| named.text(&[BLOCK, setting], false, &is_true)))))
}

fn tell(named: &Named<'_>, (place, writes, fix): (&Provenance, bool, Option<Fix>), opens: &Judgement, sink: &mut Sink) {
    let (does, base) = if writes { ("read and change", worse(META.severity)) } else { ("read", META.severity) };
    let kept_shut = !may_hold(&unblocked(named));
    let hint = if kept_shut {
        "; buckets made since April 2023 refuse this until their public access block is taken away"
    } else {
        ""
    };
    let what = format!("whether anyone may read `{}`", named.id);
    sink.tell(opens, (&what, (named.id, place)), |sink| Finding {
        severity: if kept_shut { better(base) } else { base },
        title: format!("anyone may {does} what `{}` holds{}", named.id, when(opens)),
        message: format!("no password, no account: everyone who has or guesses a name in `{}` may {does} it{hint}", named.id),
        label: with_origin("open to everyone", place),
        resource: Some(named.id.clone()),
        fact: format!("anyone may {does}"),
        help: vec![
            "web pages: put a content network with origin access control in front and close the bucket; files: hand out signed addresses"
                .to_owned(),
        ],
        fix,
        ..sink.draft(place)
    });
}

/// Nothing opens the bucket yet, but what would refuse it is gone.
fn unguarded(named: &Named<'_>, sink: &mut Sink) {
    let gone = unblocked(named);
    let place = named.place(&[BLOCK]);
    let what = format!("whether `{}` refuses public access", named.id);
    sink.tell(&gone, (&what, (named.id, &place)), |sink| Finding {
        severity: better(META.severity),
        title: format!("`{}` may be made public by any later change{}", named.id, when(&gone)),
        message:
            "the block that refuses public lists and policies is taken away, so one careless grant opens the bucket"
                .to_owned(),
        label: with_origin("the block is taken away", &place),
        resource: Some(named.id.clone()),
        fact: "public access block off".to_owned(),
        help: vec!["take this setting away: without it all four blocks are on".to_owned()],
        fix: block(named).map(|change| Fix::risky("refuse public access", vec![change])),
        ..sink.draft(&place)
    });
}
