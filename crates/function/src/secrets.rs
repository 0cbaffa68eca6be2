//! Secrets handed to functions while they run: the platform's Parameters-and-Secrets extension, for one function on a socket
//! of its own.
//!
//! Nothing of a secret is ever in an environment. A function shows the token it was given, asks by name, and gets what its
//! own role grants; whoever keeps the values decides that, behind [`SecretStore`]. Every asking is an event, without value.
//! The socket may be any: a loopback port of its own where functions run unfenced, the platform's port inside a fence.

use std::{convert::Infallible, sync::Arc, time::Duration};

use brigandine_model::{Happening, LogicalId, SecretAsked, SecretOutcome, Sink};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use serde_json::{Value as Json, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{Plaintext, local::emit, plan::ACCOUNT};

/// The port the platform's extension has beside every function.
pub const SECRETS_PORT: u16 = 2773;

/// Header that carries a function's token.
const TOKEN_HEADER: &str = "x-aws-parameters-secrets-token";
/// Most connections of one function at a time.
const CONNECTIONS: usize = 32;
/// Longest wait for a request's head.
const HEAD: Duration = Duration::from_secs(10);
/// Parameters that stand for secrets begin so.
const REFERENCE: &str = "/aws/reference/secretsmanager/";

/// Whoever keeps secrets that functions fetch while they run.
pub trait SecretStore: Send + Sync {
    /// The secret a function asks for, if it may have it. Must not wait: values are kept in memory.
    fn read(&self, function: &LogicalId, wanted: &Wanted) -> Result<Kept, Withheld>;
}

/// What a function asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whether it is kept as a secret or as a parameter.
    pub kind: SecretKind,
    /// Its name or its ARN, as the function wrote it.
    pub name: String,
    /// A version by its id or number; the current one without it.
    pub version: Option<String>,
    /// A version by its label; the current one without it.
    pub stage: Option<String>,
}

/// The two kinds of things that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// A secret of the secrets manager.
    Secret,
    /// A parameter of the parameter store.
    Parameter,
}

/// A secret as it is kept.
#[derive(Clone)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The version's id.
    pub version: String,
    /// Its value.
    pub value: Plaintext,
}

/// Why a function does not get a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// Its role does not grant it.
    NotGranted,
    /// There is none by this name, or not in this version.
    Unknown,
}

/// The extension beside one function.
pub struct SecretsServer {
    /// The function.
    pub function: LogicalId,
    /// What the function must show: its `AWS_SESSION_TOKEN`.
    pub token: Plaintext,
    /// Whoever keeps the secrets.
    pub store: Arc<dyn SecretStore>,
    /// Takes events.
    pub sink: Arc<dyn Sink>,
}

type Said = Response<Full<Bytes>>;

/// What a function is told, and what is told of it.
type Told = (StatusCode, Json, SecretOutcome);

