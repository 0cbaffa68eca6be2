//! DP003: new code gets all customers at once, and nothing takes it back.

use brigandine_model::{App, Finding, Fix, Literal, LogicalId, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    reach::Reach,
    rule::{STRICT, meta},
    setting::Named,
    wording::list,
};

pub(crate) struct AllAtOnceDeployment;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Deployment,
    profiles: STRICT,
    frameworks: &["SAS-03"],
    ..meta(
        "DP003",
        "all-at-once-deployment",
        "new code of a public function gets all customers at once",
        include_str!("../../pages/DP003-all-at-once-deployment.md"),
    )
};

impl Rule for AllAtOnceDeployment {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    /// One decision of a team, so one finding for all its functions.
    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let sudden: Vec<Named<'_>> = app
            .functions
            .iter()
            .filter(|function| Reach::nearest(app, [*function]) != Reach::Nowhere)
            .filter_map(|function| Named::find(app, &function.id))
            .filter(|named| named.is_written_as("AWS::Serverless::Function") && !is_gradual(app, named.id))
            .collect();
        let Some((first, more)) = sudden.split_first() else { return };
        let ids: Vec<&LogicalId> = sudden.iter().map(|named| named.id).collect();
        let finding = Finding {
            title: format!("new code of {} gets all customers at once", list(&ids)),
            message: "a fault or a backdoor in one deployment meets everyone, and stays until someone notices and goes back by hand".to_owned(),
            label: "no `DeploymentPreference`".to_owned(),
            resource: Some(first.id.clone()),
            also: more.iter().map(|named| named.id.clone()).collect(),
            fact: "all at once".to_owned(),
            help: vec![
                "set `AutoPublishAlias: live` and `DeploymentPreference: {Type: Canary10Percent5Minutes}` in Globals, with an alarm on errors under `Alarms`"
                    .to_owned(),
            ],
            fix: fix(&sudden),
            ..sink.draft(&first.resource.provenance)
        };
        sink.finding(finding);
    }
}

/// The transform makes a deployment group for each function that asks for a gradual deployment.
fn is_gradual(app: &App, id: &LogicalId) -> bool {
    let group = LogicalId::new(format!("{id}DeploymentGroup"));
    app.resources.get(&group).is_some_and(|resource| &*resource.kind == "AWS::CodeDeploy::DeploymentGroup")
}

/// Callers who know the function by its unqualified name bypass the alias, so a person must look.
fn fix(sudden: &[Named<'_>]) -> Option<Fix> {
    const MOST: usize = 5;
    if sudden.len() > MOST {
        return None;
    }
    let mut changes = Vec::new();
    for named in sudden {
        changes.push(named.set(&["AutoPublishAlias"], Literal::text("live"))?);
        let preference = Literal::map([("Type", Literal::text("Canary10Percent5Minutes"))]);
        changes.push(named.set(&["DeploymentPreference"], preference)?);
    }
    Some(Fix::risky("give new code a tenth of the customers first", changes))
}
