//! Who may call: tokens, keys, and what cannot be enforced yet.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use brigandine_gateway::{
    ApiKey, Clock, DevelopmentIssuer, Door, Error, IssuerSetting, KeyScope, KeySource, Observe, Settings, SystemClock,
    Timers,
};
use brigandine_model::{
    ApiStyle, App, Authentication, AuthorizerKind, Guard, LogicalId, Period, Provenance, Quota, Symbol, Throttle,
    UsagePlan, Value,
};
use serde_json::{Map, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    limits::HandClock,
    stage::{Heard, Kept, Stage, api, app, echo, fact, guarded, open, route, settings, token_authorizer},
};

const ISSUER: &str = "https://issuer.example";

/// An issuer's key pair.
struct Signer {
    pair: EcdsaKeyPair,
    id: &'static str,
}

impl Signer {
    fn new(id: &'static str) -> Self {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Self { pair: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap(), id }
    }

    fn jwk(&self) -> serde_json::Value {
        let point = self.pair.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..])})
    }

    fn sign(&self, header: &serde_json::Value, claims: &serde_json::Value) -> String {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn token(&self, claims: &serde_json::Value) -> String {
        self.sign(&json!({"alg": "ES256", "kid": self.id}), claims)
    }
}

fn claims() -> serde_json::Value {
    json!({"iss": ISSUER, "aud": "shop", "sub": "ann", "scope": "orders.write", "exp": SystemClock::default().wall().as_second() + 600})
}

fn guarded_app() -> App {
    let mut web = api("Web", ApiStyle::Http, &[]);
    let known = |text: &str| Value::Known(text.to_owned());
    web.authorizers.insert("Users".into(), token_authorizer("Users", known(ISSUER), vec![known("shop")]));
    let routes = vec![
        guarded("Web", "GET /me", "Users", &[]),
        guarded("Web", "POST /orders", "Users", &["orders.write", "admin"]),
        guarded("Web", "POST /refunds", "Users", &["refunds.write"]),
    ];
    app(vec![web], routes)
}

fn with_keys(source: KeySource) -> Settings {
    let issuer = IssuerSetting { keys: source, ..IssuerSetting::default() };
    Settings { issuers: BTreeMap::from([("Users".into(), issuer)]), ..settings() }
}

fn key_file(folder: &Path, keys: &[serde_json::Value]) -> Settings {
    let file = folder.join("keys.json");
    std::fs::write(&file, json!({"keys": keys}).to_string()).unwrap();
    let timers = Timers { reload: Duration::from_millis(10), ..Timers::default() };
    Settings { timers, ..with_keys(KeySource::File(file)) }
}

async fn bearing(stage: &Stage, label: &str, token: &str) -> Heard {
    stage.ask(label, &[("authorization", &format!("Bearer {token}"))]).await
}

#[tokio::test]
async fn a_token_opens_what_it_holds_the_scope_for() {
    let folder = tempfile::tempdir().unwrap();
    let signer = Signer::new("one");
    let stage = open(guarded_app(), key_file(folder.path(), &[signer.jwk()])).await;
    let token = signer.token(&claims());
    let heard = bearing(&stage, "POST /orders", &token).await.json();
    assert_eq!(heard["subject"], "ann");
    assert!(heard["claims"].as_str().unwrap().contains("\"scope\":\"orders.write\""));
    assert_eq!(stage.ask("GET /me", &[("authorization", &token)]).await.status, 200);
    assert_eq!(stage.events.answered()[0].caller.as_deref(), Some("ann"));
    let heard = bearing(&stage, "POST /refunds", &token).await;
    assert_eq!((heard.status, heard.code()), (403, "token-scope".to_owned()));
    assert_eq!(heard.header("www-authenticate"), Some("Bearer error=\"insufficient_scope\""));
    let heard = stage.get("/me").await;
    assert_eq!(
        (heard.status, heard.code(), heard.header("www-authenticate")),
        (401, "token-missing".to_owned(), Some("Bearer"))
    );
}

