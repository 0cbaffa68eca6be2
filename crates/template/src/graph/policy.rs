//! Policy documents: statements, principals, conditions.

use brigandine_model::{Condition, Effect, Fact, LogicalId, Principal, Statement, Value};

use super::Graph;
use crate::{
    Node, load,
    resolve::{When, reparse},
};

impl Graph<'_> {
    /// The statements of a document. A statement that exists in some cases only has its actions in those cases only.
    pub(super) fn statements(&mut self, document: &Node, owner: &LogicalId, when: &When) -> Vec<Statement> {
        let mut found = Vec::new();
        for (inner, document) in self.resolve.choose(document) {
            let when = when.and(&inner);
            if document.as_map().is_some() && document.as_intrinsic().is_none() {
                self.document(document, owner, &when, &mut found);
            } else {
                self.document_in_text(document, owner, &when, &mut found);
            }
        }
        found
    }

    fn document(&mut self, document: &Node, owner: &LogicalId, when: &When, found: &mut Vec<Statement>) {
        let Some(statements) = document.get("Statement") else {
            return self.unjudged("the policy has no `Statement`", Some(owner), document);
        };
        for (inner, statement) in self.resolve.items(statements) {
            if statement.as_map().is_none() || statement.as_intrinsic().is_some() {
                self.unjudged("a statement of the policy is computed", Some(owner), statement);
                continue;
            }
            let statement = self.statement(statement, &when.and(&inner));
            found.push(statement);
        }
    }

    /// Some write a policy as one JSON text.
    fn document_in_text(&mut self, document: &Node, owner: &LogicalId, when: &When, found: &mut Vec<Statement>) {
        let fact = self.resolve.text(document);
        let read = fact.value.known().and_then(|text| load::load(self.resolve.file(), text.as_bytes()).ok());
        match read {
            Some(mut read) if read.root.as_map().is_some() => {
                crate::include::settle(&mut read.root, &document.origin);
                self.document(&read.root, owner, when, found);
            }
            _ => self.unjudged("the policy is computed", Some(owner), document),
        }
    }

    fn statement(&self, node: &Node, when: &When) -> Statement {
        let wrapped = |key: &str| self.strings_at(node, key).into_iter().map(|fact| when.wrap(fact)).collect();
        let (principals, except_principals) = match (node.get("Principal"), node.get("NotPrincipal")) {
            (Some(principal), _) => (self.principals(principal), false),
            (None, Some(principal)) => (self.principals(principal), true),
            (None, None) => (Vec::new(), false),
        };
        Statement {
            id: node.get("Sid").and_then(Node::as_text).map(Into::into),
            effect: self.effect(node),
            actions: wrapped("Action"),
            except_actions: wrapped("NotAction"),
            resources: self.strings_at(node, "Resource"),
            except_resources: self.strings_at(node, "NotResource"),
            principals,
            except_principals,
            conditions: self.conditions(node),
            provenance: self.at(node),
        }
    }

    fn effect(&self, node: &Node) -> Fact<Effect> {
        let Some(fact) = self.text_at(node, "Effect") else {
            return Fact::unknown("the statement has no `Effect`", self.at(node));
        };
        let parse = |text: &str| match text {
            "Allow" => Some(Effect::Allow),
            "Deny" => Some(Effect::Deny),
            _ => None,
        };
        Fact { value: reparse(fact.value, &parse, "`Allow` or `Deny`"), provenance: fact.provenance }
    }

    /// Who is meant by `Principal`: `"*"`, or kinds with names.
    pub(super) fn principals(&self, node: &Node) -> Vec<Principal> {
        let mut found = Vec::new();
        for (when, node) in self.resolve.choose(node) {
            let meant = self.principals_of_one(node);
            found.extend(meant.into_iter().map(|principal| match (principal, when.label()) {
                // Whoever means everyone in one case only must be looked at case by case.
                (Principal::Internet, Some(label)) => {
                    Principal::Unknown(format!("everyone is meant when {label}").into())
                }
                (principal, _) => principal,
            }));
        }
        found
    }

    fn principals_of_one(&self, node: &Node) -> Vec<Principal> {
        let Some(kinds) = node.as_map().filter(|_| node.as_intrinsic().is_none()) else {
            return self.resolve.strings(node).into_iter().map(account).collect();
        };
        let mut found = Vec::new();
        for (kind, names) in kinds.iter() {
            for name in self.resolve.strings(names) {
                found.push(if kind == "Service" { service(name) } else { account(name) });
            }
        }
        found
    }

    fn conditions(&self, statement: &Node) -> Vec<Condition> {
        let operators = statement.get("Condition").and_then(|node| self.resolve.first(node)).and_then(Node::as_map);
        let mut found = Vec::new();
        for (operator, keys) in operators.into_iter().flat_map(crate::Map::iter) {
            let keys = self.resolve.first(keys).and_then(Node::as_map);
            for (key, values) in keys.into_iter().flat_map(crate::Map::iter) {
                found.push(Condition {
                    operator: operator.into(),
                    key: key.into(),
                    values: self.resolve.strings(values),
                });
            }
        }
        found
    }

    /// A principal named in one text, as permissions of functions name it.
    pub(super) fn principal_text(fact: Fact<String>) -> Principal {
        let is_service = match &fact.value {
            Value::Known(text) => is_service_name(text),
            Value::Symbolic(symbol) => is_service_name(&symbol.to_string()),
            _ => false,
        };
        if is_service { service(fact) } else { account(fact) }
    }
}

fn is_service_name(text: &str) -> bool {
    text.contains(".amazonaws.com") || text.contains(".amazon.com") || text.ends_with("${AWS::URLSuffix}")
}

fn service(fact: Fact<String>) -> Principal {
    match fact.value {
        Value::Unknown(why) => Principal::Unknown(why),
        _ => Principal::Service(fact),
    }
}

fn account(fact: Fact<String>) -> Principal {
    match &fact.value {
        Value::Known(text) if text == "*" => Principal::Internet,
        Value::Unknown(why) => Principal::Unknown(why.clone()),
        _ => Principal::Account(fact),
    }
}

/// The values of a condition on one of these keys, whatever the operator compares, as long as it narrows.
pub(super) fn narrowed(statement: &Statement, keys: &[&str]) -> Option<Fact<String>> {
    let fits = |condition: &&Condition| {
        keys.iter().any(|key| condition.key.eq_ignore_ascii_case(key)) && !condition.operator.contains("Not")
    };
    statement.conditions.iter().find(fits).and_then(|condition| condition.values.first().cloned())
}
