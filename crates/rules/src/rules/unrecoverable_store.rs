//! DW007: a store whose contents are gone for good after one mistake.

use brigandine_model::{App, Finding, Fix, Judgement, Literal, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{any, both, may_hold, not, when},
    rule::{STRICT, meta},
    setting::{Named, ask, is_true, of_kinds},
    wording::with_origin,
};

pub(crate) struct UnrecoverableStore;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Frameworks,
    profiles: STRICT,
    frameworks: &["DynamoDB.2"],
    ..meta(
        "DW007",
        "unrecoverable-store",
        "what a table, bucket or database holds cannot be brought back",
        include_str!("../../pages/DW007-unrecoverable-store.md"),
    )
};

const RECOVERY: [&str; 2] = ["PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"];

impl Rule for UnrecoverableStore {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for named in of_kinds(app, &["AWS::DynamoDB::Table"]) {
            let bare = named.text(&RECOVERY, true, &|text| !is_true(text));
            tell(&named, (&RECOVERY, Some(Literal::Flag(true))), &bare, sink);
        }
        for named in of_kinds(app, &["AWS::DynamoDB::GlobalTable"]) {
            let replicas = named.items(&["Replicas"]);
            let bare = any(replicas.iter().map(|replica| ask(Some(replica), &RECOVERY, true, &|text| !is_true(text))));
            tell(&named, (&["Replicas"], None), &bare, sink);
        }
        for named in of_kinds(app, &["AWS::S3::Bucket"]) {
            let path = ["VersioningConfiguration", "Status"];
            let bare = named.text(&path, true, &|text| text != "Enabled");
            tell(&named, (&path, Some(Literal::text("Enabled"))), &bare, sink);
        }
        for named in of_kinds(
            app,
            &["AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster"],
        ) {
            database(&named, sink);
        }
    }
}

/// A relational database leaves a copy when its stack is deleted, unless it is told not to; the others leave none. All keep a
/// day of copies while they live, unless they are told not to.
fn database(named: &Named<'_>, sink: &mut Sink) {
    let path = ["BackupRetentionPeriod"];
    let no_copies = named.text(&path, false, &|text| text == "0");
    let member = named.is_set(&["DBClusterIdentifier"]);
    let policy = named.resource.keeping.get("DeletionPolicy");
    let dropped_unasked = !named.resource.kind.starts_with("AWS::RDS::");
    let dropped = policy
        .map_or(Judgement::settled(dropped_unasked), |fact| fact.value.judge(&|text| text == "Delete", &|_| None));
    let unprotected = both(dropped, named.text(&["DeletionProtection"], true, &|text| !is_true(text)));
    let bare = both(not(member), any([no_copies.clone(), unprotected]));
    let path: &[&str] = if may_hold(&no_copies) { &path } else { &["DeletionProtection"] };
    let cure = (!may_hold(&no_copies)).then_some(Literal::Flag(true));
    tell(named, (path, cure), &bare, sink);
}

fn tell(named: &Named<'_>, (path, cure): (&[&str], Option<Literal>), bare: &Judgement, sink: &mut Sink) {
    let place = named.place(path);
    let what = format!("whether the contents of `{}` can be brought back", named.id);
    sink.tell(bare, (&what, (named.id, &place)), |sink| Finding {
        title: format!("what `{}` holds cannot be brought back{}", named.id, when(bare)),
        message: "one wrong deployment, one faulty function or one stolen key deletes or overwrites it for good"
            .to_owned(),
        label: with_origin("no way back", &place),
        resource: Some(named.id.clone()),
        fact: "no recovery".to_owned(),
        help: vec![help(named).to_owned()],
        fix: cure
            .and_then(|cure| named.set(path, cure))
            .map(|change| Fix::risky("keep earlier states (which costs storage)", vec![change])),
        ..sink.draft(&place)
    });
}

fn help(named: &Named<'_>) -> &'static str {
    match &*named.resource.kind {
        "AWS::S3::Bucket" => "switch versioning on, with a lifecycle rule that drops old versions after a while",
        "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" => {
            "switch point-in-time recovery on: every second of the last 35 days, and a last copy when the table is deleted"
        }
        _ => "keep backups for some days, and set `DeletionProtection: true` or `DeletionPolicy: Snapshot`",
    }
}
