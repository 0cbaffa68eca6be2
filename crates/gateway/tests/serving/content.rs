//! The firewall before functions and behind them.

use std::sync::{Arc, Mutex};

use brigandine_gateway::{Firewall, Keeper, Observe, RouteInspection, Settings};
use brigandine_inspect::{Configuration, RuleSet, Sources};
use brigandine_model::{AnswerUnseen, ContentJudged, Guard, Happening, Judged, Part, Request};
use http::{HeaderValue, header::CONTENT_TYPE};

use super::stage::{Stage, answer, backend, open, open_app, open_before, settings};

const RULES: &str = "SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess On\n\
    SecResponseBodyMimeType text/plain application/json\n\
    SecRule ARGS \"@contains ../\" \"id:7,phase:2,deny,log,msg:'climbs'\"\n\
    SecRule RESPONSE_HEADERS:x-leak \"@streq yes\" \"id:8,phase:3,deny,log,msg:'header'\"\n\
    SecRule RESPONSE_BODY \"@contains Traceback\" \"id:9,phase:4,deny,log,msg:'stack trace'\"\n";

fn firewall(text: &str) -> Firewall {
    Firewall::new(RuleSet::load(&Configuration::default().with_text("test", text), &Sources::new()).unwrap())
}

fn looking(firewall: Firewall) -> Settings {
    Settings { firewall: Some(firewall), ..settings() }
}

fn with_route(label: &str, inspection: RouteInspection, mut firewall: Firewall) -> Firewall {
    firewall.routes.insert(label.into(), inspection);
    firewall
}

async fn judged(stage: &Stage) -> ContentJudged {
    stage
        .events
        .until(|what| match what {
            Happening::ContentJudged(judged) => Some((**judged).clone()),
            _ => None,
        })
        .await
}

async fn unseen(stage: &Stage) -> AnswerUnseen {
    stage
        .events
        .until(|what| match what {
            Happening::AnswerUnseen(unseen) => Some(unseen.clone()),
            _ => None,
        })
        .await
}

#[derive(Default)]
struct Kept(Mutex<Vec<(String, Judged)>>);

impl Keeper for Kept {
    fn keep(&self, request: &Request, judged: &ContentJudged) {
        self.0.lock().unwrap().push((request.query.to_string(), judged.judged));
    }
}

#[tokio::test]
async fn a_refusal_names_the_request_and_nothing_of_the_rule() {
    let kept = Arc::new(Kept::default());
    let keeping = Firewall { keeper: Some(kept.clone()), ..firewall(RULES) };
    let stage = open(open_app(), looking(keeping)).await;
    let heard = stage.get("/a?file=../../etc/passwd").await;
    let told = judged(&stage).await;
    let id = heard.header("x-request-id").unwrap().to_owned();
    assert_eq!((heard.status, &*told.request), (403, id.as_str()));
    let expected = serde_json::json!({"code": "content", "message": "the request was refused", "requestId": id});
    assert_eq!(heard.json(), expected);
    assert!(!heard.head.contains("climbs") && !heard.head.contains("rule"));
    assert_eq!((told.part, told.judged, told.matches[0].rule), (Part::Request, Judged::Refused, 7));
    assert_eq!(*kept.0.lock().unwrap(), [("file=../../etc/passwd".to_owned(), Judged::Refused)]);
    assert_eq!(stage.get("/a?file=fine").await.status, 200);
}

#[tokio::test]
async fn a_route_may_only_observe_or_not_look() {
    let kept = Arc::new(Kept::default());
    let keeping = Firewall { keeper: Some(kept.clone()), ..firewall(RULES) };
    let mut observing = looking(keeping);
    observing.observe.routes.insert("ANY /".into(), [Guard::Inspection].into());
    let stage = open(open_app(), observing).await;
    assert_eq!(stage.get("/?file=../x").await.status, 200);
    assert_eq!(stage.get("/a?file=../x").await.status, 403);
    let told = judged(&stage).await;
    assert_eq!(told.judged, Judged::Observed);
    assert_eq!(stage.events.answered()[0].observed[0].guard, Guard::Inspection);
    assert_eq!(kept.0.lock().unwrap().iter().map(|one| one.1).collect::<Vec<_>>(), [Judged::Observed, Judged::Refused]);
    let off = RouteInspection { inspect: Some(false), responses: None };
    let stage = open(open_app(), looking(with_route("ANY /", off, firewall(RULES)))).await;
    assert_eq!(stage.get("/?file=../x").await.status, 200);
    assert_eq!(stage.get("/a?file=../x").await.status, 403);
}

