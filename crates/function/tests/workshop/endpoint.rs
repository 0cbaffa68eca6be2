//! The platform's API for invoking functions, spoken over plain sockets: what kits never send, and what they wait for.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use brigandine_function::{Endpoint, EndpointSettings, Local, QueueSettings};
use brigandine_model::{Happening, Sink};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::bench::{Bench, PATIENCE, has};

const ECHO: &str = "def handler(event, context):\n    return event\n";

struct Stage {
    address: SocketAddr,
    local: Arc<Local>,
    end: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Stage {
    async fn open(bench: &Bench, queue: QueueSettings) -> Self {
        let local = Arc::new(bench.start().await);
        let sink: Arc<dyn Sink> = bench.kept.clone();
        let settings = EndpointSettings { listen: SocketAddr::from(([127, 0, 0, 1], 0)), queue };
        let endpoint = Endpoint::bind(settings, local.catalogue(), local.clone(), sink).await.unwrap();
        let (end, ended) = oneshot::channel();
        let address = endpoint.address();
        let serving = tokio::spawn(endpoint.serve(async { drop(ended.await) }));
        Self { address, local, end, serving }
    }

    async fn raw(&self, text: &[u8]) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // It may be refused before it was read.
        drop(stream.write_all(text).await);
        let mut bytes = Vec::new();
        drop(timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap());
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        (head[9..12].parse().unwrap(), head, bytes[end..].to_vec())
    }

    async fn send(&self, what: &str, headers: &str, body: &str) -> (u16, String, Vec<u8>) {
        let head = format!("{what} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n{headers}", body.len());
        let host = if headers.to_lowercase().contains("host:") { "" } else { "Host: localhost\r\n" };
        self.raw(format!("{head}{host}\r\n{body}").as_bytes()).await
    }

    async fn invoke(&self, headers: &str, body: &str) -> (u16, String, Vec<u8>) {
        self.send("POST /2015-03-31/functions/F/invocations", headers, body).await
    }
}

#[tokio::test]
async fn pages_in_a_browser_are_refused_and_every_request_is_on_record() {
    if !has("python3") {
        return;
    }
    let bench = Bench::python(ECHO);
    let stage = Stage::open(&bench, QueueSettings::default()).await;
    for headers in [
        "Origin: http://evil.example\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Host: rebound.example\r\n",
        "Host: 127.0.0.1.evil.example\r\n",
    ] {
        let (status, head, _) = stage.invoke(headers, "1").await;
        assert_eq!(status, 403, "{headers}");
        assert!(head.contains("x-amzn-errortype: accessdeniedexception"), "{head}");
    }
    let (status, head, body) = stage.invoke("", "{\"a\": 1}").await;
    assert_eq!((status, body.as_slice()), (200, &b"{\"a\": 1}"[..]));
    assert!(head.contains("x-amz-executed-version: $latest") && head.contains("x-amzn-requestid: "), "{head}");
    let answered = bench.events(|event| match event {
        Happening::RequestAnswered(answered) => Some((answered.status, answered.function.is_some())),
        _ => None,
    });
    assert_eq!(answered, [(403, false), (403, false), (403, false), (403, false), (200, true)]);
    let run = bench.events(|event| match event {
        Happening::InvocationFinished(run) => Some((run.billed_ms, run.memory_mib, run.init_us.is_some())),
        _ => None,
    });
    assert!(matches!(run.as_slice(), [(billed, 256, true)] if *billed > 1), "{run:?}");
}

