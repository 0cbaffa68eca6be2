//! The one list of rules. A code is never used twice, not even after its rule is gone.

use crate::Rule;

mod account_wide_invoke;
pub(crate) mod any_action_any_resource;
mod any_model;
mod broad_managed_policy;
mod broad_reading_policy;
mod decrypt_with_any_key;
mod function_takeover;
mod identity_escalation;
mod inverted_policy;
mod invoke_any_function;
mod lost_async_events;
mod missing_boundary;
mod open_function_url;
mod open_trust;
mod pattern_over_other_stores;
mod public_destruction;
mod read_any_secret;
mod role_passing;
mod secret_in_environment;
mod secret_parameter_in_clear;
mod service_wide_action;
mod shared_role;
mod stale_suppression;
mod unauthenticated_route;
mod unmentioned_store;
mod unsupported_runtime;
mod unthrottled_api;
mod vanishing_condition;
mod wide_blast_radius;
mod wide_role_assumption;
mod wildcard_policy_template;
pub(crate) mod write_on_any_resource;

pub(crate) use stale_suppression::StaleSuppression;

/// Every rule, by code within its practice.
pub const RULES: &[&dyn Rule] = &[
    &any_action_any_resource::AnyActionAnyResource,
    &service_wide_action::ServiceWideAction,
    &write_on_any_resource::WriteOnAnyResource,
    // LP004 is no rule but a restraint: an action that only ever takes `*` is no fault. LP003 says so where it matters.
    &broad_managed_policy::BroadManagedPolicy,
    &broad_reading_policy::BroadReadingPolicy,
    &wildcard_policy_template::WildcardPolicyTemplate,
    &shared_role::SharedRole,
    &unmentioned_store::UnmentionedStore,
    &pattern_over_other_stores::PatternOverOtherStores,
    &role_passing::RolePassing,
    &function_takeover::FunctionTakeover,
    &identity_escalation::IdentityEscalation,
    &wide_role_assumption::WideRoleAssumption,
    &inverted_policy::InvertedPolicy,
    &open_trust::OpenTrust,
    &decrypt_with_any_key::DecryptWithAnyKey,
    &read_any_secret::ReadAnySecret,
    &any_model::AnyModel,
    &account_wide_invoke::AccountWideInvoke,
    &invoke_any_function::InvokeAnyFunction,
    &public_destruction::PublicDestruction,
    &wide_blast_radius::WideBlastRadius,
    &vanishing_condition::VanishingCondition,
    &missing_boundary::MissingBoundary,
    &secret_in_environment::SecretInEnvironment,
    &secret_parameter_in_clear::SecretParameterInClear,
    &unauthenticated_route::UnauthenticatedRoute,
    &open_function_url::OpenFunctionUrl,
    &unthrottled_api::UnthrottledApi,
    &unsupported_runtime::UnsupportedRuntime,
    &lost_async_events::LostAsyncEvents,
    &StaleSuppression,
];

/// The rule with this code, whatever its case.
pub fn rule(code: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.meta().code.eq_ignore_ascii_case(code))
}
