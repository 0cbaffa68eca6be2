//! Several environments of one function: how many, how long, how new, and that none outlives the shield.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use brigandine_function::{Invoke as _, InvokeError};
use brigandine_model::{Fact, Happening, Layer, LogicalId, Package, Provenance, Symbol, Value};

use crate::bench::{Bench, eventually, has, is_alive};

const SLEEPY: &str = "import os, time\ndef handler(event, context):\n    time.sleep(event)\n    return os.getpid()\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simultaneous_calls_get_environments_of_their_own_up_to_the_limit() {
    if !has("python3") {
        return;
    }
    let mut bench = Bench::python(SLEEPY);
    bench.settings.max_environments = 3;
    let local = Arc::new(bench.start().await);
    assert_eq!(local.limit(&bench.call("").function), Some(3));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..9 {
        let (local, call) = (local.clone(), bench.call("0.2"));
        calls.spawn(async move { local.invoke(call).await.unwrap().payload });
    }
    let pids: BTreeSet<_> = calls.join_all().await.into_iter().collect();
    assert!((2..=3).contains(&pids.len()), "{pids:?}");
    assert!(bench.pids().len() <= 3);
    // An environment has to come back before it can be the last one in.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let warm = bench.json(&local, "0").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(warm, bench.json(&local, "0").await, "last in, first out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_caller_after_the_other_does_not_need_many_environments() {
    if !has("python3") {
        return;
    }
    let bench = Bench::python(SLEEPY);
    let local = bench.start().await;
    for _ in 0..200 {
        bench.json(&local, "0").await;
    }
    // A second one only where the first was held up on its way back.
    assert!(bench.pids().len() <= 2, "{:?}", bench.pids());
}

#[tokio::test]
async fn beyond_the_limit_calls_wait_and_then_are_refused() {
    if !has("python3") {
        return;
    }
    let mut bench = Bench::python(SLEEPY)
        .edit(|function| function.reserved_concurrency = Some(Fact::known(1, Provenance::default())));
    bench.settings.queue = 1;
    bench.settings.queue_wait = Duration::from_millis(300);
    let local = bench.start().await;
    bench.json(&local, "0").await;
    let (first, second, third) = tokio::join!(bench.run(&local, "1"), bench.run(&local, "0"), bench.run(&local, "0"));
    assert!(first.is_ok());
    assert!(matches!(second, Err(InvokeError::TooManyRequests { limit: 1, retry_after: 1, .. })), "{second:?}");
    assert!(matches!(third, Err(InvokeError::TooManyRequests { .. })), "{third:?}");
    bench.json(&local, "0").await;
    let none = Bench::python(SLEEPY)
        .edit(|function| function.reserved_concurrency = Some(Fact::known(0, Provenance::default())));
    let local = none.start().await;
    assert!(matches!(none.run(&local, "0").await, Err(InvokeError::TooManyRequests { limit: 0, .. })));
}

#[tokio::test]
async fn a_caller_who_leaves_does_not_disturb_the_function() {
    if !has("python3") {
        return;
    }
    let bench = Bench::python(SLEEPY).timeout(2);
    let local = bench.start().await;
    let pid = bench.json(&local, "0").await;
    let deadline = tokio::time::Instant::now() + Duration::from_millis(50);
    let left = local.invoke(bench.call("0.4").until(deadline)).await;
    assert_eq!(left.err(), Some(InvokeError::DeadlinePassed));
    let ended = |wanted: usize| {
        let errors = bench.events(|event| match event {
            Happening::InvocationFinished(one) => Some(one.error.as_deref() == Some("Sandbox.Timedout")),
            _ => None,
        });
        (errors.len() >= wanted).then_some(errors)
    };
    assert_eq!(eventually(|| ended(2)).await, [false, false]);
    assert_eq!(bench.json(&local, "0").await, pid, "the environment is back");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), local.invoke(bench.call("60"))).await.is_err());
    assert_eq!(eventually(|| ended(4)).await, [false, false, false, true], "it still ran into its timeout");
}

