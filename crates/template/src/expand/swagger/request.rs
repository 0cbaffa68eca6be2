//! Models and parameters of requests in the definition of a REST API.

use crate::expand::event::{Event, Route};
use crate::expand::fault::{Outcome, Owner};
use crate::expand::make::Maker;
use crate::expand::paths;
use crate::expand::tree;
use crate::node::{Map, Node};

use super::section;

const VALIDATORS: &str = "x-amazon-apigateway-request-validators";
const VALIDATOR: &str = "x-amazon-apigateway-request-validator";

/// Adds the model of a route's requests and how they are checked against it.
pub(in crate::expand) fn add_model(event: &Event, api: &Map, route: &Route<'_>, body: &mut Node) -> Outcome<()> {
    let Some(request) = event.get("RequestModel").filter(|request| tree::truthy(request)) else { return Ok(()) };
    Owner::Event(&event.name).map(request, "RequestModel")?;
    let Some(model) = tree::filled_in(request, "Model") else { return Ok(()) };
    let Route { path, method, .. } = *route;
    let on = format!("[{}] on API method [{method}] for path [{path}]", tree::shown(model));
    let refuse = |why: &str| Err(event.fault(format!("Unable to set RequestModel {on} because {why}")));
    let Some(models) = tree::filled(api, "Models") else {
        return refuse("the related API does not define any Models.");
    };
    if models.as_map().is_none() {
        return refuse("the related API Models defined is of invalid type.");
    }
    let Some(name) = tree::text_of(model) else {
        return refuse("the related API does not contain valid Models.");
    };
    if tree::filled_in(models, name).is_none() {
        return refuse("it wasn't defined in the API's Models.");
    }
    let maker = Maker::implied_by(&request.origin);
    let required = request.get("Required").filter(|required| !tree::is_null(required));
    set_model(body, (path, method), &name.to_lowercase(), required, &maker)?;
    let flag = |name: &str| request.get(name).filter(|flag| !tree::is_null(flag));
    let (of_body, of_parameters) = (flag("ValidateBody"), flag("ValidateParameters"));
    if of_body.or(of_parameters).is_none() {
        return Ok(());
    }
    let as_flag = |flag: Option<&Node>| flag.map_or(Some(false), tree::flag_of);
    let (Some(of_body), Some(of_parameters)) = (as_flag(of_body), as_flag(of_parameters)) else {
        return Err(event.fault(format!(
            "Unable to set Validator to RequestModel {on} ValidateBody and ValidateParameters must be a boolean type, \
             strings or intrinsics are not supported."
        )));
    };
    set_validator(body, (path, method), (of_body, of_parameters), &maker)
}

fn set_model(
    body: &mut Node,
    (path, method): (&str, &str),
    model: &str,
    required: Option<&Node>,
    maker: &Maker,
) -> Outcome<()> {
    let is_swagger = body.get("swagger").is_some_and(|version| !tree::is_null(version));
    let is_openapi = paths::is_version_3(body);
    let reference = |place: &str| maker.map([("$ref", maker.text(format!("#/{place}/{model}")))]);
    let required = required.map(|required| ("required", required.clone()));
    for definition in paths::methods_mut(body, path, method)? {
        if is_swagger {
            let mut parameter =
                vec![("in", maker.text("body")), ("name", maker.text(model)), ("schema", reference("definitions"))];
            parameter.extend(required.clone());
            push_parameter(definition, maker.map(parameter), maker);
        } else if is_openapi {
            let schema = maker.map([("schema", reference("components/schemas"))]);
            let mut request = vec![("content", maker.map([("application/json", schema)]))];
            request.extend(required.clone());
            definition.insert("requestBody", maker.map(request));
        }
    }
    Ok(())
}

fn push_parameter(definition: &mut Map, parameter: Node, maker: &Maker) {
    let mut parameters = definition.get("parameters").and_then(Node::as_list).map(<[Node]>::to_vec).unwrap_or_default();
    parameters.push(parameter);
    definition.insert("parameters", maker.list(parameters));
}

