//! Usage plans and keys, one per API or one for all of them.

use crate::expand::Expansion;
use crate::expand::fault::{Fault, Outcome};
use crate::expand::make::Maker;
use crate::expand::resource::{Made, Written};
use crate::expand::tree;
use crate::node::{Map, Node};

const CONDITION: &str = "SharedUsagePlanCondition";

/// What the APIs that share a plan have said so far.
#[derive(Debug, Default)]
pub(in crate::expand) struct SharedPlan {
    stages: Vec<Node>,
    keys: Vec<Node>,
    apis: Vec<Node>,
    conditions: Vec<String>,
    /// Whether one of them is always there.
    unconditional: bool,
    deletion: Option<String>,
    replacement: Option<String>,
}

/// Makes plan, key and the link between them for one API.
pub(super) fn construct(cx: &mut Expansion<'_>, written: &Written, stage: &str) -> Outcome<Vec<Made>> {
    let Some(plan) = super::auth(written).and_then(|auth| tree::given(auth, "UsagePlan")) else {
        return Ok(Vec::new());
    };
    let fault = |message: &str| Fault::resource(&written.id, message).at(&plan.origin);
    let Some(properties) = plan.as_map() else { return Err(fault("'UsagePlan' must be a dictionary")) };
    let known = ["CreateUsagePlan", "Description", "Quota", "Tags", "Throttle", "UsagePlanName"];
    if properties.keys().any(|key| !known.contains(&key)) {
        return Err(fault("Invalid property for 'UsagePlan'"));
    }
    let Some(create) = tree::given(properties, "CreateUsagePlan") else {
        return Err(fault("'CreateUsagePlan' is a required field for UsagePlan."));
    };
    let maker = Maker::implied_by(&plan.origin);
    let (prefix, attributes) = match tree::text_of(create) {
        Some("NONE") => return Ok(Vec::new()),
        Some("PER_API") => (written.id.to_string(), written.passed_on()),
        Some("SHARED") => ("Serverless".to_owned(), share(cx, written, stage, &maker)?),
        _ => return Err(fault("'CreateUsagePlan' accepts one of ['SHARED', 'PER_API', 'NONE'].")),
    };
    let own = SharedPlan {
        stages: vec![stage_of(written, stage, &maker, ["ApiId", "Stage"])],
        keys: vec![stage_of(written, stage, &maker, ["RestApiId", "StageName"])],
        apis: vec![maker.text(written.id.clone())],
        ..SharedPlan::default()
    };
    let shared = if prefix == "Serverless" { &cx.shared_plan } else { &own };
    let mut plan = Made::new(format!("{prefix}UsagePlan"), "AWS::ApiGateway::UsagePlan", &maker, &attributes)
        .with("ApiStages", maker.list(shared.stages.clone()));
    plan.depends_on = Some(maker.list(shared.apis.clone()));
    for name in ["UsagePlanName", "Description", "Quota", "Tags", "Throttle"] {
        plan.set_given(name, tree::filled(properties, name));
    }
    let mut key = Made::new(format!("{prefix}ApiKey"), "AWS::ApiGateway::ApiKey", &maker, &attributes)
        .with("Enabled", maker.flag(true))
        .with("StageKeys", maker.list(shared.keys.clone()));
    key.depends_on = Some(maker.texts([plan.id.as_str()]));
    let mut link = Made::new(format!("{prefix}UsagePlanKey"), "AWS::ApiGateway::UsagePlanKey", &maker, &attributes)
        .with("KeyId", maker.reference(key.id.as_str()))
        .with("KeyType", maker.text("API_KEY"))
        .with("UsagePlanId", maker.reference(plan.id.as_str()));
    link.depends_on = Some(maker.texts([key.id.as_str()]));
    Ok(vec![plan, key, link])
}

fn stage_of(written: &Written, stage: &str, maker: &Maker, names: [&str; 2]) -> Node {
    let [api, stage_name] = names;
    maker.map([(api, maker.reference(written.id.clone())), (stage_name, maker.reference(stage))])
}

/// Adds an API to the shared plan and returns the attributes all of them come to.
fn share(cx: &mut Expansion<'_>, written: &Written, stage: &str, maker: &Maker) -> Outcome<Map> {
    let text = |name: &str| written.attributes.get(name).map(tree::shown);
    let shared = &mut cx.shared_plan;
    shared.apis.push(maker.text(written.id.clone()));
    shared.stages.push(stage_of(written, stage, maker, ["ApiId", "Stage"]));
    shared.keys.push(stage_of(written, stage, maker, ["RestApiId", "StageName"]));
    strongest(&mut shared.deletion, text("DeletionPolicy"));
    strongest(&mut shared.replacement, text("UpdateReplacePolicy"));
    match text("Condition") {
        _ if shared.unconditional => {}
        None => {
            shared.unconditional = true;
            if let Some(conditions) = cx.conditions.as_mut() {
                conditions.remove(CONDITION);
            }
        }
        Some(condition) if !shared.conditions.contains(&condition) => {
            if cx.conditions.is_none() {
                let message = "Can't have condition without having 'Conditions' section in the template";
                return Err(Fault::template(message).at(&written.origin));
            }
            shared.conditions.push(condition.clone());
            let combined = match &shared.conditions[..] {
                [only] => maker.text(only.as_str()),
                several => maker.any_of(several.iter().map(String::as_str)),
            };
            cx.conditions_mut().insert(CONDITION, combined);
        }
        Some(_) => {}
    }
    let shared = &cx.shared_plan;
    let mut attributes = Map::default();
    for (name, value) in [("DeletionPolicy", &shared.deletion), ("UpdateReplacePolicy", &shared.replacement)] {
        if let Some(value) = value {
            attributes.insert(name, maker.text(value.as_str()));
        }
    }
    if !shared.conditions.is_empty() && !shared.unconditional {
        attributes.insert("Condition", maker.text(CONDITION));
    }
    Ok(attributes)
}

/// Of two policies the one that keeps more.
fn strongest(policy: &mut Option<String>, new: Option<String>) {
    let rank = |policy: &str| ["Delete", "Snapshot", "Retain"].iter().position(|known| *known == policy);
    if let Some(new) = new
        && policy.as_deref().is_none_or(|old| rank(&new) > rank(old))
    {
        *policy = Some(new);
    }
}
