//! EN003: data encrypted with the platform's key where a team wants its own.

use brigandine_model::{App, Finding, Judgement, Practice, Property, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    at_rest::{AtRest, Unset, default_of, defaults},
    case::{any, both, not, when},
    rule::{STRICT, meta},
    setting::{Named, ask, of_kinds},
};

pub(crate) struct PlatformKey;

const META: RuleMeta = RuleMeta {
    severity: Severity::Info,
    practice: Practice::Encryption,
    profiles: STRICT,
    frameworks: &["CWE-311", "OWASP-Serverless-S3"],
    ..meta(
        "EN003",
        "platform-key",
        "data is encrypted with a key of the platform, not with one of your own",
        include_str!("../../pages/EN003-platform-key.md"),
    )
};

impl Rule for PlatformKey {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let mut kinds: Vec<&str> = defaults().iter().map(|line| line.kind).collect();
        kinds.dedup();
        for named in of_kinds(app, &kinds) {
            // What nobody wrote has no place for a key.
            let Some(line) = default_of(&named).filter(|_| named.resource.implied_by.is_none()) else { continue };
            let nothing_to_hide = &*named.resource.kind == "AWS::Lambda::Function"
                && named.at(&["Environment", "Variables"]).is_none_or(|variables| variables.entries().is_empty());
            if !nothing_to_hide {
                check_key(&named, line, sink);
            }
        }
    }
}

/// What is not encrypted at all is the fault of other rules.
fn check_key(named: &Named<'_>, line: &AtRest, sink: &mut Sink) {
    let Some(path) = &line.key else { return };
    let strangers = both(not(own_key(named, path)), not(line.is_switched_off(named)));
    let strangers = both(strangers, not(line.is_left_off(named)));
    let place = named.place(path);
    let what = format!("whose key encrypts `{}`", named.id);
    sink.tell(&strangers, (&what, (named.id, &place)), |sink| Finding {
        title: format!("`{}` is encrypted with the platform's key{}", named.id, when(&strangers)),
        message: format!(
            "who may read `{}` may decrypt it too: there is no second lock, no record of each use of the key, and no way to \
             take the key back",
            named.id
        ),
        label: if line.unset == Unset::Always {
            format!("no key of your own; encrypted unasked{}", line.since_when())
        } else {
            "no key of your own".to_owned()
        },
        resource: Some(named.id.clone()),
        fact: "key of the platform".to_owned(),
        help: vec![format!("if your rules ask for it, name a key of your own in `{}`", path.join("."))],
        ..sink.draft(&place)
    });
}

/// A key named by its alias below `aws/` is the platform's. Items of lists are all asked.
fn own_key(named: &Named<'_>, path: &[&str]) -> Judgement {
    let own = |text: &str| !text.is_empty() && !text.starts_with("aws/") && !text.contains("alias/aws/");
    let lists = ["Replicas", "ServerSideEncryptionConfiguration"];
    let Some(split) = path.iter().position(|key| lists.contains(key)) else {
        return named.text(path, false, &own);
    };
    let (list, rest) = path.split_at(split + 1);
    let strange = |item: &&Property| not(ask(Some(item), rest, false, &own));
    let items = named.items(list);
    if items.is_empty() { Judgement::No } else { not(any(items.iter().map(strange))) }
}
