//! References that the platform replaces by a stored secret while it deploys: `{{resolve:secretsmanager:NAME:...}}`.

use brigandine_model::{LogicalId, Piece, Symbol, Value};

use crate::case::HOLE;

/// One reference within a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dynamic {
    /// Where the platform looks: `secretsmanager`, `ssm`, `ssm-secure`.
    pub(crate) service: String,
    /// The name or resource name of what is stored, holes filled.
    pub(crate) id: String,
    /// The field within it, where one is named.
    pub(crate) field: Option<String>,
    /// The stored secret, when it is a resource of this template.
    pub(crate) resource: Option<LogicalId>,
}

impl Dynamic {
    /// Whether what comes in its place is a secret: of a stored pair of name and password, the name and the address are none.
    pub(crate) fn is_secret(&self) -> bool {
        const OPEN: &[&str] = &[
            "username",
            "user",
            "host",
            "hostname",
            "port",
            "dbname",
            "database",
            "engine",
            "endpoint",
            "url",
            "region",
            "email",
            "dbinstanceidentifier",
            "dbclusteridentifier",
            "clientid",
            "client_id",
            "clusterid",
            "bucket",
            "account",
        ];
        let open = |field: &String| OPEN.contains(&field.to_ascii_lowercase().as_str());
        matches!(self.service.as_str(), "secretsmanager" | "ssm-secure") && !self.field.as_ref().is_some_and(open)
    }
}

/// Whether the value is one reference and nothing besides.
pub(crate) fn is_reference_alone(value: &Value<String>) -> bool {
    let text = match value {
        Value::Known(text) => text.clone(),
        Value::Symbolic(symbol) => spelled(symbol).0,
        Value::OneOf(_) | Value::Unknown(_) => return false,
    };
    text.starts_with("{{resolve:") && text.ends_with("}}") && text.matches("{{").count() == 1
}

/// The references within a value, in every case.
pub(crate) fn dynamic_references(value: &Value<String>) -> Vec<Dynamic> {
    match value {
        Value::Known(text) => read(text, &[]),
        Value::Symbolic(symbol) => {
            let (text, resources) = spelled(symbol);
            read(&text, &resources)
        }
        Value::OneOf(cases) => cases.iter().flat_map(|case| dynamic_references(&case.value)).collect(),
        Value::Unknown(_) => Vec::new(),
    }
}

/// The text with holes filled, and which resources the holes stand for, by byte.
fn spelled(symbol: &Symbol) -> (String, Vec<(usize, LogicalId)>) {
    let (mut text, mut resources) = (String::new(), Vec::new());
    for piece in &symbol.pieces {
        match piece {
            Piece::Text(literal) | Piece::Dynamic(literal) => text.push_str(literal),
            Piece::Attribute { resource, .. } => {
                resources.push((text.len(), resource.clone()));
                text.push(HOLE);
            }
            Piece::Parameter(_) => text.push(HOLE),
        }
    }
    (text, resources)
}

fn read(text: &str, resources: &[(usize, LogicalId)]) -> Vec<Dynamic> {
    const START: &str = "{{resolve:";
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find(START)).map(|start| start + from) {
        let body = start + START.len();
        let Some(length) = text.get(body..).and_then(|rest| rest.find("}}")) else { break };
        from = body + length;
        let resource = resources.iter().find(|(at, _)| (body..from).contains(at)).map(|(_, id)| id.clone());
        found.extend(text.get(body..from).and_then(|body| one(body, resource)));
    }
    found
}

fn one(body: &str, resource: Option<LogicalId>) -> Option<Dynamic> {
    let (service, rest) = body.split_once(':')?;
    let parts: Vec<&str> = rest.split(':').collect();
    let length = if rest.starts_with("arn:") { 7 } else { 1 };
    let id = parts.iter().take(length).copied().collect::<Vec<_>>().join(":");
    // A name is followed by the word `SecretString` or by nothing, and then by the field.
    let field = parts.get(length + 1).filter(|field| !field.is_empty()).map(|field| (*field).to_owned());
    Some(Dynamic { service: service.to_owned(), id, field, resource })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_in_every_form() {
        let read = |text: &str| dynamic_references(&Value::Known(text.to_owned())).pop().unwrap();
        let named = read("{{resolve:secretsmanager:shop/db:SecretString:password}}");
        assert_eq!((named.id.as_str(), named.field.as_deref(), named.is_secret()), ("shop/db", Some("password"), true));
        let whole =
            read("x {{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf}} y");
        assert!(whole.id.ends_with("secret:db-AbCdEf") && whole.field.is_none() && whole.is_secret());
        assert!(!read("{{resolve:secretsmanager:db:SecretString:username::}}").is_secret());
        assert!(!read("{{resolve:ssm:/shop/stage}}").is_secret());
    }

    #[test]
    fn the_resource_behind_a_hole_is_found() {
        let pieces = vec![
            Piece::Text("{{resolve:secretsmanager:".into()),
            Piece::Attribute { resource: LogicalId::new("Db"), attribute: None },
            Piece::Text(":SecretString:password}}".into()),
        ];
        let found = dynamic_references(&Value::Symbolic(Symbol { pieces }));
        assert_eq!(found[0].resource, Some(LogicalId::new("Db")));
    }
}
