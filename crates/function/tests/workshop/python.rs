//! What Python handlers observe.

use brigandine_model::{Happening, LogicalId, Piece, Symbol, Value};

use crate::bench::{Bench, eventually, has};

#[tokio::test]
async fn a_handler_gets_its_event_and_its_context() {
    if !has("python3") {
        return;
    }
    let code = r#"
import os
def handler(event, context):
    return {
        "event": event, "id": context.aws_request_id, "name": context.function_name, "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis(),
        "group": context.log_group_name, "stream": context.log_stream_name, "version": context.function_version,
        "client": context.client_context.custom, "identity": context.identity.cognito_identity_id,
        "root": os.environ["LAMBDA_TASK_ROOT"] == os.getcwd(), "trace": os.environ["_X_AMZN_TRACE_ID"],
    }
"#;
    let bench = Bench::python(code);
    let local = bench.start().await;
    let mut call = bench.call(r#"{"a": ["ü", 1.5, null]}"#);
    call.client_context = Some(r#"{"custom": {"k": "v"}}"#.into());
    let id = call.request_id.to_string();
    let reply = brigandine_function::Invoke::invoke(&local, call).await.unwrap();
    assert_eq!(reply.error, None, "{:?}", reply.payload);
    let seen: serde_json::Value = serde_json::from_slice(&reply.payload).unwrap();
    assert_eq!(seen["event"], serde_json::json!({"a": ["ü", 1.5, null]}));
    assert_eq!(seen["id"], *id);
    assert_eq!(seen["name"], "F");
    assert_eq!(seen["arn"], "arn:aws:lambda:us-east-1:000000000000:function:F");
    assert_eq!(seen["memory"], "256");
    assert!((1..=5000).contains(&seen["left"].as_i64().unwrap()), "{seen}");
    assert_eq!(seen["group"], "/aws/lambda/F");
    assert!(seen["stream"].as_str().unwrap().contains("[$LATEST]"));
    assert_eq!(seen["version"], "$LATEST");
    assert_eq!(seen["client"]["k"], "v");
    assert_eq!(seen["identity"], serde_json::Value::Null);
    assert_eq!(seen["root"], true);
    assert!(seen["trace"].as_str().unwrap().starts_with("Root=1-"));
    assert!(reply.cold);
    let second = bench.run(&local, "{}").await.unwrap();
    assert!(!second.cold && second.environment == reply.environment, "warm reuse");
}

#[tokio::test]
async fn the_environment_is_the_templates_and_the_platforms_and_nothing_else() {
    if !has("python3") {
        return;
    }
    let of = |id: &str, attribute: Option<&str>| Value::Symbolic(Symbol::attribute(LogicalId::new(id), attribute));
    let text = Value::Symbolic(Symbol {
        pieces: vec![
            Piece::Text("in ".into()),
            Piece::Parameter("AWS::Region".into()),
            Piece::Parameter("Mode".into()),
        ],
    });
    let bench = Bench::python("import os\ndef handler(event, context):\n    return dict(os.environ)\n")
        .variable("TABLE", of("Orders", None))
        .variable("TABLE_ARN", of("Orders", Some("Arn")))
        .variable("PLAIN", Value::Known("x=y z".into()))
        .variable("PLACE", text)
        .variable("AWS_REGION", Value::Known("mars-1".into()))
        .variable("HIDDEN", Value::Known("{{resolve:ssm:/x}}".into()))
        .variable("TZ", Value::Known("Europe/Berlin".into()));
    let mut bench = bench;
    bench.app.resources.insert(
        LogicalId::new("Orders"),
        brigandine_model::Resource {
            kind: "AWS::DynamoDB::Table".into(),
            provenance: brigandine_model::Provenance::default(),
            condition: None,
            implied_by: None,
            written_kind: None,
            properties: None,
            keeping: std::collections::BTreeMap::new(),
        },
    );
    bench.settings.parameters.insert("Mode".into(), "-fast".into());
    let local = bench.start().await;
    let seen = bench.json(&local, "{}").await;
    assert_eq!(seen["TABLE"], "Orders");
    assert_eq!(seen["TABLE_ARN"], "arn:aws:dynamodb:us-east-1:000000000000:table/Orders");
    assert_eq!(seen["PLAIN"], "x=y z");
    assert_eq!(seen["PLACE"], "in us-east-1-fast");
    assert_eq!(seen["AWS_REGION"], "us-east-1", "reserved");
    assert_eq!(seen["TZ"], "Europe/Berlin");
    assert!(seen.get("HIDDEN").is_none() && seen.get("HOME").is_none() && seen.get("CARGO_MANIFEST_DIR").is_none());
    assert_eq!(seen["AWS_SHARED_CREDENTIALS_FILE"], "/dev/null");
    let said: Vec<_> = local.notices().iter().map(|notice| notice.text.clone()).collect();
    assert!(said.iter().any(|text| text.contains("HIDDEN is not set")), "{said:?}");
    assert!(said.iter().any(|text| text == "F needs DynamoDB Orders: no endpoint"), "{said:?}");
    assert!(said.iter().any(|text| text.contains("unfenced")), "{said:?}");
}

#[tokio::test]
async fn errors_have_the_platforms_shape() {
    if !has("python3") {
        return;
    }
    let code = r#"
from decimal import Decimal
class Sold(Exception): pass
def handler(event, context):
    if event == "raise":
        raise Sold("all gone")
    if event == "set":
        return {1, 2}
    if event == "exit":
        import sys; sys.exit(3)
    if event == "decimal":
        return [Decimal("1.10"), Decimal("3"), Decimal("0.12345678901234567890123"), Decimal("1e400")]
    if event == "bytes":
        return b"raw"
    return event
"#;
    let bench = Bench::python(code);
    let local = bench.start().await;
    let (kind, document) = bench.error(&local, r#""raise""#).await;
    assert_eq!((kind.as_str(), &document["errorMessage"]), ("Sold", &"all gone".into()));
    assert_eq!(document["errorType"], "Sold");
    let trace = document["stackTrace"].as_array().unwrap();
    assert_eq!(trace.len(), 1, "only the handler's own frame: {trace:?}");
    assert!(trace[0].as_str().unwrap().contains("app.py\", line 6, in handler"), "{trace:?}");
    let (kind, document) = bench.error(&local, r#""set""#).await;
    assert_eq!(kind, "Runtime.MarshalError");
    assert_eq!(document["errorMessage"], "Unable to marshal response: Object of type set is not JSON serializable");
    let (kind, document) = bench.error(&local, "{").await;
    assert_eq!(kind, "Runtime.UnmarshalError");
    assert!(document["errorMessage"].as_str().unwrap().starts_with("Unable to unmarshal input"));
    let reply = bench.run(&local, r#""decimal""#).await.unwrap();
    assert_eq!(reply.payload, "[1.1, 3, 0.12345678901234567890123, 1E+400]");
    let reply = bench.run(&local, r#""bytes""#).await.unwrap();
    assert_eq!((reply.payload, reply.content_type.as_deref()), ("raw".into(), Some("application/unknown")));
    let (kind, document) = bench.error(&local, r#""exit""#).await;
    assert_eq!(kind, "Runtime.ExitError");
    let message = document["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("RequestId: ") && message.ends_with("Error: Runtime exited with error: exit status 3"));
    assert_eq!(bench.json(&local, "7").await, 7, "the next call is served");
}

#[tokio::test]
async fn faults_of_loading_are_told_by_name() {
    if !has("python3") {
        return;
    }
    for (code, handler, kind, part) in [
        (
            "import nowhere_to_be_found",
            "app.handler",
            "Runtime.ImportModuleError",
            "No module named 'nowhere_to_be_found'",
        ),
        ("def (", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("x = 1", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("x = 1", "missing.handler", "Runtime.ImportModuleError", "No module named 'missing'"),
        ("x = 1", "handler", "Runtime.MalformedHandlerName", "Bad handler 'handler'"),
        ("x = 1", "sys.handler", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys"),
        ("raise ValueError('at start')", "app.handler", "ValueError", "at start"),
        ("import os\nos._exit(9)", "app.handler", "Runtime.ExitError", "exit status 9"),
    ] {
        let bench = Bench::with("python3.12", handler, "app.py", code);
        let local = bench.start().await;
        let (found, document) = bench.error(&local, "{}").await;
        assert_eq!(found, kind);
        assert!(document["errorMessage"].as_str().unwrap().contains(part), "{document}");
        assert_eq!(document["errorType"], kind);
    }
}

#[tokio::test]
async fn a_nested_path_and_imports_beside_it_are_found() {
    if !has("python3") {
        return;
    }
    let bench = Bench::with(
        "python3.13",
        "shop/orders.main.handler",
        "shop/orders/main.py",
        "from shop.price import PRICE\nhandler = lambda e, c: PRICE\n",
    );
    bench.write("shop/price.py", "PRICE = 12\n");
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "{}").await, 12);
}

#[tokio::test]
async fn every_line_is_an_event_of_its_request() {
    if !has("python3") {
        return;
    }
    let code = r#"
import logging, sys
print("loading")
def handler(event, context):
    print("out", event)
    print("err", file=sys.stderr)
    logging.getLogger().warning("careful")
    print("no newline", end="")
    return None
"#;
    let bench = Bench::python(code);
    let local = bench.start().await;
    for event in ["1", "2"] {
        let call = bench.call(event);
        let id = call.request_id.to_string();
        let reply = brigandine_function::Invoke::invoke(&local, call).await.unwrap();
        let tail = String::from_utf8_lossy(&reply.log_tail).into_owned();
        assert!(tail.starts_with(&format!("out {event}\nerr\n")) && tail.ends_with("no newline"), "{tail}");
        assert!(tail.contains("[WARNING]\t") && tail.contains(&format!("Z\t{id}\tcareful")), "{tail}");
        eventually(|| bench.lines().contains(&(format!("out {event}"), Some(id.clone()))).then_some(())).await;
    }
    assert!(bench.lines().contains(&("loading".into(), None)));
    let finished = bench.events(|event| match event {
        Happening::InvocationFinished(one) => Some((one.cold, one.error.clone(), one.peak_memory_kib, one.init_us)),
        _ => None,
    });
    assert_eq!(finished.len(), 2);
    assert!(finished[0].0 && finished[0].1.is_none() && finished[0].2.unwrap() > 1000 && finished[0].3.unwrap() > 0);
    assert!(!finished[1].0 && finished[1].3.is_none());
}

#[tokio::test]
async fn aws_calls_without_an_endpoint_fail_here_and_at_once() {
    if !has("python3") {
        return;
    }
    let code = r#"
import os, urllib.request, urllib.error
def handler(event, context):
    headers = {"Content-Type": event, "Authorization": "AWS4-HMAC-SHA256 Credential=X/20260101/us-east-1/dynamodb/aws4_request"}
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/bucket/key", data=b"x" * 100000, headers=headers)
    try:
        urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode()]
"#;
    let bench = Bench::python(code);
    let local = bench.start().await;
    let answer = bench.json(&local, r#""application/x-amz-json-1.0""#).await;
    assert_eq!(answer[0], 400);
    assert!(answer[1].as_str().unwrap().contains("\"__type\":\"NoEndpoint\""), "{answer}");
    let answer = bench.json(&local, r#""application/xml""#).await;
    assert!(answer[1].as_str().unwrap().contains("<Code>NoEndpoint</Code>"), "{answer}");
    let told = bench.events(|event| match event {
        Happening::NotEnforced(one) if &*one.subject == "F" => Some(one.reason.to_string()),
        _ => None,
    });
    assert_eq!(told, ["its call to dynamodb had no endpoint and failed"], "once for each service");
}

/// Keeps one secret.
struct Keeper;

impl brigandine_function::Secrets for Keeper {
    fn reveal(&self, reference: &str) -> Option<brigandine_function::Plaintext> {
        let known = reference == "{{resolve:secretsmanager:db:SecretString:password}}";
        known.then(|| brigandine_function::Plaintext::new("hunter2"))
    }
}

#[tokio::test]
async fn secrets_and_overrides_reach_the_function_and_no_notice() {
    if !has("python3") {
        return;
    }
    let reference = "{{resolve:secretsmanager:db:SecretString:password}}";
    let dynamic = Symbol { pieces: vec![Piece::Text("pg://u:".into()), Piece::Dynamic(reference.into())] };
    let mut bench = Bench::python("import os\ndef handler(event, context):\n    return dict(os.environ)\n")
        .variable("PLAIN", Value::Known(format!("pg://u:{reference}@h")))
        .variable("SYMBOL", Value::Symbolic(dynamic))
        .variable("MODE", Value::Known("template".into()))
        .variable("BOTH", Value::Unknown("it is imported".into()));
    bench.settings.secrets = Some(std::sync::Arc::new(Keeper));
    let given = r#"{"Parameters": {"MODE": "all", "BOTH": "all"}, "F": {"MODE": "own", "EXTRA": "x"}}"#;
    bench.settings.overrides = brigandine_function::Overrides::parse(given).unwrap();
    let local = bench.start().await;
    let seen = bench.json(&local, "{}").await;
    assert_eq!(seen["PLAIN"], "pg://u:hunter2@h");
    assert_eq!(seen["SYMBOL"], "pg://u:hunter2");
    assert_eq!((&seen["MODE"], &seen["BOTH"], seen.get("EXTRA")), (&"own".into(), &"all".into(), None));
    let said: Vec<_> = local.notices().iter().map(ToString::to_string).collect();
    assert!(said.iter().all(|text| !text.contains("hunter2")), "{said:?}");
    assert!(said.iter().any(|text| text.contains("EXTRA is given a value but is no variable")), "{said:?}");
}

#[tokio::test]
async fn another_interpreter_serves_loudly_or_not_at_all() {
    if !has("python3") {
        return;
    }
    let mut bench = Bench::with("python3.99", "app.handler", "app.py", "handler = lambda e, c: 'served'\n");
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "{}").await, "served");
    let told = bench.events(|event| match event {
        Happening::RuntimeSubstituted(one) => Some((one.declared.to_string(), one.served_by.to_string())),
        _ => None,
    });
    assert_eq!(told.len(), 1);
    assert!(told[0].0 == "python3.99" && told[0].1.starts_with("python 3."), "{told:?}");
    let line = format!("python3.99 is not installed: {} runs F instead", told[0].1);
    assert!(local.notices().iter().any(|notice| notice.text == line), "{:?}", local.notices());
    bench.settings.strict_runtime = true;
    let local = bench.start().await;
    let refused: Vec<_> = local.refused().map(|(_, reason)| reason.to_owned()).collect();
    assert!(refused[0].contains("python3.99 is not installed") && refused[0].contains("strict runtime"), "{refused:?}");
}
