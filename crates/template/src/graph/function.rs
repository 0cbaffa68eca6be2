//! Functions.

use brigandine_model::{Fact, Function, LogicalId, Package, Provenance, Value, Variable};

use super::{Declared, Graph, is_null};
use crate::{Node, beside, resolve::referred};

pub(super) const KIND: &str = "AWS::Lambda::Function";
pub(super) const VERSIONS: [&str; 2] = ["AWS::Lambda::Alias", "AWS::Lambda::Version"];

/// What the platform gives a function that does not ask, in MiB, seconds and MiB.
const MEMORY: u32 = 128;
const TIMEOUT: u32 = 3;
const SCRATCH: u32 = 512;

impl<'n> Graph<'n> {
    pub(super) fn functions(&mut self) {
        for declared in self.of(&[KIND]) {
            let function = self.function(&declared);
            self.app.functions.push(function);
        }
        for declared in self.of(&["AWS::Lambda::EventInvokeConfig"]) {
            self.invoke_config(&declared);
        }
    }

    fn function(&mut self, declared: &Declared<'n>) -> Function {
        let empty = Node::map(crate::Map::default(), &declared.node.origin);
        let properties = declared.properties.unwrap_or(&empty);
        let (role, foreign_role) = self.role_of(properties);
        Function {
            id: declared.id.clone(),
            name: self.text_at(properties, "FunctionName"),
            provenance: declared.provenance.clone(),
            runtime: self.text_at(properties, "Runtime"),
            handler: self.text_at(properties, "Handler"),
            package: self.package(declared, properties),
            layers: self.strings_at(properties, "Layers"),
            memory: self.number_or(declared, "MemorySize", MEMORY),
            timeout: self.number_or(declared, "Timeout", TIMEOUT),
            scratch: self.scratch(declared, properties),
            reserved_concurrency: self.number_at(properties, "ReservedConcurrentExecutions"),
            environment: self.environment(&declared.id, properties),
            role,
            foreign_role,
            failure_targets: self.dead_letter(&declared.id, properties),
            snapshot: self.snapshot(&declared.id, properties),
            architectures: self.strings_at(properties, "Architectures"),
            private_network: self.private_network(&declared.id, properties),
        }
    }

    /// The role of this template a function runs with, and the role as written where it is, or may be, another one.
    fn role_of(&self, properties: &Node) -> (Option<LogicalId>, Option<Fact<String>>) {
        let Some(fact) = self.text_at(properties, "Role") else { return (None, None) };
        let own =
            referred(&fact).filter(|id| self.is_kind(id, &[super::role::KIND])).or_else(|| self.role_named(&fact));
        match (own, &fact.value) {
            (Some(own), Value::OneOf(_)) => (Some(own), Some(fact)),
            (Some(own), _) => (Some(own), None),
            (None, _) => (None, Some(fact)),
        }
    }

    fn package(&mut self, declared: &Declared<'n>, properties: &Node) -> Package {
        if let Some(path) = self.asset(declared) {
            return path;
        }
        let Some(code) = self.part(properties, "Code", &declared.id) else { return Package::Missing };
        if let Some(text) = self.text_at(code, "ZipFile") {
            return Package::Inline(text);
        }
        if let Some(image) = self.text_at(code, "ImageUri") {
            return match image.value.known().and_then(|text| beside::image_folder(text)) {
                Some(folder) => Package::Local(Fact::known(folder, image.provenance)),
                None => Package::Image(image),
            };
        }
        self.packed(code)
    }

    fn scratch(&mut self, declared: &Declared<'n>, properties: &Node) -> Fact<u32> {
        let size =
            self.part(properties, "EphemeralStorage", &declared.id).and_then(|node| self.number_at(node, "Size"));
        size.unwrap_or_else(|| Fact::known(SCRATCH, Provenance::platform_default(declared.provenance.span.clone())))
    }

    fn environment(&mut self, id: &LogicalId, properties: &Node) -> Vec<Variable> {
        let variables = self
            .part(properties, "Environment", id)
            .and_then(|node| self.part(node, "Variables", id))
            .and_then(Node::as_map);
        let mut environment = Vec::new();
        for (name, origin, node) in variables.into_iter().flat_map(crate::Map::entries) {
            let Some(mut value) = self.resolve.optional_text(node) else { continue };
            if is_null(node) {
                value = Fact::known(String::new(), self.at(node));
            }
            value.provenance.span = value.provenance.span.or_else(|| origin.span(self.resolve.file()));
            environment.push(Variable { name: name.clone(), value });
        }
        environment
    }

    fn dead_letter(&mut self, id: &LogicalId, properties: &Node) -> Vec<Fact<String>> {
        let target = self.part(properties, "DeadLetterConfig", id).and_then(|node| self.text_at(node, "TargetArn"));
        target.into_iter().collect()
    }

    fn snapshot(&mut self, id: &LogicalId, properties: &Node) -> Option<Fact<bool>> {
        let applied = self.part(properties, "SnapStart", id).and_then(|node| self.text_at(node, "ApplyOn"))?;
        Some(Fact { value: applied.value.map(&|text| text == "PublishedVersions"), provenance: applied.provenance })
    }

    fn private_network(&mut self, id: &LogicalId, properties: &Node) -> bool {
        self.part(properties, "VpcConfig", id).is_some_and(|node| !self.strings_at(node, "SubnetIds").is_empty())
    }

    /// Where failed asynchronous runs go, said beside the function.
    fn invoke_config(&mut self, declared: &Declared<'n>) {
        let Some(properties) = declared.properties else { return };
        let function = self.text_at(properties, "FunctionName").and_then(|fact| self.function_behind(&fact));
        let target = self.part(properties, "DestinationConfig", &declared.id);
        let target = target.and_then(|node| self.part(node, "OnFailure", &declared.id));
        let target = target.and_then(|node| self.text_at(node, "Destination"));
        let Some(target) = target else { return };
        match function.and_then(|id| self.app.functions.iter_mut().find(|function| function.id == id)) {
            Some(function) => function.failure_targets.push(target),
            None => self.unjudged("the function of this failure target is not known", Some(&declared.id), properties),
        }
    }
}
