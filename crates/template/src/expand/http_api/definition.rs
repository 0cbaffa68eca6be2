//! What the properties of an HTTP API add to its definition.

use crate::expand::Expansion;
use crate::expand::fault::{Fault, Outcome};
use crate::expand::implicit::Style;
use crate::expand::make::Maker;
use crate::expand::openapi;
use crate::expand::paths;
use crate::expand::resource::Written;
use crate::expand::tree;
use crate::node::{Kind, Map, Node};

use super::authorizer::Authorizer;
use super::{CREATED_BY, DEFAULT_STAGE};

/// Names of the cross-origin settings, as properties; the definition has them with a small first letter.
const CORS: [&str; 6] = ["AllowOrigins", "AllowHeaders", "AllowMethods", "ExposeHeaders", "MaxAge", "AllowCredentials"];

/// Completes the definition in place.
pub(super) fn complete(cx: &Expansion<'_>, written: &mut Written) -> Outcome<()> {
    if written.filled("DefinitionUri").is_some() && written.filled("DefinitionBody").is_some() {
        return Err(written.fault("Specify either 'DefinitionUri' or 'DefinitionBody' property and not both."));
    }
    add_cors(written)?;
    add_auth(cx, written)?;
    add_tags(written)?;
    add_endpoint(written)?;
    add_information(written)?;
    if written.filled("FailOnWarnings").is_some() {
        rename_default_path(written);
    }
    Ok(())
}

fn store(written: &mut Written, body: Node) {
    written.properties.insert("DefinitionBody", body);
}

fn body(written: &Written, what: &str) -> Outcome<Node> {
    let invalid = format!("Unable to add {what} because 'DefinitionBody' does not contain a valid OpenApi definition.");
    match written.filled("DefinitionBody") {
        Some(body) if Style::Http.is_valid(Some(body)) => openapi::check(body).map(|()| body.clone()),
        body => Err(Fault::resource(&written.id, invalid).at(body.map_or(&written.origin, |body| &body.origin))),
    }
}

