//! Schedules of the scheduler service, which call through a role of their own.

use crate::expand::fault::{Fault, Outcome};
use crate::expand::policies;
use crate::expand::resource::Made;
use crate::expand::tree;
use crate::node::{Map, Node};

use super::{Event, Target, rule};

/// What a schedule calls.
pub(in crate::expand) enum Called<'c> {
    Function(&'c Target),
    StateMachine { arn: &'c Node, attributes: &'c Map },
}

impl Called<'_> {
    fn parts(&self) -> (&Node, Map, &'static str) {
        match self {
            Self::Function(target) => (&target.arn, target.passed_on(), "Lambda"),
            Self::StateMachine { arn, attributes } => (arn, (*attributes).clone(), "States"),
        }
    }
}

pub(in crate::expand) fn expand(called: &Called<'_>, event: &Event) -> Outcome<Vec<Made>> {
    let (arn, attributes, service) = called.parts();
    let maker = event.maker();
    let mut schedule = schedule(event, &attributes)?;
    let mut made = Vec::new();
    let mut queue_arn = None;
    if let Some((arn, queue)) = rule::queue(event, &attributes)? {
        queue_arn = Some(arn);
        made.extend(queue);
    }
    let role_arn = if let Some(arn) = event.get("RoleArn").filter(|arn| tree::truthy(arn)) {
        arn.clone()
    } else {
        let id = format!("{}Role", event.id());
        let role_arn = maker.attribute(&id, "Arn");
        let mut granted: Vec<_> = policies::delivery(&maker, service, arn, event.id()).into_iter().collect();
        granted.extend(queue_arn.iter().filter_map(|arn| policies::delivery(&maker, "SQS", arn, event.id())));
        let mut role = Made::new(id, "AWS::IAM::Role", &maker, &attributes)
            .with("AssumeRolePolicyDocument", policies::assumable_by(&maker, "scheduler.amazonaws.com"))
            .with("Policies", maker.list(granted));
        role.set_given("PermissionsBoundary", event.get("PermissionsBoundary").filter(|it| tree::truthy(it)));
        made.push(role);
        role_arn
    };
    let mut target = vec![("Arn", arn.clone()), ("RoleArn", role_arn)];
    target.extend(queue_arn.map(|arn| ("DeadLetterConfig", maker.map([("Arn", arn)]))));
    for name in ["Input", "RetryPolicy"] {
        target.extend(event.get(name).map(|value| (name, value.clone())));
    }
    schedule.set("Target", maker.map(target));
    made.push(schedule);
    Ok(made)
}

fn schedule(event: &Event, attributes: &Map) -> Outcome<Made> {
    let maker = event.maker();
    let mut schedule = event.made("AWS::Scheduler::Schedule", attributes);
    let given = |name: &str| event.get(name).filter(|value| tree::truthy(value));
    if given("OmitName").is_none() {
        schedule.set("Name", given("Name").cloned().unwrap_or_else(|| maker.text(event.id())));
    } else if given("Name").is_some() {
        return Err(Fault::event(event.id(), "Name cannot be set when OmitName is True").at(&event.written.origin));
    }
    schedule.set_given("State", given("State"));
    let taken = [
        "ScheduleExpression",
        "Description",
        "StartDate",
        "EndDate",
        "ScheduleExpressionTimezone",
        "GroupName",
        "KmsKeyArn",
    ];
    schedule.take(&event.written, &taken);
    let window = given("FlexibleTimeWindow").cloned();
    schedule.set("FlexibleTimeWindow", window.unwrap_or_else(|| maker.map([("Mode", maker.text("OFF"))])));
    Ok(schedule)
}
