//! Where the results of asynchronous calls go, and the queues and topics made for them.

use crate::expand::Expansion;
use crate::expand::fault::{Fault, Outcome, Owner};
use crate::expand::make::Maker;
use crate::expand::policies;
use crate::expand::resource::{Made, Written};
use crate::expand::tree;
use crate::node::Node;

/// A condition's name may have this many characters.
const LONGEST_NAME: usize = 255;

/// What one destination came to.
struct Resolved {
    made: Option<Made>,
    arn: Node,
    policy: Option<Node>,
}

/// Makes the configuration and what it delivers to; policies that the role needs for it go to `documents`.
pub(super) fn construct(
    cx: &mut Expansion<'_>,
    written: &mut Written,
    alias: Option<&Made>,
    documents: &mut Vec<Node>,
) -> Outcome<Vec<Made>> {
    let Some(mut config) = written.get("EventInvokeConfig").cloned() else { return Ok(Vec::new()) };
    cx.parameters.resolve(&mut config)?;
    let maker = Maker::implied_by(&config.origin);
    let id = format!("{}EventInvokeConfig", written.id);
    let mut made = Vec::new();
    let mut destinations = Vec::new();
    if let Some(wanted) = config.get("DestinationConfig").filter(|wanted| tree::truthy(wanted)) {
        let owner = Owner::Resource(&written.id);
        owner.map(wanted, "EventInvokeConfig.DestinationConfig")?;
        for name in ["OnSuccess", "OnFailure"] {
            let Some(one) = wanted.get(name).filter(|one| !tree::is_null(one)) else { continue };
            owner.map(one, &format!("EventInvokeConfig.DestinationConfig.{name}"))?;
            let resolved = resolve(cx, written, one, &id, name)?;
            destinations.push((name, maker.map([("Destination", resolved.arn)])));
            made.extend(resolved.made);
            documents.extend(resolved.policy);
        }
    }
    let qualifier = alias.and_then(|alias| alias.properties.get("Name").cloned());
    let mut invoke = Made::new(id, "AWS::Lambda::EventInvokeConfig", &maker, &written.attributes)
        .with("FunctionName", maker.reference(written.id.clone()))
        .with("Qualifier", qualifier.unwrap_or_else(|| maker.text("$LATEST")))
        .with("DestinationConfig", maker.map(destinations));
    invoke.depends_on = alias.map(|alias| maker.texts([alias.id.as_str()]));
    for name in ["MaximumEventAgeInSeconds", "MaximumRetryAttempts"] {
        invoke.set_given(name, config.get(name));
    }
    made.push(invoke);
    Ok(made)
}

fn resolve(cx: &mut Expansion<'_>, written: &Written, one: &Node, id: &str, name: &str) -> Outcome<Resolved> {
    let maker = Maker::implied_by(&one.origin);
    let kind = one.get("Type").map(tree::shown);
    let Some(kind) = kind.filter(|kind| ["SQS", "SNS", "EventBridge", "Lambda", "S3Bucket"].contains(&kind.as_str()))
    else {
        let kind = one.get("Type").map_or_else(|| "None".to_owned(), tree::shown);
        let message = format!("'Type: {kind}' must be one of ['SQS', 'SNS', 'EventBridge', 'Lambda', 'S3Bucket']");
        return Err(Fault::resource(&written.id, message).at(&one.origin));
    };
    let written_arn = one.get("Destination").filter(|arn| !tree::is_null(arn));
    let optional = match written_arn {
        Some(arn) => optional(cx, arn, id)?,
        None => None,
    };
    let own = format!("{id}{name}");
    if let (Some(arn), None) = (written_arn, &optional) {
        let policy = policies::delivery(&maker, &kind, arn, &own);
        return Ok(Resolved { made: None, arn: arn.clone(), policy });
    }
    let (made, arn) = match kind.as_str() {
        "SQS" => {
            let queue = format!("{own}Queue");
            let arn = maker.attribute(&queue, "Arn");
            (Made::new(queue, "AWS::SQS::Queue", &maker, &written.passed_on()), arn)
        }
        "SNS" => {
            let topic = format!("{own}Topic");
            let arn = maker.reference(topic.as_str());
            (Made::new(topic, "AWS::SNS::Topic", &maker, &written.passed_on()), arn)
        }
        _ => {
            let message = "Destination is required if Type is not ['SQS', 'SNS']";
            return Err(Fault::resource(&written.id, message).at(&one.origin));
        }
    };
    let made = conditional(cx, written, made, optional.as_ref().map(|(condition, _)| condition.as_str()));
    let arn = match optional {
        Some((condition, written_arn)) => maker.either(maker.text(condition), arn, written_arn),
        None => arn,
    };
    let policy = policies::delivery(&maker, &kind, &arn, &own);
    Ok(Resolved { made: Some(made), arn, policy })
}

/// Under which condition no destination was written, and the one that was otherwise.
fn optional(cx: &mut Expansion<'_>, destination: &Node, id: &str) -> Outcome<Option<(String, Node)>> {
    if tree::as_if(destination).is_none() {
        return Ok(None);
    }
    let Some((condition, then, otherwise)) = tree::arms(destination) else {
        let message = "Malformed 'Destination' property: Fn::If requires 3 arguments.";
        return Err(Fault::resource(id, message).at(&destination.origin));
    };
    let condition = tree::shown(condition);
    Ok(match (tree::is_no_value(then), tree::is_no_value(otherwise)) {
        (true, false) => Some((condition, otherwise.clone())),
        (false, true) => {
            let maker = Maker::implied_by(&destination.origin);
            let opposite = generated_name(&format!("NOT{condition}"), id);
            cx.conditions_mut().insert(opposite.as_str(), maker.not(&condition));
            Some((opposite, then.clone()))
        }
        _ => None,
    })
}

fn generated_name(name: &str, id: &str) -> String {
    let mut name = format!("{name}{}", tree::suffix_of_text(id));
    name.truncate(LONGEST_NAME);
    name
}

/// What is made only where nothing was written is made only when the function is.
fn conditional(cx: &mut Expansion<'_>, written: &Written, mut made: Made, optional: Option<&str>) -> Made {
    let Some(optional) = optional else { return made };
    let maker = Maker { origin: made.origin.clone() };
    let own = written.attributes.get("Condition").and_then(tree::text_of);
    let condition = match own {
        None => optional.to_owned(),
        Some(own) => {
            let both = generated_name(&format!("{own}AND{optional}"), &written.id);
            let nested = |name: &str| maker.call("Condition", maker.condition(name));
            let all = maker.call("Fn::And", maker.list([nested(own), nested(optional)]));
            cx.conditions_mut().insert(both.as_str(), all);
            both
        }
    };
    made.attributes.insert("Condition", maker.text(condition));
    made
}
