//! Answers to preflight requests in the definition of a REST API.

use std::collections::BTreeSet;

use crate::expand::fault::Outcome;
use crate::expand::make::Maker;
use crate::expand::paths;
use crate::node::{Map, Node};

const ALL_METHODS: &str = "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT";

/// What a preflight answer allows.
pub(in crate::expand) struct Cors {
    pub(in crate::expand) origin: Node,
    pub(in crate::expand) headers: Option<Node>,
    /// The methods of the path itself when absent.
    pub(in crate::expand) methods: Option<Node>,
    pub(in crate::expand) max_age: Option<Node>,
    pub(in crate::expand) credentials: bool,
}

/// Adds an answer to preflight requests where a path has none.
pub(in crate::expand) fn add(body: &mut Node, path: &str, cors: &Cors, maker: &Maker) -> Outcome<()> {
    let mut methods = cors.methods.clone();
    for item in paths::items_mut(body, path)? {
        if item.contains_key("options") {
            continue;
        }
        let allowed = methods.get_or_insert_with(|| maker.text(format!("'{}'", methods_of(item)))).clone();
        item.insert("options", answer(cors, allowed, maker));
    }
    Ok(())
}

fn methods_of(item: &Map) -> String {
    if item.contains_key(paths::ANY_METHOD) {
        return ALL_METHODS.to_owned();
    }
    let mut methods: BTreeSet<String> = item.keys().map(str::to_uppercase).collect();
    methods.insert("OPTIONS".to_owned());
    methods.into_iter().collect::<Vec<_>>().join(",")
}

fn answer(cors: &Cors, methods: Node, maker: &Maker) -> Node {
    let allowed = [
        ("Access-Control-Allow-Origin", Some(cors.origin.clone()), "string"),
        ("Access-Control-Allow-Headers", cors.headers.clone(), "string"),
        ("Access-Control-Allow-Methods", Some(methods), "string"),
        ("Access-Control-Max-Age", cors.max_age.clone(), "integer"),
        ("Access-Control-Allow-Credentials", cors.credentials.then(|| maker.text("'true'")), "string"),
    ];
    let (mut parameters, mut headers) = (Vec::new(), Vec::new());
    for (name, value, kind) in allowed {
        if let Some(value) = value {
            parameters.push((format!("method.response.header.{name}"), value));
            headers.push((name, maker.map([("type", maker.text(kind))])));
        }
    }
    let default = maker.map([
        ("statusCode", maker.text("200")),
        ("responseParameters", maker.map(parameters)),
        ("responseTemplates", maker.map([("application/json", maker.text("{}\n"))])),
    ]);
    let mock = maker.map([
        ("type", maker.text("mock")),
        ("requestTemplates", maker.map([("application/json", maker.text("{\n  \"statusCode\" : 200\n}\n"))])),
        ("responses", maker.map([("default", default)])),
    ]);
    let response =
        maker.map([("description", maker.text("Default response for CORS method")), ("headers", maker.map(headers))]);
    maker.map([
        ("summary", maker.text("CORS support")),
        ("consumes", maker.texts(["application/json"])),
        ("produces", maker.texts(["application/json"])),
        (paths::INTEGRATION, mock),
        ("responses", maker.map([("200", response)])),
    ])
}
