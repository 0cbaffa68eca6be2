//! The firewall of a running shield: what it keeps, explains, and takes up anew.
#![cfg(all(feature = "serve", unix))]
#![expect(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "tests")]
#![expect(unreachable_pub, dead_code, clippy::format_push_string, reason = "a harness shared with others")]

mod shield;

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use shield::{Shield, application};

const TEMPLATE: &str = "Transform: AWS::Serverless-2016-10-31
Resources:
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      CodeUri: src
      Handler: app.echo
      Events:
        Call: {Type: HttpApi, Properties: {Path: /echo, Method: any}}
  Reader:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      CodeUri: src
      Handler: app.reader
      Events:
        Orders: {Type: SQS, Properties: {Queue: arn:aws:sqs:eu-west-1:123456789012:q, FunctionResponseTypes: [ReportBatchItemFailures]}}
";

const HANDLERS: &str = "
def echo(event, context):
    return {'statusCode': 200, 'body': 'fine'}

def reader(event, context):
    return {'batchItemFailures': [], 'seen': len(event['Records'])}
";

fn app(settings: &str) -> tempfile::TempDir {
    application(&[("template.yaml", TEMPLATE), ("src/app.py", HANDLERS), ("brigandine.toml", settings)])
}

fn brigandine(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_brigandine")).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn explain(id: &str, data: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let mut arguments = vec!["explain", "--request", id, "--data", data.to_str().unwrap()];
    arguments.extend(more);
    brigandine(&arguments)
}

const ATTACK: &str = "/echo?file=../../etc/passwd&token=abc";

