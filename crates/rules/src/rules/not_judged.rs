//! DP008: parts of a template that could not be read or resolved, so that silence about them means nothing.

use brigandine_model::{App, Finding, Practice, Provenance, RuleMeta, Severity, Unjudged};

use crate::{
    Context, Rule, Sink,
    rule::{STRICT, meta},
    wording::count,
};

pub(crate) struct NotJudged;

const META: RuleMeta = RuleMeta {
    severity: Severity::Info,
    practice: Practice::Assessments,
    profiles: STRICT,
    ..meta(
        "DP008",
        "not-judged",
        "parts of the template could not be judged",
        include_str!("../../pages/DP008-not-judged.md"),
    )
};

/// How many of them a finding shows.
const SHOWN: usize = 5;

impl Rule for NotJudged {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let mut open: Vec<&Unjudged> = app.unjudged.iter().collect();
        open.sort_by_key(|one| one.span.as_ref().map_or((usize::MAX, usize::MAX), |span| (span.start, span.end)));
        let Some(first) = open.first() else { return };
        let provenance = Provenance { span: first.span.clone(), ..Provenance::default() };
        let shown = |one: &&&Unjudged| one.span.clone().map(|span| (span, one.reason.to_string()));
        let finding = Finding {
            title: format!("{} of this template could not be judged", count(open.len(), "part")),
            message: format!("no finding about them does not mean that they are fine; the first: {}", first.reason),
            label: "not judged".to_owned(),
            related: open.iter().skip(1).take(SHOWN - 1).filter_map(|one| shown(&one)).collect(),
            resource: first.resource.clone(),
            fact: "not judged".to_owned(),
            help: vec![
                "give parameters their values (`--parameters`), put included files beside the template, or check the template as the transform leaves it"
                    .to_owned(),
            ],
            ..sink.draft(&provenance)
        };
        sink.finding(finding);
    }
}
