//! Connections that are too many, too slow or half open; and the end of the door.

use std::{sync::Arc, time::Duration};

use brigandine_gateway::{Limits, Settings, Timers};
use brigandine_model::{Happening, Throttle};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Notify,
    time::timeout,
};

use crate::stage::{HANG, answer, backend, closes, hear, open, open_app, open_before, settings};

fn hasty() -> Timers {
    Timers {
        head: Duration::from_millis(60),
        idle: Duration::from_millis(60),
        grace: Duration::from_millis(60),
        body: Duration::from_millis(200),
        ..Timers::default()
    }
}

#[tokio::test]
async fn half_open_and_trickling_connections_end() {
    let stage = open(open_app(), Settings { timers: hasty(), ..settings() }).await;
    let mut silent = stage.connect().await;
    let mut trickling = stage.connect().await;
    let trickle = async {
        // The server may close at any of these; then writing fails, which is the point.
        for byte in b"GET /a HTTP/1.1\r\nhost: a\r\nx-slow: ".iter().cycle() {
            if trickling.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(HANG, trickle).await.unwrap();
    assert!(closes(&mut silent).await);
    assert!(!stage.events.failed("head").await.is_empty());
    assert_eq!(stage.get("/a").await.status, 200);
}

#[tokio::test]
async fn a_preface_without_end_is_a_slow_head_too() {
    let stage = open(open_app(), Settings { timers: hasty(), ..settings() }).await;
    let mut stream = stage.connect().await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM").await.unwrap();
    assert!(closes(&mut stream).await);
    stage.events.failed("head").await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_fault() {
    let stage = open(open_app(), Settings { timers: hasty(), ..settings() }).await;
    let mut stream = stage.connect().await;
    stream.write_all(b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert_eq!(hear(&mut stream).await.status, 200);
    assert!(closes(&mut stream).await);
    assert_eq!(stage.door.counters().connections_failed, 0);
}

#[tokio::test]
async fn a_slow_body_is_answered_and_ends() {
    let stage = open(open_app(), Settings { timers: hasty(), ..settings() }).await;
    let heard = stage.raw("POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc").await;
    assert_eq!((heard.status, heard.code()), (408, "body-too-slow".to_owned()));
    assert_eq!(stage.events.answered()[0].received_bytes, 3);
}

#[tokio::test]
async fn a_reader_who_does_not_read_loses_the_connection() {
    let large = Bytes::from(vec![b'x'; 64 * 1024 * 1024]);
    let timers = Timers { least_rate: u32::MAX, ..hasty() };
    let stage = open_before(
        open_app(),
        Settings { timers, ..settings() },
        backend(move |_| {
            let large = large.clone();
            async move { Ok(answer(200, large)) }
        }),
    )
    .await;
    let mut stream = stage.connect().await;
    stream.write_all(b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert_eq!(&*stage.events.failed("body").await, "the answer is read too slowly");
    let mut rest = Vec::new();
    let received = stream.read_to_end(&mut rest).await.unwrap_or(rest.len());
    assert!(received < 64 * 1024 * 1024);
}

#[tokio::test]
async fn one_address_does_not_take_all_places() {
    let limits = Limits { connections_per_address: 2, ..Limits::default() };
    let stage = open(open_app(), Settings { limits, ..settings() }).await;
    let _first = stage.connect().await;
    let _second = stage.connect().await;
    let mut third = stage.connect().await;
    assert!(closes(&mut third).await);
    let reason = stage
        .events
        .until(|what| match what {
            Happening::ConnectionRefused(refused) => Some(refused.reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, "address-limit");
}

#[tokio::test]
async fn half_open_connections_make_room_for_callers() {
    let limits = Limits { connections: 4, ..Limits::default() };
    let stage = open(open_app(), Settings { limits, ..settings() }).await;
    let mut idle = Vec::new();
    for _ in 0..12 {
        idle.push(stage.connect().await);
        assert_eq!(stage.get("/a").await.status, 200);
    }
    assert_eq!(&*stage.events.failed("head").await, "it made room for others");
}

#[tokio::test]
async fn idle_connections_make_room_for_callers_even_after_a_request() {
    let limits = Limits { connections: 4, ..Limits::default() };
    let stage = open(open_app(), Settings { limits, ..settings() }).await;
    let mut idle = Vec::new();
    for _ in 0..8 {
        let mut stream = stage.connect().await;
        stream.write_all(b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        assert_eq!(hear(&mut stream).await.status, 200);
        idle.push(stream);
    }
    assert!(closes(&mut idle[0]).await);
    assert_eq!(&*stage.events.failed("idle").await, "it made room for others");
    assert_eq!(stage.door.counters().connections_refused, 0);
}

#[tokio::test]
async fn faults_of_a_connection_are_charged_to_its_address() {
    let total = Some(Throttle { rate: 0.001, burst: 3 });
    let stage = open(open_app(), Settings { client_total: total, ..settings() }).await;
    for _ in 0..3 {
        assert_eq!(stage.raw("nonsense\r\n\r\n").await.status, 400);
    }
    stage.events.failed("head").await;
    while stage.door.counters().connections_failed < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.get("/a").await.status, 429);
}

#[tokio::test]
async fn the_second_protocol_is_spoken_with_the_same_guards() {
    let stage = open(open_app(), settings()).await;
    let stream = TokioIo::new(stage.connect().await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let driver = tokio::spawn(connection);
    for (path, status) in [("/a", 200), ("/a%2fb", 400), ("/b/c", 200)] {
        let request = http::Request::get(format!("http://localhost{path}")).body(Empty::<Bytes>::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        if status == 200 {
            let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((json["version"].as_str(), json["path"].as_str()), (Some("HTTP/2.0"), Some(path)));
        }
    }
    let request = http::Request::get("http://a/a").header("host", "b").body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 400);
    driver.abort();
}

#[tokio::test]
async fn a_connection_of_the_second_protocol_ends_with_its_addresss_share() {
    let client_total = Some(Throttle { rate: 0.001, burst: 3 });
    // Idle connections stay here: it is the refusal that ends this one.
    let timers = Timers { grace: Duration::from_millis(20), ..Timers::default() };
    let stage = open(open_app(), Settings { timers, client_total, ..settings() }).await;
    let stream = TokioIo::new(stage.connect().await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let driver = tokio::spawn(connection);
    for status in [400, 400, 400, 429] {
        let request = http::Request::get("http://a//").body(Empty::<Bytes>::new()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), status);
    }
    timeout(HANG, driver).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_stream_whose_window_never_opens_loses_the_connection() {
    let stage = open_before(
        open_app(),
        Settings { timers: hasty(), ..settings() },
        backend(|_| async { Ok(answer(200, Bytes::from(vec![b'x'; 40 * 1024]))) }),
    )
    .await;
    let stream = TokioIo::new(stage.connect().await);
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = builder.initial_stream_window_size(16).handshake(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = http::Request::get("http://a/a").body(Empty::<Bytes>::new()).unwrap();
    // The answer is held and never read. It would be due after the grace and 40 s more at the least rate.
    let held = sender.send_request(request).await.unwrap();
    assert_eq!(held.status(), 200);
    let timers = Timers { least_rate: u32::MAX, ..hasty() };
    let hastier = open_before(
        open_app(),
        Settings { timers, ..settings() },
        backend(|_| async { Ok(answer(200, Bytes::from(vec![b'x'; 40 * 1024]))) }),
    )
    .await;
    let stream = TokioIo::new(hastier.connect().await);
    let (mut sender, connection) = builder.initial_stream_window_size(16).handshake(stream).await.unwrap();
    let second = tokio::spawn(connection);
    let request = http::Request::get("http://a/a").body(Empty::<Bytes>::new()).unwrap();
    let _held = sender.send_request(request).await.unwrap();
    assert_eq!(&*hastier.events.failed("body").await, "the answer is read too slowly");
    assert_eq!(stage.door.counters().connections_failed, 0);
    driver.abort();
    second.abort();
}

#[tokio::test]
async fn wide_heads_of_the_second_protocol_are_refused_with_an_event() {
    let stage = open(open_app(), settings()).await;
    let stream = TokioIo::new(stage.connect().await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let wide = "y".repeat(12 * 1024);
    let request = http::Request::get("http://a/a").header("a", &wide).header("b", &wide).header("c", &wide);
    let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 431);
    assert_eq!(stage.events.answered()[0].status, 431);
    driver.abort();
}

#[tokio::test]
async fn a_flood_of_reset_streams_ends_and_others_are_served() {
    let stage = open_before(
        open_app(),
        settings(),
        backend(|admitted| async move {
            if &*admitted.request.path == "/hang" {
                std::future::pending::<()>().await;
            }
            Ok(answer(200, "fine"))
        }),
    )
    .await;
    let stream = TokioIo::new(stage.connect().await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let driver = tokio::spawn(connection);
    for _ in 0..500 {
        let request = http::Request::get("http://a/a").body(Empty::<Bytes>::new()).unwrap();
        if sender.ready().await.is_err() {
            break;
        }
        // Dropped at once: the stream is reset.
        drop(sender.send_request(request));
    }
    assert_eq!(stage.get("/a").await.status, 200);
    driver.abort();
}

#[tokio::test]
async fn large_answers_arrive_whole_over_both_protocols() {
    let large: Bytes = (0..3_000_000_u32).map(|number| u8::try_from(number % 251).unwrap()).collect::<Vec<_>>().into();
    let expected = large.clone();
    let stage = open_before(
        open_app(),
        settings(),
        backend(move |_| {
            let large = large.clone();
            async move { Ok(answer(200, large)) }
        }),
    )
    .await;
    let stream = TokioIo::new(stage.connect().await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = http::Request::get("http://a/a").body(Empty::<Bytes>::new()).unwrap();
    let body = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert!(body == expected);
    driver.abort();
    let mut stream = stage.connect().await;
    stream.write_all(b"GET /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut whole = Vec::new();
    timeout(HANG, stream.read_to_end(&mut whole)).await.unwrap().unwrap();
    assert!(whole.ends_with(&expected));
}

#[tokio::test]
async fn requests_under_way_finish_when_the_door_closes() {
    let (arrived, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut stage = open_before(open_app(), settings(), {
        let (arrived, release) = (arrived.clone(), release.clone());
        backend(move |_| {
            let (arrived, release) = (arrived.clone(), release.clone());
            async move {
                arrived.notify_one();
                release.notified().await;
                Ok(answer(200, "finished"))
            }
        })
    })
    .await;
    let mut idle = stage.connect().await;
    let mut stream = stage.connect().await;
    stream.write_all(b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    arrived.notified().await;
    drop(stage.close.take());
    assert!(closes(&mut idle).await);
    assert!(tokio::net::TcpStream::connect(stage.address).await.is_err());
    release.notify_one();
    assert_eq!(hear(&mut stream).await.body, "finished");
    stage.close().await;
}

#[tokio::test]
async fn the_door_does_not_wait_for_ever() {
    let timers = Timers { drain: Duration::from_millis(30), ..Timers::default() };
    let arrived = Arc::new(Notify::new());
    let mut stage = open_before(open_app(), Settings { timers, ..settings() }, {
        let arrived = arrived.clone();
        backend(move |_| {
            let arrived = arrived.clone();
            async move {
                arrived.notify_one();
                std::future::pending().await
            }
        })
    })
    .await;
    let mut stream = stage.connect().await;
    stream.write_all(b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    arrived.notified().await;
    stage.close().await;
    assert_eq!(stage.events.answered()[0].status, 499);
}
