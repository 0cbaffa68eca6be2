//! Those who vouch for callers.

use std::sync::Arc;

use brigandine_model::{Authorizer, AuthorizerKind, Fact, LogicalId, Piece, Provenance, Symbol, Value};

use super::Graph;
use crate::Node;

/// Seconds an answer of an authorizer is remembered where nothing is written: the older style remembers.
const REST_CACHE: u32 = 300;

/// What a security scheme of an API description does.
pub(super) enum Scheme {
    /// Asks for an API key.
    Key,
    /// Someone vouches.
    Authorizer(Authorizer),
    /// Only documents: the platform does not enforce it.
    Paper,
}

impl Graph<'_> {
    /// A scheme of an API description.
    pub(super) fn scheme(&mut self, name: &Arc<str>, node: &Node, owner: &LogicalId) -> Scheme {
        let Some(node) = self.one(node, owner) else { return Scheme::Paper };
        let text = |key: &str| self.text_at(node, key).and_then(|fact| fact.value.known().cloned()).unwrap_or_default();
        let (sort, header, place) = (text("x-amazon-apigateway-authtype"), text("name"), text("in"));
        if sort.eq_ignore_ascii_case("awssigv4") {
            return Scheme::Authorizer(self.authorizer(name, "iam", AuthorizerKind::Signature, node));
        }
        if let Some(details) = self.part(node, "x-amazon-apigateway-authorizer", owner) {
            return Scheme::Authorizer(self.described(name, details, &header, owner));
        }
        if header.eq_ignore_ascii_case("x-api-key") && place == "header" { Scheme::Key } else { Scheme::Paper }
    }

    fn authorizer(&self, name: &Arc<str>, label: &str, kind: AuthorizerKind, node: &Node) -> Authorizer {
        Authorizer { name: name.clone(), label: label.into(), kind, provenance: self.at(node) }
    }

    fn described(&mut self, name: &Arc<str>, node: &Node, header: &str, owner: &LogicalId) -> Authorizer {
        let sort = self.text_at(node, "type").and_then(|fact| fact.value.known().map(|text| text.to_ascii_lowercase()));
        match sort.as_deref() {
            Some("jwt") => {
                let details = self.part(node, "jwtConfiguration", owner);
                let (issuer, audience) =
                    (details.and_then(|node| node.get("issuer")), details.and_then(|node| node.get("audience")));
                let kind = self.token(issuer, audience, self.source_of(node, "identitySource"));
                self.authorizer(name, "jwt", kind, node)
            }
            Some("cognito_user_pools") => {
                let kind = self.pool(node, "providerARNs", &format!("method.request.header.{}", header_or(header)));
                self.authorizer(name, "cognito", kind, node)
            }
            Some("token") => {
                let kind =
                    self.asked(node, &DESCRIBED, false, &format!("method.request.header.{}", header_or(header)), owner);
                self.authorizer(name, "lambda", kind, node)
            }
            Some("request") => {
                let kind = self.asked(node, &DESCRIBED, true, "", owner);
                self.authorizer(name, "lambda", kind, node)
            }
            _ => self.authorizer(name, "unknown", AuthorizerKind::Unknown("its type is not known".into()), node),
        }
    }

    /// An authorizer that is a resource of its own, in either style.
    pub(super) fn resource_authorizer(&mut self, id: &LogicalId, node: &Node, newer: bool) -> Authorizer {
        let name: Arc<str> = id.as_str().into();
        let sort = self.text_at(node, if newer { "AuthorizerType" } else { "Type" });
        let sort = sort.and_then(|fact| fact.value.known().cloned()).unwrap_or_default();
        match sort.as_str() {
            "JWT" => {
                let details = self.part(node, "JwtConfiguration", id);
                let (issuer, audience) =
                    (details.and_then(|node| node.get("Issuer")), details.and_then(|node| node.get("Audience")));
                let kind = self.token(issuer, audience, self.source_of(node, "IdentitySource"));
                self.authorizer(&name, "jwt", kind, node)
            }
            "COGNITO_USER_POOLS" => {
                let source = self.source_of(node, "IdentitySource");
                let kind = self.pool(node, "ProviderARNs", &source);
                self.authorizer(&name, "cognito", kind, node)
            }
            "TOKEN" => {
                let source = self.source_of(node, "IdentitySource");
                let kind = self.asked(node, &DECLARED, false, &source, id);
                self.authorizer(&name, "lambda", kind, node)
            }
            "REQUEST" => {
                let kind = self.asked(node, &DECLARED, true, "", id);
                self.authorizer(&name, "lambda", kind, node)
            }
            _ => self.authorizer(&name, "unknown", AuthorizerKind::Unknown("its type is not known".into()), node),
        }
    }

    /// The header or parameter that carries the token: the first one named.
    fn source_of(&self, node: &Node, key: &str) -> Arc<str> {
        let sources = self.strings_at(node, key);
        let first = sources.first().and_then(|fact| fact.value.known().cloned());
        first.map_or_else(|| "$request.header.Authorization".into(), Into::into)
    }

    fn token(&self, issuer: Option<&Node>, audience: Option<&Node>, source: Arc<str>) -> AuthorizerKind {
        let Some(issuer) = issuer else { return AuthorizerKind::Unknown("it names no issuer".into()) };
        let audience = audience.map(|node| self.resolve.strings(node)).unwrap_or_default();
        AuthorizerKind::Token {
            issuer: self.resolve.text(issuer).value,
            audience: audience.into_iter().map(|fact| fact.value).collect(),
            source,
        }
    }

    /// Tokens of a user pool: the pool is the issuer, any of its clients will do.
    fn pool(&self, node: &Node, key: &str, source: &str) -> AuthorizerKind {
        match self.strings_at(node, key).into_iter().next() {
            Some(fact) => {
                AuthorizerKind::Token { issuer: pool_issuer(fact.value), audience: Vec::new(), source: source.into() }
            }
            None => AuthorizerKind::Unknown("it names no user pool".into()),
        }
    }

    fn asked(
        &mut self,
        node: &Node,
        words: &Words,
        whole_request: bool,
        source: &str,
        owner: &LogicalId,
    ) -> AuthorizerKind {
        let function = node.get(words.uri).and_then(|uri| {
            let fact = self.resolve.text(uri);
            let function = self.function_behind(&fact);
            if function.is_none() {
                self.unjudged("the function behind the authorizer is not part of the template", Some(owner), uri);
            }
            function
        });
        let mut sources: Vec<String> = self
            .settled_strings(node, words.sources, owner)
            .iter()
            .flat_map(|text| text.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>())
            .collect();
        if sources.is_empty() && !source.is_empty() {
            sources.push(source.to_owned());
        }
        let cache = self.number_at(node, words.cache);
        let cache_seconds = cache.map_or(Value::Known(REST_CACHE), |fact| fact.value);
        AuthorizerKind::Function { function, sources, cache_seconds, whole_request }
    }
}