#[tokio::test]
async fn no_other_header_plays_the_one_that_carries_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let signer = Signer::new("one");
    let mut app = guarded_app();
    let authorizer = app.apis[0].authorizers.get_mut("Users").unwrap();
    if let AuthorizerKind::Token { source, .. } = &mut authorizer.kind {
        *source = "$request.header.X-Shop-Token".into();
    }
    let stage = open(app, key_file(folder.path(), &[signer.jwk()])).await;
    let token = signer.token(&claims());
    let lies = [("x-shop-token", token.as_str()), ("X_Shop_Token", "root"), ("x.shop-token", "root")];
    let heard = stage.ask("GET /me", &lies).await.json();
    let headers = heard["headers"].as_object().unwrap();
    assert_eq!(headers.keys().filter(|name| name.contains("shop")).collect::<Vec<_>>(), ["x-shop-token"]);
}

#[tokio::test]
async fn who_may_not_call_cannot_use_up_what_the_customers_share() {
    let folder = tempfile::tempdir().unwrap();
    let signer = Signer::new("one");
    let mut app = guarded_app();
    app.routes[1].throttle = Some(fact(Throttle { rate: 0.001, burst: 2 }));
    let stage = open(app, key_file(folder.path(), &[signer.jwk()])).await;
    for _ in 0..20 {
        assert_eq!(stage.ask("POST /orders", &[]).await.code(), "token-missing");
    }
    let token = signer.token(&claims());
    assert_eq!(bearing(&stage, "POST /orders", &token).await.status, 200);
    assert_eq!(bearing(&stage, "POST /orders", &token).await.status, 200);
    assert_eq!(bearing(&stage, "POST /orders", &token).await.code(), "route-rate");
}

#[tokio::test]
async fn tokens_that_the_library_would_let_pass_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let signer = Signer::new("one");
    let stage = open(guarded_app(), key_file(folder.path(), &[signer.jwk()])).await;
    let now = SystemClock::default().wall().as_second();
    let headers = [
        (json!({"alg": "ES256", "kid": "one", "crit": ["x"], "x": 1}), "token-extension"),
        (json!({"alg": "ES256", "kid": "one", "crit": null}), "token-extension"),
        (json!({"alg": "ES256", "kid": "one", "b64": false}), "token-extension"),
        (json!({"alg": "ES384", "kid": "one"}), "token-signature"),
        (json!({"alg": "none", "kid": "one"}), "token-signature"),
        (json!({"alg": "HS256", "kid": "one"}), "token-signature"),
        (json!({"alg": "ES256", "kid": "one", "typ": "logout+jwt"}), "token-type"),
        (json!({"alg": "ES256", "kid": "one", "typ": "dpop+jwt"}), "token-type"),
        (json!({"alg": "ES256", "kid": "two"}), "token-key"),
        (json!({"alg": "ES256", "kid": "one", "jku": "https://evil", "jwk": {}, "x5u": "https://evil"}), "passes"),
        (json!({"alg": "ES256", "typ": "at+jwt"}), "passes"),
    ];
    for (header, code) in headers {
        let heard = bearing(&stage, "GET /me", &signer.sign(&header, &claims())).await;
        let said = if heard.status == 200 { "passes".to_owned() } else { heard.code() };
        assert_eq!(said, code, "{header}");
    }
    for (name, value, code) in [
        ("nbf", json!(now + 300), "token-not-yet-valid"),
        ("exp", json!(now - 40), "token-expired"),
        ("iss", json!([ISSUER]), "token-issuer"),
        ("iss", json!(null), "token-issuer"),
        ("aud", json!(null), "token-audience"),
        ("exp", json!("9999999999"), "token-malformed"),
    ] {
        let mut claims = claims();
        claims[name] = value;
        assert_eq!(bearing(&stage, "GET /me", &signer.token(&claims)).await.code(), code, "{name}");
    }
    let stranger = Signer::new("one");
    assert_eq!(bearing(&stage, "GET /me", &stranger.token(&claims())).await.code(), "token-signature");
    let mut long = claims();
    long["x"] = json!("x".repeat(17_000));
    assert_eq!(bearing(&stage, "GET /me", &signer.token(&long)).await.code(), "token-malformed");
    let token = signer.token(&claims());
    let twice = [("authorization", token.as_str()), ("authorization", token.as_str())];
    assert_eq!(stage.ask("GET /me", &twice).await.code(), "token-twice");
    for with_empty in [[("authorization", ""), twice[0]], [twice[0], ("authorization", "")]] {
        assert_eq!(stage.ask("GET /me", &with_empty).await.code(), "token-twice");
    }
    assert_eq!(stage.ask("GET /me", &[("authorization", "")]).await.code(), "token-missing");
}

