//! EN002: a store that the platform leaves in clear unless it is told otherwise.

use brigandine_model::{App, Finding, Fix, Judgement, Literal, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    at_rest::{AtRest, Unset, as_far_as_settled, default_of, defaults},
    case::when,
    reach::better,
    rule::meta,
    setting::{Named, of_kinds},
};

pub(crate) struct UnencryptedByDefault;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Encryption,
    frameworks: &["CWE-311", "Kinesis.1", "OWASP-Serverless-S3"],
    ..meta(
        "EN002",
        "unencrypted-by-default",
        "a store is not encrypted at rest, because nothing is set and the platform does not do it unasked",
        include_str!("../../pages/EN002-unencrypted-by-default.md"),
    )
};

/// Settings by which a database takes over the encryption of another one.
const COPIES: [&str; 5] = [
    "SourceDBInstanceIdentifier",
    "DBSnapshotIdentifier",
    "SnapshotIdentifier",
    "SourceDBClusterIdentifier",
    "SourceDBInstanceAutomatedBackupsArn",
];

impl Rule for UnencryptedByDefault {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let mut kinds: Vec<&str> = defaults().iter().map(|line| line.kind).collect();
        kinds.dedup();
        for named in of_kinds(app, &kinds) {
            let Some(line) = default_of(&named) else { continue };
            check_line(&named, line, sink);
        }
    }
}

fn check_line(named: &Named<'_>, line: &AtRest, sink: &mut Sink) {
    let place = named.resource.provenance.clone();
    let copied = COPIES.iter().any(|key| named.at(&[key]).is_some());
    let left = match as_far_as_settled(named, line.is_left_off(named)) {
        Judgement::Yes if copied => {
            Judgement::CannotTell("it takes over the encryption of what it is made from".into())
        }
        left => left,
    };
    let what = format!("whether `{}` is encrypted at rest", named.id);
    sink.tell(&left, (&what, (named.id, &place)), |sink| Finding {
        severity: if line.unset == Unset::Disk { better(META.severity) } else { META.severity },
        title: format!("`{}` is not encrypted at rest{}", named.id, when(&left)),
        message: message(named, line),
        label: "nothing is said of encryption".to_owned(),
        resource: Some(named.id.clone()),
        fact: "encryption not asked for".to_owned(),
        help: vec![help(line)],
        fix: fix(named),
        ..sink.draft(&place)
    });
}

fn message(named: &Named<'_>, line: &AtRest) -> String {
    let id = named.id;
    if line.unset == Unset::Disk {
        format!(
            "only the disks below `{id}` are encrypted: whoever gets at the stored messages through the service reads them"
        )
    } else {
        format!("the platform does not encrypt `{id}` unasked: disks, backups and copies hold its contents in clear")
    }
}

fn help(line: &AtRest) -> String {
    match &line.switch {
        Some((path, word)) => format!("set `{}: {}`", path.join("."), word.unwrap_or("true")),
        None => format!("set `{}`", line.key.as_deref().unwrap_or_default().join(".")),
    }
}

/// Streams take the platform's own key without anyone noticing. A topic with a key can stop its publishers, and a database
/// would be made anew: those are for people.
fn fix(named: &Named<'_>) -> Option<Fix> {
    if &*named.resource.kind != "AWS::Kinesis::Stream" {
        return None;
    }
    let encryption =
        Literal::map([("EncryptionType", Literal::text("KMS")), ("KeyId", Literal::text("alias/aws/kinesis"))]);
    let change = named.set(&["StreamEncryption"], encryption)?;
    Some(Fix::risky("encrypt the stream with the platform's key", vec![change]))
}
