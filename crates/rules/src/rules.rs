//! The one list of rules. A code is never used twice, not even after its rule is gone.

use crate::Rule;

mod any_action_any_resource;
mod any_origin_may_write;
mod broad_managed_policy;
mod catch_all_route;
mod confused_service;
mod credentials_for_any_origin;
mod door_without_firewall;
mod function_for_anyone;
mod idle_firewall;
mod key_as_only_proof;
mod lenient_token_check;
mod loose_graphql_api;
mod loose_sign_in;
mod lost_async_events;
mod narrow_cache_key;
mod open_connection;
mod open_function_url;
mod open_trigger;
mod open_way_to_destruction;
mod pattern_for_any_source;
mod private_api_for_all;
mod public_address;
mod reopened_route;
mod secret_in_environment;
mod secret_parameter_in_clear;
mod self_trigger;
mod stale_suppression;
mod unauthenticated_route;
mod unchecked_input;
mod unchecked_way_to_power;
mod unsupported_runtime;
mod unthrottled_api;
mod way_around_the_guard;
mod write_on_any_resource;
mod writing_get;

pub(crate) use stale_suppression::StaleSuppression;

/// Every rule, by code within its practice.
pub const RULES: &[&dyn Rule] = &[
    &any_action_any_resource::AnyActionAnyResource,
    &write_on_any_resource::WriteOnAnyResource,
    &broad_managed_policy::BroadManagedPolicy,
    &secret_in_environment::SecretInEnvironment,
    &secret_parameter_in_clear::SecretParameterInClear,
    &unauthenticated_route::UnauthenticatedRoute,
    &reopened_route::ReopenedRoute,
    &open_function_url::OpenFunctionUrl,
    &open_way_to_destruction::OpenWayToDestruction,
    &credentials_for_any_origin::CredentialsForAnyOrigin,
    &any_origin_may_write::AnyOriginMayWrite,
    &key_as_only_proof::KeyAsOnlyProof,
    &lenient_token_check::LenientTokenCheck,
    &narrow_cache_key::NarrowCacheKey,
    &unchecked_input::UncheckedInput,
    &unthrottled_api::UnthrottledApi,
    &door_without_firewall::DoorWithoutFirewall,
    &idle_firewall::IdleFirewall,
    &way_around_the_guard::WayAroundTheGuard,
    &open_trigger::OpenTrigger,
    &confused_service::ConfusedService,
    &function_for_anyone::FunctionForAnyone,
    &pattern_for_any_source::PatternForAnySource,
    &unchecked_way_to_power::UncheckedWayToPower,
    &self_trigger::SelfTrigger,
    &open_connection::OpenConnection,
    &loose_graphql_api::LooseGraphqlApi,
    &loose_sign_in::LooseSignIn,
    &catch_all_route::CatchAllRoute,
    &public_address::PublicAddress,
    &writing_get::WritingGet,
    &private_api_for_all::PrivateApiForAll,
    &unsupported_runtime::UnsupportedRuntime,
    &lost_async_events::LostAsyncEvents,
    &StaleSuppression,
];

/// The rule with this code, whatever its case.
pub fn rule(code: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.meta().code.eq_ignore_ascii_case(code))
}
