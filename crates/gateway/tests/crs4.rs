//! The regression tests of the Core Rule Set over real sockets: what a client sends, the door takes, the firewall looks at and
//! a reflecting function answers.
//!
//! A stage passes when the rules its author expects are told in the event of its request. One that is refused before any rule
//! runs is excused when the answer is 4xx and an event names the cause. These stand in `crs4-excused.txt` with their causes, and
//! so do those whose requests the door changes on the way to the function. Stages about answers are left out: the door does
//! not look at answers.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, and reports what it counted"
)]

#[path = "../../inspect/tests/support/crs.rs"]
mod crs;
#[path = "serving/stage.rs"]
#[expect(dead_code, clippy::expect_used, clippy::string_slice, reason = "shared with the other tests of the door")]
mod door;
#[path = "../../inspect/tests/support/stage.rs"]
mod stage;
#[path = "../../inspect/tests/support/suite.rs"]
mod suite;
#[path = "../../inspect/tests/support/yaml.rs"]
mod yaml;

use std::collections::BTreeMap;

use brigandine_gateway::{Firewall, Settings};
use brigandine_inspect::RuleSet;
use brigandine_model::{Happening, Throttle};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use stage::Stage;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// At most so many stages are refused because no server makes a request of them.
const MOST_MALFORMED: usize = 64;

/// Causes of those stages that are served although what the rule looks for does not reach it.
const TAKEN_AWAY: [&str; 5] =
    ["absolute-target", "transfer-coding", "connection-header", "forwarded-for", "both-content-types"];

/// What came of one stage.
enum Outcome {
    Passed,
    /// Refused before any rule ran, and told why.
    Refused(String),
    Failed(String),
}

fn settings(rules: RuleSet) -> Settings {
    let firewall = Firewall { inspection: brigandine_inspect::Settings::default(), ..Firewall::new(rules) };
    let route_throttle = Throttle { rate: 1e9, burst: 1_000_000 };
    Settings { firewall: Some(firewall), route_throttle, ..door::settings() }
}

/// The function behind the door: says what it is asked to say.
fn reflecting() -> brigandine_gateway::Backend {
    door::backend(|admitted| async move {
        let reply = stage::reflect(admitted.request.path.as_bytes(), &admitted.request.body);
        let mut headers = HeaderMap::new();
        for (name, value) in &reply.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                headers.append(name, value);
            }
        }
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
        Ok(brigandine_model::Answer { status, headers, body: reply.body.into(), rest: None, invocation: None })
    })
}

/// Sends a stage on a connection of its own, and reads to the end of its answer; 0 without one.
async fn status(door: &door::Stage, raw: &[u8]) -> u16 {
    let mut stream = door.connect().await;
    // The door may have answered and closed before it read everything.
    drop(stream.write_all(raw).await);
    let mut heard = Vec::new();
    let listen = async {
        let mut part = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut part).await {
            heard.extend_from_slice(&part[..read]);
            if whole(&heard) {
                break;
            }
        }
    };
    tokio::time::timeout(door::HANG, listen).await.unwrap();
    heard.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).unwrap_or(0)
}

/// Whether an answer with a length is there to its end.
fn whole(heard: &[u8]) -> bool {
    let Some(end) = heard.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let lines = String::from_utf8_lossy(&heard[..end]).to_ascii_lowercase();
    let length = lines.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    heard.len() >= end + 4 + length.unwrap_or(0)
}