impl SecretsServer {
    /// Serves until it is aborted.
    pub async fn serve(self, listener: TcpListener) {
        let shared = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok((stream, from)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            if !from.ip().to_canonical().is_loopback() || connections.len() >= CONNECTIONS {
                continue;
            }
            let server = shared.clone();
            let service = service_fn(move |request| {
                let said = server.answer(&request);
                async move { Ok::<_, Infallible>(said) }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            // A function that breaks off its own connection harms only itself.
            connections.spawn(async move { drop(connection.await) });
        }
    }

    fn answer(&self, request: &Request<Incoming>) -> Said {
        let uri = request.uri();
        self.respond(request.method(), (uri.path(), uri.query().unwrap_or_default()), request.headers())
    }

    fn respond(&self, method: &Method, (path, query): (&str, &str), headers: &HeaderMap) -> Said {
        let kind = match (method, path) {
            (&Method::GET, "/secretsmanager/get") => SecretKind::Secret,
            (&Method::GET, "/systemsmanager/parameters/get" | "/systemsmanager/parameters/get/") => {
                SecretKind::Parameter
            }
            _ => {
                return said(
                    StatusCode::NOT_FOUND,
                    &refusal("UnknownOperationException", "there is no such operation"),
                );
            }
        };
        let asked = Asked::of(kind, query);
        let named = asked.as_ref().map_or("", |asked| &asked.wanted.name);
        let name: Arc<str> = named.chars().take(256).flat_map(char::escape_debug).collect::<String>().into();
        let (status, document, outcome) = if self.is_own(headers) {
            match asked {
                Ok(asked) => self.look_up(&asked),
                Err(message) => return said(StatusCode::BAD_REQUEST, &refusal("ValidationException", message)),
            }
        } else {
            let message = "the token is missing or not this function's";
            (StatusCode::FORBIDDEN, refusal("AccessDeniedException", message), SecretOutcome::WrongToken)
        };
        // Whoever has no token need not be this function.
        let function = (outcome != SecretOutcome::WrongToken).then(|| self.function.clone());
        emit(&*self.sink, Happening::SecretAsked(SecretAsked { function, secret: name, outcome }));
        said(status, &document)
    }

    /// Whether the one who asks is the function: it shows the token, and is no page in a browser.
    fn is_own(&self, headers: &HeaderMap) -> bool {
        let token = headers.get(TOKEN_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
        let own = self.token.expose().as_bytes();
        // Every byte is compared, wherever the first difference stands.
        let differs = own.iter().zip(token).fold(0, |differs, (own, shown)| differs | (own ^ shown));
        let is_page = headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site");
        own.len() == token.len() && !own.is_empty() && differs == 0 && !is_page
    }

    fn look_up(&self, asked: &Asked) -> Told {
        let Wanted { kind, name, .. } = &asked.wanted;
        match self.store.read(&self.function, &asked.wanted) {
            Ok(kept) => (StatusCode::OK, asked.document(&kept), SecretOutcome::Given),
            Err(Withheld::Unknown) => {
                let document = match kind {
                    SecretKind::Secret => {
                        refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
                    }
                    SecretKind::Parameter => refusal("ParameterNotFound", "there is no such parameter"),
                };
                (StatusCode::NOT_FOUND, document, SecretOutcome::Unknown)
            }
            Err(Withheld::NotGranted) => {
                let (function, action) = (&self.function, kind.action());
                let who = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{function}");
                let message = format!(
                    "User: {who} is not authorized to perform: {action} on resource: {name} because no identity-based policy \
                     allows the {action} action"
                );
                (StatusCode::FORBIDDEN, refusal("AccessDeniedException", &message), SecretOutcome::Denied)
            }
        }
    }
}

impl SecretKind {
    /// What a role must grant to read one.
    fn action(self) -> &'static str {
        match self {
            Self::Secret => "secretsmanager:GetSecretValue",
            Self::Parameter => "ssm:GetParameter",
        }
    }
}

/// A request that makes sense.
struct Asked {
    wanted: Wanted,
    /// Whether a secret is wanted in the form of a parameter.
    as_parameter: bool,
}

impl Asked {
    fn of(kind: SecretKind, query: &str) -> Result<Self, &'static str> {
        let version = value(query, if kind == SecretKind::Secret { "versionId" } else { "version" });
        let stage = value(query, if kind == SecretKind::Secret { "versionStage" } else { "label" });
        match kind {
            SecretKind::Secret => {
                let name = value(query, "secretId").ok_or("`secretId` is missing")?;
                Ok(Self { wanted: Wanted { kind, name, version, stage }, as_parameter: false })
            }
            SecretKind::Parameter => {
                let name = value(query, "name").ok_or("`name` is missing")?;
                let decrypts = value(query, "withDecryption").is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
                match name.strip_prefix(REFERENCE) {
                    Some(_) if !decrypts => {
                        Err("WithDecryption flag must be True for retrieving a Secret Manager secret.")
                    }
                    Some(secret) => {
                        let wanted = Wanted { kind: SecretKind::Secret, name: secret.to_owned(), version, stage };
                        Ok(Self { wanted, as_parameter: true })
                    }
                    None => Ok(Self { wanted: Wanted { kind, name, version, stage }, as_parameter: true }),
                }
            }
        }
    }

    fn document(&self, kept: &Kept) -> Json {
        let Kept { name, arn, version, value } = kept;
        let stages = [self.wanted.stage.as_deref().unwrap_or("AWSCURRENT")];
        let metadata = json!({});
        if !self.as_parameter {
            return json!({
                "ARN": arn, "Name": name, "SecretString": value.expose(), "VersionId": version, "VersionStages": stages,
                "ResultMetadata": metadata,
            });
        }
        let (kind, name) = match self.wanted.kind {
            SecretKind::Secret => ("SecureString", format!("{REFERENCE}{name}")),
            SecretKind::Parameter => ("String", name.clone()),
        };
        let number: u64 = version.parse().unwrap_or(1);
        let parameter = json!({"ARN": arn, "DataType": "text", "Name": name, "Type": kind, "Value": value.expose(), "Version": number});
        json!({"Parameter": parameter, "ResultMetadata": metadata})
    }
}

/// The decoded value of one query parameter; nothing where it is empty.
fn value(query: &str, name: &str) -> Option<String> {
    let written = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    let spaced = written.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    (!decoded.is_empty()).then(|| decoded.into_owned())
}

fn refusal(kind: &str, message: &str) -> Json {
    json!({"__type": kind, "message": message})
}

fn said(status: StatusCode, document: &Json) -> Said {
    let mut response = Response::new(Full::new(Bytes::from(document.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use brigandine_model::Event;
    use http_body_util::BodyExt as _;

    use super::*;

    struct One;

    impl SecretStore for One {
        fn read(&self, function: &LogicalId, wanted: &Wanted) -> Result<Kept, Withheld> {
            match (&*wanted.name, wanted.stage.as_deref()) {
                _ if function.as_str() != "Orders" => Err(Withheld::NotGranted),
                ("payments" | "/shop/level", None) => Ok(Kept {
                    name: wanted.name.clone(),
                    arn: "arn".to_owned(),
                    version: "3".to_owned(),
                    value: Plaintext::new("the value"),
                }),
                ("others", _) => Err(Withheld::NotGranted),
                _ => Err(Withheld::Unknown),
            }
        }
    }

    #[derive(Default)]
    struct Heard(Mutex<Vec<Event>>);

    impl Sink for Heard {
        fn emit(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }

    struct Bench {
        server: SecretsServer,
        heard: Arc<Heard>,
    }

    fn bench() -> Bench {
        let heard = Arc::new(Heard::default());
        let (token, sink) = (Plaintext::new("token"), heard.clone());
        Bench { server: SecretsServer { function: LogicalId::new("Orders"), token, store: Arc::new(One), sink }, heard }
    }

    impl Bench {
        async fn ask(&self, path: &str, query: &str, token: &'static str) -> (u16, Json) {
            let headers =
                HeaderMap::from_iter([(http::HeaderName::from_static(TOKEN_HEADER), HeaderValue::from_static(token))]);
            let said = self.server.respond(&Method::GET, (path, query), &headers);
            let status = said.status().as_u16();
            let body = said.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice(&body).unwrap())
        }

        fn outcomes(&self) -> Vec<SecretOutcome> {
            let heard = self.heard.0.lock().unwrap();
            let outcome = |event: &Event| match &event.what {
                Happening::SecretAsked(asked) => asked.outcome,
                other => panic!("{other:?}"),
            };
            heard.iter().map(outcome).collect()
        }
    }

    const SECRET: &str = "/secretsmanager/get";
    const PARAMETER: &str = "/systemsmanager/parameters/get";

    #[tokio::test]
    async fn what_is_granted_is_given_in_the_extensions_form() {
        let bench = bench();
        let (status, document) = bench.ask(SECRET, "secretId=payments", "token").await;
        assert_eq!((status, &document["SecretString"]), (200, &json!("the value")));
        let (status, document) = bench.ask(PARAMETER, "name=%2Fshop%2Flevel", "token").await;
        assert_eq!((status, &document["Parameter"]["Value"]), (200, &json!("the value")));
        assert_eq!(document["Parameter"]["Type"], "String");
        let reference = "name=/aws/reference/secretsmanager/payments&withDecryption=true";
        let (status, document) = bench.ask(PARAMETER, reference, "token").await;
        assert_eq!((status, &document["Parameter"]["Type"]), (200, &json!("SecureString")));
        assert_eq!(bench.outcomes(), [SecretOutcome::Given; 3]);
    }

    #[tokio::test]
    async fn everything_else_is_refused_and_told_without_value() {
        let bench = bench();
        assert_eq!(bench.ask(SECRET, "secretId=payments", "tokem").await.0, 403);
        assert_eq!(bench.ask(SECRET, "secretId=payments", "").await.0, 403);
        assert_eq!(bench.ask(SECRET, "secretId=payments", "token2").await.0, 403);
        assert_eq!(bench.ask(SECRET, "secretId=others", "token").await.0, 403);
        assert_eq!(bench.ask(SECRET, "secretId=nowhere", "token").await.0, 404);
        assert_eq!(bench.ask(SECRET, "secretId=payments&versionStage=AWSPREVIOUS", "token").await.0, 404);
        assert_eq!(bench.ask(SECRET, "secretId=", "token").await.0, 400);
        assert_eq!(bench.ask("/", "", "token").await.0, 404);
        let reference = "name=/aws/reference/secretsmanager/payments";
        assert_eq!(bench.ask(PARAMETER, reference, "token").await.0, 400);
        let wrong = [SecretOutcome::WrongToken; 3];
        let rest = [SecretOutcome::Denied, SecretOutcome::Unknown, SecretOutcome::Unknown];
        assert_eq!(bench.outcomes(), [wrong, rest].concat());
        let told = serde_json::to_string(&*bench.heard.0.lock().unwrap()).unwrap();
        assert!(!told.contains("the value") && !told.contains("\"token\""), "{told}");
    }

    #[tokio::test]
    async fn a_page_in_a_browser_is_not_the_function() {
        let bench = bench();
        let mut headers = HeaderMap::new();
        headers.insert(TOKEN_HEADER, HeaderValue::from_static("token"));
        headers.insert(header::ORIGIN, HeaderValue::from_static("http://evil.example"));
        let said = bench.server.respond(&Method::GET, (SECRET, "secretId=payments"), &headers);
        assert_eq!(said.status(), StatusCode::FORBIDDEN);
    }
}
