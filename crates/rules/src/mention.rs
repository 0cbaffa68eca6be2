//! What a function is told of: the resources that its settings and its events name.

use std::collections::{BTreeMap, BTreeSet};

use brigandine_model::{App, Fact, Function, LogicalId, Piece, Property, Symbol, Value};

/// What other resources name together with each function: rules and their patterns, workflows, documents. Policies are left
/// out, since they are what is judged.
pub(crate) struct Surroundings<'a>(BTreeMap<&'a LogicalId, BTreeSet<&'a LogicalId>>);

impl<'a> Surroundings<'a> {
    /// Looks at every resource once.
    pub(crate) fn of(app: &'a App) -> Self {
        let mut together: BTreeMap<&LogicalId, BTreeSet<&LogicalId>> = BTreeMap::new();
        for resource in app.resources.values() {
            let judged = resource.kind.starts_with("AWS::IAM::") || &*resource.kind == "AWS::Lambda::Permission";
            let Some(properties) = resource.properties.as_ref().filter(|_| !judged) else { continue };
            let mut named = BTreeSet::new();
            let mut texts = Vec::new();
            properties.texts(&mut texts);
            texts.iter().filter_map(|(_, property)| property.text()).for_each(|value| referred(value, &mut named));
            for id in named.iter().filter(|id| app.function(id).is_some()) {
                together.entry(id).or_default().extend(&named);
            }
        }
        Self(together)
    }
}

fn referred<'a>(value: &'a Value<String>, named: &mut BTreeSet<&'a LogicalId>) {
    match value {
        Value::Symbolic(symbol) => named.extend(symbol.resources()),
        Value::OneOf(cases) => cases.iter().for_each(|case| referred(&case.value, named)),
        Value::Known(_) | Value::Unknown(_) => {}
    }
}

/// What a function is told of.
#[derive(Debug, Default)]
pub(crate) struct Mentions {
    ids: BTreeSet<LogicalId>,
    texts: BTreeSet<String>,
    /// Whether a setting holds what only the deployment knows, and so may name anything.
    pub(crate) is_open: bool,
}

impl Mentions {
    /// Everything that the settings and events of these functions name.
    pub(crate) fn of<'a>(app: &App, functions: impl IntoIterator<Item = &'a Function>) -> Self {
        let mut found = Self::default();
        for function in functions {
            found.settings(app, function);
            let sources = app.sources_of(&function.id);
            let facts = sources.flat_map(|source| source.source.iter().chain(&source.failure_target));
            facts.for_each(|fact| found.value(&fact.value));
        }
        found.one_step_further(app);
        found
    }

    /// The same with what is named beside a function: by the rule that sends it events, the workflow that calls it, the
    /// document that describes its input.
    pub(crate) fn with_surroundings<'a>(
        app: &App,
        surroundings: &Surroundings<'_>,
        functions: impl IntoIterator<Item = &'a Function>,
    ) -> Self {
        let functions: Vec<&Function> = functions.into_iter().collect();
        let mut found = Self::of(app, functions.iter().copied());
        let beside = functions.iter().filter_map(|function| surroundings.0.get(&function.id)).flatten();
        found.ids.extend(beside.map(|id| (*id).clone()));
        found
    }

    /// Whether the resource is named, by reference or by the name it will have.
    pub(crate) fn names(&self, id: &LogicalId, name: Option<&Fact<String>>) -> bool {
        let known = name.is_some_and(|fact| match &fact.value {
            Value::Known(text) => self.texts.iter().any(|own| own.contains(text.as_str())),
            Value::Symbolic(symbol) => self.texts.contains(&symbol.to_string()),
            _ => false,
        });
        known || self.ids.contains(id)
    }

    /// Whether the resource is named by reference.
    pub(crate) fn refers_to(&self, id: &LogicalId) -> bool {
        self.ids.contains(id)
    }

    /// Every setting of the function but its role: the environment, the code, networks, file systems, targets.
    fn settings(&mut self, app: &App, function: &Function) {
        let settings = app.resources.get(&function.id).and_then(|resource| resource.properties.as_ref());
        for entry in settings.map(Property::entries).unwrap_or_default() {
            if &*entry.name != "Role" {
                self.property(&entry.value);
            }
        }
        for variable in &function.environment {
            self.value(&variable.value.value);
            self.is_open |= is_open(&variable.value.value);
        }
        function.failure_targets.iter().for_each(|target| self.value(&target.value));
    }

    fn property(&mut self, property: &Property) {
        let mut texts = Vec::new();
        property.texts(&mut texts);
        texts.iter().filter_map(|(_, property)| property.text()).for_each(|value| self.value(value));
    }

    fn value(&mut self, value: &Value<String>) {
        match value {
            Value::Known(text) => {
                self.texts.insert(text.clone());
            }
            Value::Symbolic(symbol) => {
                self.ids.extend(symbol.resources().cloned());
                self.texts.insert(symbol.to_string());
            }
            Value::OneOf(cases) => cases.iter().for_each(|case| self.value(&case.value)),
            Value::Unknown(_) => {}
        }
    }

    /// A stored parameter or secret that a function is told of may hold the name of what is meant.
    fn one_step_further(&mut self, app: &App) {
        for id in self.ids.clone() {
            let Some(resource) = app.resources.get(&id) else { continue };
            let holds_names = resource.kind.starts_with("AWS::SSM::")
                || resource.kind.starts_with("AWS::SecretsManager::")
                || resource.kind.starts_with("AWS::AppConfig::")
                || resource.kind.starts_with("AWS::StepFunctions::")
                || resource.kind.starts_with("AWS::S3::AccessPoint")
                || resource.kind.starts_with("AWS::S3ObjectLambda::");
            if let (true, Some(properties)) = (holds_names, &resource.properties) {
                self.property(properties);
            }
        }
    }
}

/// Whether the text could name anything: a parameter that whoever deploys fills, or what another template exports.
fn is_open(value: &Value<String>) -> bool {
    let only_the_deployment_knows = |symbol: &Symbol| match symbol.pieces.as_slice() {
        [Piece::Parameter(name)] => !name.starts_with("AWS::"),
        pieces => pieces.iter().any(|piece| matches!(piece, Piece::Dynamic(_))),
    };
    match value {
        Value::Known(_) => false,
        Value::Symbolic(symbol) => only_the_deployment_knows(symbol),
        Value::OneOf(cases) => cases.iter().any(|case| is_open(&case.value)),
        Value::Unknown(_) => true,
    }
}
