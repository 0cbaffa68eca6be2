//! Template parameters.

use brigandine_model::{Parameter, Provenance};

use super::{Graph, is_null};
use crate::{Meaning, Node};

impl Graph<'_> {
    pub(super) fn parameters(&mut self, plain: &Node) {
        let declared = plain.get("Parameters").and_then(Node::as_map);
        let file = self.resolve.file().clone();
        for (name, origin, node) in declared.into_iter().flat_map(crate::Map::entries) {
            let default = node.get("Default").filter(|node| !is_null(node));
            let hidden = node.get("NoEcho");
            self.app.parameters.push(Parameter {
                name: name.clone(),
                kind: node.get("Type").and_then(Node::as_text).unwrap_or("String").into(),
                default: default.and_then(Node::as_text).map(Into::into),
                hidden: hidden.is_some_and(is_true),
                provenance: Provenance { span: origin.span(&file), ..self.at(node) },
                default_span: default.and_then(|node| node.origin.span(&file)),
                hidden_span: hidden.and_then(|node| node.origin.span(&file)),
            });
        }
    }
}

/// `true`, and `"true"` as JSON templates write it.
fn is_true(node: &Node) -> bool {
    match node.meaning() {
        Some(Meaning::Bool(truth)) => truth,
        Some(Meaning::Text(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}
