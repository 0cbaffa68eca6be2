//! MO006: whole requests and answers in a log, tokens included.

use brigandine_model::{App, Change, Finding, Fix, Judgement, Literal, Practice, Property, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{may_hold, when},
    rule::meta,
    stage::{Stage, Style, items},
    wording::with_origin,
};

pub(crate) struct LoggedRequestBody;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Monitoring,
    frameworks: &["CWE-532", "OWASP-Serverless-S3"],
    ..meta(
        "MO006",
        "logged-request-body",
        "an API writes whole requests and answers into its log",
        include_str!("../../pages/MO006-logged-request-body.md"),
    )
};

const KEY: &str = "DataTraceEnabled";

impl Rule for LoggedRequestBody {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        // The lighter style takes the switch and does nothing with it.
        for stage in Stage::all(app).into_iter().filter(|stage| stage.style != Style::Http) {
            let mut told = Vec::new();
            for settings in places(&stage) {
                let Some(flag) = settings.at(&[KEY]).filter(|flag| !told.contains(&&flag.provenance)) else { continue };
                let holds = settings.judge_text(&[KEY], false, &|text| text.eq_ignore_ascii_case("true"));
                if may_hold(&holds) {
                    told.push(&flag.provenance);
                    sink.finding(finding(&stage, flag, &holds, sink));
                } else if let Judgement::CannotTell(why) = &holds {
                    let what = format!("whether `{}` logs whole requests", stage.name());
                    sink.cannot_tell(&what, why, (stage.name(), &flag.provenance));
                }
            }
        }
    }
}

/// Every place of a stage where the switch may stand.
fn places<'a>(stage: &Stage<'a>) -> Vec<&'a Property> {
    let mut found: Vec<&Property> = stage.settings.into_iter().collect();
    found.extend(items(stage.settings, "MethodSettings"));
    found.extend(stage.settings.and_then(|own| own.at(&["DefaultRouteSettings"])));
    let routes = stage.settings.and_then(|own| own.at(&["RouteSettings"]));
    found.extend(routes.into_iter().flat_map(Property::entries).map(|entry| &entry.value));
    found
}

fn finding(stage: &Stage<'_>, flag: &Property, holds: &Judgement, sink: &Sink) -> Finding {
    let name = stage.name();
    let literal = flag.known().is_some() && flag.provenance.parameters.is_empty();
    let change = flag.provenance.span.clone().filter(|_| literal);
    Finding {
        title: format!("`{name}` logs whole requests and answers{}", when(holds)),
        message: "passwords, tokens and personal data of every caller end up in a log group, readable for everyone who may look for \
                  an error there"
            .to_owned(),
        label: with_origin("logs bodies and headers", &flag.provenance),
        resource: Some(name.clone()),
        fact: "bodies logged".to_owned(),
        help: vec![format!("set `{KEY}: false`; `LoggingLevel: ERROR` and an access log say enough")],
        fix: change.map(|span| {
            Fix::safe("keep bodies out of the log", vec![Change::Replace { span, value: Literal::Flag(false) }])
        }),
        ..sink.draft(&flag.provenance)
    }
}
