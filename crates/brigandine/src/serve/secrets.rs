//! Development secrets: what functions get for a secret by reference, until a vault stands behind the same door.
//!
//! Values lie in `secrets.json` in the data folder, readable by its owner only, made up at random on the first run and
//! free to be edited. Functions fetch them as they do in the cloud, from the Parameters-and-Secrets extension's address on
//! loopback; each function has a token of its own and is given what its own role grants, nothing else.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use brigandine_function::{Kept, Plaintext, SecretKind, SecretStore, Secrets, SecretsServer, Wanted, Withheld};
use brigandine_iam::{ActionPattern, Pattern};
use brigandine_model::{App, Effect, Fact, Function, LogicalId, Piece, Role, Secret, Sink, Statement, Value};
use tokio::net::TcpListener;

use crate::state;

/// The secrets of one application and who may read which.
pub(crate) struct DevelopmentSecrets {
    values: BTreeMap<LogicalId, Stored>,
    readers: BTreeMap<LogicalId, Reader>,
}

struct Stored {
    kind: SecretKind,
    name: Option<String>,
    value: Plaintext,
}

/// A function that fetches secrets.
struct Reader {
    /// What it shows.
    token: String,
    may_read: Vec<LogicalId>,
}

impl Reader {
    /// What the function must know: the port, and its token as the platform names it.
    fn variables(&self, address: SocketAddr) -> BTreeMap<String, String> {
        let port = ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT".to_owned(), address.port().to_string());
        BTreeMap::from([port, ("AWS_SESSION_TOKEN".to_owned(), self.token.clone())])
    }

    /// The extension beside the function, for any listener.
    fn server(&self, function: &LogicalId, store: &Arc<DevelopmentSecrets>, sink: &Arc<dyn Sink>) -> SecretsServer {
        let (function, token) = (function.clone(), Plaintext::new(self.token.clone()));
        SecretsServer { function, token, store: store.clone(), sink: sink.clone() }
    }
}

