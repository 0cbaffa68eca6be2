//! Authorizers of a REST API, as written and as its definition has them.

use crate::expand::fault::{Fault, Outcome, Owner};
use crate::expand::make::Maker;
use crate::expand::tree;
use crate::node::{Meaning, Node, Origin};

/// Where a request authorizer looks, and how the definition names that place.
const PLACES: [(&str, &str); 4] = [
    ("Headers", "method.request.header."),
    ("QueryStrings", "method.request.querystring."),
    ("StageVariables", "stageVariables."),
    ("Context", "context."),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Signatures,
    UserPools,
    Token,
    Request,
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
    /// The authorizers of an API. The built-in one for signed requests is among them when it is the default.
    pub(super) fn all(api: &str, written: Option<&Node>, default: Option<&Node>) -> Outcome<Vec<Self>> {
        let mut all = Vec::new();
        if let Some(default) = default.filter(|default| tree::text_of(default) == Some("AWS_IAM")) {
            all.push(Self {
                name: "AWS_IAM".to_owned(),
                origin: default.origin.clone(),
                kind: Kind::Signatures,
                node: Maker::implied_by(&default.origin).empty(),
            });
        }
        let Some(written) = written else { return Ok(all) };
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
        let owner = Owner::Resource(api);
        let payload = node.get("FunctionPayloadType").filter(|payload| !tree::is_null(payload));
        let is_request = match payload.map(tree::shown).as_deref() {
            None | Some("TOKEN") => false,
            Some("REQUEST") => true,
            Some(other) => {
                return Err(fault(format!("{name} Authorizer has invalid 'FunctionPayloadType': {other}.")));
            }
        };
        if is_request && looks_nowhere(api, name, node)? {
            return Err(fault(format!(
                "{name} Authorizer must specify Identity with at least one of Headers, QueryStrings, StageVariables, or \
                 Context."
            )));
        }
        if let Some(scopes) = node.get("AuthorizationScopes").filter(|scopes| !tree::is_null(scopes)) {
            owner.list(scopes, &format!("Authorizers.{name}.AuthorizationScopes"))?;
        }
        if let Some(flag) = node.get("DisableFunctionDefaultPermissions").filter(|flag| !tree::is_null(flag)) {
            owner.flag(flag, &format!("Authorizers.{name}.DisableFunctionDefaultPermissions"))?;
        }
        let kind = match (tree::filled_in(node, "UserPoolArn"), is_request) {
            (Some(_), _) => Kind::UserPools,
            (None, true) => Kind::Request,
            (None, false) => Kind::Token,
        };
        Ok(Self { name: name.to_owned(), origin: node.origin.clone(), kind, node: node.clone() })
    }

    /// The scopes it asks for by itself.
    pub(super) fn scopes(&self) -> Option<&Node> {
        self.node.get("AuthorizationScopes").filter(|scopes| !tree::is_null(scopes))
    }

    /// The function it calls, when the API needs a permission for that.
    pub(super) fn calls(&self) -> Option<&Node> {
        let waived = tree::filled_in(&self.node, "DisableFunctionDefaultPermissions").is_some();
        tree::filled_in(&self.node, "FunctionArn").filter(|_| !waived)
    }

    fn identity(&self, name: &str) -> Option<&Node> {
        self.node.get("Identity")?.get(name)
    }

    /// Its entry in the definition.
    pub(super) fn definition(&self, api: &str, partition: &str) -> Outcome<Node> {
        let maker = Maker { origin: self.origin.clone() };
        let (header, kind) = match self.kind {
            Kind::Request => (maker.text("Unused"), "custom"),
            Kind::Token => (self.header(api, &maker)?, "custom"),
            Kind::Signatures => (self.header(api, &maker)?, "awsSigv4"),
            Kind::UserPools => (self.header(api, &maker)?, "cognito_user_pools"),
        };
        let mut entries = vec![
            ("type", maker.text("apiKey")),
            ("name", header),
            ("in", maker.text("header")),
            ("x-amazon-apigateway-authtype", maker.text(kind)),
        ];
        let mut details = match self.kind {
            Kind::Signatures => return Ok(maker.map(entries)),
            Kind::UserPools => self.pools(&maker),
            Kind::Token => self.function(&maker, "token", partition),
            Kind::Request => self.function(&maker, "request", partition),
        };
        if self.kind == Kind::Request {
            let places = self.places(api)?;
            details.extend((!places.is_empty()).then(|| ("identitySource", maker.text(places))));
        } else if let Some(expression) = self.identity("ValidationExpression").filter(|it| tree::truthy(it)) {
            details.push(("identityValidationExpression", expression.clone()));
        }
        entries.push(("x-amazon-apigateway-authorizer", maker.map(details)));
        Ok(maker.map(entries))
    }

    fn header(&self, api: &str, maker: &Maker) -> Outcome<Node> {
        let identity = self.node.get("Identity").filter(|identity| tree::truthy(identity));
        if let Some(identity) = identity.filter(|identity| identity.as_map().is_none()) {
            let message = "Auth.Authorizers.<Authorizer>.Identity must be a dict (LambdaTokenAuthorizationIdentity, \
                           LambdaRequestAuthorizationIdentity or CognitoAuthorizationIdentity).";
            return Err(Fault::resource(api, message).at(&identity.origin));
        }
        let header = self.identity("Header").filter(|header| tree::truthy(header));
        Ok(header.cloned().unwrap_or_else(|| maker.text("Authorization")))
    }

    fn pools(&self, maker: &Maker) -> Vec<(&'static str, Node)> {
        let pools = self.node.get("UserPoolArn").cloned().unwrap_or_else(|| maker.list([]));
        let pools = if pools.as_list().is_some() { pools } else { maker.list([pools]) };
        vec![("type", maker.text("cognito_user_pools")), ("providerARNs", pools)]
    }

    fn function(&self, maker: &Maker, kind: &str, partition: &str) -> Vec<(&'static str, Node)> {
        let function = self.node.get("FunctionArn").cloned().unwrap_or_else(|| Node::plain("null", &self.origin));
        let mut details = vec![("type", maker.text(kind)), ("authorizerUri", uri(maker, partition, function))];
        let lifetime = self.identity("ReauthorizeEvery").filter(|lifetime| !tree::is_null(lifetime));
        details.extend(lifetime.map(|lifetime| ("authorizerResultTtlInSeconds", lifetime.clone())));
        let role = tree::filled_in(&self.node, "FunctionInvokeRole").filter(|role| tree::text_of(role) != Some("NONE"));
        details.extend(role.map(|role| ("authorizerCredentials", role.clone())));
        details
    }

    fn places(&self, api: &str) -> Outcome<String> {
        let mut places = Vec::new();
        for (name, prefix) in PLACES {
            let Some(listed) = self.identity(name).filter(|listed| tree::truthy(listed)) else { continue };
            let path = format!("Auth.Authorizers.{}.Identity.{name}", self.name);
            for (index, one) in Owner::Resource(api).list(listed, &path)?.iter().enumerate() {
                let one = Owner::Resource(api).text(one, &format!("{path}[{index}]"))?;
                places.push(format!("{prefix}{one}"));
            }
        }
        Ok(places.join(", "))
    }
}

/// The address at which the gateway calls an authorizer function.
pub(in crate::expand) fn uri(maker: &Maker, partition: &str, function: Node) -> Node {
    let uri = format!(
        "arn:{partition}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/${{__FunctionArn__}}/invocations"
    );
    maker.sub_with(uri, [("__FunctionArn__", function)])
}

/// A request authorizer must look somewhere, unless its answers are never kept.
fn looks_nowhere(api: &str, name: &str, node: &Node) -> Outcome<bool> {
    let Some(identity) = tree::filled_in(node, "Identity") else { return Ok(true) };
    let identity = Owner::Resource(api).map(identity, &format!("Authorizer.{name}.Identity"))?;
    let nowhere = PLACES.iter().all(|(place, _)| tree::filled(identity, place).is_none());
    let lifetime = identity.get("ReauthorizeEvery");
    let kept = match lifetime.and_then(Node::meaning) {
        Some(Meaning::Int(seconds)) => seconds > 0,
        Some(Meaning::Text(text)) => text.parse::<i64>().map_or(true, |seconds| seconds > 0),
        _ => true,
    };
    Ok(kept && nowhere)
}