#[tokio::test]
async fn saved_code_is_taken_up_after_the_call_under_way() {
    if !has("python3") {
        return;
    }
    let mut bench =
        Bench::python("import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'old'\n");
    bench.settings.reload = true;
    bench.settings.reload_every = Duration::from_millis(50);
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "0").await, "old");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (under_way, ()) = tokio::join!(bench.json(&local, "0.6"), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.write("app.py", "def handler(event, context):\n    return 'brand new'\n");
    });
    assert_eq!(under_way, "old");
    bench.event(|event| if let Happening::Reloaded(one) = event { Some(one.subject.clone()) } else { None }).await;
    assert_eq!(bench.json(&local, "0").await, "brand new");
}

#[tokio::test]
async fn idle_environments_end_and_prewarmed_ones_are_there() {
    if !has("python3") {
        return;
    }
    let mut bench = Bench::python(SLEEPY);
    bench.settings.prewarm = true;
    bench.settings.idle = Duration::from_millis(400);
    let local = bench.start().await;
    let pid = *eventually(|| bench.pids().first().copied().map(Box::new)).await;
    let reason = bench
        .event(|event| if let Happening::EnvironmentStopped(one) = event { Some(one.reason.clone()) } else { None });
    assert_eq!(&*reason.await, "idle");
    assert!(!is_alive(pid));
    let reply = bench.run(&local, "0").await.unwrap();
    assert!(reply.cold);
}

#[tokio::test]
async fn shutdown_leaves_nobody() {
    if !has("python3") {
        return;
    }
    let bench = Bench::python(SLEEPY).timeout(60);
    let local = bench.start().await;
    bench.json(&local, "0").await;
    let (under_way, ()) = tokio::join!(bench.run(&local, "50"), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        local.shutdown().await;
    });
    assert_eq!(under_way.unwrap().error.unwrap().error_type.as_ref(), "Runtime.ExitError");
    assert!(bench.pids().into_iter().all(|pid| !is_alive(pid)));
    assert!(matches!(bench.run(&local, "0").await, Err(InvokeError::Stopped(_))));
    let bench = Bench::python(SLEEPY);
    let local = bench.start().await;
    bench.json(&local, "0").await;
    drop(local);
    eventually(|| bench.pids().into_iter().all(|pid| !is_alive(pid)).then_some(())).await;
}

#[tokio::test]
async fn a_build_of_sam_is_preferred_until_it_is_older() {
    if !has("python3") {
        return;
    }
    let bench = Bench::python("handler = lambda e, c: 'source'\n");
    let built = bench.folder.path().join(".aws-sam/build/F");
    std::fs::create_dir_all(&built).unwrap();
    std::fs::write(built.join("app.py"), "handler = lambda e, c: 'built'\n").unwrap();
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "{}").await, "built");
    bench.write("requirements.txt", "requests\n");
    bench.write("app.py", "handler = lambda e, c: 'newer source'\n");
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "{}").await, "built", "the source cannot run without its packages");
    assert!(local.notices().iter().any(|notice| notice.text.contains("run `sam build`")));
    bench.write("requirements.txt", "boto3\n");
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "{}").await, "newer source");
}

/// Not a test of its own: the shield that the next test starts and kills.
#[tokio::test]
#[ignore = "run by `no_function_outlives_a_killed_shield`"]
async fn shield_to_be_killed() {
    let spin = "export const handler = async () => { console.log('spinning'); for (;;) {} };";
    let python = Bench::python(SLEEPY).timeout(600);
    let node = Bench::node(spin).timeout(600);
    let own = Bench::own("#!/bin/sh\nsleep 600 &\nsleep 600\n");
    let locals = (python.start().await, node.start().await, own.start().await);
    let calls = async { tokio::join!(python.run(&locals.0, "500"), node.run(&locals.1, "1"), own.run(&locals.2, "1")) };
    let tell = async {
        eventually(|| node.lines().iter().any(|(line, _)| line.contains("spinning")).then_some(())).await;
        for bench in [&python, &node, &own] {
            let pid = *eventually(|| bench.pids().first().copied().map(Box::new)).await;
            println!("child {pid}");
        }
        println!("ready");
    };
    drop(tokio::join!(calls, tell));
}

