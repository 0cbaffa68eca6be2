//! Functions that die, hang, swell and talk too much: each call gets its error, the next one is served.

use std::time::{Duration, Instant};

use brigandine_function::{InvokeError, PAYLOAD_LIMIT};
use brigandine_model::{Happening, LogicalId};

use crate::bench::{Bench, eventually, has, is_alive, kill_9};

#[tokio::test]
async fn a_handler_that_never_answers_is_killed_with_all_it_started() {
    if !has("python3") {
        return;
    }
    let code = r#"
import subprocess, time
def handler(event, context):
    if event == "hang":
        child = subprocess.Popen(["sleep", "300"])
        print("child", child.pid)
        while True:
            time.sleep(1)
    return event
"#;
    let bench = Bench::python(code).timeout(1);
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "1").await, 1);
    let pid = bench.pids()[0];
    let started = Instant::now();
    let (kind, document) = bench.error(&local, r#""hang""#).await;
    assert!((1000..3000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    assert_eq!(kind, "Sandbox.Timedout");
    assert_eq!(document["errorType"], "Sandbox.Timedout");
    let message = document["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("RequestId: ") && message.ends_with(" Error: Task timed out after 1.00 seconds"));
    let child = bench.lines().iter().find_map(|(line, _)| line.strip_prefix("child ")?.parse().ok()).unwrap();
    eventually(|| (!is_alive(pid) && !is_alive(child)).then_some(())).await;
    assert_eq!(bench.json(&local, "2").await, 2, "the next call is served");
    let reason = bench
        .event(|event| if let Happening::EnvironmentStopped(one) = event { Some(one.reason.clone()) } else { None });
    assert_eq!(&*reason.await, "timeout");
}

#[tokio::test]
async fn a_process_killed_from_outside_is_an_error_of_one_call() {
    if !has("node") {
        return;
    }
    let code = "export const handler = async (event) => { if (event === 'wait') await new Promise((r) => setTimeout(r, 60000)); return event; };";
    let bench = Bench::node(code).timeout(20);
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "1").await, 1);
    let pid = bench.pids()[0];
    let (failed, ()) = tokio::join!(bench.error(&local, "\"wait\""), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        kill_9(pid);
    });
    assert_eq!(failed.0, "Runtime.ExitError");
    assert!(failed.1["errorMessage"].as_str().unwrap().ends_with("Error: Runtime exited with error: signal: killed"));
    assert_eq!(bench.json(&local, "2").await, 2);
    let idle = *bench.pids().last().unwrap();
    kill_9(idle);
    let stops = || {
        bench.events(
            |event| if let Happening::EnvironmentStopped(one) = event { Some(one.reason.clone()) } else { None },
        )
    };
    eventually(|| (stops().len() == 2).then_some(())).await;
    assert_eq!(stops(), ["signal-9".into(), "signal-9".into()]);
    bench.json(&local, "0").await;
    // And at once: a call handed to a process that dies before it reads it goes to another one.
    for round in 0..10 {
        kill_9(*bench.pids().last().unwrap());
        assert_eq!(bench.json(&local, &round.to_string()).await, round);
    }
    assert_eq!(bench.json(&local, "3").await, 3, "one that died while idle is replaced");
}

#[tokio::test]
async fn memory_beyond_the_functions_own_ends_the_call() {
    if !has("python3") {
        return;
    }
    let code = "import time\ndef handler(event, context):\n    if event == 'swell':\n        hoard = bytearray(300 * 1024 * 1024)\n        for i in range(0, len(hoard), 4096): hoard[i] = 1\n        time.sleep(10)\n    return event\n";
    let bench = Bench::python(code).memory(128).timeout(15);
    let local = bench.start().await;
    let (kind, document) = bench.error(&local, r#""swell""#).await;
    assert_eq!(kind, "Runtime.OutOfMemory", "{document}");
    assert!(document["errorMessage"].as_str().unwrap().ends_with("signal: killed"));
    assert_eq!(bench.json(&local, "1").await, 1);
}

#[tokio::test]
async fn node_fits_into_the_smallest_memory() {
    if !has("node") {
        return;
    }
    let code = "export const handler = async () => { for (let i = 0; i < 300; i++) { Array.from({ length: 10000 }, (_, k) => ({ k })); await new Promise(setImmediate); } return 'fits'; };";
    let bench = Bench::node(code).memory(128).timeout(30);
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "{}").await, "fits");
}

#[tokio::test]
async fn payloads_are_bounded_both_ways() {
    if !has("python3") {
        return;
    }
    let code = "def handler(event, context):\n    return 'x' * event if isinstance(event, int) else len(event)\n";
    let bench = Bench::python(code);
    let local = bench.start().await;
    let largest = PAYLOAD_LIMIT - 2;
    assert_eq!(bench.json(&local, &format!("\"{}\"", "y".repeat(largest))).await, largest);
    let reply = bench.run(&local, &largest.to_string()).await.unwrap();
    assert_eq!((reply.error, reply.payload.len()), (None, PAYLOAD_LIMIT));
    for size in [largest + 1, 20_000_000] {
        let (kind, document) = bench.error(&local, &size.to_string()).await;
        assert_eq!(kind, "Function.ResponseSizeTooLarge");
        assert!(document["errorMessage"].as_str().unwrap().contains("6291556 bytes"), "{document}");
    }
    let refused = bench.run(&local, &format!("\"{}\"", "y".repeat(PAYLOAD_LIMIT))).await;
    assert_eq!(refused.err(), Some(InvokeError::PayloadTooLarge { size: PAYLOAD_LIMIT + 2 }));
    assert_eq!(bench.json(&local, "1").await, "x");
    let stopped = bench.events(|event| matches!(event, Happening::EnvironmentStopped(_)).then_some(()));
    assert!(stopped.is_empty(), "nothing of this ends an environment");
}

