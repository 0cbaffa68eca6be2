//! Plain resources to application graph.
//!
//! One file per noun. Each adds to the same [`App`] in a fixed order, so that later ones may look at earlier ones: routes
//! need functions, sources need routes. What cannot be settled is written down as unjudged, never dropped.

mod alarm;
mod api;
mod authorizer;
mod cors;
mod foreign;
mod function;
mod grant;
mod integration;
mod method;
mod openapi;
mod package;
mod parameter;
mod plan;
mod policy;
mod property;
mod role;
mod schema;
mod source;
mod store;
mod trigger;
mod url;
mod version_two;

use std::{collections::HashMap, sync::Arc};

use brigandine_model::{App, Fact, LogicalId, Provenance, Resource, Span, Symbol, Unjudged, Value};

use crate::{
    Meaning, Node, Origin, Place,
    resolve::{ABSENT, Resolver, When, reparse_number},
};

/// The graph of an expanded template. `written` is the template before its expansion.
pub(crate) fn build(resolver: &Resolver<'_>, plain: &Node, written: &Node) -> App {
    let mut keys = HashMap::new();
    keys_of(written, &mut keys);
    let mut graph =
        Graph { resolve: resolver, resources: Vec::new(), index: HashMap::new(), app: App::default(), keys };
    graph.declare(plain, written);
    graph.parameters(plain);
    graph.functions();
    graph.layers();
    graph.roles();
    graph.stores();
    graph.secrets();
    graph.keys_logs_alarms();
    graph.apis();
    graph.foreign_apis();
    graph.default_authorizers(written);
    graph.urls();
    graph.plans();
    graph.wafs();
    graph.sources();
    graph.grants();
    graph.outputs(plain);
    graph.unread(plain, written);
    graph.app.routes.sort_by_key(|route| written_at(&route.provenance));
    graph.app.unjudged.dedup();
    graph.app
}

/// The graph in the making.
struct Graph<'n> {
    resolve: &'n Resolver<'n>,
    resources: Vec<Declared<'n>>,
    /// Where each resource stands in `resources`.
    index: HashMap<LogicalId, usize>,
    app: App,
    /// Where the key stands of the value between two bytes.
    keys: HashMap<(u32, u32), Place>,
}

/// One resource as it is declared.
#[derive(Clone)]
struct Declared<'n> {
    id: LogicalId,
    kind: &'n str,
    node: &'n Node,
    /// Its properties, choices made; nothing when it has none.
    properties: Option<&'n Node>,
    provenance: Provenance,
}

impl<'n> Graph<'n> {
    fn declare(&mut self, plain: &'n Node, written: &Node) {
        let Some(resources) = plain.get("Resources").and_then(Node::as_map) else { return };
        for (key, origin, node) in resources.entries() {
            let id = LogicalId::new(key.clone());
            let provenance = Provenance { span: self.named(origin), ..self.resolve.provenance(node) };
            let Some(kind) = node.get("Type").and_then(Node::as_text) else {
                self.unjudged("the resource has no `Type`", Some(&id), node);
                continue;
            };
            let condition = node.get("Condition").and_then(Node::as_text);
            let when = condition.map_or_else(When::always, |name| self.resolve.condition(name));
            if when.is_never() {
                continue;
            }
            let properties = node.get("Properties").filter(|node| !is_null(node));
            let properties = properties.and_then(|node| self.one(node, &id));
            let written_kind = written.at(&["Resources", key, "Type"]).and_then(Node::as_text);
            let resource = Resource {
                kind: kind.into(),
                provenance: provenance.clone(),
                condition: condition.map(Into::into),
                implied_by: implied_by(written, key, origin),
                written_kind: written_kind.map(Into::into),
                properties: node.get("Properties").and_then(|node| self.property(node)),
                keeping: self.keeping(node),
            };
            self.app.resources.insert(id.clone(), resource);
            self.resources.push(Declared { id, kind, node, properties, provenance });
        }
        self.resources.sort_by_key(|declared| written_at(&declared.provenance));
        let ids = self.resources.iter().enumerate();
        self.index = ids.map(|(place, declared)| (declared.id.clone(), place)).collect();
    }

    /// The place a person would look at: the key's, where a value with a name of its own is meant.
    fn named(&self, origin: &Origin) -> Option<Span> {
        let key = origin.place.and_then(|place| self.keys.get(&(place.start, place.end))).copied();
        key.map_or_else(|| origin.clone(), Origin::written).span(self.resolve.file())
    }

