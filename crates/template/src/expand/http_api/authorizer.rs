//! Authorizers of an HTTP API, as written and as its definition has them.

use crate::expand::fault::{Fault, Outcome, Owner};
use crate::expand::make::Maker;
use crate::expand::rest_authorizer_uri;
use crate::expand::tree;
use crate::node::{Map, Node, Origin};

const PLACES: [(&str, &str); 4] = [
    ("Headers", "$request.header."),
    ("QueryStrings", "$request.querystring."),
    ("StageVariables", "$stageVariables."),
    ("Context", "$context."),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Signatures,
    Tokens,
    Function,
}

/// One authorizer.
#[derive(Clone, Debug)]
pub(super) struct Authorizer {
    pub(super) name: String,
    pub(super) origin: Origin,
    kind: Kind,
    node: Node,
}

impl Authorizer {
    /// The authorizers an Auth property declares.
    pub(super) fn all(api: &str, auth: &Map) -> Outcome<Vec<Self>> {
        let mut all = Vec::new();
        if let Some(enabled) = auth.get("EnableIamAuthorizer").filter(|it| tree::flag_of(it) == Some(true)) {
            all.push(Self {
                name: "AWS_IAM".to_owned(),
                origin: enabled.origin.clone(),
                kind: Kind::Signatures,
                node: Maker::implied_by(&enabled.origin).empty(),
            });
        }
        let Some(written) = tree::filled(auth, "Authorizers") else { return Ok(all) };
        for (name, node) in Owner::Resource(api).map(written, "Auth.Authorizers")?.iter() {
            Owner::Resource(api).map(node, &format!("Auth.Authorizers.{name}"))?;
            let authorizer = Self::read(api, name, node)?;
            all.retain(|known| known.name != name);
            all.push(authorizer);
        }
        Ok(all)
    }

    fn read(api: &str, name: &str, node: &Node) -> Outcome<Self> {
        let fault = |message: String| Fault::resource(api, message).at(&node.origin);
        if node.get("OpenIdConnectUrl").is_some() {
            return Err(fault(format!(
                "'OpenIdConnectUrl' is no longer a supported property for authorizer '{name}'. Please refer to the AWS \
                 SAM documentation."
            )));
        }
        let tokens = tree::filled_in(node, "JwtConfiguration");
        if let Some(tokens) = tokens {
            Owner::Resource(api).map(tokens, "JwtConfiguration")?;
        }
        let kind = if tokens.is_some() { Kind::Tokens } else { Kind::Function };
        let given = |name: &str| node.get(name).filter(|value| !tree::is_null(value));
        if given("AuthorizationScopes").is_some_and(|scopes| scopes.as_list().is_none()) {
            return Err(fault("AuthorizationScopes must be a list.".to_owned()));
        }
        Self::check_properties(kind, node).map_err(fault)?;
        let wanted: &[&str] = match kind {
            Kind::Tokens => &["IdentitySource"],
            _ => &["FunctionArn", "AuthorizerPayloadFormatVersion"],
        };
        if let Some(missing) = wanted.iter().find(|wanted| tree::filled_in(node, wanted).is_none()) {
            let what = if kind == Kind::Tokens { "OAuth2" } else { "Lambda" };
            return Err(fault(format!("{name} {what} Authorizer must define '{missing}'.")));
        }
        if let Some(flag) = given("EnableFunctionDefaultPermissions") {
            Owner::Resource(api).flag(flag, &format!("Authorizers.{name}.EnableFunctionDefaultPermissions"))?;
        }
        Ok(Self { name: name.to_owned(), origin: node.origin.clone(), kind, node: node.clone() })
    }

    /// Refuses properties of the other kind of authorizer.
    fn check_properties(kind: Kind, node: &Node) -> Result<(), String> {
        let foreign: &[(&str, &str)] = match kind {
            Kind::Tokens => &[
                ("FunctionArn", "Lambda Authorizer"),
                ("FunctionInvokeRole", "Lambda Authorizer"),
                ("Identity", "Lambda Authorizer"),
                ("AuthorizerPayloadFormatVersion", "Lambda Authorizer"),
                ("EnableSimpleResponses", "Lambda Authorizer"),
                ("EnableFunctionDefaultPermissions", "Lambda Authorizer"),
            ],
            _ => &[
                ("AuthorizationScopes", "OAuth2 Authorizer"),
                ("IdentitySource", "OAuth2 Authorizer. For Lambda Authorizer, use the 'Identity' property instead"),
            ],
        };
        match foreign.iter().find(|(name, _)| node.get(name).is_some_and(|value| !tree::is_null(value))) {
            None => Ok(()),
            Some((name, kind)) => Err(format!("{name} is only supported for {kind}.")),
        }
    }

