//! Values given from outside, held against what the template allows.
//!
//! A mistyped stage would otherwise be judged as one that no condition knows, and everything would look well.

use crate::{Failure, Input, Node};

/// Fails at the first parameter whose given value is not among its `AllowedValues`. Of a list every item must be.
pub(crate) fn check(root: &Node, input: &Input<'_>) -> Result<(), Failure> {
    let declared = root.get("Parameters").and_then(Node::as_map);
    for (name, value) in &input.options.parameters {
        let Some(parameter) = declared.and_then(|declared| declared.get(name)) else { continue };
        let kind = parameter.get("Type").and_then(Node::as_text).unwrap_or_default();
        let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
        let items = if is_list { value.split(',').map(str::trim).collect() } else { vec![value.as_str()] };
        let Some(allowed) = parameter.get("AllowedValues").and_then(Node::as_list) else { continue };
        let allowed: Vec<&str> = allowed.iter().filter_map(Node::as_text).collect();
        if items.iter().any(|item| !allowed.contains(item)) {
            return Err(refusal(name, parameter, &allowed, input));
        }
    }
    Ok(())
}

/// What was given is not repeated: it may be a secret.
fn refusal(name: &str, parameter: &Node, allowed: &[&str], input: &Input<'_>) -> Failure {
    const SHOWN: usize = 10;
    let hidden = parameter.get("NoEcho").and_then(Node::as_text).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let mut words: Vec<String> = allowed.iter().take(SHOWN).map(|value| format!("`{value}`")).collect();
    if allowed.len() > SHOWN {
        words.push(format!("{} more", allowed.len() - SHOWN));
    }
    let words = if hidden { "none that may be shown".to_owned() } else { words.join(", ") };
    let message =
        format!("the value given for the parameter `{name}` is not allowed by the template; allowed are {words}");
    Failure::NotAllowed { message, span: parameter.origin.span(&input.file) }
}
