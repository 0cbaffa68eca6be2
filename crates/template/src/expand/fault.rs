//! What can be wrong with a template, while it is still known whose fault it is.

use std::sync::Arc;

use crate::node::{Map, Node, Origin};

use super::tree;

/// The result of every step.
pub(super) type Outcome<T> = Result<T, Fault>;

/// A refusal. Boxed inside, so that results stay small.
#[derive(Clone, Debug)]
pub(super) struct Fault(Box<Report>);

#[derive(Clone, Debug)]
struct Report {
    subject: Subject,
    message: String,
    /// Where it stands, once known.
    origin: Option<Origin>,
    /// Whether nothing after it can be judged.
    fatal: bool,
}

/// What a fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    Resource(Arc<str>),
    Event(Arc<str>),
    Template,
    /// The message says itself what it is about.
    Said,
}

impl Fault {
    pub(super) fn resource(id: &str, message: impl Into<String>) -> Self {
        Self::about(Subject::Resource(id.into()), message)
    }

    pub(super) fn event(id: &str, message: impl Into<String>) -> Self {
        Self::about(Subject::Event(id.into()), message)
    }

    pub(super) fn template(message: impl Into<String>) -> Self {
        Self::about(Subject::Template, message)
    }

    pub(super) fn said(message: impl Into<String>) -> Self {
        Self::about(Subject::Said, message)
    }

    /// A template fault after which nothing else is looked at.
    pub(super) fn document(message: impl Into<String>) -> Self {
        Self::template(message).fatal()
    }

    fn about(subject: Subject, message: impl Into<String>) -> Self {
        Self(Box::new(Report { subject, message: message.into(), origin: None, fatal: false }))
    }

    pub(super) fn fatal(mut self) -> Self {
        self.0.fatal = true;
        self
    }

    pub(super) fn at(mut self, origin: &Origin) -> Self {
        self.0.origin.get_or_insert_with(|| origin.clone());
        self
    }

    /// An event's fault told as the fault of the resource that holds the event.
    pub(super) fn within(self, resource: &str) -> Self {
        if !matches!(self.0.subject, Subject::Event(_)) || self.0.fatal {
            return self;
        }
        let mut told = Self::resource(resource, self.sentence());
        told.0.origin = self.0.origin;
        told
    }

    /// Whether nothing after it can be judged.
    pub(super) fn is_fatal(&self) -> bool {
        self.0.fatal
    }

    /// The resource it is about, when it is about one.
    pub(super) fn about_resource(&self) -> Option<Arc<str>> {
        match &self.0.subject {
            Subject::Resource(id) => Some(id.clone()),
            _ => None,
        }
    }

    /// Where it stands, when that is known.
    pub(super) fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// The whole message.
    pub(super) fn sentence(&self) -> String {
        let Report { subject, message, .. } = &*self.0;
        match subject {
            Subject::Resource(id) => format!("Resource with id [{id}] is invalid. {message}"),
            Subject::Event(id) => format!("Event with id [{id}] is invalid. {message}"),
            Subject::Template => format!("Structure of the SAM template is invalid. {message}"),
            Subject::Said => message.clone(),
        }
    }
}

/// Whose property is looked at, for the message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner<'o> {
    Resource(&'o str),
    Attribute(&'o str),
    Event(&'o str),
}

impl Owner<'_> {
    fn fault(self, name: &str, wanted: &str) -> Fault {
        match self {
            Self::Resource(id) => Fault::resource(id, format!("Property '{name}' should be a {wanted}.")),
            Self::Attribute(id) => Fault::resource(id, format!("Attribute '{name}' should be a {wanted}.")),
            Self::Event(id) => Fault::event(id, format!("Property '{name}' should be a {wanted}.")),
        }
    }

    pub(super) fn map<'n>(self, node: &'n Node, name: &str) -> Outcome<&'n Map> {
        node.as_map().ok_or_else(|| self.fault(name, "map").at(&node.origin))
    }

    pub(super) fn list<'n>(self, node: &'n Node, name: &str) -> Outcome<&'n [Node]> {
        node.as_list().ok_or_else(|| self.fault(name, "list").at(&node.origin))
    }

    pub(super) fn text<'n>(self, node: &'n Node, name: &str) -> Outcome<&'n str> {
        tree::text_of(node).ok_or_else(|| self.fault(name, "string").at(&node.origin))
    }

    pub(super) fn flag(self, node: &Node, name: &str) -> Outcome<bool> {
        tree::flag_of(node).ok_or_else(|| self.fault(name, "boolean").at(&node.origin))
    }

    pub(super) fn some<'n>(self, node: Option<&'n Node>, name: &str) -> Outcome<&'n Node> {
        node.filter(|node| !tree::is_null(node)).ok_or_else(|| {
            let message = format!("Property '{name}' is required.");
            match self {
                Self::Event(id) => Fault::event(id, message),
                Self::Resource(id) | Self::Attribute(id) => Fault::resource(id, message),
            }
        })
    }
}
