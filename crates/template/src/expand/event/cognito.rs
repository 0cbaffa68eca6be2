//! User pools that call a function as people sign up and in.

use crate::expand::Expansion;
use crate::expand::fault::{Outcome, Owner};
use crate::expand::resource::{Made, Written};
use crate::expand::tree;
use crate::node::Node;

use super::{Event, Target};

/// Refuses an event whose pool is not in the template.
pub(super) fn check(cx: &Expansion<'_>, event: &Event) -> Outcome<()> {
    pool(cx, event).map(|_| ())
}

fn pool(cx: &Expansion<'_>, event: &Event) -> Outcome<String> {
    let id = event.get("UserPool").and_then(|pool| pool.get("Ref"));
    match id.and_then(tree::text_of).filter(|id| cx.source.contains_key(id)) {
        Some(id) => Ok(id.to_owned()),
        None => Err(event.fault("Cognito events must reference a Cognito UserPool in the same template.")),
    }
}

pub(super) fn expand(cx: &mut Expansion<'_>, target: &Target, event: &Event) -> Outcome<Vec<Made>> {
    let maker = event.maker();
    let id = pool(cx, event)?;
    let mut permission = event.permission(target, "cognito-idp.amazonaws.com", "");
    permission.id = format!("{}CognitoPermission", target.id);
    permission.set("SourceArn", maker.attribute(&id, "Arn"));

    let triggers: Vec<String> = match event.get("Trigger") {
        Some(Node { kind: crate::node::Kind::List(triggers), .. }) => triggers.iter().map(tree::shown).collect(),
        Some(trigger) => vec![tree::shown(trigger)],
        None => Vec::new(),
    };
    let shown = event.get("Trigger").map(tree::shown).unwrap_or_default();
    let Some(properties) = cx.source_properties(&id, &maker) else { return Ok(vec![permission]) };
    if let Some(written) = tree::given(properties, "LambdaConfig") {
        Owner::Resource(&id).map(written, "LambdaConfig")?;
    }
    let config = tree::subtree(properties, "LambdaConfig", &maker.origin).and_then(Node::as_map_mut);
    if let Some(config) = config {
        for trigger in triggers {
            if config.contains_key(&trigger) {
                return Err(event.fault(format!("Cognito trigger \"{shown}\" defined multiple times.")));
            }
            // The pool is somebody else's: whoever edits the trigger must be led to the event.
            config.insert(trigger, Node { origin: maker.origin.clone(), ..target.arn.clone() });
        }
    }
    let pool = cx.source.get(&id).cloned().unwrap_or_else(|| maker.empty());
    let written = Written::read_unchecked(&id, &pool)?;
    let mut made = Made::of(&written, "AWS::Cognito::UserPool");
    made.properties = written.properties;
    Ok(vec![permission, made])
}