async fn run(door: &door::Stage, stage: &Stage) -> Outcome {
    let before = door.events.0.lock().unwrap().len();
    let status = status(door, &stage::raw(&stage.input)).await;
    // The last event of a request is that it was answered; of bytes that are none, that the connection failed.
    let told = since(door, before).await;
    let rules: Vec<u64> = told.iter().flat_map(judged).collect();
    let cause = told.iter().find_map(cause);
    if (400..500).contains(&status)
        && let Some(cause) = cause
    {
        return Outcome::Refused(cause);
    }
    if status == 0 {
        return Outcome::Failed("no answer".to_owned());
    }
    if stage.output["status"].as_str().is_some_and(|wanted| wanted != status.to_string()) {
        return Outcome::Failed(format!("status {status} instead of {}", stage.output["status"]));
    }
    let misses = stage::misses(&stage.output, &rules);
    if misses.is_empty() { Outcome::Passed } else { Outcome::Failed(misses.join("; ")) }
}

/// Waits for the last event of an exchange that began when `before` were there: these and all since.
async fn since(door: &door::Stage, before: usize) -> Vec<Happening> {
    let is_last = |what: &Happening| matches!(what, Happening::RequestAnswered(_) | Happening::ConnectionFailed(_));
    let look = async {
        loop {
            let told = door.events.0.lock().unwrap()[before..].to_vec();
            if told.iter().any(is_last) {
                return told;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(door::HANG, look).await.unwrap()
}

fn judged(what: &Happening) -> Vec<u64> {
    match what {
        Happening::ContentJudged(judged) => judged.matches.iter().map(|found| found.rule).collect(),
        _ => Vec::new(),
    }
}

fn cause(what: &Happening) -> Option<String> {
    match what {
        Happening::RequestAnswered(answered) => answered.refusal.as_ref().map(|refusal| refusal.code.to_owned()),
        Happening::ConnectionFailed(failed) if failed.stage == "head" => Some("malformed-head".to_owned()),
        Happening::ConnectionFailed(failed) => Some(failed.reason.to_string()),
        _ => None,
    }
}

/// Whether a stage is about the answer.
fn about_the_answer(stage: &Stage) -> bool {
    let target = stage.input["uri"].as_str().unwrap_or("/");
    target.starts_with("/reflect") || stage.rule.starts_with("95") || stage.rule.starts_with("980")
}

#[test]
#[ignore = "four thousand connections and as many inspections at the strictest level take a minute"]
fn stages_over_the_wire_are_answered_as_the_rules_authors_say() {
    let Some(folder) = suite::folder("crs4") else {
        println!("crs4: skipped, the suite is not there");
        return;
    };
    let rules = RuleSet::load(&crs::version_4("DetectionOnly", crs::TEST_SETUP), &crs::sources(&folder)).unwrap();
    let (answers, stages): (Vec<Stage>, Vec<Stage>) = stage::all(&folder).into_iter().partition(about_the_answer);
    let excused: BTreeMap<&str, &str> = include_str!("crs4-excused.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut passed, mut pardoned, mut faults) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    runtime.block_on(async {
        let mut door = door::open_before(door::open_app(), settings(rules), reflecting()).await;
        for stage in &stages {
            let name = stage.name();
            let listed = excused.get(name.as_str()).copied();
            let fault = match run(&door, stage).await {
                Outcome::Passed => None,
                Outcome::Refused(cause) => Some(cause),
                // What a rule did not find since the door took it away.
                Outcome::Failed(_) if listed.is_some_and(|cause| TAKEN_AWAY.contains(&cause)) => {
                    listed.map(str::to_owned)
                }
                Outcome::Failed(fault) => Some(fault),
            };
            match fault {
                None => passed += 1,
                Some(cause) if listed == Some(cause.as_str()) => *pardoned.entry(cause).or_default() += 1,
                Some(fault) => faults.push(format!("{name} {fault}")),
            }
        }
        door.close().await;
    });
    let total: usize = pardoned.values().sum();
    println!("crs4 over sockets: {passed} passed, {} failed, {total} excused {pardoned:?}", faults.len());
    println!("{} stages about answers were left out", answers.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(total, excused.len(), "some of the stages in the list pass");
    assert!(pardoned.get("malformed-head").is_none_or(|count| *count <= MOST_MALFORMED), "{pardoned:?}");
}
