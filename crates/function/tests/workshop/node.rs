//! What Node handlers observe, in every form a handler has.

use serde_json::json;

use crate::bench::{Bench, has};

#[tokio::test]
async fn every_form_of_a_handler_answers() {
    if !has("node") {
        return;
    }
    for (file, code) in [
        ("index.mjs", "export const handler = async (event) => ({ got: event });"),
        ("index.js", "exports.handler = async (event) => ({ got: event });"),
        ("index.cjs", "exports.handler = async (event) => ({ got: event });"),
        ("index.js", "exports.handler = (event, context, callback) => { callback(null, { got: event }); };"),
        (
            "index.js",
            "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, { got: event }), 5); };",
        ),
        ("index.js", "exports.handler = (event, context) => { context.succeed({ got: event }); };"),
        ("index.js", "exports.handler = (event, context) => { context.done(null, { got: event }); };"),
        ("index.js", "exports.handler = (event) => new Promise((done) => setImmediate(() => done({ got: event })));"),
        (
            "index.js",
            "exports.handler = (event, context, callback) => { context.callbackWaitsForEmptyEventLoop = false; setInterval(() => {}, 1000); callback(null, { got: event }); };",
        ),
    ] {
        let bench = Bench::with("nodejs22.x", "index.handler", file, code);
        let local = bench.start().await;
        for number in 0..2 {
            let event = json!({ "n": number, "t": "ü" });
            assert_eq!(bench.json(&local, &event.to_string()).await, json!({ "got": event }), "{code}");
        }
    }
}

