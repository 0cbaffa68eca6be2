//! DP001: functions take code that nobody signed.

use brigandine_model::{App, Finding, Package, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::may_hold,
    rule::{STRICT, meta},
    setting::Named,
    wording::{count, list},
};

pub(crate) struct UnsignedCode;

const META: RuleMeta = RuleMeta {
    severity: Severity::Info,
    practice: Practice::Deployment,
    profiles: STRICT,
    frameworks: &["CWE-345", "SAS-03"],
    ..meta(
        "DP001",
        "unsigned-code",
        "functions take code that nobody signed",
        include_str!("../../pages/DP001-unsigned-code.md"),
    )
};

impl Rule for UnsignedCode {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    /// One decision of a team, so one finding for all its functions.
    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let unsigned: Vec<_> = app
            .functions
            .iter()
            .filter(|function| !matches!(function.package, Package::Image(_)))
            .filter(|function| {
                let named = Named::find(app, &function.id);
                named.is_some_and(|named| !may_hold(&named.is_set(&["CodeSigningConfigArn"])))
            })
            .collect();
        let Some((first, more)) = unsigned.split_first() else { return };
        let ids: Vec<_> = unsigned.iter().map(|function| &function.id).collect();
        let finding = Finding {
            title: format!("code that nobody signed goes into {}: {}", count(ids.len(), "function"), list(&ids)),
            message: "whoever gets the right to update a function can put any code into it; nothing checks where it comes from".to_owned(),
            label: "no `CodeSigningConfigArn`".to_owned(),
            resource: Some(first.id.clone()),
            also: more.iter().map(|function| function.id.clone()).collect(),
            fact: "unsigned code".to_owned(),
            help: vec!["if your rules ask for it, sign packages in the pipeline and set `CodeSigningConfigArn` in Globals".to_owned()],
            ..sink.draft(&first.provenance)
        };
        sink.finding(finding);
    }
}
