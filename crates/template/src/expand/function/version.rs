//! Published versions and the alias that follows them.

use crate::expand::Expansion;
use crate::expand::fault::{Fault, Outcome};
use crate::expand::resource::{Made, Written};
use crate::expand::tree;
use crate::node::{Map, Node};

/// Publishes a version and an alias when the function asks for it. The version goes to `made`, the alias is returned.
pub(super) fn publish(
    cx: &Expansion<'_>,
    written: &Written,
    function: &mut Made,
    made: &mut Vec<Made>,
) -> Outcome<Option<Made>> {
    let Some(name) = written.filled("AutoPublishAlias") else { return Ok(None) };
    let resolved = cx.parameters.resolved(name)?;
    let Some(name) = tree::text_of(&resolved) else {
        return Err(written.fault("'AutoPublishAlias' must be a string or a Ref to a template parameter"));
    };
    let checksum = match written.filled("AutoPublishCodeSha256") {
        None => None,
        Some(checksum) => {
            let checksum = cx.parameters.resolved(checksum)?;
            let Some(text) = tree::text_of(&checksum) else {
                return Err(written.fault("AutoPublishCodeSha256 must be a string"));
            };
            describe(cx, written, function, text)?;
            Some(text.to_owned())
        }
    };
    let version = version(cx, written, function, checksum.as_deref())?;
    let alias = alias(written, name, &version.id)?;
    made.push(version);
    Ok(Some(alias))
}

/// A version with the same code is not published again: the checksum in the description makes it another one.
fn describe(cx: &Expansion<'_>, written: &Written, function: &mut Made, checksum: &str) -> Outcome<()> {
    let maker = written.maker();
    let description = match written.get("Description") {
        None => maker.text(checksum),
        Some(description) => {
            let resolved = cx.parameters.resolved(description)?;
            match tree::text_of(&resolved) {
                Some("") => maker.text(checksum),
                Some(text) => maker.text(format!("{text} {checksum}")),
                None => maker.join(" ", [resolved, maker.text(checksum)]),
            }
        }
    };
    function.set("Description", description);
    Ok(())
}

fn version(cx: &Expansion<'_>, written: &Written, function: &mut Made, checksum: Option<&str>) -> Outcome<Made> {
    let maker = written.maker();
    if let Some(code) = function.properties.get_mut("Code") {
        cx.parameters.resolve(code)?;
    }
    let suffix = match checksum {
        Some(checksum) => checksum.chars().take(10).collect(),
        None => tree::suffix(&Node::map(identity(cx, written, function), &function.origin)),
    };
    let mut attributes = written.passed_on();
    if !attributes.contains_key("DeletionPolicy") {
        let policy = match (written.get("VersionDeletionPolicy"), written.get("CapacityProviderConfig")) {
            (Some(policy), _) => policy.clone(),
            (None, Some(_)) => maker.text("Delete"),
            (None, None) => maker.text("Retain"),
        };
        attributes.insert("DeletionPolicy", policy);
    }
    let id = format!("{}Version{suffix}", written.id);
    let mut version = Made::new(id, "AWS::Lambda::Version", &maker, &attributes)
        .with("FunctionName", maker.reference(written.id.clone()));
    version.set_given("Description", written.get("VersionDescription"));
    if written.get("CapacityProviderConfig").is_some() {
        version.set_given("FunctionScalingConfig", written.get("FunctionScalingConfig"));
    }
    Ok(version)
}

/// What a version is a version of: when any of it changes, there is a new version.
fn identity(cx: &Expansion<'_>, written: &Written, function: &Made) -> Map {
    if written.filled("AutoPublishAliasAllProperties").is_some() {
        let mut identity = function.properties.clone();
        for layer in function.properties.get("Layers").and_then(Node::as_list).into_iter().flatten() {
            if let Some(id) = tree::logical_id_of(layer)
                && let Some(layer) = cx.output.get(id).and_then(|layer| layer.get("Properties"))
                && tree::filled_in(layer, "PublishLambdaVersion").is_some()
            {
                identity.insert(id, layer.clone());
            }
        }
        return identity;
    }
    let given = |name: &str| tree::filled(&function.properties, name);
    let mut identity = given("Code").and_then(Node::as_map).cloned().unwrap_or_default();
    if let Some(environment) = given("Environment").and_then(Node::as_map) {
        tree::overlay(&mut identity, environment);
    }
    if let Some(memory) = given("MemorySize") {
        identity.insert("MemorySize", memory.clone());
    }
    let snapshots =
        given("SnapStart").filter(|snap| snap.get("ApplyOn").is_some_and(|on| tree::text_of(on) != Some("None")));
    if let Some(snapshots) = snapshots {
        identity.insert("SnapStart", snapshots.clone());
    }
    identity
}

fn alias(written: &Written, name: &str, version: &str) -> Outcome<Made> {
    if name.is_empty() {
        return Err(written.fault("Alias name is required to create an alias"));
    }
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !plain || name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::resource(
            &written.id,
            format!(
                "AutoPublishAlias name ('{name}') must contain only alphanumeric characters, hyphens, or underscores \
                 matching (?!^[0-9]+$)([a-zA-Z0-9-_]+) pattern."
            ),
        )
        .at(&written.origin));
    }
    let maker = written.maker();
    let id = format!("{}Alias{}", written.id, name.replace('-', "D").replace('_', "U"));
    let mut alias = Made::new(id, "AWS::Lambda::Alias", &maker, &written.passed_on())
        .with("Name", maker.text(name))
        .with("FunctionName", maker.reference(written.id.clone()))
        .with("FunctionVersion", maker.attribute(version, "Version"));
    alias.set_given("ProvisionedConcurrencyConfig", written.filled("ProvisionedConcurrencyConfig"));
    Ok(alias)
}