#[tokio::test]
async fn a_key_file_that_changes_is_taken_up_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Signer::new("old"), Signer::new("new-key"));
    let stage = open(guarded_app(), key_file(folder.path(), &[old.jwk()])).await;
    std::fs::write(folder.path().join("keys.json"), "{ broken").unwrap();
    stage
        .events
        .until(|what| match what {
            brigandine_model::Happening::NotEnforced(told) => told.subject.contains("keys of").then_some(()),
            _ => None,
        })
        .await;
    assert_eq!(bearing(&stage, "GET /me", &old.token(&claims())).await.status, 200);
    std::fs::write(folder.path().join("keys.json"), json!({"keys": [new.jwk()]}).to_string()).unwrap();
    stage
        .events
        .until(|what| match what {
            brigandine_model::Happening::Reloaded(told) => told.subject.contains("keys of").then_some(()),
            _ => None,
        })
        .await;
    assert_eq!(bearing(&stage, "GET /me", &new.token(&claims())).await.status, 200);
    assert_eq!(bearing(&stage, "GET /me", &old.token(&claims())).await.code(), "token-key");
}

/// An issuer on this machine: counts how often its keys are fetched, and serves whichever it holds.
struct Fake {
    base: String,
    keys: Arc<std::sync::Mutex<serde_json::Value>>,
    fetches: Arc<AtomicUsize>,
}

impl Fake {
    async fn open(signers: &[&Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let fake = Self { base, keys: Arc::default(), fetches: Arc::default() };
        fake.rotate(signers);
        let (base, keys, fetches) = (fake.base.clone(), fake.keys.clone(), fake.fetches.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4_096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let document = if request[..length].starts_with(b"GET /.well-known/") {
                    json!({"issuer": base, "jwks_uri": format!("{base}/keys")}).to_string()
                } else {
                    fetches.fetch_add(1, Ordering::SeqCst);
                    keys.lock().unwrap().to_string()
                };
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{document}", document.len());
                stream.write_all(answer.as_bytes()).await.unwrap_or_default();
            }
        });
        fake
    }

    fn rotate(&self, signers: &[&Signer]) {
        let keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
        *self.keys.lock().unwrap() = json!({"keys": keys});
    }

    fn app(&self) -> App {
        let mut app = guarded_app();
        let authorizer = app.apis[0].authorizers.get_mut("Users").unwrap();
        if let AuthorizerKind::Token { issuer, .. } = &mut authorizer.kind {
            *issuer = Value::Known(self.base.clone());
        }
        app
    }

    fn claims(&self, now: i64) -> serde_json::Value {
        let mut claims = claims();
        claims["iss"] = json!(self.base);
        claims["exp"] = json!(now + 600);
        claims
    }
}

#[tokio::test]
async fn keys_are_discovered_and_a_rotation_is_seen_with_one_fetch_under_a_flood() {
    let (old, new, never) = (Signer::new("old"), Signer::new("new"), Signer::new("never"));
    let issuer = Fake::open(&[&old]).await;
    let clock = Arc::new(HandClock::default());
    let now = clock.wall().as_second();
    // The background refresh is out of the way: it has its own test.
    let timers = Timers { reload: Duration::from_hours(1), ..Timers::default() };
    let stage = open(issuer.app(), Settings { clock: clock.clone(), timers, ..with_keys(KeySource::Discovery) }).await;
    assert_eq!(bearing(&stage, "GET /me", &old.token(&issuer.claims(now))).await.status, 200);
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 1);
    issuer.rotate(&[&old, &new]);
    // Within thirty seconds of the last fetch, unknown ids cause none.
    for _ in 0..20 {
        assert_eq!(bearing(&stage, "GET /me", &never.token(&issuer.claims(now))).await.code(), "token-key");
    }
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 1);
    clock.forward(Duration::from_secs(31));
    let fresh = new.token(&issuer.claims(now));
    let (first, second, third) = tokio::join!(
        bearing(&stage, "GET /me", &fresh),
        bearing(&stage, "GET /me", &fresh),
        bearing(&stage, "GET /me", &fresh)
    );
    assert_eq!((first.status, second.status, third.status), (200, 200, 200));
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 2);
    // An issuer that is away: its keys serve for a day, and not longer.
    *issuer.keys.lock().unwrap() = json!("broken");
    clock.forward(Duration::from_hours(23));
    let later = clock.wall().as_second();
    assert_eq!(bearing(&stage, "GET /me", &old.token(&issuer.claims(later))).await.status, 200);
    clock.forward(Duration::from_hours(1));
    let later = clock.wall().as_second();
    let heard = bearing(&stage, "GET /me", &old.token(&issuer.claims(later))).await;
    assert_eq!(
        (heard.status, heard.code(), heard.header("retry-after")),
        (503, "issuer-unavailable".to_owned(), Some("30"))
    );
}

