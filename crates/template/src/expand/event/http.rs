//! Routes of an HTTP API that call a function.

use crate::expand::Expansion;
use crate::expand::fault::{Fault, Outcome, Owner};
use crate::expand::implicit::MANAGED;
use crate::expand::make::Maker;
use crate::expand::openapi;
use crate::expand::paths;
use crate::expand::resource::Made;
use crate::expand::tree;
use crate::node::{Map, Node};

use super::{Event, Target};

const DEFAULT_PATH: &str = "$default";

pub(super) fn expand(cx: &mut Expansion<'_>, target: &Target, event: Event) -> Outcome<Vec<Made>> {
    let maker = event.maker();
    let reference = event.get("ApiId").cloned().unwrap_or_else(|| maker.no_value());
    let id = tree::text_of(reference.get("Ref").unwrap_or(&reference)).unwrap_or_default().to_owned();
    // Taken out for the edit and put back: a copy for every route would make many routes slow.
    let mut api = cx.source_properties(&id, &maker).map(std::mem::take).unwrap_or_default();
    let path = event.written.text("Path").unwrap_or_default().to_owned();
    let method = event.written.text("Method").unwrap_or_default().to_lowercase();
    let route = (id.as_str(), path.as_str(), method.as_str());
    let permission = permission(target, &event, &api, route, &reference);
    let integrated = permission.and_then(|permission| {
        integrate(target, event, &mut api, route)?;
        Ok(permission.into_iter().collect())
    });
    if let Some(slot) = cx.source_properties(&id, &maker) {
        *slot = api;
    }
    integrated
}

fn permission(
    target: &Target,
    event: &Event,
    api: &Map,
    (id, path, method): (&str, &str, &str),
    reference: &Node,
) -> Outcome<Option<Made>> {
    let maker = event.maker();
    let body = tree::filled(api, "DefinitionBody");
    if let Some(body) = body {
        openapi::check(body).map_err(|fault| {
            let message = fault.sentence();
            Fault::resource(id, message).at(&body.origin)
        })?;
    }
    let mut path = paths::without_trailing_slash(path);
    if path == DEFAULT_PATH {
        path = "";
    } else if let Some(body) = body
        && openapi::routes_default_to(body, &target.id)?
    {
        // The permission for the default route of the same function covers this one.
        return Ok(None);
    }
    let path = paths::starred(path);
    let shown = if method == "any" || method == paths::ANY_METHOD { "*".to_owned() } else { method.to_uppercase() };
    let route = if method == "any" && path == "/$default" { path } else { format!("/{shown}{path}") };
    let arn = format!(
        "arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{__ApiId__}}/${{__Stage__}}{route}"
    );
    let variables = [("__ApiId__", reference.clone()), ("__Stage__", maker.text("*"))];
    Ok(Some(event.permission(target, "apigateway.amazonaws.com", "").with("SourceArn", maker.sub_with(arn, variables))))
}

fn integrate(target: &Target, mut event: Event, api: &mut Map, route: (&str, &str, &str)) -> Outcome<()> {
    if tree::given(api, "DefinitionBody").is_none() {
        return Ok(());
    }
    let Some(mut body) = api.remove("DefinitionBody") else { return Ok(()) };
    let added = paths::edit(&mut body, route.1, |body| add(target, &mut event, api, route, body));
    api.insert("DefinitionBody", body);
    added
}

fn add(
    target: &Target,
    event: &mut Event,
    api: &Map,
    (id, path, method): (&str, &str, &str),
    edited: &mut Node,
) -> Outcome<()> {
    let maker = event.maker();
    openapi::check(edited)?;
    if tree::filled(api, MANAGED).is_some() && paths::has_integration(edited, path, method)? {
        return Err(event.fault(format!("API method '{method}' defined multiple times for path '{path}'.")));
    }
    let uri = paths::function_uri(&maker, "${AWS::Partition}", &target.arn, false);
    openapi::add_function(edited, path, method, uri, target.condition(), &maker)?;
    authorize(event, api, (id, path, method), edited)?;
    if let Some(timeout) = event.get("TimeoutInMillis").filter(|timeout| tree::truthy(timeout)) {
        set_on_integration(edited, (path, method), "timeoutInMillis", timeout)?;
    }
    openapi::add_path_parameters(edited, path, method, &maker)?;
    if let Some(version) = event.get("PayloadFormatVersion").filter(|version| tree::truthy(version)) {
        set_on_integration(edited, (path, method), "payloadFormatVersion", version)?;
    }
    Ok(())
}

fn set_on_integration(body: &mut Node, (path, method): (&str, &str), name: &str, value: &Node) -> Outcome<()> {
    for definition in paths::methods_mut(body, path, method)? {
        if let Some(integration) = definition.get_mut(paths::INTEGRATION).and_then(Node::as_map_mut) {
            integration.insert(name, value.clone());
        }
    }
    Ok(())
}

fn authorize(event: &mut Event, api: &Map, (id, path, method): (&str, &str, &str), body: &mut Node) -> Outcome<()> {
    let Some(auth) = event.get("Auth").filter(|auth| tree::truthy(auth)).cloned() else { return Ok(()) };
    let none = Maker::implied_by(&auth.origin).empty();
    let api_auth = Owner::Resource(id).map(api.get("Auth").unwrap_or(&none), "Auth")?;
    let default = tree::filled(api_auth, "DefaultAuthorizer");
    let Some(authorizer) = tree::filled_in(&auth, "Authorizer").or(default) else {
        return Err(event.fault(
            "'Auth' section requires either an explicit 'Authorizer' set or a 'DefaultAuthorizer' configured on the \
             HttpApi.",
        ));
    };
    let shown = tree::shown(authorizer);
    let subject = format!("Unable to set Authorizer [{shown}] on API method [{method}] for path [{path}]");
    let iam = api_auth.get("EnableIamAuthorizer").and_then(tree::flag_of) == Some(true);
    let defined = api_auth.get("Authorizers");
    match tree::text_of(authorizer) {
        Some("NONE") if default.is_some() => {}
        Some("NONE") => {
            return Err(event.fault(format!(
                "Unable to set Authorizer on API method [{method}] for path [{path}] because 'NONE' is only a valid \
                 value when a DefaultAuthorizer on the API is specified."
            )));
        }
        Some("AWS_IAM") if iam => {}
        name => {
            let (Some(name), Some(defined)) = (name, defined.filter(|defined| defined.as_map().is_some())) else {
                return Err(event.fault(format!(
                    "{subject}. The method authorizer must be a string with a corresponding dict entry in the api \
                     authorizer."
                )));
            };
            if !tree::truthy(defined) {
                return Err(event.fault(format!("{subject} because the related API does not define any Authorizers.")));
            }
            if tree::filled_in(defined, name).is_none() {
                return Err(event.fault(format!("{subject} because it wasn't defined in the API's Authorizers.")));
            }
        }
    }
    let scopes = tree::filled_in(&auth, "AuthorizationScopes");
    if scopes.is_some_and(|scopes| scopes.as_list().is_none()) {
        return Err(event.fault(format!(
            "Unable to set Authorizer on API method [{method}] for path [{path}] because 'AuthorizationScopes' must be \
             a list of strings."
        )));
    }
    openapi::set_on_method(body, (path, method), authorizer, (defined, scopes))
}
