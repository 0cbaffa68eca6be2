//! DP009: a switch for developers that is left on in the environment.

use brigandine_model::{App, Change, Fact, Finding, Fix, Judgement, Literal, LogicalId, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{ask_text, when},
    cause::by_place,
    rule::{STRICT, meta},
    wording::{list, with_origin},
};

pub(crate) struct DebugSwitch;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Frameworks,
    profiles: STRICT,
    frameworks: &["CWE-209", "SAS-10"],
    ..meta(
        "DP009",
        "debug-switch",
        "a switch for developers is left on",
        include_str!("../../pages/DP009-debug-switch.md"),
    )
};

const ON: &[&str] = &["1", "true", "yes", "on", "*"];
const DEVELOPMENT: &[&str] = &["development", "dev", "debug", "local"];
const CHATTY: &[&str] = &["debug", "trace", "all", "verbose", "silly"];

/// Variables that runtimes and well-known frameworks read: the values that tell too much, and one that does not.
const SWITCHES: &[(&str, &[&str], &str)] = &[
    ("DEBUG", ON, "false"),
    ("APP_DEBUG", ON, "false"),
    ("FLASK_DEBUG", ON, "0"),
    ("DJANGO_DEBUG", ON, "false"),
    ("RACK_DEBUG", ON, "false"),
    ("POWERTOOLS_DEV", ON, "false"),
    ("POWERTOOLS_DEBUG", ON, "false"),
    ("POWERTOOLS_LOGGER_LOG_EVENT", ON, "false"),
    ("FLASK_ENV", DEVELOPMENT, "production"),
    ("NODE_ENV", DEVELOPMENT, "production"),
    ("APP_ENV", DEVELOPMENT, "production"),
    ("RAILS_ENV", DEVELOPMENT, "production"),
    ("ASPNETCORE_ENVIRONMENT", DEVELOPMENT, "Production"),
    ("LOG_LEVEL", CHATTY, "INFO"),
    ("LOGLEVEL", CHATTY, "INFO"),
    ("LOGGING_LEVEL", CHATTY, "INFO"),
    ("POWERTOOLS_LOG_LEVEL", CHATTY, "INFO"),
    ("RUST_LOG", CHATTY, "info"),
];

impl Rule for DebugSwitch {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (name, words, quiet) in SWITCHES {
            let facts = app.functions.iter().filter_map(|function| {
                let own = function.environment.iter().find(|variable| variable.name.eq_ignore_ascii_case(name))?;
                Some((&function.id, &own.value))
            });
            for (fact, functions) in by_place(facts) {
                let on = ask_text(&fact.value, &|text| words.iter().any(|word| text.eq_ignore_ascii_case(word)));
                let Some(first) = functions.first() else { continue };
                let what = format!("whether `{name}` of {} is for developers", list(&functions));
                sink.tell(&on, (&what, (first, &fact.provenance)), |sink| {
                    finding((name, quiet), fact, (&functions, &on), sink)
                });
            }
        }
    }
}

fn finding(
    (name, quiet): (&str, &str),
    fact: &Fact<String>,
    (functions, on): (&[LogicalId], &Judgement),
    sink: &Sink,
) -> Finding {
    let span =
        fact.provenance.span.clone().filter(|_| fact.value.known().is_some() && fact.provenance.parameters.is_empty());
    Finding {
        title: format!("`{name}` of {} is set for developers{}", list(functions), when(on)),
        message: "errors tell callers how the code works, and logs keep requests with the tokens and data in them"
            .to_owned(),
        label: with_origin("left on", &fact.provenance),
        resource: functions.first().cloned(),
        also: functions.iter().skip(1).cloned().collect(),
        fact: format!("{name} on"),
        help: vec![format!("set `{name}: {quiet}` for customers, and let a parameter set it for developers")],
        fix: span.map(|span| {
            let change = Change::Replace { span, value: Literal::text(quiet) };
            // Only what is logged changes with a log level; the other switches change what the code does.
            if quiet.eq_ignore_ascii_case("info") {
                Fix::safe("log less", vec![change])
            } else {
                Fix::risky("switch it off", vec![change])
            }
        }),
        ..sink.draft(&fact.provenance)
    }
}