#[tokio::test]
async fn keys_are_there_before_the_first_request_asks() {
    let signer = Signer::new("one");
    let issuer = Fake::open(&[&signer]).await;
    let timers = Timers { reload: Duration::from_millis(10), ..Timers::default() };
    let stage = open(issuer.app(), Settings { timers, ..with_keys(KeySource::Discovery) }).await;
    stage
        .events
        .until(|what| match what {
            brigandine_model::Happening::Reloaded(told) => told.subject.contains("keys of").then_some(()),
            _ => None,
        })
        .await;
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 1);
}

fn symbolic_app() -> App {
    let mut app = guarded_app();
    let authorizer = app.apis[0].authorizers.get_mut("Users").unwrap();
    let symbol = || Value::Symbolic(Symbol::attribute(LogicalId::new("Pool"), None));
    *authorizer = token_authorizer("Users", symbol(), vec![symbol()]);
    authorizer.label = "cognito".into();
    app
}

#[tokio::test]
async fn a_development_issuer_stands_in_for_what_is_not_deployed() {
    let development = Arc::new(DevelopmentIssuer::generate().unwrap());
    let again = DevelopmentIssuer::from_pkcs8(development.pkcs8()).unwrap();
    for app in [symbolic_app(), guarded_app()] {
        let mut with_development = with_keys(KeySource::Discovery);
        with_development.development = Some(development.clone());
        with_development.timers.reload = Duration::from_hours(1);
        let stage = open(app.clone(), with_development).await;
        let now = SystemClock::default().wall();
        let mint = |label: &str, more: &Map<String, serde_json::Value>| {
            again.token_for(&app, &stage.door.route(label).unwrap(), more, now).unwrap()
        };
        let extra = Map::from_iter([("sub".to_owned(), json!("eve"))]);
        let heard = bearing(&stage, "POST /refunds", &mint("POST /refunds", &extra)).await;
        assert_eq!(heard.json()["subject"], "eve");
        assert_eq!(bearing(&stage, "POST /refunds", &mint("POST /orders", &Map::new())).await.code(), "token-scope");
        let expired = Map::from_iter([("exp".to_owned(), json!(1))]);
        assert_eq!(bearing(&stage, "GET /me", &mint("GET /me", &expired)).await.code(), "token-expired");
        if app.apis[0].authorizers["Users"].label.as_ref() == "cognito" {
            let uses = |name: &str| Map::from_iter([("token_use".to_owned(), json!(name))]);
            assert_eq!(bearing(&stage, "GET /me", &mint("GET /me", &uses("access"))).await.code(), "token-use");
            assert_eq!(bearing(&stage, "GET /me", &mint("GET /me", &Map::new())).await.status, 200);
            assert_eq!(bearing(&stage, "POST /orders", &mint("POST /orders", &uses("id"))).await.code(), "token-use");
        }
        let stranger = DevelopmentIssuer::generate().unwrap();
        let forged = stranger.token_for(&app, &stage.door.route("GET /me").unwrap(), &Map::new(), now).unwrap();
        assert_ne!(bearing(&stage, "GET /me", &forged).await.status, 200);
    }
}

#[tokio::test]
async fn a_web_page_rebound_to_this_machine_cannot_use_development_identities() {
    let (key, _) = ApiKey::development("K", KeyScope::Api(LogicalId::new("Web"))).unwrap();
    let issuer = Arc::new(DevelopmentIssuer::generate().unwrap());
    let open_route = || app(vec![api("Web", ApiStyle::Http, &[])], vec![route("Web", "GET /a", "F")]);
    for with in [Settings { development: Some(issuer), ..settings() }, Settings { api_keys: vec![key], ..settings() }] {
        let stage = open(open_route(), with).await;
        let heard = stage.ask("GET /a", &[("host", "evil.example:3000")]).await;
        assert_eq!((heard.status, heard.code()), (421, "host-not-local".to_owned()));
        for host in ["localhost:3000", "web.localhost", "127.0.0.1:3000", "[::1]:3000"] {
            assert_eq!(stage.ask("GET /a", &[("host", host)]).await.status, 200, "{host}");
        }
    }
    let stage = open(open_route(), settings()).await;
    assert_eq!(stage.ask("GET /a", &[("host", "shop.example")]).await.status, 200);
}