#[tokio::test]
async fn odd_requests_are_answered_in_the_models_words() {
    if !has("python3") {
        return;
    }
    let bench = Bench::python(ECHO);
    let stage = Stage::open(&bench, QueueSettings::default()).await;
    for (headers, body, status, kind) in [
        ("X-Amz-Invocation-Type: Sometimes\r\n", "1", 400, "invalidparametervalueexception"),
        ("X-Amz-Log-Type: Head\r\n", "1", 400, "invalidparametervalueexception"),
        ("X-Amz-Client-Context: %\r\n", "1", 400, "invalidrequestcontentexception"),
        ("X-Amz-Tenant-Id: t\r\n", "1", 400, "invalidparametervalueexception"),
        ("X-Amz-Durable-Execution-Name: t\r\n", "1", 400, "invalidparametervalueexception"),
        ("Content-Type: text/plain\r\n", "1", 415, "unsupportedmediatypeexception"),
        ("", "{", 400, "invalidrequestcontentexception"),
    ] {
        let (found, head, body) = stage.invoke(headers, body).await;
        assert_eq!(found, status, "{headers}");
        assert!(head.contains(&format!("x-amzn-errortype: {kind}")), "{head}");
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(document["message"].is_string() && document["Type"] == "User", "{document}");
    }
    for (what, status) in [
        ("GET /", 404),
        ("DELETE /2015-03-31/functions/F", 501),
        ("POST /2015-03-31/functions/%FF/invocations", 400),
        ("POST /2015-03-31/functions/a%2Fb/invocations", 400),
        ("GET /2015-03-31/functions/?MaxItems=x", 400),
        ("GET /2015-03-31/functions/?Marker=99999999999999999999999", 400),
        ("GET /2015-03-31/functions/?Marker=7", 200),
    ] {
        assert_eq!(stage.send(what, "", "").await.0, status, "{what}");
    }
    let chunked = b"POST /2015-03-31/functions/F/invocations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n";
    let (status, _, body) = stage.raw(chunked).await;
    assert_eq!((status, body.as_slice()), (200, &b"[1]"[..]));
}

/// Fails as often as the event says, counting in a file beside it.
const FLAKY: &str = r#"
import os
def handler(event, context):
    path = os.path.join(os.path.dirname(__file__), event["name"])
    with open(path, "a") as file:
        file.write(context.aws_request_id + "\n")
    with open(path) as file:
        if len(file.readlines()) <= event["fails"]:
            raise ValueError("not yet")
"#;

fn quick() -> QueueSettings {
    let retries = [Duration::from_millis(10), Duration::from_millis(20)];
    QueueSettings { retries, throttled: Duration::from_millis(5), ..QueueSettings::default() }
}

#[tokio::test]
async fn events_are_tried_again_and_given_up_on_record() {
    if !has("python3") {
        return;
    }
    let bench = Bench::python(FLAKY);
    let stage = Stage::open(&bench, quick()).await;
    let event = "X-Amz-Invocation-Type: Event\r\n";
    for (name, fails) in [("soon", 2), ("never", 9)] {
        let (status, _, body) = stage.invoke(event, &format!("{{\"name\": \"{name}\", \"fails\": {fails}}}")).await;
        assert_eq!((status, body.len()), (202, 0));
    }
    let dropped = bench.event(|event| match event {
        Happening::InvocationDropped(dropped) => Some(dropped.clone()),
        _ => None,
    });
    let dropped = dropped.await;
    assert_eq!(
        (dropped.attempts, dropped.reason, dropped.error.as_deref()),
        (3, "retries-exhausted", Some("ValueError"))
    );
    let tries = |name: &str| {
        let path = bench.folder.path().join("src").join(name);
        std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    crate::bench::eventually(|| (tries("soon").len() == 3).then_some(())).await;
    let never = tries("never");
    assert_eq!(never, vec![dropped.request.to_string(); 3], "every attempt has the same id");
    assert_eq!(bench.events(|event| matches!(event, Happening::InvocationDropped(_)).then_some(())).len(), 1);
}

#[tokio::test]
async fn a_full_queue_says_so_and_an_ending_one_tells_what_it_drops() {
    if !has("python3") {
        return;
    }
    let bench = Bench::python("def handler(event, context):\n    raise ValueError('always')\n");
    let settings = QueueSettings { events: 2, retries: [Duration::from_hours(1); 2], ..QueueSettings::default() };
    let stage = Stage::open(&bench, settings).await;
    let event = "X-Amz-Invocation-Type: Event\r\n";
    assert_eq!(stage.invoke(event, "1").await.0, 202);
    assert_eq!(stage.invoke(event, "2").await.0, 202);
    let (status, head, _) = stage.invoke(event, "3").await;
    assert_eq!(status, 429);
    assert!(head.contains("retry-after: 1"), "{head}");
    let failed = || bench.events(|event| matches!(event, Happening::InvocationFinished(_)).then_some(())).len();
    crate::bench::eventually(|| (failed() == 2).then_some(())).await;
    stage.end.send(()).unwrap();
    timeout(PATIENCE, stage.serving).await.unwrap().unwrap();
    stage.local.shutdown().await;
    let dropped = bench.events(|event| match event {
        Happening::InvocationDropped(dropped) => Some((dropped.attempts, dropped.reason)),
        _ => None,
    });
    assert_eq!(dropped, [(1, "shutdown"); 2]);
}

/// Writes a piece, waits until a file is there, writes another; breaks off when there is a word in the file.
const PIECES: &str = r#"
import fs from "node:fs";
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write("first;");
  while (!fs.existsSync(event.go)) await new Promise((done) => setTimeout(done, 5));
  const word = fs.readFileSync(event.go, "utf8");
  if (word === "throw") throw new RangeError("half way");
  if (word === "exit") process.exit(5);
  if (word === "sleep") await new Promise((done) => setTimeout(done, 60000));
  stream.write("second;");
  stream.end();
});
"#;

