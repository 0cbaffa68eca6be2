//! DE004: a function runs a layer from somebody else's account, or one without a version.

use std::collections::BTreeSet;

use brigandine_model::{App, Fact, Finding, LogicalId, Practice, RuleMeta, Severity, Value};

use crate::{
    Context, Rule, Sink,
    case::{filled, texts, when},
    cause::by_place,
    publisher::publisher,
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct ForeignLayer;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Dependencies,
    frameworks: &["CWE-829", "OWASP-Serverless-S9", "SAS-06"],
    ..meta(
        "DE004",
        "foreign-layer",
        "a function runs a layer of an unknown account, or one without a version",
        include_str!("../../pages/DE004-foreign-layer.md"),
    )
};

impl Rule for ForeignLayer {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let facts = app.functions.iter().flat_map(|one| one.layers.iter().map(move |layer| (&one.id, layer)));
        for (fact, functions) in by_place(facts) {
            let Some(first) = functions.first() else { continue };
            if let Value::Unknown(why) = &fact.value {
                sink.cannot_tell(&format!("whose layer {} runs", list(&functions)), why, (first, &fact.provenance));
            }
            let faults: Vec<(String, Fault)> =
                texts(&fact.value).into_iter().filter_map(|text| fault(&text).map(|fault| (text, fault))).collect();
            if !faults.is_empty() {
                let finding = finding(fact, &faults, &functions, sink);
                sink.finding(finding);
            }
        }
    }
}

enum Fault {
    Stranger(String),
    NoVersion,
}

impl Fault {
    fn account(&self) -> Option<&str> {
        match self {
            Self::Stranger(account) => Some(account),
            Self::NoVersion => None,
        }
    }
}

/// What is wrong with the name of a layer: `arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION`.
fn fault(name: &str) -> Option<Fault> {
    let parts: Vec<&str> = name.split(':').collect();
    let ["arn", _, "lambda", _, account, "layer", _, rest @ ..] = parts.as_slice() else { return None };
    let digits = |text: &str| !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit());
    let version_open = rest.first().is_some_and(|version| digits(version) || version.contains(crate::case::HOLE));
    if !version_open {
        return Some(Fault::NoVersion);
    }
    let stranger = account.len() == 12 && digits(account) && publisher(account).is_none();
    stranger.then(|| Fault::Stranger((*account).to_owned()))
}

/// One text is one cause, whatever it comes to in each case.
fn finding(fact: &Fact<String>, faults: &[(String, Fault)], functions: &[LogicalId], sink: &Sink) -> Finding {
    let is_bad = |text: &str| faults.iter().any(|(known, _)| known == text);
    let holds = fact.value.judge(&|text| is_bad(text), &|symbol| Some(is_bad(&filled(symbol))));
    let accounts: BTreeSet<&str> = faults.iter().filter_map(|(_, fault)| fault.account()).collect();
    let accounts: Vec<&str> = accounts.into_iter().collect();
    let who = list(functions);
    let (title, message, mark) = if accounts.is_empty() {
        (
            format!("{who} names a layer without a version{}", when(&holds)),
            "nobody can say which code runs, and it cannot be deployed the same way twice",
            "no version",
        )
    } else {
        (
            format!("{who} runs a layer of account {}{}", list(&accounts), when(&holds)),
            "what a layer brings runs with the function's role, its variables and its customers' data, and is loaded first",
            "code of an account that is not a known publisher",
        )
    };
    Finding {
        title,
        message: message.to_owned(),
        label: with_origin(mark, &fact.provenance),
        resource: functions.first().cloned(),
        also: functions.iter().skip(1).cloned().collect(),
        fact: if accounts.is_empty() { "layer without version".to_owned() } else { format!("layer of {}", accounts.join(" ")) },
        help: vec![
            "build the layer yourself from sources you have read, or copy this version into your account and name it with its version"
                .to_owned(),
        ],
        ..sink.draft(&fact.provenance)
    }
}
