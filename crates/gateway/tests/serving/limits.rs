//! Sizes, lists, rates, simultaneous runs, deadlines.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use brigandine_gateway::{Backend, BackendError, Clock, Limits, Observe, Settings, Timers};
use brigandine_model::{ApiStyle, Guard, Throttle};
use jiff::Timestamp;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Notify,
};

use crate::stage::{
    answer, api, app, backend, closes, fact, function, hear, open, open_app, open_before, route, settings,
};

/// A clock that only goes when told to.
#[derive(Default)]
pub(crate) struct HandClock(AtomicU64);

impl HandClock {
    pub(crate) fn forward(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + i64::try_from(self.0.load(Ordering::SeqCst)).unwrap()).unwrap()
    }

    fn steady(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn large_bodies_and_heads_are_refused_before_they_are_read() {
    let limits = Limits { body_bytes: 1_000, ..Limits::default() };
    let stage = open(open_app(), Settings { limits, ..settings() }).await;
    let heard = stage.ask("POST /a", &[("content-length", "1001"), ("expect", "100-continue")]).await;
    assert_eq!((heard.status, heard.code()), (413, "body-too-large".to_owned()));
    assert_eq!(heard.header("connection"), Some("close"));
    let chunk = format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(0x3e9));
    let top = "POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(stage.raw(format!("{top}{chunk}")).await.status, 413);
    assert_eq!(stage.get(&format!("/{}", "x".repeat(9_000))).await.code(), "target-too-long");
    let wide = "y".repeat(33 * 1024);
    assert_eq!(stage.ask("GET /a", &[("x", &wide)]).await.code(), "headers-too-large");
    let body = "x".repeat(1_000);
    let heard = stage.raw(format!("POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{body}")).await;
    assert_eq!(heard.json()["body_bytes"], 1_000);
    let answered = stage.events.answered();
    assert_eq!(answered.last().unwrap().received_bytes, 1_000);
    assert!(answered.iter().take(4).all(|answered| answered.refusal.as_ref().unwrap().guard == Guard::Size));
}

#[tokio::test]
async fn a_sender_who_does_not_listen_still_reads_why() {
    let stage = open(open_app(), settings()).await;
    let mut stream = stage.connect().await;
    let head = "POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 10485760\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; 10_485_760]).await.unwrap();
    assert_eq!(hear(&mut stream).await.code(), "body-too-large");
    assert!(closes(&mut stream).await);
}

#[tokio::test]
async fn a_caller_who_asks_first_is_told_to_go_on() {
    let stage = open(open_app(), settings()).await;
    let mut stream = stage.connect().await;
    let head = "POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(hear(&mut stream).await.status, 100);
    stream.write_all(b"abc").await.unwrap();
    assert_eq!(hear(&mut stream).await.json()["body_bytes"], 3);
}

#[tokio::test]
async fn listed_addresses_are_refused_or_only_observed() {
    let here = vec!["127.0.0.1/32".parse().unwrap()];
    let stage = open(open_app(), Settings { deny: here.clone(), ..settings() }).await;
    assert_eq!(stage.get("/a").await.status, 403);
    let far = vec!["203.0.113.0/24".parse().unwrap()];
    let stage = open(open_app(), Settings { allow: far, ..settings() }).await;
    assert_eq!(stage.get("/a").await.code(), "address-denied");
    let stage = open(open_app(), Settings { allow: here.clone(), ..settings() }).await;
    assert_eq!(stage.get("/a").await.status, 200);
    let observe = Observe { everything: true, ..Observe::default() };
    let stage = open(open_app(), Settings { deny: here, observe, ..settings() }).await;
    assert_eq!(stage.get("/a").await.status, 200);
    let answered = &stage.events.answered()[0];
    assert_eq!((answered.observed[0].code, &answered.refusal), ("address-denied", &None));
    assert_eq!((stage.door.counters().observed, stage.door.counters().refused), (1, 0));
}

#[tokio::test]
async fn a_route_has_the_templates_rate_and_says_when_to_return() {
    let mut slow = route("Web", "GET /slow", "F");
    slow.throttle = Some(fact(Throttle { rate: 0.5, burst: 2 }));
    let clock = Arc::new(HandClock::default());
    let with_clock = Settings { clock: clock.clone(), ..settings() };
    let stage =
        open(app(vec![api("Web", ApiStyle::Http, &[])], vec![slow, route("Web", "GET /b", "F")]), with_clock).await;
    assert_eq!(stage.get("/slow").await.status, 200);
    assert_eq!(stage.get("/slow").await.status, 200);
    let heard = stage.get("/slow").await;
    assert_eq!((heard.status, heard.code(), heard.header("retry-after")), (429, "route-rate".to_owned(), Some("2")));
    assert_eq!(stage.get("/b").await.status, 200);
    clock.forward(Duration::from_secs(2));
    assert_eq!(stage.get("/slow").await.status, 200);
    assert_eq!(stage.get("/slow").await.status, 429);
    // A reload does not refill the bucket.
    stage.door.reload(stage.door.app());
    assert_eq!(stage.get("/slow").await.status, 429);
}

