//! The APIs that events imply: made, filled with one path per event, and dropped again when no event wanted them.
//!
//! Definitions that nobody wrote are marked as ours to manage, by a property that never reaches the result.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::node::{Map, Node, Origin};

use super::conditions;
use super::fault::{Fault, Outcome, Owner};
use super::make::Maker;
use super::paths;
use super::tree;

/// The property that marks a definition as ours.
pub(super) const MANAGED: &str = "__MANAGE_SWAGGER";

/// The two styles of API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Rest,
    Http,
}

impl Style {
    fn id_property(self) -> &'static str {
        match self {
            Self::Rest => "RestApiId",
            Self::Http => "ApiId",
        }
    }

    fn implicit_id(self) -> &'static str {
        match self {
            Self::Rest => "ServerlessRestApi",
            Self::Http => "ServerlessHttpApi",
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::Rest => "Api",
            Self::Http => "HttpApi",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Rest => "AWS::Serverless::Api",
            Self::Http => "AWS::Serverless::HttpApi",
        }
    }

    /// Whether `body` is a definition of this style.
    pub(super) fn is_valid(self, body: Option<&Node>) -> bool {
        let Some(body) = body.filter(|body| body.get("paths").is_some_and(|paths| paths.as_map().is_some())) else {
            return false;
        };
        (self == Self::Rest && tree::filled_in(body, "swagger").is_some()) || paths::is_version_3(body)
    }

    /// The smallest definition.
    pub(super) fn skeleton(self, maker: &Maker) -> Node {
        let (name, version) = match self {
            Self::Rest => ("swagger", "2.0"),
            Self::Http => ("openapi", "3.0.1"),
        };
        maker.map([
            (name, maker.text(version)),
            ("info", maker.map([("version", maker.text("1.0")), ("title", maker.reference("AWS::StackName"))])),
            ("paths", maker.empty()),
        ])
    }
}

/// Gives every API without a definition an empty one.
pub(super) fn define(root: &mut Map) {
    for style in [Style::Rest, Style::Http] {
        let Some(resources) = root.get_mut("Resources").and_then(Node::as_map_mut) else { return };
        for (_, api) in resources.iter_mut() {
            if !is_kind(api, style.kind()) {
                continue;
            }
            let maker = Maker::implied_by(&api.origin);
            let Some(properties) = api.as_map_mut().and_then(|map| map_property(map, &maker)) else { continue };
            if tree::filled(properties, "DefinitionBody").or(tree::filled(properties, "DefinitionUri")).is_none() {
                properties.insert("DefinitionBody", style.skeleton(&maker));
                properties.insert(MANAGED, maker.flag(true));
            }
        }
    }
}

fn map_property<'m>(resource: &'m mut Map, maker: &Maker) -> Option<&'m mut Map> {
    if !resource.contains_key("Properties") {
        resource.insert("Properties", maker.empty());
    }
    resource.get_mut("Properties")?.as_map_mut()
}

fn is_kind(resource: &Node, kind: &str) -> bool {
    resource.get("Type").and_then(tree::text_of) == Some(kind)
}

type Conditions = IndexMap<String, IndexMap<String, Option<String>>>;

/// What the events said about the APIs they belong to.
#[derive(Default)]
struct Gathered {
    conditions: IndexMap<String, Conditions>,
    deletion: Vec<String>,
    replacement: Vec<String>,
}

/// Who holds an event, as far as its API cares.
struct Holder<'h> {
    node: &'h Node,
    condition: Option<String>,
}

