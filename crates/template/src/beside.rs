//! Code and descriptions that lie beside the template.
//!
//! Deployment packs them into a bucket before the serverless transform sees the template, and the transform refuses
//! anything else. So paths are written as addresses in a bucket nobody has before the expansion, and are paths again
//! after it.

use std::sync::Arc;

use brigandine_model::Via;

use crate::{Kind, Map, Node};

/// No bucket can be called this: names have at most 63 characters and no capital letters.
const BUCKET: &str = "BESIDE-THE-TEMPLATE";
/// A repository nobody has, for images that are still to be built.
const IMAGE: &str = "000000000000.dkr.ecr.us-east-1.amazonaws.com/beside-the-template:";

/// Properties that name files beside the template, by kind of resource.
const NAMED: [(&str, &str); 5] = [
    ("AWS::Serverless::Function", "CodeUri"),
    ("AWS::Serverless::LayerVersion", "ContentUri"),
    ("AWS::Serverless::Api", "DefinitionUri"),
    ("AWS::Serverless::HttpApi", "DefinitionUri"),
    ("AWS::Serverless::StateMachine", "DefinitionUri"),
];
/// The same in Globals, by their section.
const NAMED_GLOBALLY: [(&str, &str); 2] = [("Function", "CodeUri"), ("Api", "DefinitionUri")];

/// Writes paths as addresses.
pub(crate) fn pack(root: &mut Node) {
    if let Some(globals) = section(root, "Globals") {
        for (kind, property) in NAMED_GLOBALLY {
            if let Some(node) = globals.get_mut(kind).and_then(Node::as_map_mut).and_then(|map| map.get_mut(property)) {
                pack_path(node);
            }
        }
    }
    let anywhere =
        root.at(&["Globals", "Function"]).is_some_and(|node| node.get("CodeUri").or(node.get("InlineCode")).is_some());
    let Some(resources) = section(root, "Resources") else { return };
    for (_, resource) in resources.iter_mut() {
        pack_resource(resource);
        if !anywhere {
            pack_default(resource);
        }
    }
}

/// A function without any code is built from the template's own folder.
fn pack_default(resource: &mut Node) {
    if resource.get("Type").and_then(Node::as_text) != Some("AWS::Serverless::Function") {
        return;
    }
    let Some(properties) = resource.as_map_mut().and_then(|map| map.get_mut("Properties")) else { return };
    let origin = properties.origin.with_via(Via::PlatformDefault);
    let Some(properties) = properties.as_map_mut() else { return };
    if !["CodeUri", "InlineCode", "ImageUri", "PackageType"].iter().any(|key| properties.contains_key(key)) {
        let mut path = Node::text(".", &origin);
        pack_path(&mut path);
        properties.insert("CodeUri", path);
    }
}

fn section<'n>(root: &'n mut Node, name: &str) -> Option<&'n mut Map> {
    root.as_map_mut()?.get_mut(name)?.as_map_mut()
}

fn pack_resource(resource: &mut Node) {
    let kind: Arc<str> = resource.get("Type").and_then(Node::as_text).unwrap_or_default().into();
    let built = resource.at(&["Metadata", "DockerContext"]).and_then(Node::as_text).map(str::to_owned);
    let Some(properties) = resource.as_map_mut().and_then(|map| map.get_mut("Properties")) else { return };
    let origin = properties.origin.clone();
    let Some(properties) = properties.as_map_mut() else { return };
    for (_, property) in NAMED.iter().filter(|(of, _)| *of == &*kind) {
        if let Some(node) = properties.get_mut(property) {
            pack_path(node);
        }
    }
    let image = properties.get("PackageType").and_then(Node::as_text) == Some("Image");
    if &*kind == "AWS::Serverless::Function" && image {
        if let Some(node) = properties.get_mut("ImageUri") {
            pack_image(node);
        } else {
            let context = built.unwrap_or_else(|| ".".to_owned());
            properties.insert("ImageUri", Node::text(format!("{IMAGE}{}", hex(&context)), &origin));
        }
    }
}

