//! The Runtime API spoken by hand: code in a function may say anything at all to it.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use brigandine_function::Local;

use crate::bench::{Bench, eventually};

/// A process that tells where its Runtime API is and does nothing: the test speaks in its stead.
const DUMMY: &str = "#!/bin/sh\necho api $AWS_LAMBDA_RUNTIME_API\nexec sleep 600\n";

struct Client {
    address: String,
    stream: TcpStream,
}

impl Client {
    async fn connect(address: &str) -> Self {
        Self { address: address.to_owned(), stream: TcpStream::connect(address).await.unwrap() }
    }

    async fn send(&mut self, head: &str, body: &str) {
        let text = format!("{head} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{body}", self.address, body.len());
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    async fn raw(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Status, head and body of the next answer.
    async fn answer(&mut self) -> (u16, String, String) {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer).await.unwrap();
            assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&buffer[..count]);
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.trim().parse().unwrap());
        let mut body = bytes[end..].to_vec();
        while body.len() < length {
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer).await.unwrap();
            body.extend_from_slice(&buffer[..count]);
        }
        (head[9..12].parse().unwrap(), head.clone(), String::from_utf8(body).unwrap())
    }

    async fn ask(&mut self, head: &str, body: &str) -> (u16, String, String) {
        self.send(head, body).await;
        tokio::time::timeout(Duration::from_secs(10), self.answer()).await.unwrap()
    }
}

const NEXT: &str = "GET /2018-06-01/runtime/invocation/next";

fn path(id: &str, what: &str) -> String {
    format!("POST /2018-06-01/runtime/invocation/{id}/{what}")
}

fn id_of(head: &str) -> String {
    head.lines().find_map(|line| line.strip_prefix("lambda-runtime-aws-request-id: ")).unwrap().trim().to_owned()
}

async fn api(bench: &Bench, number: usize) -> String {
    eventually(|| {
        let lines = bench.lines();
        lines.iter().filter_map(|(line, _)| Some(line.strip_prefix("api ")?.to_owned())).nth(number)
    })
    .await
}

async fn prepared() -> (Bench, Local, String) {
    let mut bench = Bench::own(DUMMY);
    bench.settings.prewarm = true;
    let local = bench.start().await;
    let address = api(&bench, 0).await;
    (bench, local, address)
}

