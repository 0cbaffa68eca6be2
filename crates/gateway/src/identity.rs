//! Who may call: for each route a gate, worked out once.

pub(crate) mod api_key;
pub(crate) mod claims;
pub(crate) mod development;
pub(crate) mod fetch;
pub(crate) mod issuer;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use brigandine_model::{Api, Authorizer, AuthorizerKind, Route, Value};
use rustls::ClientConfig;

use crate::{
    DevelopmentIssuer, Error, KeySource, Settings,
    identity::{
        api_key::{KeyRing, Ring},
        claims::{Expected, token_use},
        issuer::Issuer,
    },
};

/// What a route asks of its callers.
#[derive(Debug)]
pub(crate) enum Gate {
    /// Anyone, or whoever has what is asked for.
    Asks {
        /// A token.
        token: Option<Arc<TokenGate>>,
        /// An API key.
        key: Option<Arc<Ring>>,
    },
    /// Something that cannot be verified.
    NotEnforced(Arc<str>),
}

/// A token that is asked for.
#[derive(Debug)]
pub(crate) struct TokenGate {
    pub(crate) authorizer: Arc<str>,
    pub(crate) source: Source,
    /// Of these scopes, one must be held; none for none asked.
    pub(crate) scopes: Vec<String>,
    /// The declared issuer with what is expected of its tokens; nothing when it is not settled.
    pub(crate) declared: Option<(Arc<Issuer>, Expected)>,
    /// The issuer that stands in, with what is expected of its tokens.
    pub(crate) development: Option<(Arc<DevelopmentIssuer>, Expected)>,
    /// Whether it takes its issuer's tokens whomever they are for, though issuers of this kind say so in theirs.
    pub(crate) any_audience: bool,
}

/// Where a token stands in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In this header, with or without `Bearer`.
    Header(http::HeaderName),
    /// In this query parameter.
    Query(Box<str>),
    /// In this cookie.
    Cookie(Box<str>),
}

impl Gate {
    pub(crate) fn not_enforced(reason: &str) -> Self {
        Self::NotEnforced(reason.into())
    }

    /// Whether it asks callers for anything that it can verify.
    pub(crate) fn asks(&self) -> bool {
        matches!(self, Self::Asks { token, key } if token.is_some() || key.is_some())
    }

    /// Why it cannot be enforced.
    pub(crate) fn unenforced(&self) -> Option<&Arc<str>> {
        match self {
            Self::NotEnforced(reason) => Some(reason),
            Self::Asks { .. } => None,
        }
    }
}

impl Source {
    /// Reads an identity source as the platform writes it, or a plain header name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let after =
            |prefix: &str| lower.strip_prefix(prefix).map(str::len).and_then(|length| text.get(text.len() - length..));
        if let Some(name) = after("$request.querystring.").or_else(|| after("method.request.querystring.")) {
            return Some(Self::Query(name.into()));
        }
        if let Some(name) = after("$request.cookie.") {
            return Some(Self::Cookie(name.into()));
        }
        let name = after("$request.header.").or_else(|| after("method.request.header.")).unwrap_or(text);
        let name = if name.is_empty() { "authorization" } else { name };
        // A source of another kind; a dollar sign would even be allowed in a header's name.
        if name.contains(['$', '.']) {
            return None;
        }
        http::HeaderName::from_bytes(name.as_bytes()).ok().map(Self::Header)
    }
}

type Issuers = BTreeMap<(Arc<str>, KeySource), Arc<Issuer>>;

/// Makes gates, and keeps issuers with their keys over reloads.
pub(crate) struct Identities {
    settings: Arc<Settings>,
    tls: Arc<ClientConfig>,
    issuers: Mutex<Issuers>,
    keys: KeyRing,
}

impl Identities {
    pub(crate) fn new(settings: &Arc<Settings>) -> Result<Self, Error> {
        Ok(Self {
            tls: fetch::trust(settings.extra_roots.as_deref())?,
            issuers: Mutex::default(),
            keys: KeyRing::new(&settings.api_keys),
            settings: settings.clone(),
        })
    }

