//! MO010: a request path along which nobody can follow a request.

use brigandine_model::{App, Finding, Judgement, LogicalId, Practice, Provenance, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::may_hold,
    rule::{STRICT, meta},
    stage::{Stage, Style},
    wording::list,
};

pub(crate) struct UntracedPath;

const META: RuleMeta = RuleMeta {
    severity: Severity::Info,
    practice: Practice::Monitoring,
    profiles: STRICT,
    frameworks: &["CWE-778", "Lambda.7", "APIGateway.3", "OWASP-Serverless-S10"],
    ..meta(
        "MO010",
        "untraced-path",
        "requests cannot be followed from an API to its functions",
        include_str!("../../pages/MO010-untraced-path.md"),
    )
};

impl Rule for UntracedPath {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let mut dark: Vec<(LogicalId, &Provenance)> = Vec::new();
        for stage in Stage::all(app).iter().filter(|stage| stage.style == Style::Rest) {
            let off = |own: &brigandine_model::Property| {
                own.judge_text(&["TracingEnabled"], true, &|text| !text.eq_ignore_ascii_case("true"))
            };
            if may_hold(&stage.settings.map_or(Judgement::Yes, off)) {
                dark.push((stage.name().clone(), stage.provenance()));
            }
        }
        for function in app.functions.iter().filter(|function| app.routes_of(&function.id).next().is_some()) {
            let properties = app.resources.get(&function.id).and_then(|resource| resource.properties.as_ref());
            let off = properties.map_or(Judgement::Yes, |own| {
                own.judge_text(&["TracingConfig", "Mode"], true, &|mode| mode != "Active")
            });
            if may_hold(&off) {
                dark.push((function.id.clone(), &function.provenance));
            }
        }
        dark.sort_by_key(|(_, provenance)| provenance.span.as_ref().map_or(usize::MAX, |span| span.start));
        if let Some((_, first)) = dark.first() {
            sink.finding(finding(first, &dark, sink));
        }
    }
}

fn finding(first: &Provenance, dark: &[(LogicalId, &Provenance)], sink: &Sink) -> Finding {
    let mut ids: Vec<LogicalId> = Vec::new();
    for (id, _) in dark {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    let rest = dark.iter().skip(1).take(9).filter_map(|(_, provenance)| provenance.span.clone());
    Finding {
        title: format!("requests cannot be followed through {}", list(&ids)),
        message: "when a call is slow, fails or is an attack, nothing shows which function and which table it went through".to_owned(),
        label: "tracing is off".to_owned(),
        related: rest.map(|span| (span, "here too".to_owned())).collect(),
        resource: ids.first().cloned(),
        also: ids.iter().skip(1).cloned().collect(),
        fact: "no tracing".to_owned(),
        help: vec![
            "in SAM: `Globals: {Function: {Tracing: Active}, Api: {TracingEnabled: true}}`; otherwise `TracingConfig: {Mode: Active}` \
             on functions, with the right to write traces, and `TracingEnabled: true` on stages"
                .to_owned(),
        ],
        ..sink.draft(first)
    }
}
