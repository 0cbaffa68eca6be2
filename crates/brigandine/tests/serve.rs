//! The shield as a user meets it: a child process, real sockets, functions that misbehave.
#![cfg(all(feature = "serve", unix))]
#![expect(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "tests")]
#![expect(unreachable_pub, clippy::format_push_string, reason = "a harness shared by this file only")]

mod shield;

use std::{
    io::{Read, Write},
    net::Ipv4Addr,
    time::Duration,
};

use shield::{Shield, application, connect_from, receive};

const HANDLERS: &str = r#"
import os, sys, time

def echo(event, context):
    return {"statusCode": 200, "body": event.get("body") or "nothing", "headers": {"x-pid": str(os.getpid())}}

def throws(event, context):
    raise ValueError("no such product")

def sleeps(event, context):
    time.sleep(60)

def exits(event, context):
    os._exit(3)

def garbage(event, context):
    return object()

def nonsense(event, context):
    return {"statusCode": "many", "headers": 7}
"#;

fn template() -> String {
    let mut text = String::from(
        "Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Function:\n    Runtime: python3.13\n    CodeUri: src\n    Timeout: 1\n\
         Resources:\n",
    );
    for name in ["echo", "throws", "sleeps", "exits", "garbage", "nonsense"] {
        let id = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        text.push_str(&format!(
            "  {id}:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: app.{name}\n      Events:\n        \
             Call:\n          Type: HttpApi\n          Properties: {{Path: /{name}, Method: any}}\n"
        ));
    }
    text
}

fn misbehaving() -> (tempfile::TempDir, Shield) {
    let folder = application(&[("template.yaml", &template()), ("src/app.py", HANDLERS)]);
    let shield = Shield::start(folder.path(), &[]);
    (folder, shield)
}

/// A well-behaved client is served.
fn assert_serves(shield: &Shield) {
    let answer = shield.send("POST", "/echo", &[("content-type", "text/plain")], b"hello");
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"), "{answer:?}");
}

#[test]
fn functions_that_fail_get_the_platforms_answer_an_event_and_harm_nobody() {
    let (_folder, shield) = misbehaving();
    for (path, error) in [
        ("/throws", "ValueError"),
        ("/exits", "Runtime.ExitError"),
        ("/garbage", "Runtime.MarshalError"),
        ("/sleeps", "Sandbox.Timedout"),
    ] {
        let answer = shield.get(path);
        assert!(answer.status == 502 || answer.status == 500, "{path}: {answer:?}");
        assert_eq!(answer.json()["message"], "Internal Server Error", "{path}: {answer:?}");
        let event = shield.event(|event| event["event"] == "invocation-finished" && event["error"] == error);
        assert!(event["request"].is_string(), "{event}");
        assert_serves(&shield);
    }
    let answer = shield.get("/nonsense");
    assert_eq!(answer.status, 500, "{answer:?}");
    assert_serves(&shield);
}

#[test]
fn a_killed_function_process_is_replaced() {
    let (_folder, shield) = misbehaving();
    let pid: i32 = shield.get("/echo").header("x-pid").unwrap().parse().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL).unwrap();
    shield.event(|event| event["event"] == "environment-stopped" && event["reason"] == "signal-9");
    assert_serves(&shield);
    assert_ne!(shield.get("/echo").header("x-pid").unwrap(), pid.to_string());
}

#[test]
fn a_body_beyond_the_limit_is_refused_with_an_event() {
    let (_folder, shield) = misbehaving();
    let answer = shield.send("POST", "/echo", &[], &vec![b'a'; 10 * 1024 * 1024]);
    assert_eq!(answer.status, 413, "{answer:?}");
    let answer = answer.json();
    assert!(answer["requestId"].is_string(), "{answer}");
    let event = shield.event(|event| event["event"] == "request-answered" && event["status"] == 413);
    assert_eq!(event["refusal"]["guard"], "size");
    assert_serves(&shield);
}

#[test]
fn thousands_of_half_open_connections_keep_nobody_out() {
    let (_folder, shield) = misbehaving();
    let mut held = Vec::new();
    for index in 0..5_000_u32 {
        let source = Ipv4Addr::from(0x7f00_0000 + 2 + index / 20);
        if let Ok(mut stream) = connect_from(source, shield.address) {
            drop(stream.write_all(b"GET /echo HTTP/1.1\r\nhost: x\r\nx-slow: "));
            held.push(stream);
        }
    }
    assert!(held.len() > 2_000, "only {} connections could be opened", held.len());
    assert_serves(&shield);
    shield.event(|event| event["event"] == "connection-failed" || event["event"] == "connection-refused");
    drop(held);
    assert_serves(&shield);
}

#[test]
fn a_broken_request_is_answered_and_recorded() {
    let (_folder, shield) = misbehaving();
    let mut stream = shield.connect();
    stream.write_all(b"GET /echo HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n").unwrap();
    assert_eq!(receive(&mut stream).status, 400);
    shield.event(|event| event["event"] == "connection-failed");
    assert_eq!(shield.get("/echo/%2e%2e/throws").status, 400);
    assert_eq!(shield.get("/nowhere").status, 404);
    assert_serves(&shield);
}

#[test]
fn it_ends_cleanly_and_says_what_it_did() {
    let (_folder, shield) = misbehaving();
    assert_serves(&shield);
    shield.get("/nowhere");
    let (code, talk) = shield.stop();
    assert_eq!(code, Some(0), "{talk}");
    assert!(talk.contains("2 requests"), "{talk}");
}

