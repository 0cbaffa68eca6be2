//! An application, a door before it, and a client.

use std::{
    collections::BTreeMap,
    fmt::Write,
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use brigandine_gateway::{Backend, BackendError, Door, Settings};
use brigandine_model::{
    Admitted, Answer, Api, ApiStyle, App, Authentication, Authorizer, AuthorizerKind, Event, Fact, Function, Happening,
    LogicalId, Package, Payload, Provenance, RequestAnswered, Route, RouteMethod, Sink, Value,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// Longer than any of these tests takes; only a hang meets it.
pub(crate) const HANG: Duration = Duration::from_secs(20);

pub(crate) fn fact<T>(value: T) -> Fact<T> {
    Fact::known(value, Provenance::default())
}

pub(crate) fn api(id: &str, style: ApiStyle, stages: &[&str]) -> Api {
    Api {
        id: LogicalId::new(id),
        style,
        stages: stages.iter().map(|stage| fact((*stage).to_owned())).collect(),
        authorizers: BTreeMap::new(),
        default_authorizer: None,
        cors: None,
        throttle: None,
        usage_plans: Vec::new(),
        policy: Vec::new(),
        binary_media_types: Vec::new(),
        models: BTreeMap::new(),
        access_log: None,
        platform_host_closed: None,
        private: fact(false),
        streams: false,
        provenance: Provenance::default(),
    }
}

pub(crate) fn route(api: &str, label: &str, function: &str) -> Route {
    let (method, path) = label.split_once(' ').unwrap_or(("ANY", label));
    Route {
        api: LogicalId::new(api),
        method: if method == "ANY" { RouteMethod::Any } else { RouteMethod::One(method.into()) },
        path: path.into(),
        function: Some(LogicalId::new(function)),
        target: None,
        authentication: fact(Authentication::Open),
        key_required: fact(false),
        throttle: None,
        payload: Payload::V2,
        model: None,
        required_parameters: Vec::new(),
        timeout_ms: None,
        provenance: Provenance::default(),
    }
}

pub(crate) fn guarded(api: &str, label: &str, authorizer: &str, scopes: &[&str]) -> Route {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    Route {
        authentication: fact(Authentication::Authorizer { name: authorizer.into(), scopes }),
        ..route(api, label, "F")
    }
}

pub(crate) fn token_authorizer(name: &str, issuer: Value<String>, audience: Vec<Value<String>>) -> Authorizer {
    Authorizer {
        name: name.into(),
        label: "jwt".into(),
        kind: AuthorizerKind::Token { issuer, audience, source: "$request.header.Authorization".into() },
        provenance: Provenance::default(),
    }
}

pub(crate) fn function(id: &str, reserved: Option<u32>) -> Function {
    Function {
        id: LogicalId::new(id),
        name: None,
        provenance: Provenance::default(),
        runtime: None,
        handler: None,
        package: Package::Missing,
        layers: Vec::new(),
        memory: fact(128),
        timeout: fact(3),
        scratch: fact(512),
        reserved_concurrency: reserved.map(fact),
        environment: Vec::new(),
        role: None,
        foreign_role: None,
        failure_targets: Vec::new(),
        snapshot: None,
        architectures: Vec::new(),
        private_network: false,
    }
}

pub(crate) fn app(apis: Vec<Api>, routes: Vec<Route>) -> App {
    App { apis, routes, functions: vec![function("F", None)], ..App::default() }
}

/// An application with one open route, `ANY /{proxy+}` and `ANY /`.
pub(crate) fn open_app() -> App {
    app(
        vec![api("Main", ApiStyle::Http, &["$default"])],
        vec![route("Main", "ANY /{proxy+}", "F"), route("Main", "ANY /", "F")],
    )
}

#[derive(Default)]
pub(crate) struct Kept(pub(crate) Mutex<Vec<Happening>>);

impl Sink for Kept {
    fn emit(&self, event: Event) {
        // Whatever is emitted must also be writable as the record is.
        serde_json::to_string(&event).unwrap();
        self.0.lock().unwrap().push(event.what);
    }
}

impl Kept {
    pub(crate) fn answered(&self) -> Vec<RequestAnswered> {
        let events = self.0.lock().unwrap();
        let each = events.iter().filter_map(|what| match what {
            Happening::RequestAnswered(answered) => Some((**answered).clone()),
            _ => None,
        });
        each.collect()
    }

    /// Waits until an event is there that `wanted` takes something from.
    pub(crate) async fn until<T>(&self, wanted: impl Fn(&Happening) -> Option<T>) -> T {
        let look = async {
            loop {
                if let Some(found) = self.0.lock().unwrap().iter().find_map(&wanted) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(HANG, look).await.expect("the event never came")
    }

    pub(crate) async fn failed(&self, at: &str) -> Arc<str> {
        self.until(|what| match what {
            Happening::ConnectionFailed(failed) if failed.stage == at => Some(failed.reason.clone()),
            _ => None,
        })
        .await
    }
}

/// A door that stands open.
pub(crate) struct Stage {
    pub(crate) door: Door,
    pub(crate) address: SocketAddr,
    pub(crate) events: Arc<Kept>,
    pub(crate) close: Option<oneshot::Sender<()>>,
    pub(crate) serving: JoinHandle<()>,
}

pub(crate) fn settings() -> Settings {
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        client_throttle: None,
        client_total: None,
        ..Settings::default()
    }
}

/// Answers with what it was asked, as JSON.
pub(crate) fn echo() -> Backend {
    backend(|admitted| async move { Ok(described(&admitted)) })
}

pub(crate) fn backend<F, R>(run: F) -> Backend
where
    F: Fn(Admitted) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Answer, BackendError>> + Send + 'static,
{
    Backend::new(tower::service_fn(run))
}

pub(crate) fn described(admitted: &Admitted) -> Answer {
    let request = &admitted.request;
    let parameters: BTreeMap<&str, &str> =
        admitted.path_parameters.iter().map(|(name, value)| (&**name, value.as_str())).collect();
    let headers: BTreeMap<&str, String> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = serde_json::json!({
        "api": admitted.api.id.as_str(),
        "route": format!("{} {}", admitted.route.method, admitted.route.path),
        "stage": *admitted.stage,
        "path": *request.path,
        "query": *request.query,
        "host": *request.host,
        "client": request.client,
        "scheme": request.scheme,
        "version": format!("{:?}", request.version),
        "parameters": parameters,
        "headers": headers,
        "body_bytes": request.body.len(),
        "subject": admitted.identity.token.as_ref().and_then(|token| token.subject.as_deref()),
        "claims": admitted.identity.token.as_ref().map(|token| token.claims.to_string()),
        "key": admitted.identity.key_id.as_deref(),
    });
    answer(200, body.to_string())
}

pub(crate) fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: body.into(),
        rest: None,
        invocation: None,
    }
}

pub(crate) async fn open(app: App, settings: Settings) -> Stage {
    open_before(app, settings, echo()).await
}

pub(crate) async fn open_before(app: App, settings: Settings, backend: Backend) -> Stage {
    let events = Arc::new(Kept::default());
    let door = Door::new(Arc::new(app), settings, backend, events.clone()).unwrap();
    let address = door.bind().await.unwrap();
    let (close, closed) = oneshot::channel::<()>();
    let serving = tokio::spawn({
        let door = door.clone();
        async move {
            door.serve(async move { drop(closed.await) }).await.unwrap();
        }
    });
    Stage { door, address, events, close: Some(close), serving }
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or("no code").to_owned()
    }
}

