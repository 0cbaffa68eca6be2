//! Development secrets: what functions get for a secret by reference, until a vault stands behind the same door.
//!
//! Values lie in `secrets.json` in the data folder, readable by its owner only, made up at random on the first run and
//! free to be edited. Functions fetch them as they do in the cloud, from the Parameters-and-Secrets extension's address on
//! loopback; each function has a token of its own and is given what its own role grants, nothing else.

use std::{collections::BTreeMap, convert::Infallible, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use brigandine_function::{Plaintext, Secrets};
use brigandine_iam::{ActionPattern, Pattern};
use brigandine_model::{App, Effect, Fact, Function, LogicalId, Piece, Role, Secret, Statement, Value};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::state;

/// Header that carries a function's token.
const TOKEN_HEADER: &str = "x-aws-parameters-secrets-token";

/// Connections served at once; more wait in the kernel's queue.
const CONNECTIONS: usize = 256;

/// The secrets of one application and who may read which.
pub(crate) struct DevelopmentSecrets {
    values: BTreeMap<LogicalId, Stored>,
    readers: BTreeMap<Arc<str>, Reader>,
}

struct Stored {
    name: Option<String>,
    value: Plaintext,
}

#[derive(Debug)]
struct Reader {
    function: LogicalId,
    may_read: Vec<LogicalId>,
}

impl DevelopmentSecrets {
    /// Reads the development file, adding values for secrets it does not have yet, and works out the grants.
    pub(crate) fn open(folder: &Path, app: &App) -> anyhow::Result<Self> {
        let mut file = state::exclusively(folder, || kept(folder, app))?;
        let values =
            app.secrets.iter().filter_map(|secret| Some((secret.id.clone(), stored(secret, &mut file)?))).collect();
        let readers = app.functions.iter().map(|function| reader(app, function)).collect::<anyhow::Result<_>>()?;
        Ok(Self { values, readers })
    }

    /// What each function must know to fetch its secrets from `address`: the port, and its token as the platform names it.
    pub(crate) fn variables(&self, address: SocketAddr) -> BTreeMap<LogicalId, BTreeMap<String, String>> {
        let variables = |token: &str| {
            let port = ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT".to_owned(), address.port().to_string());
            BTreeMap::from([port, ("AWS_SESSION_TOKEN".to_owned(), token.to_owned())])
        };
        self.readers.iter().map(|(token, reader)| (reader.function.clone(), variables(token))).collect()
    }

    /// The secret a function names: by its logical id, its name, or an ARN. What fits exactly comes before what fits once
    /// the six random characters of an ARN are taken off, for `db-master` and `db-backup` are two secrets.
    fn find(&self, wanted: &str) -> Option<(&LogicalId, &Stored)> {
        let of_arn = wanted.rsplit_once(":secret:").or_else(|| wanted.rsplit_once(":parameter")).map(|(_, name)| name);
        let written = of_arn.unwrap_or(wanted);
        let shortened = of_arn.map(without_suffix);
        [Some(written), shortened].into_iter().flatten().find_map(|name| self.named(name))
    }

    fn named(&self, name: &str) -> Option<(&LogicalId, &Stored)> {
        let fits = |text: &str| text.trim_start_matches('/') == name.trim_start_matches('/');
        self.values.iter().find(|(id, stored)| fits(id.as_str()) || stored.name.as_deref().is_some_and(fits))
    }

    /// What a function is told.
    fn answer(&self, token: Option<&str>, place: Place, wanted: &str) -> (StatusCode, serde_json::Value) {
        let Some(reader) = token.and_then(|token| self.readers.get(token)) else {
            return refusal(
                StatusCode::FORBIDDEN,
                "AccessDeniedException",
                "the token is missing or not this function's",
            );
        };
        let Some((id, stored)) = self.find(wanted) else {
            return refusal(
                StatusCode::BAD_REQUEST,
                "ResourceNotFoundException",
                "there is no such secret in the template",
            );
        };
        if !reader.may_read.contains(id) {
            let why = format!("the role of `{}` does not grant `{id}`", reader.function);
            return refusal(StatusCode::BAD_REQUEST, "AccessDeniedException", &why);
        }
        (StatusCode::OK, place.document(id, stored))
    }
}

/// What a dynamic reference in the template stands for: `{{resolve:secretsmanager:NAME:SecretString:KEY}}` and the like.
impl Secrets for DevelopmentSecrets {
    fn reveal(&self, reference: &str) -> Option<Plaintext> {
        let inside = reference.strip_prefix("{{resolve:")?.strip_suffix("}}")?;
        let (_service, rest) = inside.split_once(':')?;
        let whole = rest.strip_suffix(":SecretString").unwrap_or(rest);
        let (name, key) = whole.split_once(":SecretString:").map_or((whole, None), |(name, key)| (name, Some(key)));
        let (_, stored) = self.find(name)?;
        match key.and_then(|key| key.split(':').next()).filter(|key| !key.is_empty()) {
            None => Some(stored.value.clone()),
            Some(key) => {
                let document: serde_json::Value = serde_json::from_str(stored.value.expose()).ok()?;
                document.get(key)?.as_str().map(Plaintext::new)
            }
        }
    }
}

/// Which of the extension's two doors was asked.
#[derive(Clone, Copy, Debug)]
enum Place {
    Secret,
    Parameter,
}

impl Place {
    fn document(self, id: &LogicalId, stored: &Stored) -> serde_json::Value {
        let name = stored.name.as_deref().unwrap_or(id.as_str());
        match self {
            Self::Secret => serde_json::json!({
                "ARN": format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}"),
                "Name": name, "SecretString": stored.value.expose(), "VersionId": "development", "VersionStages": ["AWSCURRENT"],
            }),
            Self::Parameter => serde_json::json!({
                "Parameter": { "Name": name, "Type": "SecureString", "Value": stored.value.expose(), "Version": 1 },
                "ResultMetadata": {},
            }),
        }
    }
}

