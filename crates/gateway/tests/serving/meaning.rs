//! One meaning only: what is refused because two readers could read it in two ways.

use brigandine_gateway::Settings;
use tokio::io::AsyncWriteExt;

use crate::stage::{closes, hear, open, open_app, settings};

#[tokio::test]
async fn framing_with_two_meanings_is_refused_and_the_connection_ends() {
    let stage = open(open_app(), settings()).await;
    for (lines, code) in [
        ("content-length: 4\r\ntransfer-encoding: chunked\r\n", "framing-length-and-coding"),
        ("transfer-encoding: chunked\r\ncontent-length: 4\r\n", "framing-length-and-coding"),
        ("Transfer-Encoding: chunked\r\nX: y\r\nContent-Length: 4\r\n", "framing-length-and-coding"),
        ("content-length: 4\r\ncontent-length: 4\r\n", "framing-two-lengths"),
        ("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", "framing-two-codings"),
        ("transfer-encoding: gzip, chunked\r\n", "framing-unknown-coding"),
        ("x: y\ncontent-length: 0\r\n", "framing-bare-line-feed"),
    ] {
        let mut stream = stage.connect().await;
        let request = format!("POST /a HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let heard = hear(&mut stream).await;
        assert_eq!((heard.status, heard.code()), (400, code.to_owned()), "{lines}");
        assert!(closes(&mut stream).await, "{lines}");
    }
    assert!(stage.events.answered().iter().all(|answered| &*answered.path == "/a" && answered.status == 400));
}

#[tokio::test]
async fn framing_is_seen_on_later_requests_of_a_connection_too() {
    let stage = open(open_app(), settings()).await;
    let mut stream = stage.connect().await;
    let chunked = "POST /b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n";
    let sized = "POST /c HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n\r\n\r\nx";
    let bad = "POST /d HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n";
    // All in one packet: what hyper would have read ahead is framed all the same.
    stream.write_all(format!("{chunked}{sized}\r\n{chunked}{bad}").as_bytes()).await.unwrap();
    for (path, bytes) in [("/b", 3), ("/c", 5), ("/b", 3)] {
        let heard = hear(&mut stream).await.json();
        assert_eq!((heard["path"].as_str().unwrap(), heard["body_bytes"].as_u64().unwrap()), (path, bytes));
    }
    assert_eq!(hear(&mut stream).await.code(), "framing-length-and-coding");
}

#[tokio::test]
async fn loose_chunks_are_refused() {
    let stage = open(open_app(), settings()).await;
    for body in [
        "3;ext=1\r\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "-1\r\n",
        "0x3\r\n",
        "ffffffffffffffff\r\n",
    ] {
        let mut stream = stage.connect().await;
        let head = "POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        assert!(closes(&mut stream).await, "{body}");
    }
    assert!(stage.events.answered().iter().all(|answered| answered.status != 200));
}

#[tokio::test]
async fn hosts_and_paths_with_two_meanings_are_refused() {
    let stage = open(open_app(), settings()).await;
    for (request, code) in [
        ("GET /a HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", "host-twice"),
        ("GET /a HTTP/1.1\r\n\r\n", "host-missing"),
        ("GET /a HTTP/1.1\r\nhost: a@b\r\n\r\n", "host-malformed"),
        ("GET http://b/a HTTP/1.1\r\nhost: a\r\n\r\n", "host-mismatch"),
        ("GET /a%2fb HTTP/1.1\r\nhost: a\r\n\r\n", "path-hidden-slash"),
        ("GET /public/%2e%2e/admin HTTP/1.1\r\nhost: a\r\n\r\n", "path-dot-segment"),
        ("GET /public/../admin HTTP/1.1\r\nhost: a\r\n\r\n", "path-dot-segment"),
        ("GET //a HTTP/1.1\r\nhost: a\r\n\r\n", "path-double-slash"),
        ("GET /a%00 HTTP/1.1\r\nhost: a\r\n\r\n", "path-control"),
        ("GET /a%zz HTTP/1.1\r\nhost: a\r\n\r\n", "path-bad-escape"),
        ("GET /%ff HTTP/1.1\r\nhost: a\r\n\r\n", "path-not-text"),
        ("GET /public#/../admin HTTP/1.1\r\nhost: a\r\n\r\n", "target-fragment"),
        ("GET /a?b#c HTTP/1.1\r\nhost: a\r\n\r\n", "target-fragment"),
        ("GET http://a/a# HTTP/1.1\r\nhost: a\r\n\r\n", "target-fragment"),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", "path-not-absolute"),
        ("TRACE /a HTTP/1.1\r\nhost: a\r\n\r\n", "method-not-served"),
    ] {
        assert_eq!(stage.raw(request).await.code(), code, "{request}");
    }
    assert_eq!(stage.raw("GET http://A:80/a HTTP/1.1\r\nhost: a\r\n\r\n").await.status, 200);
}

#[tokio::test]
async fn functions_hear_nothing_that_outsiders_may_not_say() {
    let stage = open(open_app(), settings()).await;
    let lies = [
        ("x-forwarded-for", "6.6.6.6"),
        ("X_Forwarded_For", "6.6.6.6"),
        ("X.Authenticated.User", "root"),
        ("x-amzn-oidc-identity", "root"),
        ("remote-user", "root"),
        ("connection", "x-custom, keep-alive"),
        ("x-custom", "dropped"),
        ("my_header", "kept"),
    ];
    let heard = stage.ask("GET /a", &lies).await.json();
    let headers = heard["headers"].as_object().unwrap();
    assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["my_header"], "kept");
    let names: Vec<&str> = headers.keys().map(String::as_str).collect();
    assert_eq!(names, ["host", "my_header", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"]);
}

#[tokio::test]
async fn trusted_proxies_name_the_client_and_nobody_else_does() {
    let trusting = Settings { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..settings() };
    let stage = open(open_app(), trusting).await;
    let told = [("x-forwarded-for", "6.6.6.6, 203.0.113.7, 127.0.0.9"), ("x-forwarded-proto", "https")];
    let heard = stage.ask("GET /a", &told).await.json();
    assert_eq!((heard["client"].as_str(), heard["scheme"].as_str()), (Some("203.0.113.7"), Some("https")));
    assert_eq!(heard["headers"]["x-forwarded-for"], "203.0.113.7");
    assert_eq!(stage.events.answered()[0].client.to_string(), "203.0.113.7");
    // Both headers have to name one client.
    for (standard, status) in [("for=203.0.113.7", 200), ("for=198.51.100.1", 400), ("for=unknown", 400)] {
        let heard = stage.ask("GET /a", &[told[0], ("forwarded", standard)]).await;
        assert_eq!(heard.status, status, "{standard}");
        assert!(status == 200 || heard.code() == "client-mismatch");
    }
    let stage = open(open_app(), settings()).await;
    let heard = stage.ask("GET /a", &[told[0], told[1], ("forwarded", "for=198.51.100.1")]).await.json();
    assert_eq!((heard["client"].as_str(), heard["scheme"].as_str()), (Some("127.0.0.1"), Some("http")));
}

#[tokio::test]
async fn what_hyper_refuses_is_told_too() {
    let stage = open(open_app(), settings()).await;
    for (raw, what) in [
        ("GE(T /a HTTP/1.1\r\nhost: a\r\n\r\n", "the method is invalid"),
        ("GET /a b c\r\n\r\n", "the version is invalid"),
        ("GET /a HTTP/1.7\r\nhost: a\r\n\r\n", "the version is invalid"),
        ("GET http://[/a HTTP/1.1\r\nhost: a\r\n\r\n", "the target is invalid"),
        ("GET /a HTTP/1.1\r\nhost: a\r\nbad name: x\r\n\r\n", "a header is invalid"),
        ("POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n", "the length is invalid"),
        ("POST /a HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", "the transfer coding is invalid"),
    ] {
        let stage = open(open_app(), settings()).await;
        assert_eq!(stage.raw(raw).await.status, 400, "{raw:?}");
        let told = stage.events.failed("head").await;
        assert_eq!(&*told, format!("the request head is malformed: {what}"), "{raw:?}");
        assert_eq!(stage.door.counters().connections_failed, 1);
    }
    let many = "x: y\r\n".repeat(200);
    assert_eq!(stage.raw(format!("GET /a HTTP/1.1\r\nhost: a\r\n{many}\r\n")).await.status, 431);
    stage
        .events
        .until(|what| match what {
            brigandine_model::Happening::ConnectionFailed(failed) => {
                (&*failed.reason == "the request head is too large").then_some(())
            }
            _ => None,
        })
        .await;
    assert_eq!(stage.door.counters().connections_failed, 1);
}
