//! The one list of rules. A code is never used twice, not even after its rule is gone.

use crate::Rule;

mod any_action_any_resource;
mod broad_managed_policy;
mod lost_async_events;
mod open_function_url;
mod secret_in_environment;
mod secret_parameter_in_clear;
mod stale_suppression;
mod unauthenticated_route;
mod unsupported_runtime;
mod unthrottled_api;
mod write_on_any_resource;

pub(crate) use stale_suppression::StaleSuppression;

/// Every rule, by code within its practice.
pub const RULES: &[&dyn Rule] = &[
    &any_action_any_resource::AnyActionAnyResource,
    &write_on_any_resource::WriteOnAnyResource,
    &broad_managed_policy::BroadManagedPolicy,
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
