//! DE004: a function runs a layer from somebody else's account, or one without a version.

use brigandine_model::{App, Fact, Finding, Judgement, LogicalId, Practice, RuleMeta, Severity, Value};

use crate::{
    Context, Rule, Sink,
    case::{texts, when},
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
            for text in texts(&fact.value) {
                if let Some(fault) = fault(&text) {
                    let finding = finding((fact, &text), &fault, &functions, sink);
                    sink.finding(finding);
                }
            }
        }
    }
}

enum Fault {
    Stranger(String),
    NoVersion,
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

fn finding((fact, text): (&Fact<String>, &str), fault: &Fault, functions: &[LogicalId], sink: &Sink) -> Finding {
    let holds: Judgement = fact.value.judge(&|value| value == text, &|_| Some(true));
    let who = list(functions);
    let (title, message, mark, key) = match fault {
        Fault::Stranger(account) => (
            format!("{who} runs a layer of account `{account}`{}", when(&holds)),
            "what a layer brings runs with the function's role, its variables and its customers' data, and is loaded first".to_owned(),
            "code of an account that is not a known publisher",
            format!("layer of {account}"),
        ),
        Fault::NoVersion => (
            format!("{who} names a layer without a version{}", when(&holds)),
            "nobody can say which code runs, and it cannot be deployed the same way twice".to_owned(),
            "no version",
            "layer without version".to_owned(),
        ),
    };
    Finding {
        title,
        message,
        label: with_origin(mark, &fact.provenance),
        resource: functions.first().cloned(),
        also: functions.iter().skip(1).cloned().collect(),
        fact: key,
        help: vec![
            "build the layer yourself from sources you have read, or copy this version into your account and name it with its version"
                .to_owned(),
        ],
        ..sink.draft(&fact.provenance)
    }
}