#[tokio::test]
async fn no_function_outlives_a_killed_shield() {
    if !has("python3") || !has("node") {
        return;
    }
    let mut shield = Command::new(std::env::current_exe().unwrap())
        .args(["pool::shield_to_be_killed", "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(shield.stdout.take().unwrap()).lines();
    let said: Vec<String> = lines.map_while(Result::ok).take_while(|line| line != "ready").collect();
    let pids: Vec<u32> = said.iter().filter_map(|line| line.rsplit_once("child ")?.1.parse().ok()).collect();
    assert_eq!(pids.len(), 3, "{said:?}");
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    shield.kill().unwrap();
    shield.wait().unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while pids.iter().any(|pid| is_alive(*pid)) && std::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let left: Vec<_> = pids.into_iter().filter(|pid| is_alive(*pid)).collect();
    // Whatever the outcome, a test leaves nobody behind.
    for pid in &left {
        crate::bench::kill_9(*pid);
    }
    assert!(left.is_empty(), "{left:?} outlived their shield");
}

#[tokio::test]
async fn one_that_answers_and_then_stays_busy_is_ended() {
    if !has("node") {
        return;
    }
    let code = "export const handler = (event, context) => { context.callbackWaitsForEmptyEventLoop = false; setTimeout(() => { for (;;) {} }, 20); context.succeed(event); };";
    let mut bench = Bench::node(code).timeout(1);
    bench.settings.max_environments = 1;
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "1").await, 1);
    tokio::time::sleep(Duration::from_millis(100)).await;
    // The process has asked for more before it went astray, so the next call meets its silence.
    assert_eq!(bench.error(&local, "2").await.0, "Sandbox.Timedout");
    assert_eq!(bench.json(&local, "3").await, 3);
}

#[tokio::test]
async fn typescript_runs_from_its_build_however_new_it_is() {
    if !has("node") {
        return;
    }
    let bench = Bench::with(
        "nodejs22.x",
        "index.handler",
        "index.ts",
        "export const handler = async (): Promise<string> => 'ts';",
    );
    let built = bench.folder.path().join(".aws-sam/build/F");
    std::fs::create_dir_all(&built).unwrap();
    std::fs::write(built.join("index.js"), "exports.handler = async () => 'built';").unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    bench.write("index.ts", "export const handler = async (): Promise<string> => 'newer';");
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "{}").await, "built");
}

#[tokio::test]
async fn layers_beside_the_template_are_on_the_path() {
    if !has("python3") {
        return;
    }
    let fact = |value| Fact { value, provenance: Provenance::default() };
    let mut bench = Bench::python("import shared\nhandler = lambda e, c: shared.NAME\n").edit(|function| {
        for name in ["Shared", "Elsewhere"] {
            function.layers.push(fact(Value::Symbolic(Symbol::attribute(LogicalId::new(name), None))));
        }
    });
    let package = Package::Local(Fact::known("layers/shared".to_owned(), Provenance::default()));
    bench.app.layers.push(Layer { id: LogicalId::new("Shared"), package, provenance: Provenance::default() });
    let folder = bench.folder.path().join("layers/shared/python");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("shared.py"), "NAME = 'from the layer'\n").unwrap();
    let local = bench.start().await;
    assert_eq!(bench.json(&local, "{}").await, "from the layer");
    assert!(
        local.notices().iter().any(|notice| notice.text.contains("layer Elsewhere: it is not beside the template"))
    );
}