#[test]
fn development_identities_stay_on_loopback() {
    let (key, _) = ApiKey::development("K", KeyScope::Api(LogicalId::new("Web"))).unwrap();
    let issuer = Arc::new(DevelopmentIssuer::generate().unwrap());
    for wrong in [Settings { development: Some(issuer), ..settings() }, Settings { api_keys: vec![key], ..settings() }]
    {
        let try_with = |settings| Door::new(Arc::new(guarded_app()), settings, echo(), Arc::new(Kept::default())).err();
        let open = Settings { listen: "0.0.0.0:0".parse().unwrap(), ..wrong.clone() };
        assert!(matches!(try_with(open), Some(Error::DevelopmentInTheOpen { .. })));
        let proxied = Settings { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..wrong };
        assert!(matches!(try_with(proxied), Some(Error::DevelopmentBehindProxies)));
    }
}

#[tokio::test]
async fn what_cannot_be_enforced_answers_501_and_says_so() {
    let mut app = symbolic_app();
    let mut asking = token_authorizer("Asking", Value::Known(ISSUER.to_owned()), Vec::new());
    asking.kind = AuthorizerKind::Function {
        function: None,
        sources: Vec::new(),
        cache_seconds: Value::Known(0),
        whole_request: true,
    };
    app.apis[0].authorizers.insert("Asking".into(), asking);
    app.routes.push(guarded("Web", "GET /asking", "Asking", &[]));
    app.routes.push(guarded("Web", "GET /missing", "Nobody", &[]));
    let mut signed = route("Web", "GET /signed", "F");
    signed.authentication = fact(Authentication::Signature);
    let mut unknown = route("Web", "GET /unknown", "F");
    unknown.authentication = brigandine_model::Fact::unknown("it is imported", Provenance::default());
    app.routes.extend([signed, unknown]);
    let everything = Observe { everything: true, ..Observe::default() };
    let identity = || [Guard::Identity].into();
    let named = Observe { routes: [("GET /asking".into(), identity())].into(), ..Observe::default() };
    let guard = Observe { guards: identity(), ..Observe::default() };
    for observe in [Observe::default(), everything, named, guard] {
        let stage = open(app.clone(), Settings { observe, ..settings() }).await;
        for path in ["/me", "/asking", "/missing", "/signed", "/unknown"] {
            let heard = stage.get(path).await;
            assert_eq!((heard.status, heard.code()), (501, "not-enforced".to_owned()), "{path}");
        }
        assert_eq!(stage.door.not_enforced().len(), 7);
        assert_eq!(stage.door.routes().iter().filter(|line| !line.enforced).count(), 7);
        assert!(stage.door.observed().is_empty());
    }
}

#[tokio::test]
async fn an_authorizer_without_audience_is_served_and_said_so_once() {
    let folder = tempfile::tempdir().unwrap();
    let signer = Signer::new("one");
    let mut app = guarded_app();
    let known = Value::Known(ISSUER.to_owned());
    app.apis[0].authorizers.insert("Users".into(), token_authorizer("Users", known, Vec::new()));
    let stage = open(app, key_file(folder.path(), &[signer.jwk()])).await;
    let mut elsewhere = claims();
    elsewhere["aud"] = json!("elsewhere");
    assert_eq!(bearing(&stage, "GET /me", &signer.token(&elsewhere)).await.status, 200);
    let told = stage.door.not_enforced();
    assert_eq!((told.len(), &*told[0].subject), (1, "authorizer Users of API Web"));
    assert!(told[0].reason.contains("accepts tokens of its issuer for any audience"));
    let stage = open(guarded_app(), key_file(folder.path(), &[signer.jwk()])).await;
    assert!(stage.door.not_enforced().is_empty());
}

