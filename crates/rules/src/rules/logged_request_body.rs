//! MO006: whole requests and answers in a log, tokens included.

use brigandine_model::{App, Change, Finding, Fix, Judgement, Literal, Practice, Property, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::when,
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
            let mut on: Vec<(&Property, Judgement)> = Vec::new();
            for settings in places(&stage) {
                let Some(flag) = settings.at(&[KEY]) else { continue };
                let holds = settings.judge_text(&[KEY], false, &|text| text.eq_ignore_ascii_case("true"));
                match holds {
                    Judgement::No => {}
                    Judgement::CannotTell(why) => {
                        let what = format!("whether `{}` logs whole requests", stage.name());
                        sink.cannot_tell(&what, &why, (stage.name(), &flag.provenance));
                    }
                    holds if !on.iter().any(|(known, _)| known.provenance == flag.provenance) => on.push((flag, holds)),
                    _ => {}
                }
            }
            if let Some(((first, holds), rest)) = on.split_first() {
                let rest: Vec<&Property> = rest.iter().map(|(flag, _)| *flag).collect();
                sink.finding(finding(&stage, (first, holds), &rest, sink));
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

fn finding(stage: &Stage<'_>, found: (&Property, &Judgement), rest: &[&Property], sink: &Sink) -> Finding {
    let (flag, holds) = found;
    let name = stage.name();
    Finding {
        title: format!("`{name}` logs whole requests and answers{}", when(holds)),
        message: "passwords, tokens and personal data of every caller end up in a log group, readable for everyone who may look for \
                  an error there"
            .to_owned(),
        label: with_origin("logs bodies and headers", &flag.provenance),
        related: rest.iter().filter_map(|flag| Some((flag.provenance.span.clone()?, "and here".to_owned()))).collect(),
        resource: Some(name.clone()),
        fact: "bodies logged".to_owned(),
        help: vec![format!("set `{KEY}: false`; `LoggingLevel: ERROR` and an access log say enough")],
        fix: fix(flag, rest),
        ..sink.draft(&flag.provenance)
    }
}

/// All switches of the stage at once, where each is written as one word.
fn fix(first: &Property, rest: &[&Property]) -> Option<Fix> {
    let off = |flag: &Property| {
        let literal = flag.known().is_some() && flag.provenance.parameters.is_empty();
        let span = flag.provenance.span.clone().filter(|_| literal)?;
        Some(Change::Replace { span, value: Literal::Flag(false) })
    };
    let changes: Option<Vec<Change>> = std::iter::once(first).chain(rest.iter().copied()).map(off).collect();
    Some(Fix::safe("keep bodies out of the log", changes?))
}
