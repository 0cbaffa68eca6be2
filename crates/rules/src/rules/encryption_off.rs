//! EN001: a store whose encryption at rest is switched off.

use brigandine_model::{App, Finding, Fix, Judgement, Literal, Practice, RuleMeta};

use crate::{
    Context, Rule, Sink,
    at_rest::{AtRest, Unset, as_far_as_settled, default_of, defaults},
    case::when,
    rule::meta,
    setting::{Named, is_true, of_kinds},
    wording::with_origin,
};

pub(crate) struct EncryptionOff;

const META: RuleMeta = RuleMeta {
    practice: Practice::Encryption,
    frameworks: &["CWE-311", "OWASP-Serverless-S3", "SQS.1"],
    ..meta(
        "EN001",
        "encryption-off",
        "a store's encryption at rest is switched off",
        include_str!("../../pages/EN001-encryption-off.md"),
    )
};

impl Rule for EncryptionOff {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let mut kinds: Vec<&str> = defaults().iter().map(|line| line.kind).collect();
        kinds.dedup();
        for named in of_kinds(app, &kinds) {
            let Some(line) = default_of(&named) else { continue };
            check_switch(&named, line, sink);
        }
        for named in of_kinds(app, &["AWS::CodeBuild::Project"]) {
            let path = ["Artifacts", "EncryptionDisabled"];
            let off = named.text(&path, false, &is_true);
            let help =
                "take the setting away: builds encrypt what they leave behind unless they are told not to".to_owned();
            tell(&named, (&path, Literal::Flag(false), help), &off, sink);
        }
    }
}

fn check_switch(named: &Named<'_>, line: &AtRest, sink: &mut Sink) {
    let Some((path, word)) = &line.switch else { return };
    let on = word.map_or(Literal::Flag(true), Literal::text);
    let help = if line.unset == Unset::On {
        format!("take the setting away: the platform encrypts unasked{}", line.since_when())
    } else {
        format!("set `{}: {}`; some databases must be made anew for it", path.join("."), word.unwrap_or("true"))
    };
    tell(named, (path, on, help), &as_far_as_settled(named, line.is_switched_off(named)), sink);
}

fn tell(named: &Named<'_>, (path, on, help): (&[&str], Literal, String), off: &Judgement, sink: &mut Sink) {
    let place = named.place(path);
    let what = format!("whether `{}` is encrypted at rest", named.id);
    sink.tell(off, (&what, (named.id, &place)), |sink| Finding {
        title: format!("the encryption of `{}` is switched off{}", named.id, when(off)),
        message: format!(
            "what `{}` keeps lies on the provider's disks and in its backups in clear, although encryption costs nothing here",
            named.id
        ),
        label: with_origin("switched off here", &place),
        resource: Some(named.id.clone()),
        fact: "encryption switched off".to_owned(),
        help: vec![help],
        fix: named.set(path, on).map(|change| Fix::risky("switch encryption on", vec![change])),
        ..sink.draft(&place)
    });
}
