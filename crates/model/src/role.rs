//! Roles: what a function may do once it runs.

use std::sync::Arc;

use serde::Serialize;

use crate::{Fact, LogicalId, Principal, Provenance};

/// A role.
#[derive(Clone, Debug, Serialize)]
pub struct Role {
    /// Its logical id.
    pub id: LogicalId,
    /// What it allows and denies, from all policies written into the template.
    pub statements: Vec<Statement>,
    /// Policies kept elsewhere: names or resource names as written.
    pub managed: Vec<Fact<String>>,
    /// Who may assume it.
    pub trust: Vec<Statement>,
    /// The policy that bounds it.
    pub boundary: Option<Fact<String>>,
    /// Where it is declared, or the function that implies it.
    pub provenance: Provenance,
}

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Allows.
    Allow,
    /// Denies, whatever else allows.
    Deny,
}

/// One statement of a policy.
#[derive(Clone, Debug, Serialize)]
pub struct Statement {
    /// Its own name.
    pub id: Option<Arc<str>>,
    /// Allows or denies.
    pub effect: Fact<Effect>,
    /// Actions with wildcards, as written. Empty when `except_actions` is used.
    pub actions: Vec<Fact<String>>,
    /// All actions but these.
    pub except_actions: Vec<Fact<String>>,
    /// Resource patterns with wildcards. Empty when `except_resources` is used, and in trusts.
    pub resources: Vec<Fact<String>>,
    /// All resources but these.
    pub except_resources: Vec<Fact<String>>,
    /// Who is meant, in trusts and resource policies.
    pub principals: Vec<Principal>,
    /// Whether the principals are those who are *not* meant.
    pub except_principals: bool,
    /// When it applies.
    pub conditions: Vec<Condition>,
    /// Where it is declared.
    pub provenance: Provenance,
}

/// One condition of a statement: operator, key, and the values of which one must fit.
#[derive(Clone, Debug, Serialize)]
pub struct Condition {
    /// Operator as written (`StringEquals`, `ForAllValues:StringLike`).
    pub operator: Arc<str>,
    /// Key as written (`aws:SourceArn`).
    pub key: Arc<str>,
    /// Values.
    pub values: Vec<Fact<String>>,
}
