//! What a token must say once its signature fits.

use std::sync::Arc;

use brigandine_model::Authorizer;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Seconds that clocks may differ.
const LEEWAY: f64 = 30.0;

/// What is expected of an issuer's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Exactly this issuer.
    pub(crate) issuer: Arc<str>,
    /// One of these audiences; none for none asked.
    pub(crate) audience: Vec<Arc<str>>,
    /// This `token_use`; nothing for issuers that do not tell their tokens apart by it.
    pub(crate) token_use: Option<&'static str>,
}

/// The `token_use` that the platform's own user pools must have put into a token: `access` where a route asks for scopes,
/// which only such tokens hold, `id` otherwise.
pub(crate) fn token_use(authorizer: &Authorizer, scopes: &[String]) -> Option<&'static str> {
    (*authorizer.label == *"cognito").then_some(if scopes.is_empty() { "id" } else { "access" })
}

/// Claims that count.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) subject: Option<Arc<str>>,
    pub(crate) scopes: Vec<String>,
    /// All of them, as JSON text.
    pub(crate) all: Arc<str>,
}

/// Why claims do not count: a stable word and a sentence.
pub(crate) type Fault = (&'static str, &'static str);

/// Fields whose form and number matter. A field that stands twice is an error here.
#[derive(Deserialize)]
struct Known {
    iss: Option<Value>,
    sub: Option<Value>,
    aud: Option<Value>,
    client_id: Option<Value>,
    token_use: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    scope: Option<Value>,
    scp: Option<Value>,
}

/// Judges the payload of a verified token.
pub(crate) fn judge(payload: &[u8], expected: &Expected, now: Timestamp) -> Result<Claims, Fault> {
    const MALFORMED: Fault = ("token-malformed", "the token's claims are malformed");
    let known: Known = serde_json::from_slice(payload).map_err(|_| MALFORMED)?;
    let all: Map<String, Value> = serde_json::from_slice(payload).map_err(|_| MALFORMED)?;
    if known.iss.as_ref().and_then(Value::as_str) != Some(&*expected.issuer) {
        return Err(("token-issuer", "the token is from another issuer"));
    }
    if !meant_for(&known, &expected.audience) {
        return Err(("token-audience", "the token is for another audience"));
    }
    if expected.token_use.is_some() && known.token_use.as_ref().and_then(Value::as_str) != expected.token_use {
        return Err(("token-use", "the token is not of the kind this route asks for"));
    }
    in_time(&known, now)?;
    let subject = match known.sub {
        None | Some(Value::Null) => None,
        Some(Value::String(subject)) => Some(subject.into()),
        Some(_) => return Err(MALFORMED),
    };
    let scopes = scopes(known.scope.as_ref(), known.scp.as_ref()).ok_or(MALFORMED)?;
    Ok(Claims { subject, scopes, all: Value::Object(all).to_string().into() })
}

/// Whether one of the accepted audiences is named. As on the platform, `client_id` counts only where `aud` is missing.
fn meant_for(known: &Known, audience: &[Arc<str>]) -> bool {
    let accepted = |value: &Value| value.as_str().is_some_and(|name| audience.iter().any(|other| **other == *name));
    match (&known.aud, &known.client_id) {
        _ if audience.is_empty() => true,
        (Some(Value::Array(names)), _) => names.iter().all(Value::is_string) && names.iter().any(accepted),
        (Some(name), _) => accepted(name),
        (None, Some(client)) => accepted(client),
        (None, None) => false,
    }
}

fn in_time(known: &Known, now: Timestamp) -> Result<(), Fault> {
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit many times over")]
    let now = now.as_second() as f64;
    let seconds = |value: &Option<Value>| match value {
        None => Ok(None),
        // Dates beyond the year 9999 are mistakes or tricks.
        Some(value) => match value.as_f64().filter(|seconds| (0.0..253_402_300_800.0).contains(seconds)) {
            Some(seconds) if value.is_number() => Ok(Some(seconds)),
            _ => Err(("token-malformed", "the token's dates are malformed")),
        },
    };
    match seconds(&known.exp)? {
        None => return Err(("token-without-expiry", "the token does not say when it expires")),
        Some(expiry) if expiry + LEEWAY <= now => return Err(("token-expired", "the token has expired")),
        Some(_) => {}
    }
    for from in [seconds(&known.nbf)?, seconds(&known.iat)?].into_iter().flatten() {
        if from > now + LEEWAY {
            return Err(("token-not-yet-valid", "the token is not valid yet"));
        }
    }
    Ok(())
}

