//! Routes of a REST API that call a function.

use crate::expand::Expansion;
use crate::expand::fault::{Fault, Outcome, Owner};
use crate::expand::implicit::{MANAGED, Style};
use crate::expand::paths;
use crate::expand::resource::Made;
use crate::expand::swagger;
use crate::expand::tree;
use crate::node::{Map, Node};

use super::{Event, Target, rest_auth};

/// A route of an API: whose it is and where it lies.
pub(in crate::expand) struct Route<'r> {
    pub(in crate::expand) event: &'r str,
    pub(in crate::expand) api: &'r str,
    pub(in crate::expand) path: &'r str,
    pub(in crate::expand) method: &'r str,
    /// The stage that policies name. A state machine's event does not know it.
    pub(in crate::expand) stage: Option<&'r str>,
}

/// The API an event names, when it is named by reference or by id.
fn api_id(event: &Event) -> Option<&str> {
    let id = event.get("RestApiId")?;
    tree::text_of(id.get("Ref").unwrap_or(id))
}

/// Refuses an event whose API is not in the template.
pub(super) fn check(cx: &Expansion<'_>, event: &Event) -> Outcome<()> {
    stage(cx, event).map(|_| ())
}

/// The end of the permission's id: the stage when its name is known.
pub(in crate::expand) fn stage(cx: &Expansion<'_>, event: &Event) -> Outcome<String> {
    let Some(id) = api_id(event) else { return Ok("AllStages".to_owned()) };
    let Some(api) = cx.source.get(id) else {
        return Err(
            event.fault("RestApiId property of Api event must reference a valid resource in the same template.")
        );
    };
    if let Some(properties) = api.get("Properties") {
        Owner::Attribute(id).map(properties, "Properties")?;
    }
    match api.at(&["Properties", "StageName"]).and_then(tree::text_of) {
        Some("") => Err(Fault::resource(id, "StageName cannot be empty.").at(&api.origin)),
        Some(name) => Ok(name.to_owned()),
        None => Ok("Stage".to_owned()),
    }
}

pub(super) fn expand(cx: &mut Expansion<'_>, target: &Target, event: &Event) -> Outcome<Vec<Made>> {
    let maker = event.maker();
    let stage = stage(cx, event)?;
    let path = event.written.text("Path").unwrap_or_default();
    let method = event.written.text("Method").unwrap_or_default().to_lowercase();
    let shown_method = if method == "any" { "*".to_owned() } else { method.to_uppercase() };
    let arn = format!(
        "arn:{}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{__ApiId__}}/${{__Stage__}}/{shown_method}{}",
        cx.options.partition,
        paths::starred(paths::without_trailing_slash(path))
    );
    let id = event.get("RestApiId").cloned().unwrap_or_else(|| maker.no_value());
    let permission = event
        .permission(target, "apigateway.amazonaws.com", &stage)
        .with("SourceArn", maker.sub_with(arn, [("__ApiId__", id), ("__Stage__", maker.text("*"))]));

    let Some(api) = api_id(event).map(str::to_owned) else { return Ok(vec![permission]) };
    // Taken out for the edit and put back: a copy for every route would make many routes slow.
    let mut properties = cx.source_properties(&api, &maker).map(std::mem::take).unwrap_or_default();
    let route = Route { event: &event.name, api: &api, path, method: &method, stage: Some(&stage) };
    let integrated = integrate(cx, target, event, &route, &mut properties);
    if let Some(slot) = cx.source_properties(&api, &maker) {
        *slot = properties;
    }
    integrated?;
    override_auth(cx, event, &route)?;
    Ok(vec![permission])
}

/// Adds the route to the API's definition, where that is ours to manage or to merge into.
fn integrate(cx: &Expansion<'_>, target: &Target, event: &Event, route: &Route<'_>, api: &mut Map) -> Outcome<()> {
    let merge = tree::filled(api, "MergeDefinitions").is_some();
    if !merge && tree::filled(api, MANAGED).is_none() {
        return Ok(());
    }
    let Some(mut body) = api.remove("DefinitionBody") else { return Ok(()) };
    let added = if merge {
        let mut generated = Style::Rest.skeleton(&event.maker());
        add(cx, target, event, (route, api), &mut generated).and_then(|()| merged(&body, &generated, route)).map(
            |new| {
                body = new;
            },
        )
    } else {
        paths::edit(&mut body, route.path, |body| add(cx, target, event, (route, api), body))
    };
    api.insert("DefinitionBody", body);
    added
}

