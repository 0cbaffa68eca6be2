//! The events of functions: what they imply, and the permission each needs to call the function.

mod api;
mod cognito;
mod http;
mod iot;
mod logs;
mod pulled;
mod pulled_policy;
pub(super) mod rest_auth;
pub(super) mod rule;
pub(super) mod scheduler;
mod storage;
mod topic;

pub(super) use api::Route;
pub(super) use api::stage as check_rest_api;

use crate::node::{Map, Node};

use super::Expansion;
use super::fault::{Fault, Outcome};
use super::make::Maker;
use super::resource::{self, Made, Written};
use super::shape::{self, Property};
use super::tree;

/// What an event calls: a function, or an alias of it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) id: String,
    /// What names it to a permission or a mapping.
    pub(super) name: Node,
    pub(super) arn: Node,
    pub(super) attributes: Map,
}

impl Target {
    pub(super) fn of_function(function: &Made, alias: Option<&Made>) -> Self {
        let maker = Maker::implied_by(&function.origin);
        let (id, attributes) = match alias {
            Some(alias) => (&alias.id, &alias.attributes),
            None => (&function.id, &function.attributes),
        };
        let name = maker.reference(id.as_str());
        let arn = if alias.is_some() { name.clone() } else { maker.attribute(id, "Arn") };
        Self { id: id.clone(), name, arn, attributes: attributes.clone() }
    }

    pub(super) fn passed_on(&self) -> Map {
        resource::passed_on(&self.attributes)
    }

    pub(super) fn condition(&self) -> Option<&Node> {
        self.attributes.get("Condition")
    }
}

/// An event as written.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Its own name.
    pub(super) name: String,
    pub(super) kind: String,
    /// Its properties; the id is the holder's followed by its own.
    pub(super) written: Written,
}

impl Event {
    /// Reads an event of the resource `holder`.
    pub(super) fn read(
        holder: &str,
        name: &str,
        node: &Node,
        properties: impl Fn(&str) -> Option<&'static [Property]>,
    ) -> Outcome<Self> {
        let kind = node.get("Type").map_or_else(|| "None".to_owned(), tree::shown);
        let Some(known) = properties(&kind) else {
            let message = format!("Resource dict has missing or invalid value for key Type. Event Type is: {kind}.");
            return Err(Fault::event(name, message).at(&node.origin));
        };
        let written = Written::read(&format!("{holder}{name}"), &kind, node, known)?;
        Ok(Self { name: name.to_owned(), kind, written })
    }

    pub(super) fn id(&self) -> &str {
        &self.written.id
    }

    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.written.get(name)
    }

    pub(super) fn maker(&self) -> Maker {
        self.written.maker()
    }

    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::event(&self.name, message).at(&self.written.origin)
    }

    /// A resource of the event's own id.
    pub(super) fn made(&self, kind: &'static str, attributes: &Map) -> Made {
        Made::new(self.id(), kind, &self.maker(), attributes)
    }

    /// The permission for `principal` to call the target.
    fn permission(&self, target: &Target, principal: &str, suffix: &str) -> Made {
        let maker = self.maker();
        let id = if !suffix.is_empty() && suffix.chars().all(char::is_alphanumeric) {
            format!("{}Permission{suffix}", self.id())
        } else {
            format!("{}Permission{}", self.id(), tree::suffix_of_text(suffix))
        };
        Made::new(id, "AWS::Lambda::Permission", &maker, &target.passed_on())
            .with("Action", maker.text("lambda:InvokeFunction"))
            .with("FunctionName", target.name.clone())
            .with("Principal", maker.text(principal))
    }
}

/// Reads the events of a function in the order they are expanded, refusing ones that point nowhere.
pub(super) fn of_function(cx: &Expansion<'_>, written: &Written) -> Outcome<Vec<Event>> {
    let Some(events) = written.filled("Events").and_then(Node::as_map) else { return Ok(Vec::new()) };
    let mut read = Vec::new();
    for (name, node) in events.iter() {
        let event = Event::read(&written.id, name, node, shape::event_properties)?;
        match event.kind.as_str() {
            "S3" => storage::check(cx, &event)?,
            "Cognito" => cognito::check(cx, &event)?,
            "Api" => api::check(cx, &event)?,
            _ => {}
        }
        read.push(event);
    }
    read.sort_by_cached_key(|event| event.written.text("Path").unwrap_or(&event.name).to_owned());
    Ok(read)
}

/// Expands one event of a function.
pub(super) fn expand(cx: &mut Expansion<'_>, target: &Target, role: &mut Made, event: Event) -> Outcome<Vec<Made>> {
    match event.kind.as_str() {
        "Api" => api::expand(cx, target, &event),
        "HttpApi" => http::expand(cx, target, event),
        "Schedule" => rule::schedule(target, &event),
        "CloudWatchEvent" | "EventBridgeRule" => rule::pattern(target, &event),
        "ScheduleV2" => scheduler::expand(&scheduler::Called::Function(target), &event),
        "S3" => storage::expand(cx, target, &event),
        "SNS" => topic::expand(cx, target, role, &event),
        "CloudWatchLogs" => Ok(logs::expand(cx, target, &event)),
        "AlexaSkill" => {
            let mut permission = event.permission(target, "alexa-appkit.amazon.com", "");
            permission.set_given("EventSourceToken", event.get("SkillId"));
            Ok(vec![permission])
        }
        "IoTRule" => Ok(iot::expand(cx, target, &event)),
        "Cognito" => cognito::expand(cx, target, &event),
        _ => pulled::expand(cx, target, role, &event),
    }
}