/// Scopes of either claim: words in one text, or a list of words.
fn scopes(scope: Option<&Value>, scp: Option<&Value>) -> Option<Vec<String>> {
    let mut scopes = Vec::new();
    for claim in [scope, scp].into_iter().flatten() {
        match claim {
            Value::Null => {}
            Value::String(words) => scopes.extend(words.split_ascii_whitespace().map(str::to_owned)),
            Value::Array(words) => {
                for word in words {
                    scopes.push(word.as_str()?.to_owned());
                }
            }
            _ => return None,
        }
    }
    Some(scopes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(claims: &str) -> Result<Claims, &'static str> {
        verdict_of_kind(claims, None)
    }

    fn verdict_of_kind(claims: &str, token_use: Option<&'static str>) -> Result<Claims, &'static str> {
        let expected = Expected { issuer: "https://issuer".into(), audience: vec!["shop".into()], token_use };
        let now = Timestamp::from_second(1_000_000).unwrap();
        judge(claims.as_bytes(), &expected, now).map_err(|(code, _)| code)
    }

    fn with(change: &serde_json::Value) -> Result<Claims, &'static str> {
        let mut claims = json!({"iss": "https://issuer", "aud": "shop", "exp": 1_000_600, "sub": "ann"});
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(name),
                value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        verdict(&claims.to_string())
    }

    fn code(change: &serde_json::Value) -> &'static str {
        with(change).map_or_else(|code| code, |_| "passes")
    }

    #[test]
    fn good_claims_pass_and_are_read() {
        let claims = with(&json!({"scope": "a b", "scp": ["c"]})).unwrap();
        assert_eq!(claims.subject.as_deref(), Some("ann"));
        assert_eq!(claims.scopes, ["a", "b", "c"]);
    }

    #[test]
    fn a_missing_issuer_is_refused() {
        assert_eq!(code(&json!({"iss": null})), "token-issuer");
    }

    #[test]
    fn another_issuer_a_prefix_and_a_list_are_refused() {
        for issuer in [json!("https://issuer/"), json!("https://issue"), json!(["https://issuer"])] {
            assert_eq!(code(&json!({"iss": issuer})), "token-issuer");
        }
    }

    #[test]
    fn a_missing_audience_is_refused() {
        assert_eq!(code(&json!({"aud": null})), "token-audience");
    }

    #[test]
    fn audiences_are_one_name_or_a_list_of_names() {
        assert_eq!(code(&json!({"aud": ["other", "shop"]})), "passes");
        assert_eq!(code(&json!({"aud": ["other"]})), "token-audience");
        assert_eq!(code(&json!({"aud": ["shop", 1]})), "token-audience");
        assert_eq!(code(&json!({"aud": {"shop": 1}})), "token-audience");
    }

    #[test]
    fn a_client_id_counts_only_without_audience() {
        assert_eq!(code(&json!({"aud": null, "client_id": "shop"})), "passes");
        assert_eq!(code(&json!({"aud": "other", "client_id": "shop"})), "token-audience");
    }

    #[test]
    fn tokens_of_user_pools_are_told_apart_by_their_use() {
        for (said, code) in [
            (json!("id"), "passes"),
            (json!("access"), "token-use"),
            (json!(["id"]), "token-use"),
            (Value::Null, "token-use"),
        ] {
            let claims = json!({"iss": "https://issuer", "aud": "shop", "exp": 1_000_600, "token_use": said});
            let verdict = verdict_of_kind(&claims.to_string(), Some("id"));
            assert_eq!(verdict.map_or_else(|code| code, |_| "passes"), code, "{said}");
        }
        assert_eq!(code(&json!({"token_use": "anything"})), "passes");
    }

    #[test]
    fn expiry_is_asked_for_with_thirty_seconds_of_leeway() {
        assert_eq!(code(&json!({"exp": null})), "token-without-expiry");
        assert_eq!(code(&json!({"exp": 999_971})), "passes");
        assert_eq!(code(&json!({"exp": 999_970})), "token-expired");
    }

    #[test]
    fn dates_are_plain_numbers() {
        for date in [json!("1000600"), json!(-1), json!(1e300), json!([1_000_600]), json!(true)] {
            assert_eq!(code(&json!({"exp": date})), "token-malformed", "{date}");
        }
    }

    #[test]
    fn a_token_from_the_future_is_refused() {
        assert_eq!(code(&json!({"nbf": 1_000_031})), "token-not-yet-valid");
        assert_eq!(code(&json!({"nbf": 1_000_030})), "passes");
        assert_eq!(code(&json!({"iat": 1_000_031})), "token-not-yet-valid");
    }

    #[test]
    fn a_subject_is_text() {
        assert_eq!(code(&json!({"sub": ["ann"]})), "token-malformed");
    }

    #[test]
    fn a_claim_that_stands_twice_is_refused() {
        let claims = r#"{"iss":"https://issuer","aud":"shop","exp":1000600,"iss":"https://issuer"}"#;
        assert_eq!(verdict(claims).unwrap_err(), "token-malformed");
    }
}