#[tokio::test]
async fn a_slow_start_is_tried_again_within_the_functions_own_time() {
    if !has("python3") {
        return;
    }
    let code = "import os, time\nfirst = not os.path.exists('seen')\nopen('seen', 'w').close()\ntime.sleep(60 if first else 0)\nhandler = lambda e, c: 'up'\n";
    let mut bench = Bench::python(code);
    bench.settings.init_limit = Duration::from_secs(3);
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "{}").await, "up");
    assert_eq!(bench.pids().len(), 2);
    let mut bench = Bench::python("import time\ntime.sleep(60)\n").timeout(1);
    bench.settings.init_limit = Duration::from_millis(300);
    let local = bench.start().await;
    let (kind, document) = bench.error(&local, "{}").await;
    assert_eq!(kind, "Sandbox.Timedout");
    assert!(document["errorMessage"].as_str().unwrap().ends_with("Task timed out after 1.00 seconds"));
}

#[tokio::test]
async fn a_flood_of_output_holds_nothing_up() {
    if !has("python3") {
        return;
    }
    let code = "import sys\ndef handler(event, context):\n    for i in range(20000): sys.stdout.stream.write('x' * 99 + '\\n')\n    sys.stdout.stream.write('y' * 20000)\n    sys.stdout.flush()\n    return event\n";
    let bench = Bench::python(code).timeout(20);
    let local = bench.start().await;
    let reply = bench.run(&local, "1").await.unwrap();
    assert_eq!(reply.payload, "1");
    assert!(reply.log_tail.len() <= 4096);
    eventually(|| bench.lines().iter().any(|(line, _)| line.starts_with("yyy")).then_some(())).await;
    assert!(bench.lines().iter().all(|(line, _)| line.len() <= 8192));
}

#[tokio::test]
async fn what_cannot_run_here_says_so_and_the_rest_serves() {
    if !has("python3") {
        return;
    }
    let mut bench = Bench::python("handler = lambda e, c: 'fine'\n");
    let mut java = crate::bench::function("Java", "java21", "x.Y::z");
    java.package = brigandine_model::Package::Local(brigandine_model::Fact::known(
        "src".into(),
        brigandine_model::Provenance::default(),
    ));
    bench.app.functions.push(java);
    bench.app.functions.push(crate::bench::function("Unbuilt", "provided.al2023", "any"));
    let mut image = crate::bench::function("Image", "python3.13", "x.y");
    image.package = brigandine_model::Package::Image(brigandine_model::Fact::known(
        "repo:1".into(),
        brigandine_model::Provenance::default(),
    ));
    bench.app.functions.push(image);
    let mut inline = crate::bench::function("Inline", "python3.13", "index.handler");
    inline.package = brigandine_model::Package::Inline(brigandine_model::Fact::known(
        "def handler(event, context): return 'inline'\n".into(),
        brigandine_model::Provenance::default(),
    ));
    bench.app.functions.push(inline);
    let local = bench.start().await;
    let refused: Vec<_> = local.refused().map(|(id, reason)| format!("{id}: {reason}")).collect();
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(refused.iter().any(|line| line.starts_with("Java: java21 is not run here yet")), "{refused:?}");
    assert!(refused.iter().any(|line| line.starts_with("Unbuilt: there is no program `bootstrap`")), "{refused:?}");
    assert_eq!(bench.json(&local, "{}").await, "fine");
    let run = async |name: &str| {
        let mut call = bench.call("{}");
        call.function = LogicalId::new(name);
        brigandine_function::Invoke::invoke(&local, call).await
    };
    assert_eq!(run("Inline").await.unwrap().payload, "\"inline\"");
    assert!(matches!(run("Java").await, Err(InvokeError::NotHere { .. })));
    assert!(matches!(run("Nobody").await, Err(InvokeError::UnknownFunction(_))));
}

#[tokio::test]
async fn calls_that_fit_no_header_are_refused() {
    if !has("python3") {
        return;
    }
    let bench = Bench::python("handler = lambda e, c: 1\n");
    let local = bench.start().await;
    for id in ["", "a/b", "a\r\nb", &"a".repeat(65)] {
        let mut call = bench.call("{}");
        call.request_id = id.into();
        let refused = brigandine_function::Invoke::invoke(&local, call).await;
        assert!(matches!(refused, Err(InvokeError::Malformed(_))), "{id:?}");
    }
    let mut call = bench.call("{}");
    call.client_context = Some("{}\r\nX: y".into());
    assert!(matches!(brigandine_function::Invoke::invoke(&local, call).await, Err(InvokeError::Malformed(_))));
}
