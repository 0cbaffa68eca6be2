//! The one list of rules. A code is never used twice, not even after its rule is gone.

use crate::Rule;

mod all_at_once_deployment;
mod any_action_any_resource;
mod broad_managed_policy;
mod clear_text_address;
mod clear_text_allowed;
mod debug_route;
mod debug_switch;
mod encryption_off;
mod foreign_layer;
mod lost_async_events;
mod movable_image;
mod not_judged;
mod open_broker;
mod open_deploy_role;
mod open_function_url;
mod open_network;
mod orphan;
mod outdated_tls;
mod outside_network;
mod platform_key;
mod public_bucket;
mod secret_in_environment;
mod secret_parameter_in_clear;
mod short_visibility;
mod slow_answer;
mod stale_suppression;
mod stuck_batches;
mod unauthenticated_route;
mod unbounded_spend;
mod unencrypted_by_default;
mod unpinned_part;
mod unrecoverable_store;
mod unsigned_code;
mod unsupported_runtime;
mod unthrottled_api;
mod unverified_tls;
mod weak_key;
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
    &foreign_layer::ForeignLayer,
    &movable_image::MovableImage,
    &unpinned_part::UnpinnedPart,
    &encryption_off::EncryptionOff,
    &unencrypted_by_default::UnencryptedByDefault,
    &platform_key::PlatformKey,
    &clear_text_allowed::ClearTextAllowed,
    &outdated_tls::OutdatedTls,
    &clear_text_address::ClearTextAddress,
    &weak_key::WeakKey,
    &unverified_tls::UnverifiedTls,
    &open_broker::OpenBroker,
    &public_bucket::PublicBucket,
    &unbounded_spend::UnboundedSpend,
    &lost_async_events::LostAsyncEvents,
    &stuck_batches::StuckBatches,
    &short_visibility::ShortVisibility,
    &slow_answer::SlowAnswer,
    &unrecoverable_store::UnrecoverableStore,
    &unsigned_code::UnsignedCode,
    &open_deploy_role::OpenDeployRole,
    &all_at_once_deployment::AllAtOnceDeployment,
    &debug_route::DebugRoute,
    &orphan::Orphan,
    &open_network::OpenNetwork,
    &outside_network::OutsideNetwork,
    &not_judged::NotJudged,
    &debug_switch::DebugSwitch,
    &StaleSuppression,
];

/// The rule with this code, whatever its case.
pub fn rule(code: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.meta().code.eq_ignore_ascii_case(code))
}
