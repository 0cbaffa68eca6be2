//! The official Python runtime client beside ours, turn by turn, over the same Runtime API and the same handlers.
//!
//! `BRIGANDINE_PEER_PYTHON` names an interpreter that has `awslambdaric`; without it the comparison is skipped.

use std::{path::Path, time::Instant};

use brigandine_model::Value;
use serde_json::Value as Json;

use crate::bench::{Bench, has};

const CODE: &str = r#"
import collections, decimal, json, logging, os
Point = collections.namedtuple("Point", "x y")
class Sold(Exception): pass
def handler(event, context):
    kind = event.get("do") if isinstance(event, dict) else None
    if kind == "raise": raise Sold("all gone")
    if kind == "deep": return deep(3)
    if kind == "empty": raise Sold()
    if kind == "set": return {"s": {1}}
    if kind == "decimal": return [decimal.Decimal("1.5"), decimal.Decimal("3"), decimal.Decimal("0.1234567890123456789")]
    if kind == "keys": return {1: "a", None: "b", True: "c"}
    if kind == "text": return "ü\u2028\U0001f600 \x7f"
    if kind == "nan": return float("inf")
    if kind == "tuple": return (1, (2, 3))
    if kind == "bytes": return b"raw \xff"
    if kind == "nested-bytes": return {"b": b"abc"}
    if kind == "none": return None
    if kind == "cycle":
        a = []; a.append(a); return a
    if kind == "context":
        return [context.function_name, context.memory_limit_in_mb, context.function_version, context.log_group_name,
                context.invoked_function_arn, context.identity.cognito_identity_id, context.client_context,
                context.tenant_id, sorted(k for k in vars(context) if not k.startswith("_"))]
    if kind == "trace": return "_X_AMZN_TRACE_ID" in os.environ
    return event
def deep(n):
    if n == 0: raise ValueError("down here")
    return deep(n - 1)
"#;

const EVENTS: [&str; 24] = [
    "{}",
    "1",
    "\"x\"",
    "[]",
    "null",
    "{",
    "",
    r#"{"do":"raise"}"#,
    r#"{"do":"deep"}"#,
    r#"{"do":"empty"}"#,
    r#"{"do":"set"}"#,
    r#"{"do":"decimal"}"#,
    r#"{"do":"keys"}"#,
    r#"{"do":"text"}"#,
    r#"{"do":"nan"}"#,
    r#"{"do":"tuple"}"#,
    r#"{"do":"bytes"}"#,
    r#"{"do":"nested-bytes"}"#,
    r#"{"do":"none"}"#,
    r#"{"do":"cycle"}"#,
    r#"{"do":"context"}"#,
    r#"{"do":"trace"}"#,
    r#"{"n":1e400}"#,
    r#"{"a":{"b":[1.0,2,"ü"]}}"#,
];

fn peer() -> Option<String> {
    let python = std::env::var("BRIGANDINE_PEER_PYTHON").ok().filter(|python| Path::new(python).exists());
    if python.is_none() {
        println!("SKIPPED: BRIGANDINE_PEER_PYTHON names no interpreter with awslambdaric");
    }
    python
}

fn official(python: &str, handler: &str) -> Bench {
    let script = format!(
        "#!/bin/sh\nexport AWS_EXECUTION_ENV=AWS_Lambda_python3.13 PYTHONPATH=$PWD\nexec {python} -m awslambdaric {handler}\n"
    );
    let bench = Bench::own(&script).variable("PYTHONDONTWRITEBYTECODE", Value::Known("1".into()));
    bench.write("app.py", CODE);
    bench
}