#[tokio::test]
async fn one_client_is_limited_on_its_own() {
    let limited = Settings {
        clock: Arc::new(HandClock::default()),
        client_throttle: Some(Throttle { rate: 1.0, burst: 1 }),
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..settings()
    };
    let stage = open(open_app(), limited).await;
    let from = |client: &'static str| [("x-forwarded-for", client)];
    assert_eq!(stage.ask("GET /a", &from("2001:db8::1")).await.status, 200);
    assert_eq!(stage.ask("GET /a", &from("2001:db8::2")).await.code(), "client-route-rate");
    assert_eq!(stage.ask("GET /a", &from("2001:db8:0:1::1")).await.status, 200);
    assert_eq!(stage.ask("GET /", &from("2001:db8::1")).await.status, 200);
}

#[tokio::test]
async fn refused_requests_are_charged_as_well() {
    let total = Some(Throttle { rate: 1.0, burst: 3 });
    let limited = Settings { clock: Arc::new(HandClock::default()), client_total: total, ..settings() };
    let stage = open(app(vec![api("Web", ApiStyle::Http, &[])], vec![route("Web", "GET /a", "F")]), limited).await;
    for _ in 0..3 {
        assert_eq!(stage.get("/nothing").await.status, 404);
    }
    assert_eq!(stage.get("/a").await.code(), "client-rate");
}

