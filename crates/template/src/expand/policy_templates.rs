//! The named policy templates a function may use instead of writing statements.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use brigandine_model::Via;
use serde_json::Value;

use crate::node::{Map, Node, Origin};

use super::fault::{Fault, Outcome};
use super::tree;

/// Name -> parameters and statements, as published with the serverless transform.
const DATA: &str = include_str!("../../data/policy-templates.json");

struct Template {
    parameters: Vec<String>,
    statements: Value,
}

static TEMPLATES: LazyLock<BTreeMap<String, Template>> = LazyLock::new(|| {
    let data: Value = serde_json::from_str(DATA).unwrap_or_default();
    let templates = data.get("templates").and_then(Value::as_object).into_iter().flatten();
    templates
        .map(|(name, template)| {
            let parameters = template.get("parameters").and_then(Value::as_array).into_iter().flatten();
            let parameters = parameters.filter_map(Value::as_str).map(str::to_owned).collect();
            let statements = template.get("statements").cloned().unwrap_or_default();
            (name.clone(), Template { parameters, statements })
        })
        .collect()
});

/// Whether there is a template of this name.
pub(super) fn is_known(name: &str) -> bool {
    TEMPLATES.contains_key(name)
}

/// The policy document that a use of a template stands for, blamed on that use.
pub(super) fn expand(resource: &str, name: &str, values: &Node) -> Outcome<Node> {
    let Some(template) = TEMPLATES.get(name) else {
        return Err(Fault::resource(resource, format!("Template with name '{name}' is not found")).at(&values.origin));
    };
    let Some(given) = values.as_map() else {
        let message = format!("Must specify valid parameter values for policy template '{name}'");
        return Err(Fault::resource(resource, message).at(&values.origin));
    };
    let missing: Vec<_> =
        template.parameters.iter().filter(|name| !given.contains_key(name)).map(|name| format!("'{name}'")).collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let message = format!("Following required parameters of template '{name}' don't have values: [{missing}]");
        return Err(Fault::resource(resource, message).at(&values.origin));
    }
    let origin = values.origin.with_via(Via::PolicyTemplate(name.into()));
    let mut document = Map::default();
    document.insert("Statement", filled(&template.statements, template, given, &origin));
    Ok(Node::map(document, &origin))
}

/// The data with references to parameters replaced by the values given for them.
fn filled(data: &Value, template: &Template, given: &Map, origin: &Origin) -> Node {
    match data {
        Value::Object(entries) => {
            if let (1, Some(Value::String(name))) = (entries.len(), entries.get("Ref"))
                && template.parameters.contains(name)
                && let Some(value) = given.get(name)
            {
                return tree::retag(value, &origin.via);
            }
            let mut map = Map::default();
            for (key, value) in entries {
                map.insert(key.as_str(), filled(value, template, given, origin));
            }
            Node::map(map, origin)
        }
        Value::Array(items) => {
            Node::list(items.iter().map(|item| filled(item, template, given, origin)).collect(), origin)
        }
        Value::String(text) => Node::text(text.as_str(), origin),
        other => Node::plain(other.to_string(), origin),
    }
}
