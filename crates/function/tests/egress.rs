//! The way out over real sockets: a fake resolver, targets on loopback, and clients that mean ill.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "tests say so by failing")]

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use brigandine_function::egress::{
    Egress, EgressServer, EgressSettings, Grants, Permit, Reach, Resolve, Resolving, Wish,
};
use brigandine_model::{EgressJudged, Event, Happening, LogicalId, Passage, Sink};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Longer than any of these tests takes; only a hang meets it.
const HANG: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Heard(Mutex<Vec<EgressJudged>>);

impl Sink for Heard {
    fn emit(&self, event: Event) {
        if let Happening::EgressJudged(judged) = event.what {
            self.0.lock().unwrap().push(judged);
        }
    }
}

impl Heard {
    fn told(&self) -> Vec<(String, Passage, &'static str)> {
        let heard = self.0.lock().unwrap();
        heard.iter().map(|judged| (judged.host.to_string(), judged.judged, judged.reason)).collect()
    }
}

/// Knows what it was told, and counts how often it was asked.
#[derive(Default)]
struct Book {
    names: BTreeMap<&'static str, Vec<IpAddr>>,
    asked: Mutex<Vec<String>>,
}

impl Resolve for Book {
    fn resolve(&self, host: String) -> Resolving<'_> {
        self.asked.lock().unwrap().push(host.clone());
        let found = self.names.get(host.as_str()).cloned().ok_or_else(|| io::Error::other("no such name"));
        Box::pin(async move { found })
    }
}

/// Grants that may also be on this machine, where the targets of the tests are.
struct Local(Grants);

impl Egress for Local {
    fn judge(&self, wish: &Wish<'_>) -> Option<Permit> {
        self.0.judge(wish).map(|permit| Permit { reach: Reach::Here, ..permit })
    }
}

struct Bench {
    address: SocketAddr,
    server: Arc<EgressServer>,
    heard: Arc<Heard>,
    book: Arc<Book>,
}

impl Bench {
    async fn new(egress: impl Egress + 'static, settings: EgressSettings) -> Self {
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let names = BTreeMap::from([
            ("here.example", vec![at("127.0.0.1")]),
            ("a.beside.example", vec![at("127.0.0.1")]),
            ("rebound.example", vec![at("10.0.0.7"), at("127.0.0.1")]),
            ("metadata.example", vec![at("169.254.169.254"), at("fd00:ec2::254")]),
            ("mapped.example", vec![at("::ffff:127.0.0.1")]),
        ]);
        let book = Arc::new(Book { names, asked: Mutex::default() });
        let heard = Arc::new(Heard::default());
        let outfit = (book.clone() as Arc<dyn Resolve>, settings);
        let server = EgressServer::new(LogicalId::new("F"), Arc::new(egress), outfit, heard.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(server.clone().proxy(listener));
        Self { address, server, heard, book }
    }

    /// What the proxy says to this, up to the end of its head or of the connection.
    async fn say(&self, text: &str) -> (u16, TcpStream) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let head = head(&mut stream).await;
        (head[9..12].parse().unwrap(), stream)
    }

    async fn connect(&self, target: &str) -> (u16, TcpStream) {
        self.say(&format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")).await
    }
}

async fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        let count = timeout(HANG, stream.read(&mut byte)).await.unwrap().unwrap();
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap()
}

async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    drop(timeout(HANG, stream.read_to_end(&mut bytes)).await.unwrap());
    bytes
}

/// A target that gives back every byte; its port.
async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.split();
                drop(tokio::io::copy(&mut reader, &mut writer).await);
            });
        }
    });
    port
}

fn grants(written: &[&str]) -> Grants {
    Grants::parse(written.iter().copied()).unwrap()
}