impl Stage {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes on a new connection; the first answer.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> Heard {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        hear(&mut stream).await
    }

    pub(crate) async fn ask(&self, label: &str, headers: &[(&str, &str)]) -> Heard {
        let (method, path) = label.split_once(' ').unwrap();
        let mut text = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            text.push_str("host: localhost\r\n");
        }
        for (name, value) in headers {
            write!(text, "{name}: {value}\r\n").unwrap();
        }
        self.raw(text + "\r\n").await
    }

    pub(crate) async fn get(&self, path: &str) -> Heard {
        self.ask(&format!("GET {path}"), &[]).await
    }

    /// Closes the door and waits until it is closed.
    pub(crate) async fn close(&mut self) {
        drop(self.close.take());
        timeout(HANG, &mut self.serving).await.unwrap().unwrap();
    }
}

/// Reads one answer with a known length.
pub(crate) async fn hear(stream: &mut (impl AsyncReadExt + Unpin)) -> Heard {
    timeout(HANG, hear_patiently(stream)).await.expect("no answer came")
}

async fn hear_patiently(stream: &mut (impl AsyncReadExt + Unpin)) -> Heard {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        let read = stream.read(&mut byte).await.unwrap_or(0);
        assert_ne!(read, 0, "the connection closed after {:?}", String::from_utf8_lossy(&head));
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut answer = Heard { status: head[9..12].parse().unwrap(), head, body: String::new() };
    let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    answer.body = String::from_utf8_lossy(&body).into_owned();
    answer
}

/// Whether the other end closes the connection.
pub(crate) async fn closes(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    // A reset is an end as well.
    timeout(HANG, stream.read_to_end(&mut rest)).await.is_ok()
}