impl DevelopmentSecrets {
    /// Reads the development file, adding values for secrets it does not have yet, and works out the grants.
    pub(crate) fn open(folder: &Path, app: &App) -> anyhow::Result<Self> {
        let mut file = state::exclusively(folder, || kept(folder, app))?;
        let values = app
            .secrets
            .iter()
            .filter_map(|secret| Some((secret.id.clone(), stored((app, secret), &mut file)?)))
            .collect();
        let readers = app.functions.iter().map(|function| reader(app, function)).collect::<anyhow::Result<_>>()?;
        Ok(Self { values, readers })
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
}

/// What functions fetch while they run.
impl SecretStore for DevelopmentSecrets {
    fn read(&self, function: &LogicalId, wanted: &Wanted) -> Result<Kept, Withheld> {
        let reader = self.readers.get(function).ok_or(Withheld::NotGranted)?;
        let (id, stored) =
            self.find(&wanted.name).filter(|(_, stored)| stored.kind == wanted.kind).ok_or(Withheld::Unknown)?;
        if !reader.may_read.contains(id) {
            return Err(Withheld::NotGranted);
        }
        // There is one version of everything here.
        let current = wanted.version.as_deref().is_none_or(|version| version == stored.kind.version())
            && wanted.stage.as_deref().is_none_or(|stage| stage == "AWSCURRENT");
        if !current {
            return Err(Withheld::Unknown);
        }
        let name = stored.name.clone().unwrap_or_else(|| id.to_string());
        let (arn, version) = (arn(stored.kind, &name), stored.kind.version().to_owned());
        Ok(Kept { name, arn, version, value: stored.value.clone() })
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

/// The only version of what is kept here.
trait Version {
    fn version(self) -> &'static str;
}

impl Version for SecretKind {
    fn version(self) -> &'static str {
        match self {
            Self::Secret => "development",
            Self::Parameter => "1",
        }
    }
}

fn arn(kind: SecretKind, name: &str) -> String {
    match kind {
        SecretKind::Secret => format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-AbCdEf"),
        SecretKind::Parameter => {
            format!("arn:aws:ssm:us-east-1:000000000000:parameter/{}", name.trim_start_matches('/'))
        }
    }
}

/// Serves the extension's API beside each function that has something to read, on a free loopback port of its own, until
/// the runtime ends; gives back what each function must know to fetch its secrets.
pub(crate) async fn serve(
    secrets: &Arc<DevelopmentSecrets>,
    sink: &Arc<dyn Sink>,
) -> anyhow::Result<BTreeMap<LogicalId, BTreeMap<String, String>>> {
    let mut given = BTreeMap::new();
    for (function, reader) in &secrets.readers {
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen for functions that fetch secrets")?;
        given.insert(function.clone(), reader.variables(listener.local_addr()?));
        tokio::spawn(reader.server(function, secrets, sink).serve(listener));
    }
    Ok(given)
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

fn stored((app, secret): (&App, &Secret), file: &mut BTreeMap<String, String>) -> Option<Stored> {
    let value = Plaintext::new(file.remove(secret.id.as_str())?);
    let name = secret.name.as_ref().and_then(|fact| fact.value.known().cloned());
    Some(Stored { kind: kind(app, secret), name, value })
}

fn kind(app: &App, secret: &Secret) -> SecretKind {
    let is_parameter = app.resources.get(&secret.id).is_some_and(|resource| &*resource.kind == "AWS::SSM::Parameter");
    if is_parameter { SecretKind::Parameter } else { SecretKind::Secret }
}

fn reader(app: &App, function: &Function) -> anyhow::Result<(LogicalId, Reader)> {
    let role = function.role.as_ref().and_then(|id| app.role(id));
    let may_read =
        app.secrets.iter().filter(|secret| role.is_some_and(|role| grants(role, (secret, kind(app, secret)))));
    let may_read = may_read.map(|secret| secret.id.clone()).collect();
    Ok((function.id.clone(), Reader { token: random_text()?, may_read }))
}

/// Whether a role lets its function read a secret. What cannot be settled does not grant.
fn grants(role: &Role, (secret, kind): (&Secret, SecretKind)) -> bool {
    let covers = |statement: &&Statement| {
        covers_reading(statement, kind) && statement.resources.iter().any(|it| names(it, (secret, kind)))
    };
    let (denying, allowing): (Vec<&Statement>, Vec<&Statement>) = role
        .statements
        .iter()
        .filter(covers)
        .partition(|statement| statement.effect.value.known() != Some(&Effect::Allow));
    denying.is_empty() && allowing.iter().any(|statement| statement.conditions.is_empty())
}

fn covers_reading(statement: &Statement, kind: SecretKind) -> bool {
    let reading: &[(&str, &str)] = match kind {
        SecretKind::Secret => &[("secretsmanager", "GetSecretValue")],
        SecretKind::Parameter => &[("ssm", "GetParameter"), ("ssm", "GetParameters")],
    };
    let patterns = statement.actions.iter().filter_map(|action| action.value.known()?.parse::<ActionPattern>().ok());
    patterns.into_iter().any(|pattern| reading.iter().any(|(service, action)| pattern.matches(service, action)))
}

/// Whether a resource pattern covers a secret: it names the secret's own resource, or matches its name.
fn names(resource: &Fact<String>, (secret, kind): (&Secret, SecretKind)) -> bool {
    match &resource.value {
        Value::Symbolic(symbol) => {
            let by_reference = symbol.resources().any(|id| *id == secret.id);
            let literal = symbol.pieces.iter().map(|piece| if let Piece::Text(text) = piece { text } else { "*" });
            by_reference
                || known_name(secret).is_some_and(|name| pattern_names(&literal.collect::<String>(), (kind, name)))
        }
        Value::Known(pattern) => {
            pattern == "*" || known_name(secret).is_some_and(|name| pattern_names(pattern, (kind, name)))
        }
        Value::OneOf(_) | Value::Unknown(_) => false,
    }
}

fn known_name(secret: &Secret) -> Option<&str> {
    secret.name.as_ref().and_then(|fact| fact.value.known()).map(String::as_str)
}

/// Whether a resource pattern covers what is kept by that name.
fn pattern_names(pattern: &str, (kind, name): (SecretKind, &str)) -> bool {
    Pattern::new(pattern).matches(&arn(kind, name))
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

    fn ask(secrets: &DevelopmentSecrets, function: &str, wanted: &str) -> Result<String, Withheld> {
        let name = wanted.to_owned();
        let wanted = Wanted { kind: SecretKind::Secret, name, version: None, stage: None };
        secrets.read(&LogicalId::new(function), &wanted).map(|kept| kept.value.expose().to_owned())
    }

    #[test]
    fn a_function_reads_what_its_role_grants_by_id_name_or_arn() {
        let (_folder, secrets) = secrets(&without_deny());
        let by_id = ask(&secrets, "Orders", "Payments");
        let by_arn = ask(&secrets, "Orders", "arn:aws:secretsmanager:us-east-1:000000000000:secret:Payments-AbCdEf");
        assert!(by_id.is_ok() && by_id == by_arn, "{by_id:?}");
        assert!(ask(&secrets, "Orders", "shop/signing").is_ok());
        assert_eq!(ask(&secrets, "Orders", "nowhere"), Err(Withheld::Unknown));
    }

    #[test]
    fn nobody_reads_what_is_not_granted_and_a_denial_wins() {
        let (_folder, granted) = secrets(&without_deny());
        assert_eq!(ask(&granted, "Catalogue", "Payments"), Err(Withheld::NotGranted));
        assert_eq!(ask(&granted, "Nobody", "Payments"), Err(Withheld::NotGranted));
        let (_folder, denied) = secrets(TEMPLATE);
        assert_eq!(ask(&denied, "Orders", "Payments"), Err(Withheld::NotGranted));
    }

    #[test]
    fn a_grant_for_parameters_is_none_for_secrets_and_a_version_must_be_there() {
        let template = without_deny().replace("secretsmanager:GetSecretValue", "ssm:GetParameter");
        let (_folder, secrets) = secrets(&template);
        assert_eq!(ask(&secrets, "Orders", "Payments"), Err(Withheld::NotGranted));
        let signing = |kind, version: Option<&str>, stage: Option<&str>| {
            let (name, version, stage) =
                ("shop/signing".to_owned(), version.map(str::to_owned), stage.map(str::to_owned));
            secrets.read(&LogicalId::new("Orders"), &Wanted { kind, name, version, stage }).err()
        };
        assert_eq!(signing(SecretKind::Secret, Some("development"), Some("AWSCURRENT")), None);
        assert_eq!(signing(SecretKind::Secret, None, Some("AWSPREVIOUS")), Some(Withheld::Unknown));
        assert_eq!(signing(SecretKind::Parameter, None, None), Some(Withheld::Unknown), "it is kept as a secret");
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
        assert_eq!(before.as_ref(), Ok(&written["Payments"]));
        assert_eq!(first.reveal("{{resolve:secretsmanager:shop/signing}}").unwrap().expose(), written["Signing"]);
    }
}
