//! Who calls, as the APIs tell functions.

use std::collections::BTreeMap;

use brigandine_model::TokenIdentity;
use serde_json::Value;

/// Claims as texts, for that is what functions get, whatever the token held.
pub(crate) type Claims = BTreeMap<String, String>;

/// How a list of values becomes one text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lists {
    /// `a,b`, as REST APIs write it.
    Commas,
    /// `[a b]`, as HTTP APIs write it.
    Brackets,
}

/// The claims of a verified token.
pub(crate) fn claims(token: &TokenIdentity, lists: Lists) -> Claims {
    let Ok(Value::Object(claims)) = serde_json::from_str(&token.claims) else { return Claims::new() };
    claims.into_iter().map(|(name, value)| (name, text(value, lists))).collect()
}

fn text(value: Value, lists: Lists) -> String {
    match value {
        Value::String(text) => text,
        Value::Array(items) => {
            let items: Vec<_> = items.into_iter().map(|item| text(item, lists)).collect();
            match lists {
                Lists::Commas => items.join(","),
                Lists::Brackets => format!("[{}]", items.join(" ")),
            }
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_is_text() {
        let token = TokenIdentity {
            authorizer: "a".into(),
            subject: None,
            claims: r#"{"sub":"u","exp":1583348638,"admin":true,"groups":["a","b"],"deep":{"x":1}}"#.into(),
            scopes: vec![],
        };
        let http = claims(&token, Lists::Brackets);
        assert_eq!(http["sub"], "u");
        assert_eq!(http["exp"], "1583348638");
        assert_eq!(http["admin"], "true");
        assert_eq!(http["groups"], "[a b]");
        assert_eq!(http["deep"], r#"{"x":1}"#);
        assert_eq!(claims(&token, Lists::Commas)["groups"], "a,b");
    }
}
