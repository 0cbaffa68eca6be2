//! Who calls: a token where the route asks for one, an API key where it asks for one, or both.

use std::sync::Arc;

use brigandine_model::{Guard, Identity, Refusal, TokenIdentity};
use http::{HeaderMap, header::COOKIE};
use jiff::Timestamp;

use crate::{
    identity::{
        Gate, Source, TokenGate,
        api_key::{Ring, Use},
        claims::judge,
        issuer::NoKey,
    },
    jose::{Parts, SignatureFault},
    rate::Rates,
    visit::{Call, Stop, Wait, refuse},
};

/// Callers that the route's gate lets in.
pub(crate) struct KnownCaller(pub(crate) Arc<Rates>);

impl Wait for KnownCaller {
    type In = Call;
    type Out = Call;

    async fn pass(&self, mut call: Call) -> Result<Call, Stop> {
        let entry = call.matched.entry.clone();
        let (token, key) = match &entry.gate {
            Gate::Asks { token, key } => (token.clone(), key.clone()),
            Gate::NotEnforced(_) => {
                // Not a matter of observing: what cannot be guarded is never served open.
                let reason = "the authentication of this route cannot be enforced yet";
                return Err(refuse(Guard::Identity, 501, "not-enforced", reason).into());
            }
        };
        if let Some(gate) = token {
            let now = call.visit.plan.settings.clock.wall();
            let presented = presented(&gate.source, &call.visit.request.headers, &call.visit.request.query);
            match verify(&gate, presented, now).await {
                Ok(identity) => call.identity.token = Some(identity),
                Err(refusal) => call.object(refusal)?,
            }
        }
        if let Some(ring) = key {
            match self.key(&call, &ring) {
                Ok(id) => call.identity.key_id = Some(id),
                Err(refusal) => call.object(refusal)?,
            }
        }
        call.visit.trace.write(|facts| facts.caller = caller(&call.identity));
        Ok(call)
    }
}

impl KnownCaller {
    fn key(&self, call: &Call, ring: &Ring) -> Result<Arc<str>, Refusal> {
        let mut presented = call.visit.request.headers.get_all("x-api-key").iter();
        let (Some(key), None) = (presented.next(), presented.next()) else {
            return Err(refuse(Guard::Identity, 403, "api-key-missing", "one API key is asked for"));
        };
        let found = ring.find(key.as_bytes());
        let (id, place) =
            found.ok_or_else(|| refuse(Guard::Identity, 403, "api-key-unknown", "this API key is not known here"))?;
        let clock = &call.visit.plan.settings.clock;
        let moment = Use { rates: &self.0, steady: clock.steady(), wall: clock.wall() };
        match ring.charge(place, &moment) {
            Ok(()) => Ok(id),
            // A known key over its rate is still known, should the rate only be observed.
            Err(refusal) => match call.object(refusal) {
                Err(Stop::Refused(refusal)) => Err(refusal),
                Ok(()) | Err(Stop::Answered(_)) => Ok(id),
            },
        }
    }
}

fn caller(identity: &Identity) -> Option<Arc<str>> {
    let subject = identity.token.as_ref().and_then(|token| token.subject.clone());
    subject.or_else(|| identity.key_id.clone())
}

/// Finds the token in a request; an error where there are several.
fn presented(source: &Source, headers: &HeaderMap, query: &str) -> Result<Option<String>, Refusal> {
    let texts: Vec<String> = match source {
        Source::Header(name) => {
            let values = headers.get_all(name).iter();
            values.map(|value| value.to_str().unwrap_or("\u{fffd}").trim().to_owned()).collect()
        }
        Source::Query(name) => query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(key, _)| *key == &**name)
            .map(|(_, value)| value.to_owned())
            .collect(),
        Source::Cookie(name) => headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| *key == &**name)
            .map(|(_, value)| value.to_owned())
            .collect(),
    };
    // An empty one counts as well: another reader may take the first, or the last.
    match texts.as_slice() {
        [] => Ok(None),
        [text] => Ok(Some(bare(text).to_owned()).filter(|token| !token.is_empty())),
        _ => Err(refuse(Guard::Identity, 401, "token-twice", "more than one token is presented")),
    }
}

/// The token without its scheme.
fn bare(text: &str) -> &str {
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => text,
    }
}

/// Verifies a token for a gate.
async fn verify(
    gate: &TokenGate,
    presented: Result<Option<String>, Refusal>,
    now: Timestamp,
) -> Result<TokenIdentity, Refusal> {
    let missing = || refuse(Guard::Identity, 401, "token-missing", "a token is asked for");
    let token = presented?.ok_or_else(missing)?;
    let parts = Parts::of(&token).map_err(unsigned)?;
    parts.access_token_type().map_err(unsigned)?;
    let stand_in =
        gate.development.as_ref().and_then(|(issuer, expected)| Some((issuer.key(parts.key_id())?.clone(), expected)));
    let (key, expected) = match (stand_in, &gate.declared) {
        (Some(found), _) => found,
        (None, Some((issuer, expected))) => (issuer.key(parts.key_id()).await.map_err(keyless)?, expected),
        (None, None) => return Err(keyless(NoKey::Unknown)),
    };
    let payload = parts.verify(&key).map_err(unsigned)?;
    let claims = judge(&payload, expected, now).map_err(|(code, reason)| refuse(Guard::Identity, 401, code, reason))?;
    if !gate.scopes.is_empty() && !gate.scopes.iter().any(|scope| claims.scopes.contains(scope)) {
        return Err(refuse(Guard::Identity, 403, "token-scope", "the token does not hold a scope this route asks for"));
    }
    Ok(TokenIdentity {
        authorizer: gate.authorizer.clone(),
        subject: claims.subject,
        claims: claims.all,
        scopes: claims.scopes,
    })
}

fn unsigned(fault: SignatureFault) -> Refusal {
    let (code, reason) = match fault {
        SignatureFault::Malformed => ("token-malformed", "the token is malformed"),
        SignatureFault::Type => ("token-type", "the token is not an access token"),
        SignatureFault::Extension => ("token-extension", "the token demands an extension that is not supported"),
        SignatureFault::Algorithm | SignatureFault::Signature => {
            ("token-signature", "the token's signature does not fit")
        }
    };
    refuse(Guard::Identity, 401, code, reason)
}

fn keyless(fault: NoKey) -> Refusal {
    match fault {
        NoKey::Unknown => refuse(Guard::Identity, 401, "token-key", "the token's key is not known"),
        NoKey::Unavailable => Refusal {
            retry_after: Some(30),
            ..refuse(Guard::Identity, 503, "issuer-unavailable", "tokens cannot be verified at the moment")
        },
    }
}

/// What a refusal tells the caller about how to authenticate (RFC 6750, 3).
pub(crate) fn challenge(refusal: &Refusal) -> Option<&'static str> {
    match (refusal.guard, refusal.status, refusal.code) {
        (Guard::Identity, 401, "token-missing") => Some("Bearer"),
        (Guard::Identity, 401, _) => Some("Bearer error=\"invalid_token\""),
        (Guard::Identity, 403, "token-scope") => Some("Bearer error=\"insufficient_scope\""),
        _ => None,
    }
}
