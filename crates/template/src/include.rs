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
/// Deepest nesting of values once everything is put in: everything after this room may recurse.
const DEEPEST_VALUE: usize = load::DEEPEST;

/// Puts in what `Fn::Transform` with `AWS::Include` names beside the template.
pub(crate) fn locally(mut root: Node, input: &Input<'_>, unjudged: &mut Vec<Unjudged>) -> Result<Node, Failure> {
    let mut shelf = Shelf::new(input, unjudged);
    shelf.put_in(&mut root, Depth::default());
    shelf.done(root)
}

/// Puts in the bodies of APIs that are named as files beside the template.
pub(crate) fn bodies(mut root: Node, input: &Input<'_>, unjudged: &mut Vec<Unjudged>) -> Result<Node, Failure> {
    let mut shelf = Shelf::new(input, unjudged);
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
    /// Bytes read and values put in, over all files: a few lines can name the same large file again and again.
    bytes: usize,
    values: usize,
}

/// How deep a value stands: within values, and within files that take in files.
#[derive(Clone, Copy, Default)]
struct Depth {
    values: usize,
    files: usize,
}

impl<'a, 'i> Shelf<'a, 'i> {
    fn new(input: &'a Input<'i>, unjudged: &'a mut Vec<Unjudged>) -> Self {
        Self { input, missing: Vec::new(), unjudged, taken: 0, bytes: 0, values: 0 }
    }

    fn done(self, root: Node) -> Result<Node, Failure> {
        if self.missing.is_empty() { Ok(root) } else { Err(Failure::Missing(self.missing)) }
    }

    fn put_in(&mut self, node: &mut Node, depth: Depth) {
        // A tree that nothing is put into stays shared.
        if has_transform(node) {
            self.put_in_somewhere(node, depth);
        }
    }

    fn put_in_somewhere(&mut self, node: &mut Node, depth: Depth) {
        let deeper = Depth { values: depth.values + 1, ..depth };
        match &mut node.kind {
            Kind::Scalar(_) => return,
            Kind::List(items) => return items.iter_mut().for_each(|item| self.put_in_somewhere(item, deeper)),
            Kind::Map(map) => map.iter_mut().for_each(|(_, value)| self.put_in_somewhere(value, deeper)),
        }
        let Some(transform) = node.get("Fn::Transform") else { return };
        let origin = transform.origin.clone();
        if let Some(content) = self.content(&transform.clone(), depth) {
            self.merge(node, content, &origin);
        }
    }

    /// What a transform within the template puts in; told where that is not known.
    fn content(&mut self, transform: &Node, depth: Depth) -> Option<Node> {
        let Some(location) = included(transform) else {
            let name = transform.get("Name").and_then(Node::as_text).unwrap_or("without a name");
            return self.give_up(&format!("the macro `{name}` changes this part at deployment"), &transform.origin);
        };
        let Some(path) = location.as_text() else {
            return self.give_up("the place of the included file is computed", &location.origin);
        };
        if depth.files >= DEEPEST {
            return self.give_up(&format!("files include files more than {DEEPEST} deep"), &location.origin);
        }
        let mut content = self.fetch(path, &location.origin)?;
        if depth.values + measures(&content).height > DEEPEST_VALUE {
            let reason = format!("`{path}` nests values more than {DEEPEST_VALUE} deep where it is included");
            return self.give_up(&reason, &location.origin);
        }
        self.put_in(&mut content, Depth { files: depth.files + 1, ..depth });
        Some(content)
    }

    /// What is put in stands beside what is written, and what is written wins.
    fn merge(&mut self, node: &mut Node, content: Node, origin: &Origin) {
        let Some(map) = node.as_map_mut() else { return };
        map.remove("Fn::Transform");
        match content.kind {
            kind if map.is_empty() => node.kind = kind,
            Kind::Map(more) => {
                for (key, origin, value) in more.entries() {
                    if !map.contains_key(key) {
                        map.insert_key(crate::Key { text: key.clone(), origin: origin.clone() }, value.clone());
                    }
                }
            }
            _ => {
                self.give_up("the included file is no map, and cannot stand beside other keys", origin);
            }
        }
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
        if path.split(['/', '\\']).any(|part| part.eq_ignore_ascii_case(".git")) {
            return self.give_up(&format!("`{path}` leads into what the repository keeps for itself"), origin);
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
            Some(Some(bytes)) => self.tree(path, bytes, origin),
        }
    }

    fn tree(&mut self, path: &str, bytes: &[u8], origin: &Origin) -> Option<Node> {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > load::LARGEST {
            return self.give_up(&format!("the included files hold more than {} bytes", load::LARGEST), origin);
        }
        let mut document = match load::load(&Arc::from(path), bytes) {
            Ok(document) => document,
            Err(error) => {
                let reason = format!("`{path}` cannot be read: {error} at line {}", error.line);
                return self.give_up(&reason, origin);
            }
        };
        self.values = self.values.saturating_add(measures(&document.root).size);
        if self.values > load::MOST_NODES {
            return self.give_up(&format!("the included files hold more than {} values", load::MOST_NODES), origin);
        }
        settle(&mut document.root, origin);
        Some(document.root)
    }

    /// Tells why something is not put in, once for each place: every place in a file is the one that names it.
    fn give_up(&mut self, reason: &str, origin: &Origin) -> Option<Node> {
        let span = origin.span(&self.input.file);
        let told = Unjudged { reason: reason.into(), resource: None, code: None, span };
        if self.unjudged.last() != Some(&told) {
            self.unjudged.push(told);
        }
        None
    }
}

/// How much a tree is.
struct Measures {
    size: usize,
    height: usize,
}

fn measures(node: &Node) -> Measures {
    let mut whole = Measures { size: 1, height: 0 };
    let mut add = |inner: &Node| {
        let inner = measures(inner);
        whole.size += inner.size;
        whole.height = whole.height.max(inner.height);
    };
    node.as_list().into_iter().flatten().for_each(&mut add);
    node.as_map().into_iter().flat_map(Map::iter).for_each(|(_, value)| add(value));
    whole.height += 1;
    whole
}

fn has_transform(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar(_) => false,
        Kind::List(items) => items.iter().any(has_transform),
        Kind::Map(map) => map.iter().any(|(key, value)| key == "Fn::Transform" || has_transform(value)),
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
