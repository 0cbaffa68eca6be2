//! Event bus rules, on a schedule or on a pattern, that call a function or start a state machine.

use crate::expand::fault::{Fault, Outcome};
use crate::expand::make::Maker;
use crate::expand::resource::Made;
use crate::expand::tree;
use crate::node::{Map, Node};

use super::{Event, Target, topic};

const PRINCIPAL: &str = "events.amazonaws.com";
const LONGEST_TARGET_ID: usize = 64;

/// A schedule that calls a function.
pub(super) fn schedule(target: &Target, event: &Event) -> Outcome<Vec<Made>> {
    let mut rule = scheduled(event, &target.passed_on())?;
    rule.set_given("Name", event.get("Name"));
    call_function(target, event, rule, false)
}

/// A pattern that calls a function.
pub(super) fn pattern(target: &Target, event: &Event) -> Outcome<Vec<Made>> {
    let mut rule = patterned(event, &target.passed_on());
    set_state(&mut rule, event)?;
    call_function(target, event, rule, true)
}

/// A rule with a schedule and its state.
pub(in crate::expand) fn scheduled(event: &Event, attributes: &Map) -> Outcome<Made> {
    let mut rule = event.made("AWS::Events::Rule", attributes);
    rule.set_given("ScheduleExpression", event.get("Schedule"));
    rule.set_given("Name", event.get("Name"));
    rule.set_given("Description", event.get("Description"));
    set_state(&mut rule, event)?;
    Ok(rule)
}

/// A rule with a pattern.
pub(in crate::expand) fn patterned(event: &Event, attributes: &Map) -> Made {
    let mut rule = event.made("AWS::Events::Rule", attributes);
    rule.set_given("EventBusName", event.get("EventBusName"));
    rule.set_given("EventPattern", event.get("Pattern"));
    rule.set_given("Name", event.get("RuleName"));
    rule
}

fn set_state(rule: &mut Made, event: &Event) -> Outcome<()> {
    let state = event.get("State").filter(|state| tree::truthy(state));
    let enabled = event.get("Enabled");
    if state.is_some() && enabled.is_some() {
        return Err(event.fault("State and Enabled Properties cannot both be specified."));
    }
    rule.set_given("State", state);
    if let Some(enabled) = enabled {
        let state = if tree::truthy(enabled) { "ENABLED" } else { "DISABLED" };
        rule.set("State", Node::text(state, &enabled.origin));
    }
    Ok(())
}

fn call_function(target: &Target, event: &Event, mut rule: Made, named_target: bool) -> Outcome<Vec<Made>> {
    let maker = event.maker();
    let arn = maker.attribute(event.id(), "Arn");
    let (queue_arn, mut made) = dead_letters(event, &arn, &target.passed_on())?;
    let id = target_id(event, "LambdaTarget", named_target);
    rule.set("Targets", maker.list([aim(event, &target.arn, id, None, queue_arn)]));
    let permission = event.permission(target, PRINCIPAL, "").with("SourceArn", arn);
    made.extend([rule, permission]);
    Ok(made)
}

/// The id of a rule's target: the one written, or one made up that the platform's limit allows.
pub(in crate::expand) fn target_id(event: &Event, suffix: &str, may_be_written: bool) -> Node {
    let written = event.get("Target").and_then(|target| target.get("Id")).filter(|_| may_be_written);
    if let Some(id) = written {
        id.clone()
    } else {
        let kept: String = event.id().chars().take(LONGEST_TARGET_ID - suffix.len()).collect();
        event.maker().text(format!("{kept}{suffix}"))
    }
}

/// A rule's target.
pub(in crate::expand) fn aim(event: &Event, arn: &Node, id: Node, role: Option<Node>, queue: Option<Node>) -> Node {
    let maker = event.maker();
    let mut target = vec![("Arn", arn.clone()), ("Id", id)];
    target.extend(role.map(|role| ("RoleArn", role)));
    target.extend(queue.map(|queue| ("DeadLetterConfig", maker.map([("Arn", queue)]))));
    for name in ["Input", "InputPath", "RetryPolicy", "InputTransformer"] {
        target.extend(event.get(name).map(|value| (name, value.clone())));
    }
    maker.map(target)
}

/// Refuses a dead letter queue that is neither named nor asked for, or both.
pub(in crate::expand) fn check_dead_letters(event: &Event, config: &Node) -> Outcome<()> {
    let refuse = |message: &str| Err(Fault::event(event.id(), message).at(&config.origin));
    match (config.get("Arn"), config.get("Type")) {
        (Some(_), Some(_)) => refuse("You can either define 'Arn' or 'Type' property of DeadLetterConfig."),
        (None, None) => refuse("No 'Arn' or 'Type' property provided for DeadLetterConfig."),
        (None, Some(kind)) if tree::text_of(kind) != Some("SQS") => {
            refuse("The only valid value for 'Type' property of DeadLetterConfig is 'SQS'.")
        }
        _ => Ok(()),
    }
}

/// The arn of the queue for events that could not be delivered, and the queue where it has to be made.
pub(in crate::expand) fn queue(event: &Event, attributes: &Map) -> Outcome<Option<(Node, Option<Made>)>> {
    let Some(config) = event.get("DeadLetterConfig") else { return Ok(None) };
    check_dead_letters(event, config)?;
    if let Some(arn) = config.get("Arn").filter(|arn| !tree::is_null(arn)) {
        return Ok(Some((arn.clone(), None)));
    }
    let maker = Maker::implied_by(&config.origin);
    let id = match config.get("QueueLogicalId").filter(|id| !tree::is_null(id)) {
        None => format!("{}Queue", event.id()),
        Some(id) => match tree::text_of(id) {
            Some("") => format!("{}Queue", event.id()),
            Some(id) => id.to_owned(),
            None => return Err(Fault::event(event.id(), "QueueLogicalId must be a string").at(&id.origin)),
        },
    };
    let arn = maker.attribute(&id, "Arn");
    Ok(Some((arn, Some(Made::new(id, "AWS::SQS::Queue", &maker, attributes)))))
}

/// [`queue`], with the policy that lets a rule send to it.
pub(in crate::expand) fn dead_letters(
    event: &Event,
    rule: &Node,
    attributes: &Map,
) -> Outcome<(Option<Node>, Vec<Made>)> {
    match queue(event, attributes)? {
        None => Ok((None, Vec::new())),
        Some((arn, None)) => Ok((Some(arn), Vec::new())),
        Some((arn, Some(queue))) => {
            let maker = Maker { origin: queue.origin.clone() };
            let principal = maker.map([("Service", maker.text(PRINCIPAL))]);
            let policy = Made::new(format!("{}QueuePolicy", event.id()), "AWS::SQS::QueuePolicy", &maker, attributes)
                .with("PolicyDocument", topic::receives(&maker, principal, &arn, rule))
                .with("Queues", maker.list([maker.reference(queue.id.as_str())]));
            Ok((Some(arn), vec![queue, policy]))
        }
    }
}
