//! What stands behind a route.

use std::sync::Arc;

use brigandine_model::{Cors, Fact, LogicalId, Payload, Value};

use super::Graph;
use crate::Node;

/// What stands behind a route.
pub(super) struct Behind {
    pub(super) function: Option<LogicalId>,
    /// A word for people where no function of this template is behind it.
    pub(super) target: Option<Arc<str>>,
    pub(super) timeout: Option<Fact<u32>>,
    pub(super) payload: Option<Payload>,
}

impl Behind {
    fn word(word: &str) -> Self {
        Self { function: None, target: Some(word.into()), timeout: None, payload: None }
    }

    pub(super) fn is_mock(&self) -> bool {
        self.target.as_deref() == Some("mock")
    }
}

/// The property under whichever of its names: descriptions, resources and the newer resources differ.
fn any<'a>(node: &'a Node, names: &[&str]) -> Option<&'a Node> {
    names.iter().find_map(|name| node.get(name))
}

impl Graph<'_> {
    /// Reads an integration, however it is written.
    pub(super) fn behind(&mut self, integration: Option<&Node>, owner: &LogicalId) -> Behind {
        let Some(node) = integration.and_then(|node| self.one(node, owner)) else { return Behind::word("nothing") };
        let kind = any(node, &["type", "Type", "IntegrationType"]).map(|node| self.resolve.text(node).value);
        let kind = kind.and_then(|value| value.settled().first().map(|text| text.to_ascii_lowercase()));
        let subtype = any(node, &["integrationSubtype", "IntegrationSubtype"]);
        match kind.as_deref() {
            Some("mock") => Behind::word("mock"),
            Some("http" | "http_proxy") => Behind::word("http"),
            Some("aws" | "aws_proxy") if subtype.is_some() => Behind::word("service"),
            Some("aws" | "aws_proxy") => self.behind_uri(node, owner),
            _ => {
                self.unjudged("the kind of the integration is not known", Some(owner), node);
                Behind::word("unknown")
            }
        }
    }

    fn behind_uri(&mut self, node: &Node, owner: &LogicalId) -> Behind {
        let Some(uri) = any(node, &["uri", "Uri", "IntegrationUri"]) else { return Behind::word("service") };
        let fact = self.resolve.text(uri);
        let mut behind = self.behind_function(&fact, uri, owner);
        behind.timeout = any(node, &["timeoutInMillis", "TimeoutInMillis"]).map(|node| self.resolve.number(node));
        let version = any(node, &["payloadFormatVersion", "PayloadFormatVersion"]);
        behind.payload = version.and_then(|node| match self.resolve.text(node).value.known().map(String::as_str) {
            Some("1.0" | "1") => Some(Payload::V1),
            Some("2.0" | "2") => Some(Payload::V2),
            _ => None,
        });
        behind
    }

    /// The function an invocation address leads to.
    pub(super) fn behind_function(&mut self, fact: &Fact<String>, near: &Node, owner: &LogicalId) -> Behind {
        if let Some(function) = self.function_behind(fact) {
            return Behind { function: Some(function), ..Behind::word("") }.without_word();
        }
        match &fact.value {
            Value::Known(text) if !is_function_address(text) => Behind::word("service"),
            Value::Symbolic(symbol)
                if !is_function_address(&symbol.to_string()) && symbol.resources().all(|id| !self.is_unclear(id)) =>
            {
                Behind::word("service")
            }
            Value::Unknown(why) => {
                let why = format!("what is behind the route is not known: {why}");
                self.unjudged(&why, Some(owner), near);
                Behind::word("unknown")
            }
            _ => {
                self.unjudged("the function behind the route is not part of the template", Some(owner), near);
                Behind::word("foreign function")
            }
        }
    }

    /// Whether a reference leads to something that may well be a function somewhere else.
    fn is_unclear(&self, id: &LogicalId) -> bool {
        self.declared(id).is_none_or(|declared| {
            declared.kind.starts_with("AWS::CloudFormation::") || declared.kind.starts_with("Custom::")
        })
    }

    /// The headers a mock answers with.
    pub(super) fn mock_cors(&mut self, integration: Option<&Node>, owner: &LogicalId) -> Option<Fact<Cors>> {
        let node = integration.and_then(|node| self.one(node, owner))?;
        let answers: Vec<&Node> = match any(node, &["responses", "IntegrationResponses"])? {
            map if map.as_map().is_some() => map.as_map()?.iter().map(|(_, answer)| answer).collect(),
            list => list.as_list()?.iter().collect(),
        };
        answers
            .into_iter()
            .filter_map(|answer| any(answer, &["responseParameters", "ResponseParameters"]))
            .find_map(|parameters| self.preflight(parameters))
    }
}

impl Behind {
    fn without_word(mut self) -> Self {
        self.target = None;
        self
    }
}

fn is_function_address(text: &str) -> bool {
    text.contains(":lambda:") || text.contains(":function:") || text.contains("/functions/")
}
