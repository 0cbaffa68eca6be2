//! Files a template takes in: `AWS::Include`, and the bodies of APIs kept beside it.
//!
//! The expander must not see an API's external body: an external body gets no authorizers from the transform, and
//! reading it in too early would hide open routes. So includes are put in before the expansion, bodies after it.

use std::sync::Arc;

use brigandine_model::Unjudged;

use crate::{Failure, Input, Kind, Map, Node, Origin, load};

/// Files that take in files that take in files, at most so often.
const DEEPEST: usize = 4;
/// Most files one template may ask for.
const MOST_FILES: usize = 64;

/// Puts in what `Fn::Transform` with `AWS::Include` names beside the template.
pub(crate) fn locally(root: Node, input: &Input<'_>, unjudged: &mut Vec<Unjudged>) -> Result<Node, Failure> {
    let mut shelf = Shelf { input, missing: Vec::new(), unjudged, taken: 0 };
    let root = shelf.put_in(root, 0);
    shelf.done(root)
}

/// Puts in the bodies of APIs that are named as files beside the template.
pub(crate) fn bodies(mut root: Node, input: &Input<'_>, unjudged: &mut Vec<Unjudged>) -> Result<Node, Failure> {
    let mut shelf = Shelf { input, missing: Vec::new(), unjudged, taken: 0 };
    let resources = root.as_map_mut().and_then(|map| map.get_mut("Resources")).and_then(Node::as_map_mut);
    if let Some(resources) = resources {
        for (_, resource) in resources.iter_mut() {
            shelf.body(resource);
        }
    }
    shelf.done(root)
}

struct Shelf<'a, 'i> {
    input: &'a Input<'i>,
    missing: Vec<String>,
    unjudged: &'a mut Vec<Unjudged>,
    taken: usize,
}

impl Shelf<'_, '_> {
    fn done(self, root: Node) -> Result<Node, Failure> {
        if self.missing.is_empty() { Ok(root) } else { Err(Failure::Missing(self.missing)) }
    }

    fn put_in(&mut self, node: Node, depth: usize) -> Node {
        let origin = node.origin;
        let kind = match node.kind {
            Kind::Scalar(scalar) => Kind::Scalar(scalar),
            Kind::List(items) => Kind::List(items.into_iter().map(|item| self.put_in(item, depth)).collect()),
            Kind::Map(map) => self.put_in_map(&map, depth),
        };
        Node { kind, origin }
    }

    /// A map with its includes put in: what they hold stands beside what is written, and what is written wins.
    fn put_in_map(&mut self, map: &Map, depth: usize) -> Kind {
        let location = map.get("Fn::Transform").and_then(included).map(|node| (node.origin.clone(), node.as_text()));
        let content = match location {
            Some((origin, Some(path))) => self.fetch(path, &origin),
            _ => None,
        };
        let taken = content.map(|content| if depth < DEEPEST { self.put_in(content, depth + 1) } else { content });
        let alone = map.len() == 1;
        let mut whole = Map::default();
        for (key, origin, value) in map.entries() {
            if taken.is_some() && &**key == "Fn::Transform" {
                continue;
            }
            let value = self.put_in(value.clone(), depth);
            whole.insert_key(crate::Key { text: key.clone(), origin: origin.clone() }, value);
        }
        match taken.map(|node| node.kind) {
            Some(kind) if alone => return kind,
            Some(Kind::Map(more)) => {
                for (key, origin, value) in more.entries().filter(|(key, _, _)| !map.contains_key(key)) {
                    whole.insert_key(crate::Key { text: key.clone(), origin: origin.clone() }, value.clone());
                }
            }
            _ => {}
        }
        Kind::Map(whole)
    }

    fn body(&mut self, resource: &mut Node) {
        let property = match resource.get("Type").and_then(Node::as_text) {
            Some("AWS::ApiGateway::RestApi" | "AWS::ApiGatewayV2::Api") => ("BodyS3Location", "Body"),
            Some("AWS::StepFunctions::StateMachine") => ("DefinitionS3Location", "Definition"),
            _ => return,
        };
        let Some(properties) = resource.as_map_mut().and_then(|map| map.get_mut("Properties")) else { return };
        let Some(properties) = properties.as_map_mut() else { return };
        let Some(location) = properties.get(property.0).filter(|node| node.as_text().is_some()) else { return };
        let (path, origin) = (location.as_text().unwrap_or_default().to_owned(), location.origin.clone());
        if let Some(content) = self.fetch(&path, &origin) {
            properties.remove(property.0);
            properties.insert(property.1, content);
        }
    }

    /// The tree of a file beside the template; every place in it is the place that names the file.
    fn fetch(&mut self, path: &str, origin: &Origin) -> Option<Node> {
        if path.starts_with("s3://") || path.contains("://") {
            return self.give_up(&format!("`{path}` is not beside the template"), origin);
        }
        if path.starts_with(['/', '\\', '~']) || path.contains(':') || path.is_empty() {
            return self.give_up(&format!("`{path}` leads out of the repository"), origin);
        }
        self.taken += 1;
        if self.taken > MOST_FILES {
            return self.give_up(&format!("more than {MOST_FILES} files are included"), origin);
        }
        match self.input.sources.get(path) {
            None => {
                if !self.missing.iter().any(|known| known == path) {
                    self.missing.push(path.to_owned());
                }
                None
            }
            Some(None) => self.give_up(&format!("the file `{path}` could not be read"), origin),
            Some(Some(bytes)) => match load::load(&Arc::from(path), bytes) {
                Ok(mut document) => {
                    settle(&mut document.root, origin);
                    Some(document.root)
                }
                Err(error) => self.give_up(&format!("`{path}` cannot be read: {error} at line {}", error.line), origin),
            },
        }
    }

    fn give_up(&mut self, reason: &str, origin: &Origin) -> Option<Node> {
        let span = origin.span(&self.input.file);
        self.unjudged.push(Unjudged { reason: reason.into(), resource: None, code: None, span });
        None
    }
}

fn included(transform: &Node) -> Option<&Node> {
    (transform.get("Name")?.as_text()? == "AWS::Include").then(|| transform.at(&["Parameters", "Location"]))?
}

/// Gives every node the one place.
pub(crate) fn settle(node: &mut Node, origin: &Origin) {
    node.origin = origin.clone();
    match &mut node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => items.iter_mut().for_each(|item| settle(item, origin)),
        Kind::Map(map) => map.iter_mut().for_each(|(_, value)| settle(value, origin)),
    }
}