#[tokio::test]
async fn an_invocation_by_hand() {
    let (bench, local, address) = prepared().await;
    let mut client = Client::connect(&address).await;
    let (reply, ()) = tokio::join!(bench.run(&local, r#"{"n":1}"#), async {
        let (status, head, body) = client.ask(NEXT, "").await;
        assert_eq!((status, body.as_str()), (200, r#"{"n":1}"#));
        for name in ["deadline-ms", "invoked-function-arn", "trace-id", "aws-request-id"] {
            assert!(head.contains(&format!("lambda-runtime-{name}: ")), "{head}");
        }
        assert!(head.contains("content-type: application/json"));
        let (status, _, body) = client.ask(&path(&id_of(&head), "response"), "[2]").await;
        assert_eq!((status, body.as_str()), (202, "{\"status\":\"OK\"}\n"));
    });
    let reply = reply.unwrap();
    assert_eq!((reply.payload, reply.error, reply.cold), ("[2]".into(), None, false));
}

#[tokio::test]
async fn answers_to_other_calls_are_refused() {
    let (bench, local, address) = prepared().await;
    let mut client = Client::connect(&address).await;
    let mut second = Client::connect(&address).await;
    let (reply, ()) = tokio::join!(bench.run(&local, "1"), async {
        let (_, head, _) = client.ask(NEXT, "").await;
        let id = id_of(&head);
        for wrong in ["00000000-0000-4000-8000-999999999999", "", "a%2fb", ".."] {
            let (status, _, body) = second.ask(&path(wrong, "response"), "\"stolen\"").await;
            assert_eq!(status, 400, "{wrong}: {body}");
            assert!(body.contains("\"InvalidRequestID\""), "{body}");
        }
        let (status, _, body) = second.ask(NEXT, "").await;
        assert_eq!(status, 403, "a second asker while the first is busy: {body}");
        assert!(body.contains("\"InvalidStateTransition\""));
        assert_eq!(second.ask("POST /2018-06-01/runtime/init/error", "{}").await.0, 403, "it is past starting");
        assert_eq!(client.ask(&path(&id, "response"), "\"mine\"").await.0, 202);
        let (status, _, body) = client.ask(&path(&id, "response"), "\"again\"").await;
        assert_eq!(status, 403, "{body}");
        let (status, _, _) = client.ask(&path(&id, "error"), "{}").await;
        assert_eq!(status, 403);
    });
    assert_eq!(reply.unwrap().payload, "\"mine\"");
}

#[tokio::test]
async fn an_answer_without_a_body_and_an_error_without_a_document() {
    let (bench, local, address) = prepared().await;
    let mut client = Client::connect(&address).await;
    let (reply, ()) = tokio::join!(bench.run(&local, "1"), async {
        let (_, head, _) = client.ask(NEXT, "").await;
        assert_eq!(client.ask(&path(&id_of(&head), "response"), "").await.0, 202);
    });
    let reply = reply.unwrap();
    assert_eq!((reply.payload.len(), reply.error), (0, None));
    let (failed, ()) = tokio::join!(bench.error(&local, "1"), async {
        let (_, head, _) = client.ask(NEXT, "").await;
        assert_eq!(client.ask(&path(&id_of(&head), "error"), "").await.0, 202);
    });
    assert_eq!(failed.0, "Runtime.Unknown");
    let (failed, ()) = tokio::join!(bench.error(&local, "1"), async {
        let (_, head, _) = client.ask(NEXT, "").await;
        let id = id_of(&head);
        client.raw(&format!("{} HTTP/1.1\r\nHost: {address}\r\nLambda-Runtime-Function-Error-Type: Own.Kind\r\nContent-Length: 2\r\n\r\n{{}}", path(&id, "error"))).await;
        assert_eq!(client.answer().await.0, 202);
    });
    assert_eq!(failed.0, "Own.Kind");
}

#[tokio::test]
async fn a_streamed_answer_in_chunks_and_one_broken_off() {
    let (bench, local, address) = prepared().await;
    let mut client = Client::connect(&address).await;
    let chunked = |id: &str, rest: &str| {
        format!(
            "{} HTTP/1.1\r\nHost: {address}\r\nLambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\n\r\n{rest}",
            path(id, "response")
        )
    };
    let (reply, ()) = tokio::join!(bench.run(&local, "1"), async {
        let (_, head, _) = client.ask(NEXT, "").await;
        client.raw(&chunked(&id_of(&head), "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")).await;
        assert_eq!(client.answer().await.0, 202);
    });
    let reply = reply.unwrap();
    assert!(reply.streamed && reply.error.is_none());
    assert_eq!(reply.payload, "abcde");
    let (failed, ()) = tokio::join!(bench.error(&local, "1"), async {
        let (_, head, _) = client.ask(NEXT, "").await;
        let trailers = "Lambda-Runtime-Function-Error-Type: Own.Kind\r\nLambda-Runtime-Function-Error-Body: eyJlcnJvck1lc3NhZ2UiOiJ4In0=\r\n";
        client.raw(&chunked(&id_of(&head), &format!("3\r\nabc\r\n0\r\n{trailers}\r\n"))).await;
        assert_eq!(client.answer().await.0, 202);
    });
    assert_eq!((failed.0.as_str(), failed.1["errorMessage"].as_str()), ("Own.Kind", Some("x")));
}

#[tokio::test]
async fn other_paths_methods_hosts_and_browsers_are_refused() {
    let (_bench, _local, address) = prepared().await;
    let mut client = Client::connect(&address).await;
    assert_eq!(client.ask("GET /", "").await.0, 404);
    assert_eq!(client.ask("GET /2018-06-01/runtime/other", "").await.0, 404);
    assert_eq!(client.ask("DELETE /2018-06-01/runtime/invocation/next", "").await.0, 405);
    assert_eq!(client.ask("POST /2018-06-01/runtime/invocation/x", "").await.0, 404);
    client.raw(&format!("{NEXT} HTTP/1.1\r\nHost: evil.example:80\r\n\r\n")).await;
    assert_eq!(client.answer().await.0, 403, "another name for this socket");
    client.raw(&format!("{NEXT} HTTP/1.1\r\nHost: {address}\r\nOrigin: https://evil.example\r\n\r\n")).await;
    assert_eq!(client.answer().await.0, 403, "a page in a browser");
}

#[tokio::test]
async fn a_connection_lost_while_waiting_is_replaced() {
    let (bench, local, address) = prepared().await;
    let mut lost = Client::connect(&address).await;
    lost.send(NEXT, "").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(lost);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (reply, ()) = tokio::join!(bench.run(&local, "1"), async {
        let mut client = Client::connect(&address).await;
        let (status, head, _) = client.ask(NEXT, "").await;
        assert_eq!(status, 200);
        assert_eq!(client.ask(&path(&id_of(&head), "response"), "2").await.0, 202);
    });
    assert_eq!(reply.unwrap().payload, "2");
}

#[tokio::test]
async fn a_body_that_never_ends_is_ended_by_the_timeout() {
    let (bench, local, address) = {
        let mut bench = Bench::own(DUMMY).timeout(1);
        bench.settings.prewarm = true;
        let local = bench.start().await;
        let address = api(&bench, 0).await;
        (bench, local, address)
    };
    let mut client = Client::connect(&address).await;
    let (failed, ()) = tokio::join!(bench.error(&local, "1"), async {
        let (_, head, _) = client.ask(NEXT, "").await;
        client
            .raw(&format!(
                "{} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 100\r\n\r\nabc",
                path(&id_of(&head), "response")
            ))
            .await;
    });
    assert_eq!(failed.0, "Sandbox.Timedout");
}

#[tokio::test]
async fn an_init_error_reaches_the_call_that_waits() {
    let bench = Bench::own(DUMMY);
    let local = bench.start().await;
    let (failed, ()) = tokio::join!(bench.error(&local, "1"), async {
        let address = api(&bench, 0).await;
        let mut client = Client::connect(&address).await;
        let document = r#"{"errorType":"Own.Init","errorMessage":"no"}"#;
        assert_eq!(client.ask("POST /2018-06-01/runtime/init/error", document).await.0, 202);
        let (status, _, _) = client.ask("POST /2018-06-01/runtime/init/error", document).await;
        assert_eq!(status, 403, "once is enough");
    });
    assert_eq!(failed.0, "Own.Init");
}