#[tokio::test]
async fn a_stream_reaches_the_caller_as_it_is_written_and_says_how_it_ended() {
    if !has("node") {
        return;
    }
    let bench = Bench::node(PIECES).timeout(3);
    let stage = Stage::open(&bench, QueueSettings::default()).await;
    for (word, wanted) in
        [("on", "second;"), ("throw", "RangeError"), ("exit", "Runtime.ExitError"), ("sleep", "Sandbox.Timedout")]
    {
        let go = bench.folder.path().join(word);
        let body = serde_json::json!({"go": go}).to_string();
        let mut stream = TcpStream::connect(stage.address).await.unwrap();
        let head = "POST /2021-11-15/functions/F/response-streaming-invocations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        let contains = |seen: &[u8], word: &str| seen.windows(word.len()).any(|window| window == word.as_bytes());
        while !contains(&seen, "first;") {
            let mut buffer = [0; 1024];
            let count = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..count]);
        }
        assert!(!contains(&seen, "InvokeComplete"), "the function still waits");
        std::fs::write(&go, word).unwrap();
        drop(timeout(PATIENCE, stream.read_to_end(&mut seen)).await.unwrap());
        assert!(contains(&seen, wanted) && contains(&seen, "InvokeComplete"), "{}", String::from_utf8_lossy(&seen));
        assert_eq!(contains(&seen, "Unhandled"), word != "on");
    }
    let ends = bench.events(|event| match event {
        Happening::InvocationFinished(run) => Some(run.error.as_ref().map(ToString::to_string)),
        _ => None,
    });
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(ends, [None, some("RangeError"), some("Runtime.ExitError"), some("Sandbox.Timedout")]);
}

#[tokio::test]
async fn a_caller_who_leaves_a_stream_does_not_stop_the_function() {
    if !has("node") {
        return;
    }
    let bench = Bench::node(PIECES);
    let local = bench.start().await;
    let go = bench.folder.path().join("left");
    let call = bench.call(&serde_json::json!({"go": go}).to_string()).streaming();
    let mut reply = brigandine_function::Invoke::invoke(&local, call).await.unwrap();
    let mut stream = reply.stream.take().unwrap();
    assert_eq!(timeout(PATIENCE, stream.piece()).await.unwrap().as_deref(), Some(&b"first;"[..]));
    drop(stream);
    std::fs::write(&go, "on").unwrap();
    let ended = bench.event(|event| match event {
        Happening::InvocationFinished(run) => Some(run.error.clone()),
        _ => None,
    });
    assert_eq!(ended.await, None);
    // The environment is as good as before.
    let again = bench.call(&serde_json::json!({"go": go}).to_string());
    let reply = brigandine_function::Invoke::invoke(&local, again).await.unwrap();
    assert_eq!((reply.payload.as_ref(), reply.cold), (&b"first;second;"[..], false));
}