#[test]
fn a_refused_request_is_kept_and_explained_and_its_exclusion_is_taken_up_without_a_restart() {
    let folder = app("[record]\nrequests = 'blocked'\n");
    let shield = Shield::start(folder.path(), &[]);
    let answer = shield.send("GET", ATTACK, &[("authorization", "Bearer sesame"), ("cookie", "sid=sesame")], b"");
    assert_eq!(answer.status, 403);
    let id = answer.json()["requestId"].as_str().unwrap().to_owned();
    assert_eq!(answer.json().as_object().unwrap().len(), 3, "{answer:?}");
    let kept = shield.data.join("requests");
    let file = wait(|| std::fs::read_dir(&kept).ok()?.flatten().map(|entry| entry.path()).next());
    let text = wait(|| std::fs::read_to_string(&file).ok().filter(|text| text.contains(&id)));
    assert!(!text.contains("sesame"));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&kept), mode(&file)), (0o700, 0o600));
    shield.event(|event| event["event"] == "request-answered" && event["request"] == id.as_str());
    // In the form that `inspect` reads.
    let (code, said, _) = brigandine(&["inspect", "--requests", file.to_str().unwrap()]);
    assert!(code == Some(0) && said.contains("\"action\":\"block\""), "{said}");
    let (code, said, talk) = explain(&id, &shield.data, &[]);
    assert_eq!(code, Some(0), "{talk}");
    for part in ["ARGS:file", "../../etc/passwd", "with this line it passes", "header authorization", "query token"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (_, said, _) = explain(&id, &shield.data, &["--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["replay"]["refused"], true, "{told}");
    assert_eq!(told["replay"]["refused_with_exclusion"], false, "{told}");
    let line = told["line"].as_str().unwrap();
    // A broken file changes nothing and is told with its place.
    let settings = folder.path().join("brigandine.toml");
    std::fs::write(&settings, "[record]\nrequests = 'blocked'\n[waf]\nparanoai = 1\n").unwrap();
    let failed = shield.event(|event| event["event"] == "reload-failed");
    assert!(failed["reason"].as_str().unwrap().contains("brigandine.toml:4:1"), "{failed}");
    assert_eq!(shield.get(ATTACK).status, 403);
    std::fs::write(&settings, format!("[record]\nrequests = 'blocked'\n[waf]\n{line}\n")).unwrap();
    shield.event(|event| event["event"] == "reloaded" && event["subject"] == "firewall");
    assert_eq!(shield.get("/echo?file=../../etc/passwd").status, 200);
    assert_eq!(shield.get("/echo?page=../../etc/passwd").status, 403);
    let (_, talk) = shield.stop();
    assert!(talk.contains(&format!("brigandine explain --request {id} --data ")), "{talk}");
    assert_eq!(talk.matches("stays as it was").count(), 1, "{talk}");
}

#[test]
fn a_broken_rule_file_keeps_the_old_rules_and_is_told_once_with_its_line() {
    let folder = app("[waf]\nrules = 'rules'\n");
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    let write = |text: &str| std::fs::write(rules.join("own.conf"), text).unwrap();
    write("SecRule ARGS \"@contains evil\" \"id:7,phase:2,deny,log\"\n");
    let shield = Shield::start(folder.path(), &[]);
    assert_eq!(shield.get("/echo?a=evil").status, 403);
    write(
        "SecRule ARGS \"@contains good\" \"id:7,phase:2,deny,log\"\n\nSecRule ARGS \"@nonsense\" \"id:8,phase:2,deny\"\n",
    );
    let failed = shield.event(|event| event["event"] == "reload-failed");
    assert!(failed["reason"].as_str().unwrap().contains("own.conf:3"), "{failed}");
    assert_eq!((shield.get("/echo?a=evil").status, shield.get("/echo?a=good").status), (403, 200));
    write("SecRule ARGS \"@contains good\" \"id:7,phase:2,deny,log\"\n");
    shield.event(|event| event["event"] == "reloaded" && event["subject"] == "firewall");
    assert_eq!((shield.get("/echo?a=evil").status, shield.get("/echo?a=good").status), (200, 403));
    let told = shield.events().iter().filter(|event| event["event"] == "reload-failed").count();
    assert_eq!(told, 1);
}

#[test]
fn observing_names_the_rules_that_would_have_refused() {
    let folder = app("[waf]\nmode = 'observe'\n");
    let shield = Shield::start(folder.path(), &[]);
    for _ in 0..3 {
        assert_eq!(shield.get(ATTACK).status, 200);
    }
    let event = shield.event(|event| event["event"] == "content-judged");
    let rule = event["matches"][0]["rule"].to_string();
    assert_eq!(event["judged"], "observed");
    // Nothing is kept unless it is asked for.
    assert!(!shield.data.join("requests").exists());
    let (code, said, _) = explain(event["request"].as_str().unwrap(), &shield.data, &[]);
    assert!(code == Some(0) && said.contains("only observes") && said.contains("not kept whole"), "{said}");
    let (_, talk) = shield.stop();
    assert!(talk.contains("would have refused 3 of 3") && talk.contains(&format!("3  {rule}")), "{talk}");
}

#[test]
fn an_unknown_request_is_one_sentence() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("events.ndjson"), "{\"torn").unwrap();
    let (code, said, talk) = explain("no\u{1b}[2J", place.path(), &[]);
    assert_eq!((code, said.as_str()), (Some(2), ""));
    assert!(talk.contains("there is no request `no\\u{1b}[2J` in the record"), "{talk}");
    let (code, _, talk) = explain("a", &place.path().join("nowhere"), &[]);
    assert!(code == Some(2) && talk.contains("there is no data folder"), "{talk}");
}

#[test]
fn an_event_is_looked_at_before_its_function() {
    let folder = app("");
    let data = folder.path().join("data");
    let invoke = |function: &str, event: &serde_json::Value| {
        let file = folder.path().join("event.json");
        std::fs::write(&file, event.to_string()).unwrap();
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        brigandine(&["invoke", function, &path(folder.path()), "--event", &path(&file), "--data", &path(&data)])
    };
    let message = |id: &str, body: &str| serde_json::json!({"messageId": id, "body": body, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:1:q"});
    let batch = serde_json::json!({"Records": [message("a", "two lamps"), message("b", "../../../etc/passwd")]});
    let (code, said, talk) = invoke("Reader", &batch);
    assert_eq!(code, Some(0), "{talk}");
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["batchItemFailures"], serde_json::json!([{"itemIdentifier": "b"}]));
    let kept = std::fs::read_dir(data.join("quarantine")).unwrap().flatten().next().unwrap().path();
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    let (code, said, talk) = invoke("Echo", &serde_json::json!({"detail": {"file": "../../../etc/passwd"}}));
    assert_eq!((code, said.as_str()), (Some(2), ""), "{talk}");
    let id = talk.split("--request ").nth(1).unwrap().split(' ').next().unwrap();
    let (code, said, _) = explain(id, &data, &[]);
    assert!(code == Some(0) && said.contains("an event for Echo") && said.contains("put into quarantine"), "{said}");
}

fn wait<T>(look: impl Fn() -> Option<T>) -> T {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(std::time::Instant::now() < until, "it never came");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