#[tokio::test]
async fn refusals_before_the_count_are_charged_and_end_the_connection_when_nothing_is_left() {
    let total = Some(Throttle { rate: 0.001, burst: 3 });
    let limited = || Settings { clock: Arc::new(HandClock::default()), client_total: total, ..settings() };
    let wide = format!("GET /a HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(33 * 1024));
    for (request, status) in [("GET // HTTP/1.1\r\nhost: a\r\n\r\n", 400), (wide.as_str(), 431)] {
        let stage = open(open_app(), limited()).await;
        let mut stream = stage.connect().await;
        for _ in 0..3 {
            stream.write_all(request.as_bytes()).await.unwrap();
            assert_eq!(hear(&mut stream).await.status, status);
        }
        stream.write_all(request.as_bytes()).await.unwrap();
        let heard = hear(&mut stream).await;
        assert_eq!(
            (heard.status, heard.code(), heard.header("connection")),
            (429, "client-rate".to_owned(), Some("close"))
        );
        assert!(heard.header("retry-after").is_some() && closes(&mut stream).await);
        assert_eq!(stage.get("/a").await.status, 429);
    }
    let deny = vec!["127.0.0.1/32".parse().unwrap()];
    let stage = open(open_app(), Settings { deny, ..limited() }).await;
    for status in [403, 403, 403, 429] {
        assert_eq!(stage.get("/a").await.status, status);
    }
    // A proxy does not pay for the clients behind it; they do.
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let stage = open(open_app(), Settings { trusted_proxies, ..limited() }).await;
    for _ in 0..5 {
        assert_eq!(stage.get("//").await.status, 400);
    }
    for status in [400, 400, 400, 429] {
        let heard = stage.ask("GET //", &[("x-forwarded-for", "203.0.113.7")]).await;
        assert_eq!((heard.status, heard.header("connection")), (status, None));
    }
    assert_eq!(stage.ask("GET /a", &[("x-forwarded-for", "203.0.113.8")]).await.status, 200);
}

#[tokio::test]
async fn bodies_held_at_once_have_one_budget_and_each_client_a_share_of_it() {
    let limits = Limits { body_bytes: 8 * 1024, buffered_bytes: 32 * 1024, ..Limits::default() };
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let (arrived, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let backend = backend({
        let (arrived, release) = (arrived.clone(), release.clone());
        move |admitted| {
            let (arrived, release) = (arrived.clone(), release.clone());
            async move {
                if &*admitted.request.path == "/hold" {
                    arrived.notify_one();
                    release.notified().await;
                }
                Ok(answer(200, "done"))
            }
        }
    });
    let stage = open_before(open_app(), Settings { limits, trusted_proxies, ..settings() }, backend).await;
    let post = |path: &str, client: u8| {
        let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 8192\r\n");
        format!("{head}x-forwarded-for: 203.0.113.{client}\r\n\r\n{}", "x".repeat(8_192))
    };
    let mut holding = Vec::new();
    for client in 0..4 {
        assert_eq!(stage.raw(post("/a", client)).await.status, 200);
        let mut stream = stage.connect().await;
        stream.write_all(post("/hold", client).as_bytes()).await.unwrap();
        arrived.notified().await;
        holding.push(stream);
        let heard = stage.raw(post("/a", client)).await;
        assert_eq!(
            (heard.status, heard.code(), heard.header("retry-after")),
            (503, "body-budget".to_owned(), Some("1"))
        );
    }
    assert_eq!(stage.raw(post("/a", 9)).await.code(), "body-budget");
    // Requests without a body go on, and what is finished makes room.
    assert_eq!(stage.get("/a").await.status, 200);
    release.notify_one();
    assert_eq!(hear(&mut holding[0]).await.status, 200);
    assert_eq!(stage.raw(post("/a", 9)).await.status, 200);
    let refused = stage.events.answered().into_iter().find_map(|answered| answered.refusal).unwrap();
    assert_eq!(refused.guard, Guard::Size);
}

#[tokio::test]
async fn answers_that_wait_for_their_readers_have_one_budget() {
    // Room for the longest answer once; a reader who takes nothing keeps it.
    let limits = Limits { buffered_bytes: 1, ..Limits::default() };
    let backend = backend(|_| async { Ok(answer(200, "x".repeat(5 * 1024 * 1024))) });
    let stage = open_before(open_app(), Settings { limits, ..settings() }, backend).await;
    let mut slow = stage.connect().await;
    slow.write_all(b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    slow.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let heard = stage.get("/a").await;
    assert_eq!((heard.status, heard.code(), heard.header("retry-after")), (503, "answer-budget".to_owned(), Some("1")));
    let mut rest = vec![0; 5 * 1024 * 1024];
    slow.read_exact(&mut rest).await.unwrap();
    drop(slow);
    while stage.get("/a").await.status != 200 {}
}

fn held(release: &Arc<Notify>) -> Backend {
    let release = release.clone();
    backend(move |_| {
        let release = release.clone();
        async move {
            release.notified().await;
            Ok(answer(200, "done"))
        }
    })
}

#[tokio::test]
async fn a_function_runs_as_often_at_once_as_reserved() {
    let mut one =
        app(vec![api("Web", ApiStyle::Http, &[])], vec![route("Web", "GET /a", "F"), route("Web", "GET /none", "N")]);
    one.functions = vec![function("F", Some(1)), function("N", Some(0))];
    let release = Arc::new(Notify::new());
    let stage = open_before(one, settings(), held(&release)).await;
    assert_eq!(stage.get("/none").await.code(), "function-busy");
    let mut first = stage.connect().await;
    first.write_all(b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut second = stage.connect().await;
    second.write_all(b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    // Whichever came first runs; the other one is refused.
    let refused = tokio::select! {
        heard = hear(&mut second) => heard,
        heard = hear(&mut first) => heard,
    };
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    release.notify_one();
}

#[tokio::test]
async fn a_function_that_is_late_or_panics_costs_one_answer() {
    let timers = Timers { http: Duration::from_millis(20), ..Timers::default() };
    let wild = backend(|admitted| async move {
        match &*admitted.request.path {
            "/late" => std::future::pending().await,
            "/panic" => panic!("on purpose"),
            "/error" => {
                Err(BackendError { status: 502, code: "broken", reason: "it broke".into(), retry_after: Some(7) })
            }
            _ => Ok(answer(200, "fine")),
        }
    });
    let stage = open_before(open_app(), Settings { timers, ..settings() }, wild).await;
    let mut stream = stage.connect().await;
    for (path, status) in [("/late", 504), ("/panic", 500), ("/error", 502), ("/fine", 200)] {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await.unwrap();
        let heard = hear(&mut stream).await;
        assert_eq!(heard.status, status, "{path}");
        assert_eq!(heard.header("retry-after"), (status == 502).then_some("7"));
        assert_eq!(heard.header("x-request-id").map(str::len), Some(36));
    }
}

#[tokio::test]
async fn headers_of_the_connection_are_not_the_functions_to_set() {
    let stage = open_before(
        open_app(),
        settings(),
        backend(|_| async {
            let mut answer = answer(200, "abc");
            for (name, value) in [("content-length", "99"), ("transfer-encoding", "chunked"), ("connection", "close")] {
                answer.headers.insert(name, value.parse().unwrap());
            }
            answer.headers.append("set-cookie", "a=1".parse().unwrap());
            answer.headers.append("set-cookie", "b=2".parse().unwrap());
            Ok(answer)
        }),
    )
    .await;
    let heard = stage.get("/a").await;
    assert_eq!(
        (heard.body.as_str(), heard.header("connection"), heard.header("transfer-encoding")),
        ("abc", None, None)
    );
    assert_eq!(heard.head.matches("set-cookie").count(), 2);
}