    /// The resources of these kinds, in template order.
    fn of(&self, kinds: &[&str]) -> Vec<Declared<'n>> {
        self.resources.iter().filter(|declared| kinds.contains(&declared.kind)).cloned().collect()
    }

    fn declared(&self, id: &LogicalId) -> Option<&Declared<'n>> {
        self.resources.get(*self.index.get(id)?)
    }

    fn is_kind(&self, id: &LogicalId, kinds: &[&str]) -> bool {
        self.declared(id).is_some_and(|declared| kinds.contains(&declared.kind))
    }

    fn unjudged(&mut self, reason: &str, resource: Option<&LogicalId>, near: &Node) {
        let span = near.origin.span(self.resolve.file());
        self.app.unjudged.push(Unjudged { reason: reason.into(), resource: resource.cloned(), code: None, span });
    }

    /// What stands at a node, choices made. Where a condition chooses between whole structures, the case of the defaults
    /// is read and the others are told as unjudged.
    fn one<'a>(&mut self, node: &'a Node, owner: &LogicalId) -> Option<&'a Node> {
        let choices = self.resolve.choose(node);
        if choices.len() > 1 {
            let when: Vec<&str> =
                choices.iter().skip(1).filter_map(|(when, _)| when.label().map(|label| &**label)).collect();
            let reason =
                format!("part of `{owner}` depends on a condition, and the case {} is not read", when.join(" or "));
            self.unjudged(&reason, Some(owner), node);
        }
        choices.into_iter().next().map(|(_, node)| node).filter(|node| !is_null(node))
    }

    /// A property that is a structure of its own.
    fn part<'a>(&mut self, holder: &'a Node, key: &str, owner: &LogicalId) -> Option<&'a Node> {
        let node = holder.get(key)?;
        self.one(node, owner)
    }

    /// A property that is text.
    fn text_at(&self, holder: &Node, key: &str) -> Option<Fact<String>> {
        let node = holder.get(key).filter(|node| !is_null(node))?;
        self.resolve.optional_text(node)
    }

    fn number_at(&self, holder: &Node, key: &str) -> Option<Fact<u32>> {
        let fact = self.text_at(holder, key)?;
        Some(Fact { value: reparse_number(fact.value), provenance: fact.provenance })
    }

    /// A number with the platform's default where nothing is set.
    fn number_or(&self, declared: &Declared<'n>, key: &str, default: u32) -> Fact<u32> {
        let written = declared.properties.and_then(|properties| self.number_at(properties, key));
        let fact = written
            .unwrap_or_else(|| Fact::known(default, Provenance::platform_default(declared.provenance.span.clone())));
        Fact { value: filled(fact.value, default), provenance: fact.provenance }
    }

    fn flag_at(&self, holder: &Node, key: &str) -> Option<Fact<bool>> {
        holder.get(key).filter(|node| !is_null(node)).map(|node| self.resolve.boolean(node))
    }

    fn strings_at(&self, holder: &Node, key: &str) -> Vec<Fact<String>> {
        holder.get(key).map(|node| self.resolve.strings(node)).unwrap_or_default()
    }

    /// Settled texts only; others are told.
    fn settled_strings(&mut self, holder: &Node, key: &str, owner: &LogicalId) -> Vec<String> {
        let Some(node) = holder.get(key) else { return Vec::new() };
        let mut settled = Vec::new();
        for fact in self.resolve.strings(node) {
            match fact.value {
                Value::Known(text) => settled.push(text),
                Value::Symbolic(symbol) => settled.push(symbol.to_string()),
                Value::OneOf(_) => settled.extend(fact.value.settled().into_iter().cloned()),
                Value::Unknown(why) => {
                    self.unjudged(&format!("an entry of `{key}` is not known: {why}"), Some(owner), node);
                }
            }
        }
        settled
    }

    fn at(&self, node: &Node) -> Provenance {
        self.resolve.provenance(node)
    }

    /// What the transform should have taken away, and what other macros would still change.
    fn unread(&mut self, plain: &Node, written: &Node) {
        for declared in self.resources.clone() {
            let reason = match declared.kind {
                kind if kind.starts_with("AWS::Serverless::") => format!("`{kind}` was not expanded"),
                "AWS::CloudFormation::Stack" => "the nested stack is another template, which is not read".to_owned(),
                "AWS::CloudFormation::Macro" => continue,
                kind if kind.ends_with("::MODULE") => format!("the module `{kind}` is not read"),
                _ => continue,
            };
            self.unjudged(&reason, Some(&declared.id), declared.node);
        }
        // The expansion takes its own transform away, and the macros beside it with it.
        let transforms = written.get("Transform").map(|node| self.resolve.items(node)).unwrap_or_default();
        for (_, transform) in transforms {
            let name = transform.as_text().or_else(|| transform.get("Name")?.as_text()).unwrap_or("without a name");
            if !name.starts_with("AWS::Serverless-") {
                self.app.macros.push(Fact::known(name.to_owned(), self.at(transform)));
                self.unjudged(&format!("the macro `{name}` changes the template at deployment"), None, transform);
            }
        }
        self.loops(plain);
        self.circles(plain);
    }

    /// Conditions nobody can decide.
    fn circles(&mut self, plain: &Node) {
        for name in self.resolve.circular() {
            let near = plain.at(&["Conditions", &name]).unwrap_or(plain);
            self.unjudged(&format!("the condition `{name}` refers to itself"), None, near);
        }
    }

    fn loops(&mut self, plain: &Node) {
        for section in ["Resources", "Conditions"] {
            for (key, node) in plain.get(section).and_then(Node::as_map).into_iter().flat_map(crate::Map::iter) {
                if key.starts_with("Fn::ForEach") {
                    self.unjudged("what `Fn::ForEach` repeats is not read", None, node);
                }
            }
        }
    }

    /// The function a value leads to: by reference, by attribute, through an alias or version, or by its settled name.
    fn function_behind(&self, fact: &Fact<String>) -> Option<LogicalId> {
        let mut found = Vec::new();
        self.functions_in(&fact.value, 0, &mut found);
        found.dedup();
        match found.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        }
    }

    fn functions_in(&self, value: &Value<String>, depth: usize, found: &mut Vec<LogicalId>) {
        match value {
            Value::Known(text) => found.extend(self.function_named(text)),
            Value::Symbolic(symbol) => self.functions_in_symbol(symbol, depth, found),
            Value::OneOf(cases) => cases.iter().for_each(|case| self.functions_in(&case.value, depth, found)),
            Value::Unknown(_) => {}
        }
    }

    fn functions_in_symbol(&self, symbol: &Symbol, depth: usize, found: &mut Vec<LogicalId>) {
        let before = found.len();
        for id in symbol.resources() {
            match self.declared(id) {
                Some(declared) if declared.kind == function::KIND => found.push(id.clone()),
                Some(declared) if function::VERSIONS.contains(&declared.kind) && depth < 4 => {
                    let name = declared.properties.and_then(|properties| self.text_at(properties, "FunctionName"));
                    if let Some(name) = name {
                        self.functions_in(&name.value, depth + 1, found);
                    }
                }
                _ => {}
            }
        }
        if found.len() == before {
            found.extend(self.function_named(&symbol.to_string()));
        }
    }

    /// The function with the name in a resource name, or with this plain name.
    fn function_named(&self, text: &str) -> Option<LogicalId> {
        let after = text.split_once(":function:").map(|(_, rest)| rest);
        let is = |name: &str| match after {
            Some(rest) => rest.strip_prefix(name).is_some_and(|tail| tail.is_empty() || tail.starts_with([':', '/'])),
            None => text == name,
        };
        let named = |function: &&brigandine_model::Function| match function.name.as_ref().map(|name| &name.value) {
            Some(Value::Known(known)) => is(known),
            Some(Value::Symbolic(symbol)) => is(&symbol.to_string()),
            _ => false,
        };
        self.app.functions.iter().find(named).map(|function| function.id.clone())
    }
}