#[tokio::test]
async fn modules_are_found_as_the_platform_finds_them() {
    if !has("node") {
        return;
    }
    let bench = Bench::with(
        "nodejs22.x",
        "src/app.api.handler",
        "src/app.js",
        "exports.api = { handler: async () => require('./price') };",
    );
    bench.write("src/price.js", "module.exports = 12;");
    assert_eq!(bench.json(&bench.start().await, "{}").await, 12);
    let bench = Bench::with(
        "nodejs22.x",
        "index.handler",
        "index.js",
        "import fs from 'node:fs'; export const handler = async () => typeof fs.readFileSync;",
    );
    bench.write("package.json", r#"{"type": "module"}"#);
    assert_eq!(bench.json(&bench.start().await, "{}").await, "function");
    let bench = Bench::with(
        "nodejs22.x",
        "index.handler",
        "index.mjs",
        "const late = await Promise.resolve(5); export const handler = async () => late;",
    );
    assert_eq!(bench.json(&bench.start().await, "{}").await, 5);
}

#[tokio::test]
async fn a_handler_gets_its_context() {
    if !has("node") {
        return;
    }
    let code = "export const handler = async (event, context) => ({ ...context, left: context.getRemainingTimeInMillis(), trace: process.env._X_AMZN_TRACE_ID, keys: Object.keys(process.env) });";
    let bench = Bench::node(code);
    let local = bench.start().await;
    let call = bench.call("{}");
    let id = call.request_id.to_string();
    let reply = brigandine_function::Invoke::invoke(&local, call).await.unwrap();
    let seen: serde_json::Value = serde_json::from_slice(&reply.payload).unwrap();
    assert_eq!(seen["awsRequestId"], *id);
    assert_eq!(seen["functionName"], "F");
    assert_eq!(seen["memoryLimitInMB"], "256");
    assert_eq!(seen["invokedFunctionArn"], "arn:aws:lambda:us-east-1:000000000000:function:F");
    assert!((1..=5000).contains(&seen["left"].as_i64().unwrap()), "{seen}");
    assert!(seen["trace"].as_str().unwrap().starts_with("Root=1-"));
    assert!(!seen["keys"].as_array().unwrap().contains(&json!("HOME")), "{}", seen["keys"]);
}

#[tokio::test]
async fn errors_have_the_platforms_shape() {
    if !has("node") {
        return;
    }
    let code = r#"
class Sold extends Error { constructor(m) { super(m); this.name = "Sold"; } }
export const handler = async (event) => {
  if (event === "throw") throw new Sold("all gone");
  if (event === "text") throw "only text";
  if (event === "undefined") return undefined;
  if (event === "big") return 1n;
  if (event === "later") { setTimeout(() => { throw new Sold("later"); }, 1); await new Promise(() => setTimeout(() => {}, 2000)); }
  if (event === "rejected") { Promise.reject(new Sold("unheard")); await new Promise((r) => setTimeout(r, 500)); }
  if (event === "exit") process.exit(4);
  if (event === "never") await new Promise(() => {});
  return event;
};
"#;
    let bench = Bench::node(code);
    let local = bench.start().await;
    let (kind, document) = bench.error(&local, r#""throw""#).await;
    assert_eq!((kind.as_str(), &document["errorMessage"]), ("Sold", &json!("all gone")));
    assert!(document["trace"][1].as_str().unwrap().contains("index.mjs"), "{document}");
    let (kind, document) = bench.error(&local, r#""text""#).await;
    assert_eq!((kind.as_str(), &document["errorMessage"]), ("string", &json!("only text")));
    assert_eq!(bench.json(&local, r#""undefined""#).await, json!(null));
    assert_eq!(bench.error(&local, r#""big""#).await.0, "Runtime.MarshalError");
    assert_eq!(bench.json(&local, r#""never""#).await, json!(null), "an empty event loop ends the call");
    assert_eq!(bench.error(&local, r#""later""#).await.0, "Sold");
    assert_eq!(bench.error(&local, r#""rejected""#).await.0, "Runtime.UnhandledPromiseRejection");
    let (kind, document) = bench.error(&local, r#""exit""#).await;
    assert_eq!(kind, "Runtime.ExitError");
    assert!(document["errorMessage"].as_str().unwrap().ends_with("exit status 4"));
    assert_eq!(bench.json(&local, "7").await, 7, "the next call is served");
}

#[tokio::test]
async fn faults_of_loading_are_told_by_name() {
    if !has("node") {
        return;
    }
    for (file, code, handler, kind, part) in [
        (
            "index.mjs",
            "import 'nowhere-to-be-found';",
            "index.handler",
            "Runtime.ImportModuleError",
            "nowhere-to-be-found",
        ),
        (
            "index.js",
            "require('./nowhere');",
            "index.handler",
            "Runtime.ImportModuleError",
            "Cannot find module './nowhere'",
        ),
        ("index.mjs", "export const = 1;", "index.handler", "Runtime.UserCodeSyntaxError", "SyntaxError"),
        (
            "index.js",
            "exports.other = 1;",
            "index.handler",
            "Runtime.HandlerNotFound",
            "index.handler is undefined or not exported",
        ),
        (
            "index.js",
            "exports.handler = 1;",
            "index.handler",
            "Runtime.HandlerNotFound",
            "index.handler is not a function",
        ),
        ("index.js", "", "handler", "Runtime.MalformedHandlerName", "Bad handler"),
        ("index.js", "", "../index.handler", "Runtime.MalformedHandlerName", "not a valid handler name"),
        ("index.js", "throw new RangeError('at start');", "index.handler", "RangeError", "at start"),
    ] {
        let bench = Bench::with("nodejs20.x", handler, file, code);
        let local = bench.start().await;
        let (found, document) = bench.error(&local, "{}").await;
        assert_eq!(found, kind, "{document}");
        assert!(document["errorMessage"].as_str().unwrap().contains(part), "{document}");
    }
}

#[tokio::test]
async fn the_console_writes_lines_of_the_request() {
    if !has("node") {
        return;
    }
    let bench = Bench::node(
        "export const handler = async () => { console.log('two\\nlines', { a: 1 }); console.error('bad'); };",
    );
    let local = bench.start().await;
    let call = bench.call("{}");
    let id = call.request_id.to_string();
    let reply = brigandine_function::Invoke::invoke(&local, call).await.unwrap();
    let tail = String::from_utf8_lossy(&reply.log_tail).into_owned();
    assert!(tail.contains(&format!("\t{id}\tINFO\ttwo\rlines {{ a: 1 }}\n")), "{tail:?}");
    assert!(tail.contains(&format!("\t{id}\tERROR\tbad\n")), "{tail:?}");
}

#[tokio::test]
async fn a_streaming_handler_is_gathered() {
    if !has("node") {
        return;
    }
    let code = r#"
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  if (event.plain) { stream.write("a"); stream.write("b"); stream.end(); return; }
  const http = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { "x-a": "b" } });
  http.write("one "); http.write("two"); http.end();
});
"#;
    let bench = Bench::node(code);
    let local = bench.start().await;
    let reply = bench.run(&local, r#"{"plain": true}"#).await.unwrap();
    assert!(reply.streamed && reply.error.is_none());
    assert_eq!(reply.payload, "ab");
    let reply = bench.run(&local, "{}").await.unwrap();
    let form = brigandine_function::payload::Form {
        style: brigandine_model::ApiStyle::FunctionUrl,
        payload: brigandine_model::Payload::V2,
        binary: &[],
        accept: None,
    };
    let answer = brigandine_function::payload::answer(&form, &reply);
    assert_eq!((answer.status.as_u16(), answer.body), (201, "one two".into()));
    assert_eq!(answer.headers["x-a"], "b");
}