fn pack_path(node: &mut Node) {
    if let Kind::Scalar(scalar) = &mut node.kind
        && !scalar.text.contains("://")
    {
        scalar.text = format!("s3://{BUCKET}/{}", hex(&scalar.text)).into();
    }
}

/// The name of an image that only exists on the machine of whoever builds it.
fn pack_image(node: &mut Node) {
    if let Kind::Scalar(scalar) = &mut node.kind
        && !scalar.text.contains(".dkr.ecr.")
    {
        scalar.text = format!("{IMAGE}{}", hex(&format!("{LOCAL_NAME}{}", scalar.text))).into();
    }
}

/// Tells the name of an image from the folder of one.
const LOCAL_NAME: &str = "image ";

/// Turns the addresses back into paths, wherever the expansion has put them.
pub(crate) fn unpack(node: &mut Node) {
    if let Some(path) = packed_path(node) {
        let origin = ["S3Key", "Key"].iter().find_map(|key| node.get(key)).map(|key| key.origin.clone());
        *node = Node::text(path, &origin.unwrap_or_else(|| node.origin.clone()));
        return;
    }
    match &mut node.kind {
        Kind::List(items) => items.iter_mut().for_each(unpack),
        Kind::Map(map) => {
            for (_, value) in map.iter_mut() {
                unpack(value);
            }
        }
        Kind::Scalar(scalar) => {
            if let Some(name) = image_of(&scalar.text)
                && let Some(name) = name.strip_prefix(LOCAL_NAME)
            {
                scalar.text = name.into();
            }
        }
    }
}

/// The path, when a node is one of our addresses: bucket and key, one text, or an image still to be built.
fn packed_path(node: &Node) -> Option<String> {
    if let Some(text) = node.as_text() {
        return unhex(text.strip_prefix("s3://")?.strip_prefix(BUCKET)?.strip_prefix('/')?);
    }
    let bucket = node.get("S3Bucket").or_else(|| node.get("Bucket"))?.as_text()?;
    if bucket == BUCKET {
        return unhex(node.get("S3Key").or_else(|| node.get("Key"))?.as_text()?);
    }
    None
}

fn image_of(text: &str) -> Option<String> {
    unhex(text.strip_prefix(IMAGE)?)
}

/// The folder an image is built from, when that is all the template says of it.
pub(crate) fn image_folder(text: &str) -> Option<String> {
    image_of(text)
}

fn hex(text: &str) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
            _ => None,
        })
        .collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::load;

    #[test]
    fn paths_come_back_as_they_were() {
        let text = "Globals: {Function: {CodeUri: ./a b?/}}\nResources:\n  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: s3://real/key}}\n  G: {Type: AWS::Serverless::Function, Properties: {PackageType: Image}, Metadata: {DockerContext: ./img}}\n  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: ../läyer}}\n";
        let mut root = load(&"t.yaml".into(), text.as_bytes()).unwrap().root;
        let before = root.clone();
        pack(&mut root);
        let packed = root.at(&["Globals", "Function", "CodeUri"]).unwrap().as_text().unwrap().to_owned();
        assert!(packed.starts_with("s3://") && !packed.contains([' ', '?']), "{packed}");
        assert_eq!(root.at(&["Resources", "F", "Properties", "CodeUri"]).unwrap().as_text(), Some("s3://real/key"));
        let image = root.at(&["Resources", "G", "Properties", "ImageUri"]).unwrap().as_text().unwrap().to_owned();
        assert_eq!(image_folder(&image).as_deref(), Some("./img"));
        unpack(&mut root);
        for path in [["Resources", "L", "Properties", "ContentUri"].as_slice(), &["Globals", "Function", "CodeUri"]] {
            assert_eq!(root.at(path).unwrap().as_text(), before.at(path).unwrap().as_text());
            assert_eq!(root.at(path).unwrap().origin, before.at(path).unwrap().origin);
        }
    }
}