#[test]
fn code_is_taken_up_anew_when_it_is_saved() {
    let (folder, shield) = misbehaving();
    assert_serves(&shield);
    let changed = HANDLERS.replace("\"nothing\"", "\"something\"");
    std::fs::write(folder.path().join("src/app.py"), changed).unwrap();
    shield.event(|event| event["event"] == "reloaded");
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while shield.get("/echo").body != "something" {
        assert!(std::time::Instant::now() < until, "the old code still answers");
    }
}

#[test]
fn observing_lets_pass_what_it_would_refuse_and_says_so_at_the_end() {
    let folder = application(&[
        ("template.yaml", &template()),
        ("src/app.py", HANDLERS),
        ("brigandine.toml", "[addresses]\ndeny = ['127.0.0.0/8']\n"),
    ]);
    let refusing = Shield::start(folder.path(), &[]);
    assert_eq!(refusing.get("/echo").status, 403);
    drop(refusing);
    let observing = Shield::start(folder.path(), &["--observe"]);
    assert_serves(&observing);
    let event = observing.event(|event| event["event"] == "request-answered");
    assert_eq!(event["observed"][0]["guard"], "address-list");
    let (_, talk) = observing.stop();
    assert!(talk.contains("would have refused 1 of 1"), "{talk}");
}

/// Writes a piece, waits until a file is there, writes the other; breaks off when the file has a word in it.
const STREAM: &str = r#"
import fs from "node:fs";
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const go = event.queryStringParameters.go;
  const out = awslambda.HttpResponseStream.from(stream, { statusCode: 203, headers: { "x-a": "b" } });
  out.write("first;");
  while (!fs.existsSync(go)) await new Promise((done) => setTimeout(done, 5));
  if (fs.readFileSync(go, "utf8") === "throw") throw new Error("half way");
  out.write("second;");
  out.end();
});
"#;

#[test]
fn a_function_url_hands_out_a_stream_as_it_comes_and_a_broken_one_as_broken() {
    let template = "Transform: AWS::Serverless-2016-10-31\nResources:\n  Slow:\n    Type: AWS::Serverless::Function\n    Properties:\n      \
                    Runtime: nodejs22.x\n      Handler: app.handler\n      CodeUri: src\n      Timeout: 20\n      \
                    FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM}\n";
    let folder = application(&[("template.yaml", template), ("src/app.mjs", STREAM)]);
    let shield = Shield::start(folder.path(), &[]);
    for word in ["on", "throw"] {
        let go = folder.path().join(word);
        let mut stream = shield.connect();
        let path = format!("/?go={}", go.display());
        let head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", shield.address);
        stream.write_all(head.as_bytes()).unwrap();
        let mut seen = String::new();
        while !seen.contains("first;") {
            let mut buffer = [0; 1024];
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0, "{seen}");
            seen.push_str(&String::from_utf8_lossy(buffer.get(..count).unwrap()));
        }
        assert!(seen.starts_with("HTTP/1.1 203 ") && seen.to_lowercase().contains("x-a: b"), "{seen}");
        assert!(!seen.contains("second;"), "the function still waits");
        std::fs::write(&go, word).unwrap();
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest));
        let rest = String::from_utf8_lossy(&rest).into_owned();
        assert_eq!(rest.contains("second;") && rest.ends_with("0\r\n\r\n"), word == "on", "{rest:?}");
    }
    let sent = |size: u64| shield.event(|event| event["event"] == "request-answered" && event["sent_bytes"] == size);
    assert_eq!(sent(13)["status"], 203);
    assert_eq!(sent(6)["status"], 203);
    shield.event(|event| event["event"] == "invocation-finished" && event["error"] == "Error");
}

#[test]
fn functions_are_asked_to_go_out_by_the_proxy_and_strangers_may_not_invoke_them() {
    let code = r#"
import http.client, os, urllib.error, urllib.request
def handler(event, context):
    try:
        urllib.request.urlopen("http://not-granted.example/", timeout=5)
        seen = 200
    except urllib.error.HTTPError as error:
        seen = error.code
    return {"statusCode": 200, "body": str(seen)}
"#;
    let template = "Transform: AWS::Serverless-2016-10-31\nResources:\n  Out:\n    Type: AWS::Serverless::Function\n    Properties:\n      \
                    Runtime: python3.13\n      Handler: app.handler\n      CodeUri: src\n      Timeout: 20\n      \
                    FunctionUrlConfig: {AuthType: NONE}\n";
    let settings = "[function.Out]\negress = ['api.example.com']\n";
    let folder = application(&[("template.yaml", template), ("src/app.py", code), ("brigandine.toml", settings)]);
    let shield = Shield::start(folder.path(), &[]);
    assert_eq!(shield.get("/").body, "403");
    let judged = shield.event(|event| event["event"] == "egress-judged");
    assert_eq!((judged["host"].as_str(), judged["judged"].as_str()), (Some("not-granted.example"), Some("refused")));
    shield.event(|event| event["event"] == "not-enforced" && event["subject"] == "egress of Out");
    let open = ["serve", "--invoke-listen", "0.0.0.0:0", "--listen", "127.0.0.1:0", "--data"];
    let data = folder.path().join("data");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_brigandine"));
    let refused = command.args(open).arg(&data).arg(folder.path()).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--invoke-open"));
}
