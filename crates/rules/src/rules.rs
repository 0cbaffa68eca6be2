//! The one list of rules. A code is never used twice, not even after its rule is gone.

use crate::Rule;

mod account_wide_invoke;
mod all_at_once_deployment;
pub(crate) mod any_action_any_resource;
mod any_model;
mod any_origin_may_write;
mod broad_managed_policy;
mod broad_reading_policy;
mod catch_all_route;
mod clear_text_address;
mod clear_text_allowed;
mod confused_service;
mod credentials_for_any_origin;
mod debug_route;
mod debug_switch;
mod decrypt_with_any_key;
mod door_without_firewall;
mod encryption_off;
mod erasable_log;
mod foreign_layer;
mod function_for_anyone;
mod function_takeover;
mod identity_escalation;
mod idle_firewall;
mod inverted_policy;
mod invoke_any_function;
mod key_as_only_proof;
mod lenient_token_check;
mod literal_api_key;
mod logged_request_body;
mod loose_graphql_api;
mod loose_sign_in;
mod lost_async_events;
mod missing_boundary;
mod movable_image;
mod narrow_cache_key;
mod not_judged;
mod one_region_trail;
mod open_broker;
mod open_connection;
mod open_deploy_role;
mod open_function_url;
mod open_network;
mod open_trigger;
mod open_trust;
mod open_way_to_destruction;
mod orphan;
mod outdated_tls;
mod outside_network;
mod pattern_for_any_source;
mod pattern_over_other_stores;
mod platform_key;
mod private_api_for_all;
mod provider_credential;
mod public_address;
mod public_bucket;
mod public_destruction;
mod read_any_secret;
mod reopened_route;
mod resolved_secret_in_environment;
mod role_passing;
mod secret_for_every_function;
mod secret_in_environment;
mod secret_in_plain_parameter;
mod secret_in_text;
mod secret_parameter_in_clear;
mod secret_without_rotation;
mod self_trigger;
mod service_wide_action;
mod shared_role;
mod shared_secret;
mod short_visibility;
mod silent_function;
mod slow_answer;
mod stale_suppression;
mod stuck_batches;
mod trail_without_functions;
mod unauthenticated_route;
mod unbounded_spend;
mod unchecked_input;
mod unchecked_way_to_power;
mod unencrypted_by_default;
mod ungranted_secret;
mod unheard_alarm;
mod unlimited_log_retention;
mod unlogged_door;
mod unlogged_execution;
mod unlogged_workflow;
mod unmentioned_store;
mod unpinned_part;
mod unrecoverable_store;
mod unset_log_group;
mod unsigned_code;
mod unsupported_runtime;
mod unthrottled_api;
mod untraced_path;
mod unused_secret_grant;
mod unvalidated_trail;
mod unverified_tls;
mod unwatched_function;
mod vanishing_condition;
mod way_around_the_guard;
mod weak_key;
mod wide_blast_radius;
mod wide_role_assumption;
mod wildcard_policy_template;
pub(crate) mod write_on_any_resource;
mod writing_get;

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
