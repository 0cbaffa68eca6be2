//! An issuer that stands in for every declared one while nobody else can reach the door.

use std::sync::Arc;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use brigandine_model::{App, Authentication, Authorizer, AuthorizerKind, Route, Value};
use jiff::Timestamp;
use serde_json::{Map, json};
use sha2::{Digest, Sha256};

use crate::{
    Error,
    identity::claims::{Expected, token_use},
    jose::{Secrets, VerifyingKey},
};

/// Seconds that its tokens live: a working day and a long evening.
const LIFE: i64 = 12 * 3_600;

/// An issuer for development. Its key is the caller's to keep, readable for nobody else.
pub struct DevelopmentIssuer {
    document: Vec<u8>,
    pair: EcdsaKeyPair,
    key_id: Arc<str>,
    key: VerifyingKey,
}

impl std::fmt::Debug for DevelopmentIssuer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("DevelopmentIssuer").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl DevelopmentIssuer {
    /// An issuer with a new key.
    pub fn generate() -> Result<Self, Error> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|error| unusable(&error.to_string()))?;
        Self::from_pkcs8(document.as_ref())
    }

    /// The issuer with this key (PKCS #8, as [`pkcs8`](Self::pkcs8) gave it).
    pub fn from_pkcs8(document: &[u8]) -> Result<Self, Error> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document)
            .map_err(|error| unusable(&error.to_string()))?;
        let point = pair.public_key().as_ref();
        let coordinates = point.strip_prefix(&[4]).and_then(|rest| rest.split_at_checked(32));
        let (x, y) = coordinates.ok_or_else(|| unusable("its public key is malformed"))?;
        let digest: [u8; 32] = Sha256::digest(point).into();
        let key_id: Arc<str> = format!("brigandine-development-{}", URL_SAFE_NO_PAD.encode(digest)).into();
        let jwk = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": *key_id,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)});
        let key =
            VerifyingKey::from_jwk(&jwk.to_string(), Secrets::Refused).map_err(|fault| unusable(&fault.to_string()))?;
        Ok(Self { document: document.to_vec(), pair, key_id, key })
    }

    /// The key, to be kept where only its owner can read it.
    pub fn pkcs8(&self) -> &[u8] {
        &self.document
    }

    /// A token that opens `route`: from its authorizer's issuer, for its audience, with all scopes it may ask for, for
    /// twelve hours. `claims` are laid over these.
    pub fn token_for(
        &self,
        app: &App,
        route: &Route,
        claims: &Map<String, serde_json::Value>,
        now: Timestamp,
    ) -> Result<String, Error> {
        let told = |reason: &str| Error::Mint {
            route: format!("{} {}", route.method, route.path).into(),
            reason: reason.to_owned(),
        };
        let (name, scopes) = match route.authentication.value.known() {
            Some(Authentication::Authorizer { name, scopes }) => (name, scopes),
            Some(Authentication::Open) => return Err(told("it asks for no token")),
            _ => return Err(told("its authentication is no token")),
        };
        let authorizer = app.api(&route.api).and_then(|api| api.authorizers.get(name));
        let authorizer = authorizer.ok_or_else(|| told("its authorizer is not declared"))?;
        if !matches!(authorizer.kind, AuthorizerKind::Token { .. }) {
            return Err(told("its authorizer asks for something else than a token"));
        }
        let expected = Self::expected(authorizer, scopes);
        let mut all = Map::new();
        all.insert("iss".into(), json!(*expected.issuer));
        all.insert("sub".into(), json!("developer"));
        if let Some(audience) = expected.audience.first() {
            all.insert("aud".into(), json!(**audience));
        }
        if !scopes.is_empty() {
            all.insert("scope".into(), json!(scopes.join(" ")));
        }
        if let Some(token_use) = expected.token_use {
            all.insert("token_use".into(), json!(token_use));
        }
        all.insert("iat".into(), json!(now.as_second()));
        all.insert("exp".into(), json!(now.as_second() + LIFE));
        all.extend(claims.clone());
        self.sign(&all).map_err(|reason| told(&reason))
    }

    fn sign(&self, claims: &Map<String, serde_json::Value>) -> Result<String, String> {
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": *self.key_id});
        let body = serde_json::to_string(claims).map_err(|error| error.to_string())?;
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(body));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|error| error.to_string())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Its key, when the token claims to be signed with it.
    pub(crate) fn key(&self, id: Option<&str>) -> Option<&VerifyingKey> {
        (id == Some(&*self.key_id)).then_some(&self.key)
    }

    /// What its tokens for this authorizer say: what the declared issuer would say where that is settled.
    pub(crate) fn expected(authorizer: &Authorizer, scopes: &[String]) -> Expected {
        let token_use = token_use(authorizer, scopes);
        let stand_in = || format!("https://development.brigandine.localhost/{}", authorizer.name).into();
        let AuthorizerKind::Token { issuer, audience, .. } = &authorizer.kind else {
            return Expected { issuer: stand_in(), audience: Vec::new(), token_use };
        };
        let issuer = issuer.known().map_or_else(stand_in, |name| name.as_str().into());
        let known: Vec<Arc<str>> = audience.iter().filter_map(Value::known).map(|name| name.as_str().into()).collect();
        let audience = match (known.is_empty(), audience.is_empty()) {
            // Nobody knows the audience's id yet; the authorizer's name stands for it.
            (true, false) => vec![authorizer.name.clone()],
            _ => known,
        };
        Expected { issuer, audience, token_use }
    }
}

fn unusable(reason: &str) -> Error {
    Error::Keys { issuer: "development".into(), reason: reason.to_owned() }
}