fn refusal(status: StatusCode, kind: &str, message: &str) -> (StatusCode, serde_json::Value) {
    (status, serde_json::json!({ "__type": kind, "message": message }))
}

/// Serves the extension's API on a free loopback port until the runtime ends.
pub(crate) async fn serve(secrets: Arc<DevelopmentSecrets>) -> anyhow::Result<SocketAddr> {
    let listener =
        TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen for functions that fetch secrets")?;
    let address = listener.local_addr()?;
    tokio::spawn(accept(listener, secrets));
    Ok(address)
}

async fn accept(listener: TcpListener, secrets: Arc<DevelopmentSecrets>) {
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    while let Ok(place) = places.clone().acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let secrets = secrets.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let response = respond(&secrets, &request);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
            // A function that breaks off its own connection harms only itself.
            drop(builder.serve_connection(TokioIo::new(stream), service).await);
            drop(place);
        });
    }
}

fn respond(secrets: &DevelopmentSecrets, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let token = request.headers().get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
    let (place, key) = match request.uri().path() {
        "/secretsmanager/get" => (Place::Secret, "secretId"),
        "/systemsmanager/parameters/get" => (Place::Parameter, "name"),
        _ => {
            return json(refusal(
                StatusCode::NOT_FOUND,
                "UnknownOperationException",
                "there is no such operation here",
            ));
        }
    };
    match query(request.uri().query().unwrap_or_default(), key) {
        Some(wanted) => json(secrets.answer(token, place, &wanted)),
        None => json(refusal(StatusCode::BAD_REQUEST, "ValidationException", &format!("`{key}` is missing"))),
    }
}