struct Words {
    uri: &'static str,
    sources: &'static str,
    cache: &'static str,
}

const DESCRIBED: Words =
    Words { uri: "authorizerUri", sources: "identitySource", cache: "authorizerResultTtlInSeconds" };

const DECLARED: Words =
    Words { uri: "AuthorizerUri", sources: "IdentitySource", cache: "AuthorizerResultTtlInSeconds" };

fn header_or(header: &str) -> &str {
    if header.is_empty() { "Authorization" } else { header }
}

/// The issuer of a user pool's tokens, from its resource name.
fn pool_issuer(pool: Value<String>) -> Value<String> {
    let text = |text: &str| Piece::Text(text.into());
    match pool {
        Value::Known(arn) => match arn.split(':').collect::<Vec<_>>().as_slice() {
            [_, _, _, region, _, resource] => {
                let id = resource.trim_start_matches("userpool/");
                Value::Known(format!("https://cognito-idp.{region}.amazonaws.com/{id}"))
            }
            _ => Value::Unknown("the user pool's name is not complete".into()),
        },
        Value::Symbolic(symbol) => match symbol.pieces.as_slice() {
            [Piece::Attribute { resource, .. }] => Value::Symbolic(Symbol {
                pieces: vec![
                    text("https://cognito-idp."),
                    Piece::Parameter("AWS::Region".into()),
                    text(".amazonaws.com/"),
                    Piece::Attribute { resource: resource.clone(), attribute: None },
                ],
            }),
            _ => Value::Unknown(format!("the user pool `{symbol}` is only known once deployed").into()),
        },
        Value::OneOf(cases) => Value::OneOf(
            cases
                .into_iter()
                .map(|case| brigandine_model::Case { when: case.when, value: pool_issuer(case.value) })
                .collect(),
        ),
        Value::Unknown(why) => Value::Unknown(why),
    }
}

/// A fact about who may pass that nobody wrote.
pub(super) fn unwritten<T>(value: T, provenance: &Provenance) -> Fact<T> {
    Fact::known(value, Provenance::platform_default(provenance.span.clone()))
}