    /// The scopes it asks for by itself.
    pub(super) fn scopes(&self) -> Option<&Node> {
        self.node.get("AuthorizationScopes").filter(|scopes| !tree::is_null(scopes))
    }

    /// The function it calls, when a permission for that was asked for.
    pub(super) fn calls(&self) -> Option<&Node> {
        tree::filled_in(&self.node, "EnableFunctionDefaultPermissions")?;
        tree::filled_in(&self.node, "FunctionArn")
    }

    /// Its entry in the definition.
    pub(super) fn definition(&self, api: &str, partition: &str) -> Outcome<Node> {
        let maker = Maker { origin: self.origin.clone() };
        let key =
            |name: &str| vec![("type", maker.text("apiKey")), ("name", maker.text(name)), ("in", maker.text("header"))];
        let mut entries = match self.kind {
            Kind::Signatures => {
                let mut entries = key("Authorization");
                entries.push(("x-amazon-apigateway-authtype", maker.text("awsSigv4")));
                return Ok(maker.map(entries));
            }
            Kind::Tokens => vec![("type", maker.text("oauth2"))],
            Kind::Function => key("Unused"),
        };
        let details =
            if self.kind == Kind::Tokens { self.tokens(&maker) } else { self.function(api, partition, &maker)? };
        entries.push(("x-amazon-apigateway-authorizer", maker.map(details)));
        Ok(maker.map(entries))
    }

    fn tokens(&self, maker: &Maker) -> Vec<(&'static str, Node)> {
        let mut configuration = Map::default();
        for (name, value) in self.node.get("JwtConfiguration").and_then(Node::as_map).into_iter().flat_map(Map::iter) {
            configuration.insert(name.to_lowercase(), value.clone());
        }
        let source = self.node.get("IdentitySource").cloned().unwrap_or_else(|| maker.no_value());
        vec![
            ("jwtConfiguration", Node::map(configuration, &self.origin)),
            ("identitySource", source),
            ("type", maker.text("jwt")),
        ]
    }

    fn function(&self, api: &str, partition: &str, maker: &Maker) -> Outcome<Vec<(&'static str, Node)>> {
        let given = |name: &str| tree::filled_in(&self.node, name).cloned();
        let function = given("FunctionArn").unwrap_or_else(|| maker.no_value());
        let mut details =
            vec![("type", maker.text("request")), ("authorizerUri", rest_authorizer_uri(maker, partition, function))];
        let role = given("FunctionInvokeRole").filter(|role| tree::text_of(role) != Some("NONE"));
        details.extend(role.map(|role| ("authorizerCredentials", role)));
        if let Some(identity) = given("Identity") {
            let map = Owner::Resource(api).map(&identity, &format!("Auth.Authorizers.{}.Identity", self.name))?;
            let lifetime = tree::given(map, "ReauthorizeEvery");
            details.extend(lifetime.map(|lifetime| ("authorizerResultTtlInSeconds", lifetime.clone())));
            details.push(("identitySource", maker.list(self.places(api, map, maker)?)));
        }
        details.extend(given("AuthorizerPayloadFormatVersion").map(|it| ("authorizerPayloadFormatVersion", it)));
        details.extend(given("EnableSimpleResponses").map(|simple| ("enableSimpleResponses", simple)));
        Ok(details)
    }

    fn places(&self, api: &str, identity: &Map, maker: &Maker) -> Outcome<Vec<Node>> {
        let owner = Owner::Resource(api);
        let mut places = Vec::new();
        for (name, prefix) in PLACES {
            let Some(listed) = tree::filled(identity, name) else { continue };
            let path = format!("Authorizers.{}.Identity.{name}", self.name);
            for (index, one) in owner.list(listed, &path)?.iter().enumerate() {
                let one = owner.text(one, &format!("{path}[{index}]"))?;
                places.push(maker.text(format!("{prefix}{one}")));
            }
        }
        Ok(places)
    }
}