/// The first message of a TLS client that names `host`.
fn hello(host: &str) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let name = host.to_owned().try_into().unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn what_is_granted_passes_both_ways_and_what_is_not_hears_why() {
    let port = echo().await;
    let target = format!("here.example:{port}");
    let bench = Bench::new(Local(grants(&[&target])), EgressSettings::default()).await;
    let (status, mut stream) = bench.connect(&target).await;
    assert_eq!(status, 200);
    stream.write_all(b"hello").await.unwrap();
    let mut back = [0; 5];
    timeout(HANG, stream.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(&back, b"hello");
    assert_eq!(bench.connect(&format!("other.example:{port}")).await.0, 403);
    assert_eq!(bench.connect("here.example:1").await.0, 403);
    assert_eq!(*bench.book.asked.lock().unwrap(), ["here.example"], "what is not granted is not looked up");
    let told = bench.heard.told();
    assert_eq!(told[0], ("here.example".to_owned(), Passage::Passed, "granted"));
    assert_eq!(told[1], ("other.example".to_owned(), Passage::Refused, "not-granted"));
}

#[tokio::test]
async fn names_that_lead_inside_are_refused_whatever_is_granted() {
    let all = [
        "here.example",
        "metadata.example",
        "mapped.example",
        "rebound.example",
        "169.254.169.254",
        "metadata.example:80",
    ];
    let bench = Bench::new(grants(&all), EgressSettings::default()).await;
    for target in
        ["here.example:443", "metadata.example:443", "mapped.example:443", "rebound.example:443", "169.254.169.254:443"]
    {
        assert_eq!(bench.connect(target).await.0, 403, "{target}");
    }
    let plain = "GET http://metadata.example/latest/meta-data/ HTTP/1.1\r\nHost: metadata.example\r\n\r\n";
    assert_eq!(bench.say(plain).await.0, 403);
    assert!(
        bench
            .heard
            .told()
            .iter()
            .all(|(_, judged, reason)| (*judged, *reason) == (Passage::Refused, "private-address"))
    );
    let observing = EgressSettings { observe: true, ..EgressSettings::default() };
    let bench = Bench::new(Grants::default(), observing).await;
    assert_eq!(bench.connect("metadata.example:80").await.0, 403, "not even where it only observes");
}

#[tokio::test]
async fn odd_requests_get_an_answer_and_no_connection() {
    let bench = Bench::new(grants(&["*.example.org"]), EgressSettings::default()).await;
    for target in ["here.example", "a b:443", "x@here.example:443", ":443", "here.example:99999"] {
        let text = format!("CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(matches!(bench.say(&text).await.0, 400 | 403), "{target}");
    }
    for text in [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET https://here.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET ftp://here.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://user@here.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://www.example.org/ HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
    ] {
        assert!(matches!(bench.say(text).await.0, 400 | 403), "{text}");
    }
    assert!(bench.book.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_tunnel_must_name_the_host_it_was_opened_for() {
    let port = echo().await;
    let bench = Bench::new(
        Local(grants(&[&format!("*.beside.example:{port}"), &format!("*.example.org:{port}")])),
        EgressSettings::default(),
    )
    .await;
    let target = format!("a.beside.example:{port}");
    let (status, mut stream) = bench.connect(&target).await;
    assert_eq!(status, 200);
    let sent = hello("A.beside.example");
    stream.write_all(&sent).await.unwrap();
    let mut back = vec![0; sent.len()];
    timeout(HANG, stream.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(back, sent);
    for ill in [hello("b.beside.example"), hello("front.example.org"), b"SSH-2.0-x\r\n".to_vec()] {
        let (status, mut stream) = bench.connect(&target).await;
        assert_eq!(status, 200, "who comes is told only what it may know");
        stream.write_all(&ill).await.unwrap();
        stream.shutdown().await.unwrap();
        assert!(rest(&mut stream).await.is_empty(), "nothing of it reached the target");
    }
    let refused: Vec<&str> = bench
        .heard
        .told()
        .iter()
        .filter(|(_, judged, _)| *judged == Passage::Refused)
        .map(|(_, _, why)| *why)
        .collect();
    assert_eq!(refused, ["name-mismatch", "name-mismatch", "no-name"]);
}

#[tokio::test]
async fn tls_without_a_proxy_goes_where_its_first_message_says() {
    let port = echo().await;
    let target = format!("here.example:{port}");
    let bench = Bench::new(Local(grants(&[&target])), EgressSettings::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let door = listener.local_addr().unwrap();
    tokio::spawn(bench.server.clone().transparent(listener, port));
    let sent = hello("here.example");
    let mut stream = TcpStream::connect(door).await.unwrap();
    // In two pieces, as a slow network brings it.
    stream.write_all(&sent[..40]).await.unwrap();
    stream.flush().await.unwrap();
    stream.write_all(&sent[40..]).await.unwrap();
    let mut back = vec![0; sent.len()];
    timeout(HANG, stream.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(back, sent, "the first message is passed on as it came");
    for ill in [hello("other.example"), b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![0x16; 64], vec![0; 40_000]] {
        let mut stream = TcpStream::connect(door).await.unwrap();
        drop(stream.write_all(&ill).await);
        drop(stream.shutdown().await);
        assert!(rest(&mut stream).await.is_empty());
    }
    let reasons: Vec<&str> = bench.heard.told().iter().map(|(_, _, reason)| *reason).collect();
    assert_eq!(reasons, ["granted", "not-granted", "no-name", "no-name", "no-name"]);
}

#[tokio::test]
async fn a_request_in_the_clear_reaches_the_judged_host_under_its_own_name() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok").await.unwrap();
        head.to_lowercase()
    });
    let target = format!("here.example:{port}");
    let bench = Bench::new(Local(grants(&[&target])), EgressSettings::default()).await;
    let request = format!(
        "GET http://{target}/a?b=c HTTP/1.1\r\nHost: evil.example\r\nProxy-Authorization: x\r\nConnection: x-own, close\r\nX-Own: 1\r\nX-Kept: 2\r\n\r\n"
    );
    let (status, mut stream) = bench.say(&request).await;
    assert_eq!((status, rest(&mut stream).await.as_slice()), (201, &b"ok"[..]));
    let seen = seen.await.unwrap();
    assert!(seen.starts_with("get /a?b=c http/1.1\r\n") && seen.contains(&format!("host: {target}\r\n")), "{seen}");
    assert!(seen.contains("x-kept") && !seen.contains("x-own") && !seen.contains("proxy-"), "{seen}");
}

#[tokio::test]
async fn one_target_is_reached_without_any_protocol() {
    let port = echo().await;
    let bench = Bench::new(Local(grants(&[&format!("here.example:{port}")])), EgressSettings::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let door = listener.local_addr().unwrap();
    tokio::spawn(bench.server.clone().direct(listener, ("here.example".to_owned(), port)));
    let mut stream = TcpStream::connect(door).await.unwrap();
    stream.write_all(b"\0\x01raw").await.unwrap();
    let mut back = [0; 5];
    timeout(HANG, stream.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(&back, b"\0\x01raw");
}

#[tokio::test]
async fn bytes_connections_and_silence_have_limits() {
    let port = echo().await;
    let target = format!("here.example:{port}");
    let tight =
        EgressSettings { bytes: 1_000, connections: 1, idle: Duration::from_millis(200), ..EgressSettings::default() };
    let bench = Bench::new(Local(grants(&[&target])), tight).await;
    let (_, mut silent) = bench.connect(&target).await;
    let mut second = TcpStream::connect(bench.address).await.unwrap();
    assert!(rest(&mut second).await.is_empty(), "there is one place");
    assert!(rest(&mut silent).await.is_empty(), "silence ends it");
    let mut greedy = loop {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        stream.write_all(format!("CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut first = [0; 1];
        // The place is free a moment after the connection has ended.
        if timeout(HANG, stream.read(&mut first)).await.unwrap().is_ok_and(|count| count > 0) {
            head(&mut stream).await;
            break stream;
        }
    };
    drop(greedy.write_all(&[7; 5_000]).await);
    assert!(rest(&mut greedy).await.len() < 1_000);
    assert!(bench.heard.told().contains(&(String::new(), Passage::Refused, "limit")));
}

#[tokio::test]
async fn a_flood_of_denials_is_counted_within_a_second() {
    let bench = Bench::new(Grants::default(), EgressSettings::default()).await;
    for number in 0..200 {
        assert_eq!(bench.connect(&format!("h{}.example:443", number % 3)).await.0, 403);
    }
    let total = || bench.heard.0.lock().unwrap().iter().map(|judged| judged.count).sum::<u64>();
    let waited = timeout(HANG, async {
        while total() < 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap();
    assert_eq!(total(), 200);
    assert!(bench.heard.0.lock().unwrap().len() < 200);
}

#[tokio::test]
async fn who_only_observes_lets_pass_and_tells() {
    let port = echo().await;
    let settings = EgressSettings { observe: true, ..EgressSettings::default() };
    let bench = Bench::new(Grants::default(), settings).await;
    let (status, _stream) = bench.connect(&format!("here.example:{port}")).await;
    assert_eq!(status, 200);
    assert_eq!(bench.heard.told(), [("here.example".to_owned(), Passage::Observed, "not-granted")]);
}