/// Makes the implicit API of one style and adds to each API the paths of the events that belong to it.
pub(super) fn gather(root: &mut Map, style: Style) -> Result<(), Vec<Fault>> {
    let globals = root.get("Globals").cloned();
    let Some(resources) = root.get_mut("Resources").and_then(Node::as_map_mut) else { return Ok(()) };
    let existing = resources.get(style.implicit_id()).cloned();
    let first = first_implying(resources, style).unwrap_or_default();
    resources.insert(style.implicit_id(), implicit_api(style, &Maker::implied_by(&first)));

    let mut gathered = Gathered::default();
    let mut faults = Vec::new();
    for id in holders(resources) {
        if let Err(fault) = gather_from(resources, &id, style, globals.as_ref(), &mut gathered) {
            if fault.is_fatal() {
                return Err(vec![fault]);
            }
            faults.push(fault.within(&id));
        }
    }
    settle(root, style, &gathered);
    let Some(resources) = root.get_mut("Resources").and_then(Node::as_map_mut) else { return Ok(()) };
    let unused = resources
        .get(style.implicit_id())
        .and_then(|api| api.at(&["Properties", "DefinitionBody", "paths"]))
        .is_some_and(|paths| !tree::truthy(paths));
    if unused {
        match existing {
            Some(existing) => resources.insert(style.implicit_id(), existing),
            None => resources.remove(style.implicit_id()),
        };
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn implicit_api(style: Style, maker: &Maker) -> Node {
    let mut properties = vec![("DefinitionBody", style.skeleton(maker)), (MANAGED, maker.flag(true))];
    if style == Style::Rest {
        properties.push(("StageName", maker.text("Prod")));
    }
    maker.map([("Type", maker.text(style.kind())), ("Properties", maker.map(properties))])
}

/// The first event that belongs to the implicit API: the line a person would edit to change that API.
fn first_implying(resources: &Map, style: Style) -> Option<Origin> {
    resources
        .iter()
        .filter_map(|(_, holder)| holder.at(&["Properties", "Events"])?.as_map())
        .flat_map(Map::iter)
        .find(|(_, event)| is_kind(event, style.event()) && event.at(&["Properties", style.id_property()]).is_none())
        .map(|(_, event)| event.origin.clone())
}

fn holders(resources: &Map) -> Vec<Arc<str>> {
    let holds =
        |node: &Node| is_kind(node, "AWS::Serverless::Function") || is_kind(node, "AWS::Serverless::StateMachine");
    resources.iter().filter(|(_, node)| holds(node)).map(|(id, _)| Arc::from(id)).collect()
}

fn gather_from(
    resources: &mut Map,
    id: &str,
    style: Style,
    globals: Option<&Node>,
    gathered: &mut Gathered,
) -> Outcome<()> {
    let Some(node) = resources.get(id).cloned() else { return Ok(()) };
    let Some(events) = node.at(&["Properties", "Events"]).and_then(Node::as_map) else { return Ok(()) };
    let condition = match node.get("Condition").filter(|condition| tree::truthy(condition)) {
        None => None,
        Some(condition) => Some(
            tree::text_of(condition)
                .map(str::to_owned)
                .ok_or_else(|| Fault::document("Every Condition member must be a string.").at(&condition.origin))?,
        ),
    };
    let holder = Holder { node: &node, condition };
    for (event_id, event) in events.iter().filter(|(_, event)| is_kind(event, style.event())) {
        let event = gather_event(resources, &holder, (event_id, event), style, globals, gathered);
        let event = event.map_err(|fault| fault.at(&node.origin))?;
        let slot = resources.get_mut(id).and_then(|node| node.as_map_mut()?.get_mut("Properties"));
        let slot = slot.and_then(|properties| properties.as_map_mut()?.get_mut("Events")?.as_map_mut());
        if let Some(slot) = slot {
            slot.insert(event_id, event);
        }
    }
    Ok(())
}

fn gather_event(
    resources: &mut Map,
    holder: &Holder<'_>,
    (event_id, event): (&str, &Node),
    style: Style,
    globals: Option<&Node>,
    gathered: &mut Gathered,
) -> Outcome<Node> {
    let maker = Maker::implied_by(&event.origin);
    let mut event = event.clone();
    let written = event.get("Properties").cloned();
    if style == Style::Rest && !written.as_ref().is_some_and(tree::truthy) {
        return Ok(event);
    }
    let written = written.unwrap_or_else(|| maker.empty());
    let Some(mut properties) = written.as_map().cloned() else {
        return Err(Fault::event(event_id, "Properties should be a map.").at(&written.origin));
    };
    if !properties.contains_key(style.id_property()) {
        pass_tags_on(resources, holder.node, style, globals, &maker);
        properties.insert(style.id_property(), maker.reference(style.implicit_id()));
    }
    let unrouted = |name| tree::filled(&properties, name).is_none();
    if style == Style::Http && unrouted("Path") && unrouted("Method") {
        properties.insert("Path", maker.text("$default"));
        properties.insert("Method", maker.text(paths::ANY_METHOD));
    }
    let (api, path, method) = route(event_id, &properties, style)?;
    gathered
        .conditions
        .entry(api.clone())
        .or_default()
        .entry(path.clone())
        .or_default()
        .insert(method.clone(), holder.condition.clone());
    if api == style.implicit_id() {
        let policy = |name| holder.node.get(name).and_then(tree::text_of).map(str::to_owned);
        gathered.deletion.extend(policy("DeletionPolicy"));
        gathered.replacement.extend(policy("UpdateReplacePolicy"));
    }
    add_path(resources, event_id, (&api, &path, &method), style, &maker)?;
    if style == Style::Http && properties.contains_key("RouteSettings") {
        add_route_settings(resources, event_id, (&api, &path, &method), &properties, holder)?;
    }
    if let Some(map) = event.as_map_mut() {
        map.insert("Properties", Node::map(properties, &written.origin));
    }
    Ok(event)
}

fn route(event_id: &str, properties: &Map, style: Style) -> Outcome<(String, String, String)> {
    let owner = Owner::Event(event_id);
    let api = properties.get(style.id_property());
    let api = api.map(|api| api.get("Ref").unwrap_or(api));
    let path = owner.some(properties.get("Path"), "Path")?;
    let method = owner.some(properties.get("Method"), "Method")?;
    let api = match api.and_then(tree::text_of) {
        Some(api) => api,
        None => owner.text(api.unwrap_or(path), style.id_property()).and(Err(wrong_id(event_id, style)))?,
    };
    Ok((api.to_owned(), owner.text(path, "Path")?.to_owned(), owner.text(method, "Method")?.to_owned()))
}

fn wrong_id(event_id: &str, style: Style) -> Fault {
    let message = format!(
        "{} must be a valid reference to an '{}' resource in same template.",
        style.id_property(),
        style.kind()
    );
    Fault::event(event_id, message)
}

fn add_path(
    resources: &mut Map,
    event_id: &str,
    (api, path, method): (&str, &str, &str),
    style: Style,
    maker: &Maker,
) -> Outcome<()> {
    let Some(resource) = resources.get_mut(api) else { return Err(wrong_id(event_id, style)) };
    if style == Style::Rest && is_kind(resource, Style::Http.kind()) {
        return Err(wrong_id(event_id, style));
    }
    let Some(properties) = resource.as_map_mut().and_then(|map| map.get_mut("Properties")?.as_map_mut()) else {
        return Ok(());
    };
    let ours = tree::filled(properties, MANAGED).is_some();
    match properties.get_mut("DefinitionBody") {
        Some(body) if ours && style.is_valid(Some(body)) => paths::add(body, path, method, &maker.origin),
        _ => Ok(()),
    }
}

fn pass_tags_on(resources: &mut Map, holder: &Node, style: Style, globals: Option<&Node>, maker: &Maker) {
    let section = holder.get("Type").and_then(tree::text_of).and_then(|kind| kind.rsplit("::").next()).unwrap_or("");
    let given = |name: &str| {
        let own = holder.at(&["Properties", name]).filter(|node| tree::truthy(node));
        let global = || globals?.at(&[section, name]).filter(|node| tree::truthy(node));
        own.or_else(global).cloned()
    };
    let (Some(_), Some(tags)) = (given("PropagateTags"), given("Tags")) else { return };
    let Some(tags) = tags.as_map() else { return };
    let api = resources.get_mut(style.implicit_id()).and_then(|api| api.as_map_mut()?.get_mut("Properties"));
    if let Some(properties) = api.and_then(Node::as_map_mut) {
        if let Some(merged) = tree::subtree(properties, "Tags", &maker.origin).and_then(Node::as_map_mut) {
            tree::overlay(merged, tags);
        }
        properties.insert("PropagateTags", maker.flag(true));
    }
}

fn add_route_settings(
    resources: &mut Map,
    event_id: &str,
    (api, path, method): (&str, &str, &str),
    event: &Map,
    holder: &Holder<'_>,
) -> Outcome<()> {
    let Some(settings) = event.get("RouteSettings") else { return Ok(()) };
    let maker = Maker::implied_by(&settings.origin);
    let settings = match &holder.condition {
        Some(condition) => maker.only_if(&maker.text(condition.as_str()), settings.clone()),
        None => settings.clone(),
    };
    let settings = Owner::Event(event_id).map(&settings, "RouteSettings")?;
    let route = if method == paths::ANY_METHOD { path.to_owned() } else { format!("{} {path}", method.to_uppercase()) };
    let api_node = resources.get_mut(api).and_then(|api| api.as_map_mut()?.get_mut("Properties"));
    let Some(properties) = api_node.and_then(Node::as_map_mut) else { return Ok(()) };
    if let Some(written) = properties.get("RouteSettings") {
        Owner::Resource(api).map(written, "RouteSettings")?;
    }
    let routes = tree::subtree(properties, "RouteSettings", &maker.origin).and_then(Node::as_map_mut);
    let slot = routes.and_then(|routes| tree::subtree(routes, &route, &maker.origin)?.as_map_mut());
    if let Some(slot) = slot {
        tree::overlay(slot, settings);
    }
    Ok(())
}

/// Puts conditions and policies that all events share on the APIs and paths made of them.
fn settle(root: &mut Map, style: Style, gathered: &Gathered) {
    let implicit = style.implicit_id();
    let origin = root.get("Resources").and_then(|all| all.get(implicit)).map(|api| api.origin.clone());
    let maker = Maker::implied_by(&origin.unwrap_or_default());
    if let Some(paths) = gathered.conditions.get(implicit) {
        let name = format!("{implicit}Condition");
        if let Some(condition) = shared(root, paths.values().flat_map(IndexMap::values), &name, &maker) {
            set_attribute(root, implicit, "Condition", &condition, &maker);
        }
    }
    for (name, said, ranks) in [
        ("DeletionPolicy", &gathered.deletion, &["Retain", "Delete"][..]),
        ("UpdateReplacePolicy", &gathered.replacement, &["Retain", "Snapshot", "Delete"][..]),
    ] {
        if let Some(strongest) = ranks.iter().find(|rank| said.iter().any(|policy| policy == **rank)) {
            set_attribute(root, implicit, name, strongest, &maker);
        }
    }
    for (api, paths) in &gathered.conditions {
        settle_paths(root, api, paths, style, &maker);
    }
}

fn settle_paths(root: &mut Map, api: &str, conditions: &Conditions, style: Style, maker: &Maker) {
    for (path, methods) in conditions {
        let ours = root.get("Resources").and_then(|all| all.get(api)).is_some_and(|api| {
            is_kind(api, style.kind()) && api.at(&["Properties", MANAGED]).is_some_and(tree::truthy)
        });
        if !ours {
            return;
        }
        let readable = path.replace('/', "SLASH").replace('{', "OB").replace('}', "CB");
        let Some(condition) = shared(root, methods.values(), &format!("{api}{readable}PathCondition"), maker) else {
            continue;
        };
        let resource = root.get_mut("Resources").and_then(|all| all.as_map_mut()?.get_mut(api)?.as_map_mut());
        let body = resource.and_then(|api| api.get_mut("Properties")?.as_map_mut()?.get_mut("DefinitionBody"));
        if let Some(body) = body {
            paths::make_conditional(body, path, &condition, maker);
        }
    }
}

/// The one condition under which any of these is there, added to the template when it has to be combined.
fn shared<'c>(
    root: &mut Map,
    all: impl Iterator<Item = &'c Option<String>>,
    name: &str,
    maker: &Maker,
) -> Option<String> {
    let all: Option<BTreeSet<String>> = all.cloned().collect();
    let all: Vec<String> = all?.into_iter().collect();
    match &all[..] {
        [] => None,
        [only] => Some(only.clone()),
        several => {
            conditions::combine(conditions::section(root, maker)?, name, several, maker);
            Some(name.to_owned())
        }
    }
}

fn set_attribute(root: &mut Map, id: &str, name: &str, value: &str, maker: &Maker) {
    let resource = root.get_mut("Resources").and_then(|all| all.as_map_mut()?.get_mut(id)?.as_map_mut());
    if let Some(resource) = resource {
        resource.insert(name, maker.text(value));
    }
}

/// Moves definitions of ours that a version 3 was asked for to that version.
pub(super) fn align_versions(root: &mut Map) {
    let Some(resources) = root.get_mut("Resources").and_then(Node::as_map_mut) else { return };
    for (_, api) in resources.iter_mut().filter(|(_, api)| is_kind(api, Style::Rest.kind())) {
        let Some(properties) = api.as_map_mut().and_then(|map| map.get_mut("Properties")?.as_map_mut()) else {
            continue;
        };
        let Some(version) = properties.get("OpenApiVersion").filter(|version| paths::is_version(version, "3")) else {
            continue;
        };
        let version = Node::text(tree::shown(version), &version.origin);
        if !properties.contains_key(MANAGED) {
            continue;
        }
        if let Some(body) = properties.get_mut("DefinitionBody").and_then(Node::as_map_mut) {
            body.insert("openapi", version.clone());
            body.remove("swagger");
        }
        properties.insert("OpenApiVersion", version);
    }
}