/// What a call gave: type of the error, media type, and the document without what differs by nature.
async fn seen(
    bench: &Bench,
    local: &brigandine_function::Local,
    event: &str,
) -> (Option<String>, Option<String>, String) {
    let reply = bench.run(local, event).await.unwrap();
    let error = reply.error.map(|error| error.error_type.to_string());
    let document = match serde_json::from_slice::<Json>(&reply.payload) {
        Ok(mut document) => {
            if let Some(members) = document.as_object_mut().filter(|_| error.is_some()) {
                members.remove("requestId");
                // Frames of the import machinery are those of two different interpreters.
                if let Some(Json::Array(frames)) = members.get_mut("stackTrace") {
                    frames.retain(|frame| !frame.as_str().unwrap().contains("importlib"));
                }
            }
            // What is wrong with a document is said in the words of the JSON library, of which there are two.
            if error.as_deref() == Some("Runtime.UnmarshalError") {
                let message = document["errorMessage"].as_str().unwrap().split_once(": ").unwrap().0.to_owned();
                document["errorMessage"] = message.into();
            }
            document.to_string().replace(&bench.folder.path().display().to_string(), "")
        }
        Err(_) => format!("{:?}", reply.payload),
    };
    (error, reply.content_type.map(|kind| kind.to_string()), document)
}

#[tokio::test]
async fn the_official_client_and_ours_say_the_same() {
    let Some(python) = peer().filter(|_| has("python3")) else { return };
    let (theirs, ours) = (official(&python, "app.handler"), Bench::python(CODE));
    let (their_local, our_local) = (theirs.start().await, ours.start().await);
    let mut differ = 0;
    for event in EVENTS {
        let (theirs, ours) = (seen(&theirs, &their_local, event).await, seen(&ours, &our_local, event).await);
        if theirs != ours {
            differ += 1;
            println!("{event}\n  theirs {theirs:?}\n  ours   {ours:?}");
        }
    }
    for (code, handler) in [
        ("import nowhere", "app.handler"),
        ("def (", "app.handler"),
        ("x = 1", "app.handler"),
        ("x = 1", "gone.handler"),
        ("x = 1", "handler"),
        ("x = 1", "sys.handler"),
        ("raise ValueError('x')", "app.handler"),
    ] {
        let (theirs, ours) = (official(&python, handler), Bench::with("python3.13", handler, "app.py", code));
        theirs.write("app.py", code);
        let (their_local, our_local) = (theirs.start().await, ours.start().await);
        let (theirs, ours) = (seen(&theirs, &their_local, "{}").await, seen(&ours, &our_local, "{}").await);
        if theirs != ours {
            differ += 1;
            println!("{code} / {handler}\n  theirs {theirs:?}\n  ours   {ours:?}");
        }
    }
    println!("{} passed, {differ} failed, 0 excused", EVENTS.len() + 7 - differ);
    assert_eq!(differ, 0);
}

/// Not a test: prints what a warm call costs with either client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn warm_calls() {
    let Some(python) = peer() else { return };
    let script = "#!/bin/sh\nexec python3 -S -c \"$CODE\"\n";
    let raw = r#"
import os, socket
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
s = socket.create_connection((host, int(port))); s.setsockopt(6, 1, 1)
ask = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s:%s\r\n\r\n" % (host.encode(), port.encode())
while True:
    s.sendall(ask)
    head = s.recv(65536)
    i = head.find(b"lambda-runtime-aws-request-id: ") + 31
    s.sendall(b"POST /2018-06-01/runtime/invocation/" + head[i:i+36] + b"/response HTTP/1.1\r\nHost: %s:%s\r\nContent-Length: 2\r\n\r\n{}" % (host.encode(), port.encode()))
    s.recv(65536)
"#;
    let benches = [
        ("ours, python", Bench::python("handler = lambda e, c: e\n")),
        ("ours, node", Bench::node("export const handler = async (e) => e;")),
        ("awslambdaric", {
            let b = official(&python, "app.handler");
            b.write("app.py", "handler = lambda e, c: e\n");
            b
        }),
        ("bare socket", Bench::own(script).variable("CODE", Value::Known(raw.into()))),
    ];
    for (name, bench) in &benches {
        let local = bench.start().await;
        let mut times = Vec::new();
        for _ in 0..3000 {
            let started = Instant::now();
            drop(bench.run(&local, r#"{"a":1}"#).await.unwrap());
            times.push(started.elapsed());
        }
        times.sort();
        println!(
            "{name:14} p10 {:?} p50 {:?} p99 {:?} environments {}",
            times[300],
            times[1500],
            times[2970],
            bench.pids().len()
        );
    }
}