fn json((status, document): (StatusCode, serde_json::Value)) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(document.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

/// The percent-decoded value of one query parameter.
fn query(query: &str, key: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))?;
    percent_encoding::percent_decode_str(value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The development file with a value for every secret of the template.
fn kept(folder: &Path, app: &App) -> anyhow::Result<BTreeMap<String, String>> {
    let path = folder.join("secrets.json");
    let mut file = read(&path)?;
    let known = file.len();
    for secret in &app.secrets {
        if !file.contains_key(secret.id.as_str()) {
            file.insert(secret.id.to_string(), random_text()?);
        }
    }
    if file.len() > known {
        state::write_private(&path, &serde_json::to_vec_pretty(&file)?)?;
    }
    Ok(file)
}

fn read(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    match std::fs::read(path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).with_context(|| format!("`{}` is no JSON object of texts", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

fn stored(secret: &Secret, file: &mut BTreeMap<String, String>) -> Option<Stored> {
    let value = Plaintext::new(file.remove(secret.id.as_str())?);
    let name = secret.name.as_ref().and_then(|fact| fact.value.known().cloned());
    Some(Stored { name, value })
}

fn reader(app: &App, function: &Function) -> anyhow::Result<(Arc<str>, Reader)> {
    let role = function.role.as_ref().and_then(|id| app.role(id));
    let may_read = app.secrets.iter().filter(|secret| role.is_some_and(|role| grants(role, secret)));
    let may_read = may_read.map(|secret| secret.id.clone()).collect();
    Ok((random_text()?.into(), Reader { function: function.id.clone(), may_read }))
}

/// Whether a role lets its function read a secret. What cannot be settled does not grant.
fn grants(role: &Role, secret: &Secret) -> bool {
    let covers =
        |statement: &&Statement| covers_reading(statement) && statement.resources.iter().any(|it| names(it, secret));
    let (denying, allowing): (Vec<&Statement>, Vec<&Statement>) = role
        .statements
        .iter()
        .filter(covers)
        .partition(|statement| statement.effect.value.known() != Some(&Effect::Allow));
    denying.is_empty() && allowing.iter().any(|statement| statement.conditions.is_empty())
}

fn covers_reading(statement: &Statement) -> bool {
    const READING: [(&str, &str); 3] =
        [("secretsmanager", "GetSecretValue"), ("ssm", "GetParameter"), ("ssm", "GetParameters")];
    let patterns = statement.actions.iter().filter_map(|action| action.value.known()?.parse::<ActionPattern>().ok());
    patterns.into_iter().any(|pattern| READING.iter().any(|(service, action)| pattern.matches(service, action)))
}

/// Whether a resource pattern covers a secret: it names the secret's own resource, or matches its name.
fn names(resource: &Fact<String>, secret: &Secret) -> bool {
    match &resource.value {
        Value::Symbolic(symbol) => {
            let by_reference = symbol.resources().any(|id| *id == secret.id);
            let literal = symbol.pieces.iter().map(|piece| if let Piece::Text(text) = piece { text } else { "*" });
            by_reference || known_name(secret).is_some_and(|name| pattern_names(&literal.collect::<String>(), name))
        }
        Value::Known(pattern) => pattern == "*" || known_name(secret).is_some_and(|name| pattern_names(pattern, name)),
        Value::OneOf(_) | Value::Unknown(_) => false,
    }
}

fn known_name(secret: &Secret) -> Option<&str> {
    secret.name.as_ref().and_then(|fact| fact.value.known()).map(String::as_str)
}

/// Whether a resource pattern covers the secret of that name, whose ARN ends in six random characters in the cloud.
fn pattern_names(pattern: &str, name: &str) -> bool {
    let secret = format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-AbCdEf");
    let parameter = format!("arn:aws:ssm:us-east-1:000000000000:parameter/{}", name.trim_start_matches('/'));
    let pattern = Pattern::new(pattern);
    [secret, parameter].iter().any(|arn| pattern.matches(arn))
}

/// A secret's name without the hyphen and six characters that its ARN ends in.
fn without_suffix(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((name, suffix)) if suffix.len() == 6 && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()) => name,
        _ => name,
    }
}

/// 256 random bits as text.
fn random_text() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use brigandine_template::{Input, Options, Sources, read};

    use super::*;

    const TEMPLATE: &str = r"
Resources:
  Payments: {Type: AWS::SecretsManager::Secret}
  Signing: {Type: AWS::SecretsManager::Secret, Properties: {Name: shop/signing}}
  Orders:
    Type: AWS::Lambda::Function
    Properties: {Role: !GetAtt OrdersRole.Arn}
  Catalogue:
    Type: AWS::Lambda::Function
    Properties: {Role: !GetAtt CatalogueRole.Arn}
  OrdersRole:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: secrets
          PolicyDocument:
            Statement:
              - {Effect: Allow, Action: secretsmanager:GetSecretValue, Resource: !Ref Payments}
              - {Effect: Allow, Action: secretsmanager:Get*, Resource: 'arn:aws:secretsmanager:*:*:secret:shop/*'}
              - {Effect: Deny, Action: secretsmanager:*, Resource: '*', Condition: {Bool: {'aws:ViaAWSService': true}}}
  CatalogueRole:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: none
          PolicyDocument:
            Statement:
              - {Effect: Allow, Action: secretsmanager:DescribeSecret, Resource: '*'}
";

    fn secrets(template: &str) -> (tempfile::TempDir, DevelopmentSecrets) {
        let (options, sources) = (Options::default(), Sources::default());
        let input = Input {
            file: "template.yaml".into(),
            name: "shop".into(),
            bytes: template.as_bytes(),
            options: &options,
            sources: &sources,
        };
        let folder = tempfile::tempdir().unwrap();
        let secrets = DevelopmentSecrets::open(folder.path(), &read(&input).unwrap().app).unwrap();
        (folder, secrets)
    }

    fn without_deny() -> String {
        TEMPLATE.lines().filter(|line| !line.contains("Effect: Deny")).collect::<Vec<_>>().join("\n")
    }

    fn token(secrets: &DevelopmentSecrets, function: &str) -> String {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        secrets.variables(address)[&LogicalId::new(function)]["AWS_SESSION_TOKEN"].clone()
    }

    fn ask(secrets: &DevelopmentSecrets, function: &str, wanted: &str) -> (u16, serde_json::Value) {
        let (status, document) = secrets.answer(Some(&token(secrets, function)), Place::Secret, wanted);
        (status.as_u16(), document)
    }

    #[test]
    fn a_function_reads_what_its_role_grants_by_id_name_or_arn() {
        let (_folder, secrets) = secrets(&without_deny());
        let by_id = ask(&secrets, "Orders", "Payments");
        let by_arn = ask(&secrets, "Orders", "arn:aws:secretsmanager:us-east-1:000000000000:secret:Payments-AbCdEf");
        assert_eq!(by_id.0, 200, "{by_id:?}");
        assert_eq!(by_id.1["SecretString"], by_arn.1["SecretString"]);
        assert_eq!(ask(&secrets, "Orders", "shop/signing").0, 200);
    }

    #[test]
    fn nobody_reads_what_is_not_granted_and_a_denial_wins() {
        let (_folder, granted) = secrets(&without_deny());
        assert_eq!(ask(&granted, "Catalogue", "Payments").0, 400);
        assert_eq!(granted.answer(Some("guess"), Place::Secret, "Payments").0, StatusCode::FORBIDDEN);
        assert_eq!(granted.answer(None, Place::Secret, "Payments").0, StatusCode::FORBIDDEN);
        let (_folder, denied) = secrets(TEMPLATE);
        assert_eq!(ask(&denied, "Orders", "Payments").0, 400);
    }

    #[test]
    fn names_that_end_alike_are_two_secrets() {
        let template = "Resources:\n  A: {Type: AWS::SecretsManager::Secret, Properties: {Name: db-master}}\n  \
                        B: {Type: AWS::SecretsManager::Secret, Properties: {Name: db-backup}}\n";
        let (_folder, secrets) = secrets(template);
        let found = |wanted: &str| secrets.find(wanted).map(|(id, _)| id.to_string());
        assert_eq!(found("db-backup").as_deref(), Some("B"));
        assert_eq!(
            found("arn:aws:secretsmanager:us-east-1:000000000000:secret:db-backup-AbCdEf").as_deref(),
            Some("B")
        );
        assert_eq!(found("db"), None);
    }

    #[test]
    fn values_stay_over_restarts_and_are_for_their_owners_eyes_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, first) = secrets(&without_deny());
        let before = ask(&first, "Orders", "Payments");
        let path = folder.path().join("secrets.json");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let written: BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(before.1["SecretString"], *written["Payments"]);
        assert_eq!(first.reveal("{{resolve:secretsmanager:shop/signing}}").unwrap().expose(), written["Signing"]);
    }
}
