//! What an event says about who may call its route of a REST API.

use crate::expand::Expansion;
use crate::expand::fault::{Fault, Outcome, Owner};
use crate::expand::swagger;
use crate::expand::tree;
use crate::node::{Map, Node};

use super::api::Route;

/// Adds an event's authorization to its route.
pub(in crate::expand) fn add(
    cx: &Expansion<'_>,
    auth: Option<&Node>,
    api: &Map,
    route: &Route<'_>,
    body: &mut Node,
) -> Outcome<()> {
    let Some(auth) = auth.filter(|auth| tree::truthy(auth)) else { return Ok(()) };
    let Route { event, path, method, .. } = *route;
    let api_auth = match api.get("Auth") {
        Some(auth) => Some(cx.parameters.resolved(auth)?),
        None => None,
    };
    let api_auth = api_auth.as_ref().filter(|auth| tree::truthy(auth));
    let authorizer = tree::filled_in(auth, "Authorizer");
    if let Some(authorizer) = authorizer {
        check_authorizer(authorizer, api_auth, route)?;
    }
    if let Some(scopes) = tree::filled_in(auth, "AuthorizationScopes") {
        Owner::Event(event).list(scopes, "Auth.AuthorizationScopes")?;
        if authorizer.is_none() {
            let message = "AuthorizationScopes works only when Authorizer is set";
            return Err(Fault::event(event, message).at(&scopes.origin));
        }
    }
    let key = auth.get("ApiKeyRequired").filter(|key| !tree::is_null(key));
    let api_wants_key = api_auth.is_some_and(|auth| tree::filled_in(auth, "ApiKeyRequired").is_some());
    if let Some(key) = key.filter(|key| !tree::truthy(key) && !api_wants_key) {
        let message = format!(
            "Unable to set ApiKeyRequired [False] on API method [{method}] for path [{path}] because the related API \
             does not specify any ApiKeyRequired."
        );
        return Err(Fault::event(event, message).at(&key.origin));
    }
    let authorizers = api_auth.and_then(|auth| auth.get("Authorizers"));
    swagger::auth::set_on_method(body, (path, method), auth, authorizers)?;
    if let Some(policy) = tree::filled_in(auth, "ResourcePolicy") {
        Owner::Resource(event).map(policy, "Auth.ResourcePolicy")?;
        let stage = match route.stage {
            Some(stage) => Node::text(stage, &policy.origin),
            None => Node::plain("null", &policy.origin),
        };
        swagger::policy::add(body, policy, path, &stage)?;
        swagger::policy::add_statements(body, policy);
    }
    Ok(())
}

fn check_authorizer(authorizer: &Node, api_auth: Option<&Node>, route: &Route<'_>) -> Outcome<()> {
    let Route { event, api, path, method, .. } = *route;
    let defined = api_auth.and_then(|auth| tree::filled_in(auth, "Authorizers"));
    if let Some(defined) = defined {
        Owner::Resource(api).map(defined, "Auth.Authorizers")?;
    }
    let refuse = |message: String| Err(Fault::event(event, message).at(&authorizer.origin));
    let shown = tree::shown(authorizer);
    match tree::text_of(authorizer) {
        Some("AWS_IAM") => Ok(()),
        Some("NONE") => match api_auth.and_then(|auth| tree::filled_in(auth, "DefaultAuthorizer")) {
            Some(_) => Ok(()),
            None => refuse(format!(
                "Unable to set Authorizer on API method [{method}] for path [{path}] because 'NONE' is only a valid \
                 value when a DefaultAuthorizer on the API is specified."
            )),
        },
        name => {
            let subject = format!("Unable to set Authorizer [{shown}] on API method [{method}] for path [{path}]");
            let Some(defined) = defined else {
                return refuse(format!("{subject} because the related API does not define any Authorizers."));
            };
            let Some(name) = name else {
                return refuse(format!(
                    "{subject}. The method authorizer must be a string with a corresponding dict entry in the api \
                     authorizer."
                ));
            };
            match tree::filled_in(defined, name) {
                Some(_) => Ok(()),
                None => refuse(format!("{subject} because it wasn't defined in the API's Authorizers.")),
            }
        }
    }
}
