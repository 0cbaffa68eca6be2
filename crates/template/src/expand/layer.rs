//! `AWS::Serverless::LayerVersion`: a layer whose id changes with what it holds, so that old versions stay.

use crate::node::{Map, Node};

use super::Expansion;
use super::fault::{Fault, Outcome};
use super::function::code;
use super::resource::{Made, Written};
use super::shape;
use super::tree;

/// Expands one layer. References to its old id are rewritten in the end.
pub(super) fn expand(cx: &mut Expansion<'_>, id: &str, node: &Node) -> Outcome<Vec<Made>> {
    let mut written = Written::read(id, "AWS::Serverless::LayerVersion", node, shape::LAYER)?;
    for name in ["LayerName", "LicenseInfo", "Description", "RetentionPolicy"] {
        let Some(value) = written.filled(name).cloned() else { continue };
        let resolved = cx.parameters.resolved(&value)?;
        if tree::text_of(&resolved).is_none() && resolved.as_map().is_none() {
            let message = format!("Could not resolve parameter for '{name}' or parameter is not a String.");
            return Err(Fault::resource(id, message).at(&value.origin));
        }
        written.properties.insert(name, resolved);
    }
    let maker = written.maker();
    let mut attributes = written.passed_on();
    if !attributes.contains_key("DeletionPolicy") {
        attributes.insert("DeletionPolicy", maker.text("Retain"));
    }
    if let Some(policy) = retention(&written)? {
        attributes.insert("DeletionPolicy", maker.text(policy));
    }
    let new_id = format!("{id}{}", tree::suffix(&identity(&written)));
    cx.renamed.insert(id.to_owned(), new_id.clone());

    let mut layer = Made::of(&written, "AWS::Lambda::LayerVersion");
    layer.id.clone_from(&new_id);
    layer.attributes = attributes;
    layer.take(&written, &["Description", "CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo"]);
    let name = written.filled("LayerName").cloned();
    layer.set("LayerName", name.unwrap_or_else(|| maker.text(id)));
    if let Some(uri) = written.get("ContentUri") {
        layer.set("Content", code::archive(&new_id, "ContentUri", uri)?);
    }
    check_architectures(&written, &new_id)?;
    Ok(vec![layer])
}

/// All that makes a layer another layer: everything written but how long it is kept.
fn identity(written: &Written) -> Node {
    let maker = written.maker();
    let mut properties = Map::default();
    for (name, value) in written.properties.iter() {
        if !tree::is_null(value) {
            properties.insert(name, value.clone());
        }
    }
    let mut layer = Map::default();
    layer.insert("Type", maker.text("AWS::Serverless::LayerVersion"));
    if let Some(depends_on) = written.depends_on.clone().filter(tree::truthy) {
        layer.insert("DependsOn", depends_on);
    }
    for name in ["UpdatePolicy", "Condition"] {
        if let Some(value) = written.attributes.get(name) {
            layer.insert(name, value.clone());
        }
    }
    layer.insert("Properties", Node::map(properties, &written.origin));
    maker.map([(written.id.clone(), Node::map(layer, &written.origin))])
}

fn retention(written: &Written) -> Outcome<Option<&'static str>> {
    let Some(policy) = written.get("RetentionPolicy") else { return Ok(None) };
    let fault = |message: &str| Fault::resource(&written.id, message).at(&policy.origin);
    if tree::is_intrinsic(policy) {
        return Err(fault(
            "'RetentionPolicy' does not accept intrinsic functions, please use one of the following options: \
             ['Retain', 'Delete']",
        ));
    }
    let Some(text) = tree::text_of(policy) else {
        return Err(fault(
            "Invalid 'RetentionPolicy' type, please use one of the following options: ['Retain', 'Delete']",
        ));
    };
    match text.to_lowercase().as_str() {
        "retain" => Ok(Some("Retain")),
        "delete" => Ok(Some("Delete")),
        _ => Err(fault("'RetentionPolicy' must be one of the following options: ['Retain', 'Delete'].")),
    }
}

fn check_architectures(written: &Written, id: &str) -> Outcome<()> {
    let Some(all) = written.filled("CompatibleArchitectures").and_then(Node::as_list) else { return Ok(()) };
    let known = |one: &Node| tree::is_intrinsic(one) || matches!(tree::text_of(one), Some("arm64" | "x86_64"));
    match all.iter().find(|one| !known(one)) {
        None => Ok(()),
        Some(one) => {
            let message = "CompatibleArchitectures needs to be a list of 'x86_64' or 'arm64'";
            Err(Fault::resource(id, message).at(&one.origin))
        }
    }
}
