//! Roles, with the policies written into them, beside them and attached to them. Users and groups hold policies in the same
//! way, and are roles that nobody takes.

use std::collections::BTreeMap;

use brigandine_model::{Fact, LogicalId, Role, Statement, Value};

use super::{Declared, Graph};
use crate::{
    Node,
    resolve::{When, referred},
};

pub(super) const KIND: &str = "AWS::IAM::Role";
const HOLDERS: [&str; 3] = [KIND, "AWS::IAM::User", "AWS::IAM::Group"];
const BESIDE: [&str; 5] = [
    "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::RolePolicy",
    "AWS::IAM::UserPolicy",
    "AWS::IAM::GroupPolicy",
];

impl<'n> Graph<'n> {
    pub(super) fn roles(&mut self) {
        let beside = self.policies_beside();
        for declared in self.of(&HOLDERS) {
            let role = self.role(&declared, &beside);
            self.app.roles.push(role);
        }
    }

    /// The role whose settled name stands in a resource name.
    pub(super) fn role_named(&self, fact: &Fact<String>) -> Option<LogicalId> {
        let text = match &fact.value {
            Value::Known(text) => text.clone(),
            Value::Symbolic(symbol) => symbol.to_string(),
            _ => return None,
        };
        let name = text.split_once(":role/").map_or(text.as_str(), |(_, path)| path.rsplit('/').next().unwrap_or(path));
        let named = |declared: &&Declared<'n>| {
            let written = declared.properties.and_then(|properties| self.text_at(properties, "RoleName"));
            match written.map(|fact| fact.value) {
                Some(Value::Known(known)) => known == name,
                Some(Value::Symbolic(symbol)) => symbol.to_string() == name,
                _ => false,
            }
        };
        self.resources.iter().filter(|declared| declared.kind == KIND).find(named).map(|declared| declared.id.clone())
    }

    fn role(&mut self, declared: &Declared<'n>, beside: &BTreeMap<LogicalId, Vec<Statement>>) -> Role {
        let mut role = Role {
            id: declared.id.clone(),
            statements: Vec::new(),
            managed: Vec::new(),
            trust: Vec::new(),
            boundary: None,
            provenance: declared.provenance.clone(),
        };
        if let Some(properties) = declared.properties {
            self.inline(&declared.id, properties, &mut role.statements);
            self.attached(&declared.id, properties, &mut role);
            role.boundary = self.text_at(properties, "PermissionsBoundary");
            if let Some(trust) = properties.get("AssumeRolePolicyDocument") {
                role.trust = self.statements(trust, &declared.id, &When::always());
            }
        }
        role.statements.extend(beside.get(&declared.id).into_iter().flatten().cloned());
        role
    }

    fn inline(&mut self, id: &LogicalId, properties: &Node, statements: &mut Vec<Statement>) {
        let Some(policies) = properties.get("Policies") else { return };
        for (when, policy) in self.resolve.items(policies) {
            match policy.get("PolicyDocument") {
                Some(document) => statements.extend(self.statements(document, id, &when)),
                None => self.unjudged("an inline policy has no `PolicyDocument`", Some(id), policy),
            }
        }
    }

    /// Attached policies: those of this template give their statements, others their names.
    fn attached(&mut self, id: &LogicalId, properties: &Node, role: &mut Role) {
        for fact in self.strings_at(properties, "ManagedPolicyArns") {
            let own = referred(&fact).filter(|own| self.is_kind(own, &["AWS::IAM::ManagedPolicy"]));
            let Some(declared) = own.and_then(|own| self.declared(&own).cloned()) else {
                role.managed.push(fact);
                continue;
            };
            let document = declared.properties.and_then(|properties| properties.get("PolicyDocument"));
            match document {
                Some(document) => role.statements.extend(self.statements(document, id, &When::always())),
                None => self.unjudged("the attached policy has no `PolicyDocument`", Some(id), declared.node),
            }
        }
    }

    /// Statements of policies that name their holders themselves, by holder.
    fn policies_beside(&mut self) -> BTreeMap<LogicalId, Vec<Statement>> {
        let mut by_role: BTreeMap<LogicalId, Vec<Statement>> = BTreeMap::new();
        for declared in self.of(&BESIDE) {
            let Some(properties) = declared.properties else { continue };
            let mut names: Vec<_> =
                ["Roles", "Users", "Groups"].iter().flat_map(|list| self.strings_at(properties, list)).collect();
            let singles = ["RoleName", "UserName", "GroupName"];
            names.extend(singles.iter().filter_map(|single| self.text_at(properties, single)));
            let Some(document) = properties.get("PolicyDocument") else { continue };
            let statements = self.statements(document, &declared.id, &When::always());
            for name in names {
                let own = referred(&name).filter(|id| self.is_kind(id, &HOLDERS)).or_else(|| self.role_named(&name));
                if let Some(id) = own {
                    by_role.entry(id).or_default().extend(statements.iter().cloned());
                }
            }
        }
        by_role
    }
}