    /// The gate of a route whose token authorizer, where it asks for one, is this one.
    pub(crate) fn gate(&self, api: &Api, route: &Route, asked: Option<(&Authorizer, &Vec<String>)>) -> Gate {
        let key = match route.key_required.value.known() {
            Some(true) => Some(self.keys.ring(api)),
            Some(false) => None,
            None => return Gate::not_enforced("whether it asks for an API key could not be settled"),
        };
        let token = match asked.map(|(authorizer, scopes)| self.token_gate(authorizer, scopes)) {
            None => None,
            Some(Ok(token)) => Some(Arc::new(token)),
            Some(Err(reason)) => return Gate::NotEnforced(reason),
        };
        Gate::Asks { token, key }
    }

    fn token_gate(&self, authorizer: &Authorizer, scopes: &[String]) -> Result<TokenGate, Arc<str>> {
        let (issuer, audience, source) = match &authorizer.kind {
            AuthorizerKind::Token { issuer, audience, source } => (issuer, audience, source),
            AuthorizerKind::Function { .. } => return Err("function authorizers cannot be asked yet".into()),
            AuthorizerKind::Signature => return Err("signed requests cannot be verified yet".into()),
            AuthorizerKind::Unknown(why) => return Err(format!("its authorizer is not settled: {why}").into()),
        };
        let source = Source::parse(source).ok_or_else(|| format!("the token source `{source}` is not understood"))?;
        let declared = self.declared(authorizer, (issuer, audience), scopes)?;
        let development = self
            .settings
            .development
            .as_ref()
            .map(|development| (development.clone(), DevelopmentIssuer::expected(authorizer, scopes)));
        if declared.is_none() && development.is_none() {
            return Err("its issuer is only known once deployed, and no other is set".into());
        }
        let stand_in = development.as_ref().map(|(_, expected)| expected);
        let expected = declared.as_ref().map(|(_, expected)| expected).or(stand_in);
        let any_audience = *authorizer.label == *"jwt" && expected.is_some_and(|expected| expected.audience.is_empty());
        let authorizer = authorizer.name.clone();
        Ok(TokenGate { authorizer, source, scopes: scopes.to_vec(), declared, development, any_audience })
    }

    fn declared(
        &self,
        authorizer: &Authorizer,
        (issuer, audience): (&Value<String>, &[Value<String>]),
        scopes: &[String],
    ) -> Result<Option<(Arc<Issuer>, Expected)>, Arc<str>> {
        let setting = self.settings.issuers.get(&authorizer.name).cloned().unwrap_or_default();
        let name = setting.issuer.or_else(|| issuer.known().map(|name| name.as_str().into()));
        let Some(name) = name else { return Ok(None) };
        let known: Vec<Arc<str>> = match setting.audience {
            Some(set) => set,
            None => audience.iter().filter_map(Value::known).map(|name| name.as_str().into()).collect(),
        };
        // An audience that nobody knows yet lets nobody in, rather than everybody.
        if known.is_empty() && !audience.is_empty() {
            return Ok(None);
        }
        let expected = Expected { issuer: name.clone(), audience: known, token_use: token_use(authorizer, scopes) };
        self.issuer(&name, setting.keys).map(|issuer| Some((issuer, expected)))
    }

    fn issuer(&self, name: &Arc<str>, keys: KeySource) -> Result<Arc<Issuer>, Arc<str>> {
        let mut issuers = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(issuer) = issuers.get(&(name.clone(), keys.clone())) {
            return Ok(issuer.clone());
        }
        let issuer = Arc::new(Issuer::new(name.clone(), keys.clone(), &self.settings, self.tls.clone())?);
        issuers.insert((name.clone(), keys), issuer.clone());
        Ok(issuer)
    }

    /// All issuers, for those who refresh their keys.
    pub(crate) fn issuers(&self) -> Vec<Arc<Issuer>> {
        self.issuers.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_as_the_platform_writes_them() {
        let header = |name| Some(Source::Header(http::HeaderName::from_static(name)));
        assert_eq!(Source::parse("$request.header.Authorization"), header("authorization"));
        assert_eq!(Source::parse("method.request.header.X-Token"), header("x-token"));
        assert_eq!(Source::parse("Authorization"), header("authorization"));
        assert_eq!(Source::parse("$request.querystring.Token"), Some(Source::Query("Token".into())));
        assert_eq!(Source::parse("$request.cookie.id"), Some(Source::Cookie("id".into())));
        assert_eq!(Source::parse("$context.identity"), None);
    }
}