#[tokio::test]
async fn answers_are_looked_at_where_the_settings_say_so_only() {
    let leaky = backend(|admitted| async move {
        let mut leak = answer(200, "Traceback (most recent call last)");
        leak.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        if &*admitted.request.path == "/header" {
            leak = answer(200, "fine");
            leak.headers.insert("x-leak", HeaderValue::from_static("yes"));
        }
        Ok(leak)
    });
    let stage = open_before(open_app(), looking(firewall(RULES)), leaky.clone()).await;
    assert_eq!(stage.get("/a").await.status, 200);
    let both = Firewall { responses: true, ..firewall(RULES) };
    let not_here = RouteInspection { inspect: None, responses: Some(false) };
    let stage = open_before(open_app(), looking(with_route("ANY /", not_here, both)), leaky.clone()).await;
    assert_eq!(stage.get("/").await.status, 200);
    for (path, rule) in [("/header", 8), ("/a", 9)] {
        let heard = stage.get(path).await;
        assert_eq!((heard.status, heard.code().as_str()), (502, "answer-content"), "{heard:?}");
        assert!(!heard.body.contains("Traceback") && heard.header("x-leak").is_none());
        let fits = |what: &Happening| match what {
            Happening::ContentJudged(judged) => (judged.matches[0].rule == rule).then(|| (**judged).clone()),
            _ => None,
        };
        let told = stage.events.until(fits).await;
        assert_eq!((told.part, told.judged), (Part::Answer, Judged::Refused));
    }
    let here = RouteInspection { inspect: None, responses: Some(true) };
    let mut observing = looking(with_route("ANY /", here, firewall(RULES)));
    observing.observe.guards.insert(Guard::Inspection);
    let stage = open_before(open_app(), observing, leaky).await;
    assert_eq!(stage.get("/").await.status, 200);
    assert_eq!(judged(&stage).await.judged, Judged::Observed);
    assert_eq!(stage.events.answered()[0].observed[0].code, "answer-content");
}

#[tokio::test]
async fn what_of_an_answer_is_not_looked_at_passes_and_is_told() {
    let kinds = |kind: &'static str, coding: Option<&'static str>| {
        backend(move |_| async move {
            let mut long = answer(200, "a".repeat(100) + "Traceback");
            long.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            if let Some(coding) = coding {
                long.headers.insert("content-encoding", HeaderValue::from_static(coding));
            }
            Ok(long)
        })
    };
    let looking_at = |response_bytes| looking(Firewall { responses: true, response_bytes, ..firewall(RULES) });
    for (kind, coding, bytes, reason, seen) in [
        ("text/event-stream; charset=utf-8", None, 1_000, "streamed", 0),
        ("text/plain", Some("gzip"), 1_000, "packed", 0),
        ("text/plain", None, 100, "longer-than-looked-at", 100),
    ] {
        let stage = open_before(open_app(), looking_at(bytes), kinds(kind, coding)).await;
        assert_eq!(stage.get("/a").await.status, 200, "{reason}");
        let told = unseen(&stage).await;
        assert_eq!((told.reason, told.seen_bytes), (reason, seen));
    }
    let stage = open_before(open_app(), looking_at(109), kinds("text/plain", None)).await;
    assert_eq!(stage.get("/a").await.status, 502);
}

#[tokio::test]
async fn rules_change_without_a_dropped_request() {
    let stage = open(open_app(), looking(firewall(RULES))).await;
    assert_eq!(stage.get("/a?file=../x").await.status, 403);
    let other = RULES.replace("../", "evil");
    let asking = async {
        for _ in 0..200 {
            assert_eq!(stage.get("/a?word=fine").await.status, 200);
        }
    };
    let changing = async {
        for _ in 0..50 {
            stage.door.guard_with(Some(firewall(&other)), &Observe::default()).unwrap();
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(asking, changing);
    assert_eq!(stage.get("/a?file=../x").await.status, 200);
    assert_eq!(stage.get("/a?file=evil").await.status, 403);
    stage
        .events
        .until(|what| match what {
            Happening::Reloaded(reloaded) => (&*reloaded.subject == "firewall").then_some(()),
            _ => None,
        })
        .await;
    // What it says of inspection is taken up, and nothing else.
    let observe = Observe { guards: [Guard::Inspection, Guard::Identity].into(), ..Observe::default() };
    stage.door.guard_with(Some(firewall(&other)), &observe).unwrap();
    assert_eq!(stage.get("/a?file=evil").await.status, 200);
    stage.door.guard_with(Some(firewall(&other)), &Observe::default()).unwrap();
    assert_eq!(stage.get("/a?file=evil").await.status, 403);
    // A template that is taken up meanwhile keeps the new rules.
    stage.door.reload(stage.door.app());
    assert_eq!(stage.get("/a?file=evil").await.status, 403);
    stage.door.guard_with(None, &Observe::default()).unwrap();
    assert_eq!(stage.get("/a?file=evil").await.status, 200);
}

#[tokio::test]
async fn long_bodies_are_looked_at_as_well() {
    let stage = open(open_app(), looking(firewall(RULES))).await;
    let ask = |value: &str| {
        let body = format!("{{\"long\": \"{}\", \"file\": \"{value}\"}}", "a".repeat(20_000));
        let head = "POST /a HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ";
        format!("{head}{}\r\n\r\n{body}", body.len())
    };
    assert_eq!(stage.raw(ask("fine")).await.status, 200);
    assert_eq!(stage.raw(ask("../x")).await.status, 403);
}