#[tokio::test]
async fn observing_one_apis_route_does_not_open_another_apis() {
    let folder = tempfile::tempdir().unwrap();
    let mut two = guarded_app();
    let mut other = two.apis[0].clone();
    other.id = LogicalId::new("Admin");
    two.apis.push(other);
    two.routes.push(guarded("Admin", "GET /me", "Users", &[]));
    let with = |routes: &[&str]| {
        let routes = routes.iter().map(|&route| (route.into(), [Guard::Identity].into())).collect();
        let observe = Observe { routes, ..Observe::default() };
        Settings { observe, ..key_file(folder.path(), &[Signer::new("a").jwk()]) }
    };
    let bare = Door::new(Arc::new(two.clone()), with(&["GET /me"]), echo(), Arc::new(Kept::default())).err().unwrap();
    let sentence = bare.to_string();
    assert!(sentence.contains("`Admin GET /me` or `Web GET /me`"), "{sentence}");
    let stage = open(two.clone(), with(&["Web GET /me", "POST /orders"])).await;
    let status = async |label, host| stage.ask(label, &[("host", host)]).await.status;
    assert_eq!(status("GET /me", "web.localhost").await, 200);
    assert_eq!(status("GET /me", "admin.localhost").await, 401);
    assert_eq!(status("POST /orders", "localhost").await, 200);
    assert_eq!(status("POST /refunds", "localhost").await, 401);
    let observed = stage.door.observed();
    let subjects: Vec<&str> = observed.iter().map(|told| &*told.subject).collect();
    assert_eq!(subjects, ["GET /me", "POST /orders"]);
    assert!(observed[0].reason.contains("API Web"), "{}", observed[0].reason);
    // A label that has become ambiguous observes nothing.
    let stage = open(guarded_app(), with(&["GET /me"])).await;
    assert_eq!(stage.get("/me").await.status, 200);
    stage.door.reload(Arc::new(two));
    assert_eq!(stage.get("/me").await.status, 401);
}

#[tokio::test]
async fn an_observing_identity_lets_pass_with_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let observe = Observe { everything: true, ..Observe::default() };
    let stage = open(guarded_app(), Settings { observe, ..key_file(folder.path(), &[Signer::new("a").jwk()]) }).await;
    let heard = bearing(&stage, "GET /me", "rubbish").await;
    assert_eq!((heard.status, &heard.json()["subject"]), (200, &serde_json::Value::Null));
    assert_eq!(stage.events.answered()[0].observed[0].code, "token-malformed");
}

#[tokio::test]
async fn api_keys_open_their_plans_routes_at_their_plans_rate() {
    let plan = |id: &str, throttle, quota| UsagePlan {
        id: LogicalId::new(id),
        throttle: Some(fact(throttle)),
        quota: Some(fact(quota)),
        keys: Vec::new(),
        provenance: Provenance::default(),
    };
    let mut rest = api("Rest", ApiStyle::Rest, &["Prod"]);
    let daily = Quota { limit: 3, period: Period::Day };
    rest.usage_plans = vec![plan("Gold", Throttle { rate: 1.0, burst: 2 }, daily)];
    let mut keyed = route("Rest", "GET /a", "F");
    keyed.key_required = fact(true);
    let (key, text) = ApiKey::development("Customer", KeyScope::Plan(LogicalId::new("Gold"))).unwrap();
    let other = ApiKey::new("Other", KeyScope::Plan(LogicalId::new("Silver")), "silver-key");
    let clock = Arc::new(HandClock::default());
    let with_key = Settings { clock: clock.clone(), api_keys: vec![other, key], ..settings() };
    let stage = open(app(vec![rest], vec![keyed]), with_key).await;
    let with = |key: &str| vec![("x-api-key".to_owned(), key.to_owned())];
    let ask = async |headers: Vec<(String, String)>| {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let heard = stage.ask("GET /a", &headers).await;
        if heard.status == 200 { heard.json()["key"].as_str().unwrap().to_owned() } else { heard.code() }
    };
    assert_eq!(ask(Vec::new()).await, "api-key-missing");
    assert_eq!(ask(with("wrong")).await, "api-key-unknown");
    assert_eq!(ask(with("silver-key")).await, "api-key-unknown");
    assert_eq!(ask([with(&text), with(&text)].concat()).await, "api-key-missing");
    assert_eq!(ask(with(&text)).await, "Customer");
    assert_eq!(ask(with(&text)).await, "Customer");
    assert_eq!(ask(with(&text)).await, "plan-rate");
    clock.forward(Duration::from_secs(5));
    assert_eq!(ask(with(&text)).await, "Customer");
    assert_eq!(ask(with(&text)).await, "plan-quota");
    clock.forward(Duration::from_hours(24));
    assert_eq!(ask(with(&text)).await, "Customer");
    assert_eq!(&*stage.door.routes()[0].authentication, "api-key");
    assert!(stage.events.answered().iter().any(|answered| answered.caller.as_deref() == Some("Customer")));
}
