//! MO011: a trail that does not record calls of functions.

use brigandine_model::{App, Finding, Judgement, LogicalId, Practice, Property, Resource, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{any, not, when},
    rule::{STRICT, meta},
    trail,
};

pub(crate) struct TrailWithoutFunctions;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Monitoring,
    profiles: STRICT,
    frameworks: &["CWE-778", "OWASP-Serverless-S10", "SAS-05"],
    ..meta(
        "MO011",
        "trail-without-functions",
        "a trail does not record calls of functions",
        include_str!("../../pages/MO011-trail-without-functions.md"),
    )
};

const FUNCTIONS: &str = "AWS::Lambda::Function";

impl Rule for TrailWithoutFunctions {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let trails: Vec<(&LogicalId, &Resource)> = trail::all(app).collect();
        // One trail that sees them is enough.
        let seen = any(trails.iter().filter_map(|(_, one)| one.properties.as_ref()).map(records_functions));
        let Some((id, resource)) = trails.first() else { return };
        match not(seen) {
            Judgement::No => {}
            Judgement::CannotTell(why) => {
                sink.cannot_tell(
                    &format!("whether `{id}` records calls of functions"),
                    &why,
                    (id, &resource.provenance),
                );
            }
            holds => sink.finding(finding((id, resource), &holds, sink)),
        }
    }
}

fn records_functions(properties: &Property) -> Judgement {
    let plain = listed(properties, "EventSelectors", "DataResources")
        .into_iter()
        .map(|item| item.judge_text(&["Type"], false, &|kind| kind == FUNCTIONS));
    let advanced = listed(properties, "AdvancedEventSelectors", "FieldSelectors").into_iter().map(|item| {
        let values = item.at(&["Equals"]).map(Property::items).unwrap_or_default();
        let field = item.judge_text(&["Field"], false, &|field| field == "resources.type");
        let kinds = any(values.into_iter().map(|value| value.judge_text(&[], false, &|kind| kind == FUNCTIONS)));
        crate::case::both(field, kinds)
    });
    any(plain.chain(advanced))
}

/// The items of a list within the items of a list.
fn listed<'a>(properties: &'a Property, outer: &str, inner: &str) -> Vec<&'a Property> {
    let selectors = properties.at(&[outer]).map(Property::items).unwrap_or_default();
    selectors.into_iter().filter_map(|one| one.at(&[inner])).flat_map(Property::items).collect()
}

fn finding(trail: (&LogicalId, &Resource), holds: &Judgement, sink: &Sink) -> Finding {
    let (id, resource) = trail;
    Finding {
        title: format!("the trail `{id}` does not record calls of functions{}", when(holds)),
        message: "who called which function by hand, past every API, cannot be told afterwards: a trail records calls of functions only \
                  when it is asked to"
            .to_owned(),
        label: "no data events of functions".to_owned(),
        resource: Some(id.clone()),
        fact: "no data events of functions".to_owned(),
        help: vec![
            "add `EventSelectors: [{DataResources: [{Type: AWS::Lambda::Function, Values: [arn:aws:lambda]}]}]`; each recorded call \
             is paid for"
                .to_owned(),
        ],
        ..sink.draft(&resource.provenance)
    }
}