/// The resource in whose text another one stands that nobody wrote.
fn implied_by(written: &Node, key: &Arc<str>, origin: &Origin) -> Option<LogicalId> {
    let resources = written.get("Resources")?.as_map()?;
    if resources.contains_key(key) {
        return None;
    }
    let place = origin.place?;
    let holds = |key: &Origin, node: &Node| {
        let start = key.place.map_or(u32::MAX, |place| place.start);
        let end = node.origin.place.map_or(0, |place| place.end);
        start <= place.start && place.start < end
    };
    resources.entries().find(|(_, key, node)| holds(key, node)).map(|(id, _, _)| LogicalId::new(id.clone()))
}

/// What nobody wrote comes last.
fn written_at(provenance: &Provenance) -> usize {
    provenance.span.as_ref().map_or(usize::MAX, |span| span.start)
}

/// Keys of maps, by the bytes of their values.
fn keys_of(node: &Node, keys: &mut HashMap<(u32, u32), Place>) {
    for item in node.as_list().unwrap_or_default() {
        keys_of(item, keys);
    }
    for (_, key, value) in node.as_map().into_iter().flat_map(crate::Map::entries) {
        if let (Some(place), Some(key)) = (value.origin.place, key.place) {
            keys.insert((place.start, place.end), key);
        }
        keys_of(value, keys);
    }
}

fn is_null(node: &Node) -> bool {
    matches!(node.meaning(), Some(Meaning::Null))
}

/// The default where a case sets nothing.
fn filled(value: Value<u32>, default: u32) -> Value<u32> {
    match value {
        Value::Unknown(why) if &*why == ABSENT => Value::Known(default),
        Value::OneOf(cases) => Value::OneOf(
            cases
                .into_iter()
                .map(|case| brigandine_model::Case { when: case.when, value: filled(case.value, default) })
                .collect(),
        ),
        other => other,
    }
}

#[cfg(test)]
mod tests;