fn small(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn add_cors(written: &mut Written) -> Outcome<()> {
    const CONFIG: &str = "x-amazon-apigateway-cors";
    let Some(property) = written.filled("CorsConfiguration").cloned() else { return Ok(()) };
    let fault = |message: String| Fault::resource(&written.id, message).at(&property.origin);
    if written.filled("DefinitionBody").is_none() {
        return Err(fault("Cors works only with inline OpenApi specified in 'DefinitionBody' property.".to_owned()));
    }
    let maker = Maker { origin: property.origin.clone() };
    let mut settings = Map::default();
    if tree::flag_of(&property).is_some() {
        settings.insert("AllowOrigins", maker.texts(["*"]));
    } else if let Some(map) = property.as_map().filter(|_| !tree::is_intrinsic(&property)) {
        if let Some(unknown) = map.keys().find(|key| !CORS.contains(key)) {
            return Err(fault(format!("Invalid key '{unknown}' for 'Cors' property.")));
        }
        settings = map.clone();
    } else if !tree::is_intrinsic(&property) {
        return Err(fault("Invalid value for 'Cors' property.".to_owned()));
    }
    let mut body = body(written, "Cors configuration")?;
    let credentials = settings.get("AllowCredentials").and_then(tree::flag_of) == Some(true);
    let everyone = settings.get("AllowOrigins").is_some_and(|origins| tree::same(origins, &maker.texts(["*"])));
    if credentials && everyone {
        return Err(fault(
            "Unable to add Cors configuration because 'AllowCredentials' can not be true when 'AllowOrigin' is \"'*'\" \
             or not set."
                .to_owned(),
        ));
    }
    let mut config = match body.get(CONFIG) {
        None => Map::default(),
        Some(config) => config.as_map().cloned().ok_or_else(|| {
            Fault::document(format!("Value of '{CONFIG}' must be a dictionary according to Swagger spec."))
        })?,
    };
    let origins = settings.get("AllowOrigins").filter(|origins| tree::is_intrinsic(origins));
    if let Some(whole) = origins.or(Some(&property).filter(|property| tree::is_intrinsic(property))) {
        if let Some(renamed) = renamed(whole).as_map() {
            tree::overlay(&mut config, renamed);
        }
    } else {
        for name in CORS {
            let value = match name {
                "MaxAge" => tree::given(&settings, name),
                "AllowCredentials" => settings.get(name).filter(|_| credentials),
                _ => tree::filled(&settings, name),
            };
            if let Some(value) = value {
                config.insert(small(name), value.clone());
            }
        }
    }
    if let Some(map) = body.as_map_mut() {
        map.insert(CONFIG, Node::map(config, &property.origin));
    }
    store(written, body);
    Ok(())
}

/// A conditional configuration keeps its shape; the names of the settings in it change.
fn renamed(node: &Node) -> Node {
    let rename = |text: &str| CORS.iter().fold(text.to_owned(), |text, name| text.replace(name, &small(name)));
    match &node.kind {
        Kind::Scalar(_) => match tree::text_of(node) {
            Some(text) => Node::text(rename(text), &node.origin),
            None => node.clone(),
        },
        Kind::List(items) => Node::list(items.iter().map(renamed).collect(), &node.origin),
        Kind::Map(map) => {
            let mut result = Map::default();
            for (key, value) in map.iter() {
                result.insert(rename(key), renamed(value));
            }
            Node::map(result, &node.origin)
        }
    }
}

fn add_auth(cx: &Expansion<'_>, written: &mut Written) -> Outcome<()> {
    let Some(auth) = super::auth(written, &["Authorizers", "DefaultAuthorizer", "EnableIamAuthorizer"])?.cloned()
    else {
        return Ok(());
    };
    if written.filled("DefinitionBody").is_none() {
        return Err(written.fault("Auth works only with inline OpenApi specified in the 'DefinitionBody' property."));
    }
    let mut body = body(written, "Auth configuration")?;
    let origin = written.filled("Auth").map_or(&written.origin, |auth| &auth.origin).clone();
    let authorizers = Authorizer::all(&written.id, &auth)?;
    let mut definitions = Vec::new();
    for authorizer in &authorizers {
        definitions.push((authorizer.name.clone(), authorizer.definition(&written.id, &cx.options.partition)?));
    }
    openapi::define(&mut body, definitions, &Maker { origin });
    if let Some(default) = tree::filled(&auth, "DefaultAuthorizer").filter(|default| !tree::is_no_value(default)) {
        let name = crate::expand::fault::Owner::Resource(&written.id).text(default, "Auth.DefaultAuthorizer")?;
        let Some(authorizer) = authorizers.iter().find(|authorizer| authorizer.name == name) else {
            let message = format!("Unable to set DefaultAuthorizer because '{name}' was not defined in 'Authorizers'.");
            return Err(Fault::resource(&written.id, message).at(&default.origin));
        };
        let maker = Maker { origin: default.origin.clone() };
        for path in paths::names(&body) {
            openapi::set_default(&mut body, &path, name, authorizer.scopes(), &maker)?;
        }
    }
    store(written, body);
    Ok(())
}

fn add_tags(written: &mut Written) -> Outcome<()> {
    let tags = written.filled("Tags").cloned();
    if tags.is_some() && written.filled("DefinitionBody").is_none() {
        return Err(written.fault("Tags works only with inline OpenApi specified in the 'DefinitionBody' property."));
    }
    if !Style::Http.is_valid(written.filled("DefinitionBody")) {
        return match tags {
            Some(_) => body(written, "`Tags`").map(|_| ()),
            None => Ok(()),
        };
    }
    let mut body = body(written, "`Tags`")?;
    let maker = written.maker();
    let mut all = tags.as_ref().and_then(Node::as_map).cloned().unwrap_or_default();
    all.insert(CREATED_BY, maker.text("SAM"));
    openapi::add_tags(&mut body, &all, &maker)?;
    store(written, body);
    Ok(())
}

fn add_endpoint(written: &mut Written) -> Outcome<()> {
    const CONFIG: &str = "x-amazon-apigateway-endpoint-configuration";
    let Some(disabled) = written.get("DisableExecuteApiEndpoint").cloned() else { return Ok(()) };
    let Some(mut body) = written.filled("DefinitionBody").cloned() else {
        return Err(written.fault("DisableExecuteApiEndpoint works only within 'DefinitionBody' property."));
    };
    openapi::check(&body)?;
    let maker = Maker { origin: disabled.origin.clone() };
    let mut servers = body.get("servers").and_then(Node::as_list).map_or_else(|| vec![maker.empty()], <[Node]>::to_vec);
    for server in &mut servers {
        let config = server.as_map_mut().and_then(|map| tree::subtree(map, CONFIG, &disabled.origin)?.as_map_mut());
        let Some(config) = config else {
            let message = "Value of 'servers' item must be a dictionary according to Swagger spec.";
            return Err(Fault::document(message));
        };
        config.insert("disableExecuteApiEndpoint", disabled.clone());
    }
    if let Some(map) = body.as_map_mut() {
        map.insert("servers", maker.list(servers));
    }
    store(written, body);
    Ok(())
}

/// Sets title and description where the definition leaves them open.
fn add_information(written: &mut Written) -> Outcome<()> {
    for (property, field) in [("Name", "title"), ("Description", "description")] {
        let Some(value) = written.filled(property).cloned() else { continue };
        let fault = |message: String| Fault::resource(&written.id, message).at(&value.origin);
        let Some(mut body) = written.filled("DefinitionBody").cloned() else {
            return Err(fault(format!(
                "{property} works only with inline OpenApi specified in the 'DefinitionBody' property."
            )));
        };
        if let Some(information) = body.get("info").filter(|it| it.as_map().is_none() && !tree::is_null(it)) {
            let message = "Invalid 'DefinitionBody': The value of 'info' should be a map.";
            return Err(Fault::resource(&written.id, message).at(&information.origin));
        }
        let set = body.at(&["info", field]).filter(|set| tree::truthy(set));
        let open = match field {
            "title" => set.is_some_and(|title| title.as_reference() == Some("AWS::StackName")),
            _ => set.is_none(),
        };
        if !open {
            return Err(fault(format!(
                "Unable to set {property} because it is already defined within inline OpenAPI specified in the \
                 'DefinitionBody' property."
            )));
        }
        openapi::check(&body)?;
        let origin = value.origin.clone();
        let information = body.as_map_mut().and_then(|map| tree::subtree(map, "info", &origin)?.as_map_mut());
        if let Some(information) = information {
            information.insert(field, value);
        }
        store(written, body);
    }
    Ok(())
}

/// A path that does not start with a slash makes the import warn, which then fails it.
fn rename_default_path(written: &mut Written) {
    let body = written.properties.get_mut("DefinitionBody");
    if let Some(all) = body.and_then(paths::all_mut)
        && let Some(default) = all.remove(DEFAULT_STAGE)
    {
        all.insert(format!("/{DEFAULT_STAGE}"), default);
    }
}
