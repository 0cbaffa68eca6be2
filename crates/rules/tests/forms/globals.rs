//! Globals of functions written at each function instead.

use brigandine_template::{Key, Kind, Map, Node};

/// The template with what `Globals.Function` says written at each function; nothing where it says nothing.
pub(crate) fn inline(root: &Node) -> Option<Node> {
    let shared = root.at(&["Globals", "Function"])?.as_map()?.clone();
    let mut root = root.clone();
    let resources = root.as_map_mut()?.get_mut("Resources")?.as_map_mut()?;
    for (_, resource) in resources.iter_mut() {
        let is_function = resource.get("Type").and_then(Node::as_text) == Some("AWS::Serverless::Function");
        if !is_function || resource.get("IgnoreGlobals").is_some() {
            continue;
        }
        let Some(map) = resource.as_map_mut() else { continue };
        let own = map.get("Properties").and_then(Node::as_map).cloned().unwrap_or_default();
        let place = map.get("Type")?.origin.clone();
        map.insert("Properties", Node::map(merged(&shared, &own), &place));
    }
    let globals = root.as_map_mut()?.get_mut("Globals")?.as_map_mut()?;
    globals.remove("Function");
    if globals.is_empty() {
        root.as_map_mut()?.remove("Globals");
    }
    Some(root)
}

/// Maps are merged key by key, lists are joined, anything else is the function's own word.
fn merged(shared: &Map, own: &Map) -> Map {
    let mut all = Map::default();
    for (key, origin, value) in shared.entries() {
        all.insert_key(Key { text: key.clone(), origin: origin.clone() }, value.clone());
    }
    for (key, origin, value) in own.entries() {
        let both = all.get(key).map_or_else(|| value.clone(), |shared| one(shared, value));
        all.insert_key(Key { text: key.clone(), origin: origin.clone() }, both);
    }
    all
}

fn one(shared: &Node, own: &Node) -> Node {
    let intrinsic = shared.as_intrinsic().is_some() || own.as_intrinsic().is_some();
    match (&shared.kind, &own.kind) {
        (Kind::Map(shared), Kind::Map(map)) if !intrinsic => Node::map(merged(shared, map), &own.origin),
        (Kind::List(shared), Kind::List(items)) => {
            Node::list(shared.iter().chain(items).cloned().collect(), &own.origin)
        }
        _ => own.clone(),
    }
}
