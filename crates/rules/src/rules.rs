//! The one list of rules. A code is never used twice, not even after its rule is gone.

use crate::Rule;

mod any_action_any_resource;
mod broad_managed_policy;
mod erasable_log;
mod literal_api_key;
mod logged_request_body;
mod lost_async_events;
mod one_region_trail;
mod open_function_url;
mod provider_credential;
mod resolved_secret_in_environment;
mod secret_for_every_function;
mod secret_in_environment;
mod secret_in_plain_parameter;
mod secret_in_text;
mod secret_parameter_in_clear;
mod secret_without_rotation;
mod shared_secret;
mod silent_function;
mod stale_suppression;
mod trail_without_functions;
mod unauthenticated_route;
mod ungranted_secret;
mod unheard_alarm;
mod unlimited_log_retention;
mod unlogged_door;
mod unlogged_execution;
mod unlogged_workflow;
mod unset_log_group;
mod unsupported_runtime;
mod unthrottled_api;
mod untraced_path;
mod unused_secret_grant;
mod unvalidated_trail;
mod unwatched_function;
mod write_on_any_resource;

pub(crate) use stale_suppression::StaleSuppression;

/// Every rule, by code within its practice.
pub const RULES: &[&dyn Rule] = &[
    &any_action_any_resource::AnyActionAnyResource,
    &write_on_any_resource::WriteOnAnyResource,
    &broad_managed_policy::BroadManagedPolicy,
    &provider_credential::ProviderCredential,
    &secret_in_environment::SecretInEnvironment,
    &secret_parameter_in_clear::SecretParameterInClear,
    &resolved_secret_in_environment::ResolvedSecretInEnvironment,
    &secret_for_every_function::SecretForEveryFunction,
    &unused_secret_grant::UnusedSecretGrant,
    &ungranted_secret::UngrantedSecret,
    &shared_secret::SharedSecret,
    &secret_in_plain_parameter::SecretInPlainParameter,
    &secret_without_rotation::SecretWithoutRotation,
    &secret_in_text::SecretInText,
    &literal_api_key::LiteralApiKey,
    &unset_log_group::UnsetLogGroup,
    &unlimited_log_retention::UnlimitedLogRetention,
    &silent_function::SilentFunction,
    &unlogged_door::UnloggedDoor,
    &unlogged_execution::UnloggedExecution,
    &logged_request_body::LoggedRequestBody,
    &unwatched_function::UnwatchedFunction,
    &unheard_alarm::UnheardAlarm,
    &unlogged_workflow::UnloggedWorkflow,
    &untraced_path::UntracedPath,
    &trail_without_functions::TrailWithoutFunctions,
    &erasable_log::ErasableLog,
    &unvalidated_trail::UnvalidatedTrail,
    &one_region_trail::OneRegionTrail,
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
