//! Topics whose messages call a function, directly or through a queue.

use crate::expand::Expansion;
use crate::expand::fault::{Outcome, Owner};
use crate::expand::make::Maker;
use crate::expand::resource::Made;
use crate::expand::tree;
use crate::node::{Map, Node};

use super::{Event, Target, pulled};

pub(super) fn expand(cx: &Expansion<'_>, target: &Target, role: &mut Made, event: &Event) -> Outcome<Vec<Made>> {
    let maker = event.maker();
    let topic = event.get("Topic").cloned().unwrap_or_else(|| maker.no_value());
    let through = event.get("SqsSubscription").filter(|through| tree::truthy(through));
    let Some(through) = through else {
        let permission = event.permission(target, "sns.amazonaws.com", "").with("SourceArn", topic);
        return Ok(vec![permission, subscription(target, event, "lambda", &target.arn)]);
    };
    if tree::flag_of(through).is_some() {
        return through_own_queue(cx, target, role, event, &topic);
    }
    let through = Owner::Event(&event.name).map(through, "SqsSubscription")?;
    let (Some(arn), Some(url)) = (tree::filled(through, "QueueArn"), tree::filled(through, "QueueUrl")) else {
        return Err(event.fault("No QueueARN or QueueURL provided."));
    };
    let batch = tree::filled(through, "BatchSize").cloned();
    let policy_id = tree::filled(through, "QueuePolicyLogicalId").map(tree::shown);
    let mut made = vec![mapping(cx, target, role, event, arn, batch)?];
    made.push(queue_policy(target, event, policy_id, &topic, (arn, url)));
    made.push(subscription(target, event, "sqs", arn));
    Ok(made)
}

fn through_own_queue(
    cx: &Expansion<'_>,
    target: &Target,
    role: &mut Made,
    event: &Event,
    topic: &Node,
) -> Outcome<Vec<Made>> {
    let maker = event.maker();
    let id = format!("{}Queue", event.id());
    let arn = maker.attribute(&id, "Arn");
    let url = maker.reference(id.as_str());
    let mut queue = Made::new(id, "AWS::SQS::Queue", &maker, &target.passed_on());
    let fifo = tree::logical_id_of(topic).and_then(|id| cx.source.get(id)?.at(&["Properties", "FifoTopic"]));
    if let Some(fifo) = fifo {
        let fifo = cx.parameters.resolved(fifo)?;
        queue.set_given("FifoQueue", Some(&fifo).filter(|fifo| tree::truthy(fifo)));
    }
    Ok(vec![
        mapping(cx, target, role, event, &arn, None)?,
        queue,
        queue_policy(target, event, None, topic, (&arn, &url)),
        subscription(target, event, "sqs", &arn),
    ])
}

fn mapping(
    cx: &Expansion<'_>,
    target: &Target,
    role: &mut Made,
    event: &Event,
    queue: &Node,
    batch: Option<Node>,
) -> Outcome<Made> {
    let maker = event.maker();
    let mut implied = event.clone();
    "SQS".clone_into(&mut implied.kind);
    implied.written.id = format!("{}EventSourceMapping", event.id()).into();
    let mut properties = Map::default();
    properties.insert("Queue", queue.clone());
    properties.insert("BatchSize", batch.unwrap_or_else(|| maker.number(10)));
    properties.insert("Enabled", maker.flag(true));
    implied.written.properties = properties;
    pulled::mapping(cx, target, role, &implied)
}

fn subscription(target: &Target, event: &Event, protocol: &str, endpoint: &Node) -> Made {
    let maker = event.maker();
    let mut made = event
        .made("AWS::SNS::Subscription", &target.passed_on())
        .with("Protocol", maker.text(protocol))
        .with("Endpoint", endpoint.clone());
    made.set_given("TopicArn", event.get("Topic"));
    made.take(&event.written, &["Region", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy"]);
    made
}

fn queue_policy(
    target: &Target,
    event: &Event,
    id: Option<String>,
    topic: &Node,
    (queue_arn, queue_url): (&Node, &Node),
) -> Made {
    let maker = event.maker();
    let id = id.unwrap_or_else(|| format!("{}QueuePolicy", event.id()));
    Made::new(id, "AWS::SQS::QueuePolicy", &maker, &target.passed_on())
        .with("PolicyDocument", receives(&maker, maker.text("*"), queue_arn, topic))
        .with("Queues", maker.list([queue_url.clone()]))
}

/// The queue policy that lets one source send to a queue.
pub(super) fn receives(maker: &Maker, principal: Node, queue: &Node, source: &Node) -> Node {
    let from = maker.map([("ArnEquals", maker.map([("aws:SourceArn", source.clone())]))]);
    maker.map([
        ("Version", maker.text("2012-10-17")),
        (
            "Statement",
            maker.list([maker.map([
                ("Action", maker.text("sqs:SendMessage")),
                ("Effect", maker.text("Allow")),
                ("Principal", principal),
                ("Resource", queue.clone()),
                ("Condition", from),
            ])]),
        ),
    ])
}
