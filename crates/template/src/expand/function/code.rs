//! Where a function's or layer's code lies.

use crate::expand::fault::{Fault, Outcome};
use crate::expand::make::Maker;
use crate::expand::resource::{Made, Written};
use crate::expand::tree;
use crate::node::Node;

/// A place in object storage.
pub(in crate::expand) struct Location {
    pub(in crate::expand) bucket: Node,
    pub(in crate::expand) key: Node,
    pub(in crate::expand) version: Option<Node>,
    storage_mode: Option<Node>,
}

/// Reads `s3://bucket/key?versionId=version`.
fn parse(uri: &str) -> Option<(&str, &str, Option<&str>)> {
    let rest = uri.strip_prefix("s3://")?;
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (place, query) = rest.split_once('?').map_or((rest, ""), |(place, query)| (place, query));
    let (bucket, path) = place.split_once('/')?;
    let mut versions = query.split('&').filter_map(|pair| pair.strip_prefix("versionId=")).filter(|it| !it.is_empty());
    let version = versions.next().filter(|_| versions.next().is_none());
    (!bucket.is_empty()).then(|| (bucket, path.trim_start_matches('/'), version))
}

/// Reads a location written as a map or as an URI; absent when it is neither.
pub(in crate::expand) fn location(id: &str, name: &str, uri: &Node) -> Outcome<Location> {
    if let Some(map) = uri.as_map() {
        let (Some(bucket), Some(key)) = (tree::filled(map, "Bucket"), tree::filled(map, "Key")) else {
            let message = format!("'{name}' requires Bucket and Key properties to be specified.");
            return Err(Fault::resource(id, message).at(&uri.origin));
        };
        return Ok(Location {
            bucket: bucket.clone(),
            key: key.clone(),
            version: map.get("Version").cloned(),
            storage_mode: map.get("StorageMode").cloned(),
        });
    }
    if let Some((bucket, key, version)) = tree::text_of(uri).and_then(parse) {
        Ok(Location {
            bucket: Node::text(bucket, &uri.origin),
            key: Node::text(key, &uri.origin),
            version: version.map(|version| Node::text(version, &uri.origin)),
            storage_mode: None,
        })
    } else {
        let message = format!(
            "'{name}' is not a valid S3 Uri of the form 's3://bucket/key' with optional versionId query parameter."
        );
        Err(Fault::resource(id, message).at(&uri.origin))
    }
}

impl Location {
    /// As a map with these names for bucket, key and version.
    pub(in crate::expand) fn into_node(self, names: [&str; 3], maker: &Maker) -> Node {
        let [bucket, key, version] = names;
        let mut entries = vec![(bucket, self.bucket), (key, self.key)];
        entries.extend(self.version.map(|value| (version, value)));
        entries.extend(self.storage_mode.filter(|_| bucket == "S3Bucket").map(|value| ("S3ObjectStorageMode", value)));
        maker.map(entries)
    }
}

/// The code of a function or content of a layer.
pub(in crate::expand) fn archive(id: &str, name: &str, uri: &Node) -> Outcome<Node> {
    if let Some(text) = tree::text_of(uri)
        && has_slashed_reference(text)
    {
        let message = format!(
            "Unsupported dynamic reference detected in '{name}'. Please consider using alternative 'FunctionCode' object \
             format."
        );
        return Err(Fault::resource(id, message).at(&uri.origin));
    }
    if tree::text_of(uri).is_none() && uri.as_map().is_none() {
        return Err(Fault::resource(id, format!("'{name}' must be of type dict or string.")).at(&uri.origin));
    }
    let maker = Maker { origin: uri.origin.clone() };
    Ok(location(id, name, uri)?.into_node(["S3Bucket", "S3Key", "S3ObjectVersion"], &maker))
}

/// Whether a dynamic reference with a slash in it stands in the text: it cannot be told from a path.
fn has_slashed_reference(text: &str) -> bool {
    ["{{resolve:ssm:", "{{resolve:ssm-secure:", "{{resolve:secretsmanager:"].iter().any(|opening| {
        text.split_once(opening).and_then(|(_, rest)| rest.split_once("}}")).is_some_and(|(name, _)| name.contains('/'))
    })
}

/// The Code property of a function.
pub(super) fn construct(written: &Written) -> Outcome<Node> {
    let refuse = |message: &str| Err(written.fault(message));
    match written.filled("PackageType").map_or_else(|| "Zip".to_owned(), tree::shown).as_str() {
        "Zip" => {}
        "Image" => {
            return match written.get("ImageUri") {
                None => refuse("'ImageUri' must be set."),
                Some(uri) if tree::truthy(uri) => {
                    Ok(Maker { origin: uri.origin.clone() }.map([("ImageUri", uri.clone())]))
                }
                Some(_) => refuse("'ImageUri' requires that a image hosted at a registry be specified."),
            };
        }
        other => return refuse(&format!("invalid 'PackageType' : {other}")),
    }
    let mut code = match (written.get("InlineCode"), written.get("CodeUri")) {
        (Some(inline), _) => Maker { origin: inline.origin.clone() }.map([("ZipFile", inline.clone())]),
        (None, Some(uri)) => archive(&written.id, "CodeUri", uri)?,
        (None, None) => return refuse("Only one of 'InlineCode' or 'CodeUri' can be set."),
    };
    if let (Some(key), Some(map)) = (written.filled("SourceKMSKeyArn"), code.as_map_mut()) {
        map.insert("SourceKMSKeyArn", key.clone());
    }
    Ok(code)
}

/// Refuses properties that do not go with how the code is packed.
pub(super) fn check_package(written: &Written, function: &Made) -> Outcome<()> {
    let has = |name: &str| tree::filled(&function.properties, name).is_some();
    let image = function.properties.get("Code").and_then(|code| code.get("ImageUri")).is_some_and(tree::truthy);
    let refuse = |message: &str| Err(written.fault(message));
    if written.filled("PackageType").and_then(tree::text_of) == Some("Image") {
        if has("Handler") || has("Runtime") || has("Layers") {
            return refuse("Runtime, Handler, Layers cannot be present when PackageType is of type `Image`");
        }
        return if image { Ok(()) } else { refuse("ImageUri needs to be present when PackageType is of type `Image`") };
    }
    if !(has("Runtime") && has("Handler")) {
        return refuse("Runtime and Handler needs to be present when PackageType is of type `Zip`");
    }
    if image || has("ImageConfig") {
        return refuse("ImageUri or ImageConfig cannot be present when PackageType is of type `Zip`");
    }
    Ok(())
}