fn add(
    cx: &Expansion<'_>,
    target: &Target,
    event: &Event,
    (route, api): (&Route<'_>, &Map),
    edited: &mut Node,
) -> Outcome<()> {
    let maker = event.maker();
    if paths::has_integration(edited, route.path, route.method)? {
        let Route { path, method, .. } = route;
        return Err(event.fault(format!("API method \"{method}\" defined multiple times for path \"{path}\".")));
    }
    let streaming = event.written.text("ResponseTransferMode") == Some("RESPONSE_STREAM");
    let none = maker.empty();
    let given = |node: Option<&Node>| node.filter(|node| tree::truthy(node)).cloned().unwrap_or_else(|| none.clone());
    let (method_auth, api_auth) = (given(event.get("Auth")), given(api.get("Auth")));
    let integration = swagger::Integration {
        uri: paths::function_uri(&maker, &cx.options.partition, &target.arn, streaming),
        condition: target.condition(),
        streaming,
        credentials: swagger::credentials(
            &maker,
            &cx.options.partition,
            Owner::Event(&event.name).map(&method_auth, "Auth")?,
            Owner::Resource(route.api).map(&api_auth, "Auth")?,
        ),
    };
    swagger::add_function(edited, route.path, route.method, &integration, &maker)?;
    rest_auth::add(cx, event.get("Auth"), api, route, edited)?;
    if let Some(timeout) = event.get("TimeoutInMillis").filter(|timeout| tree::truthy(timeout)) {
        for definition in paths::methods_mut(edited, route.path, route.method)? {
            if let Some(integration) = definition.get_mut(paths::INTEGRATION).and_then(Node::as_map_mut) {
                integration.insert("timeoutInMillis", timeout.clone());
            }
        }
    }
    swagger::request::add_model(event, api, route, edited)?;
    swagger::request::add_parameters(event, route, edited)?;
    Ok(())
}

/// The written definition with the generated method laid over the one it has.
fn merged(written: &Node, generated: &Node, route: &Route<'_>) -> Outcome<Node> {
    let Route { api, path, method, .. } = *route;
    let mut merged = written.clone();
    let invalid = |what: &str| {
        Fault::resource(api, format!("Property 'DefinitionBody' is invalid: The value of '{what}' should be a map"))
    };
    // The transform lays generated routes only over paths that somebody wrote: without any, they are lost.
    if merged.get("paths").is_none_or(|paths| !tree::truthy(paths)) {
        return Ok(merged);
    }
    let origin = generated.origin.clone();
    let Some(all) = paths::all_mut(&mut merged) else { return Err(invalid("")) };
    let Some(item) = tree::subtree(all, path, &origin).and_then(Node::as_map_mut) else { return Err(invalid(path)) };
    let mut definition = match tree::filled(item, method) {
        None => Map::default(),
        Some(definition) => {
            Owner::Resource(api).map(definition, &format!("DefinitionBody.paths.{path}.{method}"))?.clone()
        }
    };
    if let Some(new) = generated.at(&["paths", path, &paths::method_name(method)]).and_then(Node::as_map) {
        tree::overlay(&mut definition, new);
    }
    item.insert(method, Node::map(definition, &origin));
    Ok(merged)
}

/// Lets an event set the authorization of a route whose definition somebody wrote.
fn override_auth(cx: &mut Expansion<'_>, event: &Event, route: &Route<'_>) -> Outcome<()> {
    let Some(auth) = event.get("Auth").filter(|auth| tree::filled_in(auth, "OverrideApiAuth").is_some()) else {
        return Ok(());
    };
    let api = cx.source_properties(route.api, &event.maker()).cloned().unwrap_or_default();
    let Some(body) = tree::filled(&api, "DefinitionBody") else { return Ok(()) };
    if ["Authorizer", "ApiKeyRequired", "ResourcePolicy"].iter().all(|name| tree::filled_in(auth, name).is_none()) {
        return Err(event.fault(
            "Must define one of: Authorizer, ApiKeyRequired or ResourcePolicy when using the OverrideApiAuth property.",
        ));
    }
    let mut edited = body.clone();
    swagger::check(&edited)?;
    rest_auth::add(cx, Some(auth), &api, route, &mut edited)?;
    cx.define(route.api, edited);
    Ok(())
}
