//! Policies that the platform itself keeps, and what kind of grant they are.

use std::sync::LazyLock;

use serde::Deserialize;

/// What kind of grant a policy of the platform is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ManagedClass {
    /// Everything, or everything about identities: whoever holds it owns the account.
    Admin,
    /// Everything but identities, or everything a service offers but its administration.
    PowerUser,
    /// Everything within its services.
    FullAccess,
    /// Its name says more than it grants.
    Narrow,
    /// What a function needs to run at all.
    Execution,
    /// Reading only.
    ReadOnly,
}

/// A policy that the platform keeps.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedPolicy {
    /// Its name, without path.
    pub name: String,
    /// Its resource name in the main partition.
    pub arn: String,
    /// What kind of grant it is.
    pub class: ManagedClass,
    /// Prefixes of the services it is about; `*` for all.
    pub services: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    policies: Vec<ManagedPolicy>,
}

/// The policies that matter to functions, by name.
pub fn managed_policies() -> &'static [ManagedPolicy] {
    #[expect(clippy::expect_used, reason = "the text is part of the program and read by a test of this file")]
    static POLICIES: LazyLock<Vec<ManagedPolicy>> = LazyLock::new(|| {
        let file: File =
            serde_json::from_str(include_str!("../data/managed-policies.json")).expect("embedded policies");
        file.policies
    });
    &POLICIES
}

/// The policy of the platform that this text refers to: a bare name, or a resource name in any partition. Policies that
/// are not listed are known by the platform's naming: `...FullAccess` grants everything within a service.
///
/// Nothing is said of policies that an account keeps itself.
pub fn managed_policy(reference: &str) -> Option<ManagedPolicy> {
    let path = match reference.split_once(":policy/") {
        Some((owner, path)) if owner.ends_with(":iam::aws") => path,
        Some(_) => return None,
        None => reference,
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let listed = managed_policies().iter().find(|policy| policy.name.eq_ignore_ascii_case(name));
    listed.cloned().or_else(|| by_name(name, path))
}

fn by_name(name: &str, path: &str) -> Option<ManagedPolicy> {
    name.ends_with("FullAccess").then(|| ManagedPolicy {
        name: name.to_owned(),
        arn: format!("arn:aws:iam::aws:policy/{path}"),
        class: ManagedClass::FullAccess,
        services: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(reference: &str) -> Option<ManagedClass> {
        managed_policy(reference).map(|policy| policy.class)
    }

    #[test]
    fn references_are_understood_in_every_form() {
        assert_eq!(class("arn:aws:iam::aws:policy/AdministratorAccess"), Some(ManagedClass::Admin));
        assert_eq!(class("AmazonDynamoDBFullAccess"), Some(ManagedClass::FullAccess));
        assert_eq!(
            class("arn:aws-cn:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"),
            Some(ManagedClass::Execution)
        );
        assert_eq!(class("arn:aws:iam::aws:policy/AmazonSomethingNewFullAccess"), Some(ManagedClass::FullAccess));
        assert_eq!(class("AmazonAPIGatewayInvokeFullAccess"), Some(ManagedClass::Narrow));
    }

    #[test]
    fn what_an_account_keeps_itself_is_not_judged() {
        assert_eq!(class("arn:aws:iam::123456789012:policy/OwnFullAccess"), None);
        assert_eq!(class("SomethingElse"), None);
    }

    #[test]
    fn every_policy_is_well_formed_and_listed_once() {
        let list = managed_policies();
        assert!(list.len() > 80, "{}", list.len());
        for policy in list {
            assert!(policy.arn.ends_with(&policy.name), "{policy:?}");
            assert_eq!(list.iter().filter(|other| other.name == policy.name).count(), 1, "{}", policy.name);
        }
    }
}