fn set_validator(
    body: &mut Node,
    (path, method): (&str, &str),
    (of_body, of_parameters): (bool, bool),
    maker: &Maker,
) -> Outcome<()> {
    let name = match (of_body, of_parameters) {
        (true, true) => "body-and-params",
        (true, false) => "body-only",
        (false, true) => "params-only",
        (false, false) => "no-validation",
    };
    if let Some(validators) = section(body, VALIDATORS, maker).and_then(Node::as_map_mut)
        && tree::filled(validators, name).is_none()
    {
        let validator = maker.map([
            ("validateRequestBody", maker.flag(of_body)),
            ("validateRequestParameters", maker.flag(of_parameters)),
        ]);
        validators.insert(name, validator);
    }
    for definition in paths::methods_mut(body, path, method)? {
        definition.insert(VALIDATOR, maker.text(name));
    }
    Ok(())
}

/// Adds the parameters an event names to its route.
pub(in crate::expand) fn add_parameters(event: &Event, route: &Route<'_>, body: &mut Node) -> Outcome<()> {
    let listed = event.get("RequestParameters").and_then(Node::as_list).unwrap_or_default();
    if listed.is_empty() {
        return Ok(());
    }
    let parameters = listed.iter().map(|one| Parameter::read(event, one)).collect::<Outcome<Vec<_>>>()?;
    let maker = Maker::implied_by(&event.written.origin);
    for definition in paths::methods_mut(body, route.path, route.method)? {
        for parameter in &parameters {
            parameter.add(definition, &maker);
        }
    }
    Ok(())
}

struct Parameter {
    name: String,
    required: Node,
    cached: bool,
}

impl Parameter {
    fn read(event: &Event, node: &Node) -> Outcome<Self> {
        let refuse = |why: &str| event.fault(format!("Invalid value for 'RequestParameters' property. {why}"));
        let (name, settings) = match (node.as_map().and_then(|map| map.iter().next()), tree::text_of(node)) {
            (Some((name, settings)), _) => (name, Some(settings)),
            (None, Some(name)) => (name, None),
            (None, None) => return Err(refuse("Property must be either a string or an object")),
        };
        let is_named = ["querystring.", "path.", "header."]
            .iter()
            .any(|place| name.strip_prefix("method.request.").is_some_and(|rest| rest.starts_with(place)));
        if !is_named {
            return Err(refuse(
                "Keys must be in the format 'method.request.[querystring|path|header].{value}', e.g \
                 'method.request.header.Authorization'.",
            ));
        }
        let known = |settings: &Node| {
            settings.as_map().is_some_and(|map| map.keys().all(|key| key == "Required" || key == "Caching"))
        };
        if settings.is_some_and(|settings| !known(settings)) {
            return Err(refuse("Values must be an object, e.g { Required: true, Caching: false }"));
        }
        let setting = |name: &str| settings.and_then(|settings| settings.get(name));
        let maker = Maker::implied_by(&node.origin);
        Ok(Self {
            name: name.to_owned(),
            required: setting("Required").cloned().unwrap_or_else(|| maker.flag(false)),
            cached: setting("Caching").is_some_and(tree::truthy),
        })
    }

    fn add(&self, definition: &mut Map, maker: &Maker) {
        let place = self.name.strip_prefix("method.request.").unwrap_or(&self.name);
        let (place, name) = place.split_once('.').unwrap_or((place, ""));
        let parameter = maker.map([
            ("in", maker.text(if place == "querystring" { "query" } else { place })),
            ("name", maker.text(name)),
            ("required", self.required.clone()),
            ("type", maker.text("string")),
        ]);
        push_parameter(definition, parameter, maker);
        if !self.cached {
            return;
        }
        if let Some(integration) = definition.get_mut(paths::INTEGRATION).and_then(Node::as_map_mut) {
            let keys = integration.get("cacheKeyParameters").and_then(Node::as_list).unwrap_or_default();
            let keys = keys.iter().cloned().chain([maker.text(self.name.as_str())]);
            let keys = maker.list(keys.collect::<Vec<_>>());
            integration.insert("cacheKeyParameters", keys);
        }
    }
}
