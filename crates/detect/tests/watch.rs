//! The watch as a shield uses it: a stream of Events, a tick a second.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;

use brigandine_detect::{Said, Watch};
use brigandine_model::{Alert, Event, Guard, Happening, Refusal, RequestAnswered};
use jiff::Timestamp;

const START: i64 = 1_800_000_000;

struct Stage {
    watch: Watch,
    second: i64,
    told: Vec<(i64, Alert)>,
    suspects: Vec<IpAddr>,
}

impl Stage {
    fn new() -> Self {
        Self { watch: Watch::default(), second: 0, told: Vec::new(), suspects: Vec::new() }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(START + self.second).unwrap()
    }

    fn answer(&mut self, client: [u8; 4], status: u16, guard: Option<Guard>) {
        let refusal =
            guard.map(|guard| Refusal { guard, status, code: "code", reason: "no".into(), retry_after: None });
        let what = Happening::RequestAnswered(Box::new(RequestAnswered {
            request: "r".into(),
            client: client.into(),
            method: "POST".into(),
            path: "/orders".into(),
            route: Some("POST /orders".into()),
            function: None,
            caller: None,
            status,
            received_bytes: 0,
            sent_bytes: 0,
            duration_us: 1,
            refusal,
            observed: Vec::new(),
        }));
        let at = self.now();
        self.watch.see(&Event { at, what });
    }

    /// So many customers in this second, each with its own address, then the tick.
    fn customers(&mut self, number: usize) {
        for place in 0..number {
            let last = u8::try_from(place % 250).unwrap();
            self.answer([10, 0, u8::try_from(place / 250).unwrap(), last], 200, None);
        }
    }

    fn tick(&mut self) {
        self.second += 1;
        let Said { alerts, suspects } = self.watch.tick(self.now());
        self.told.extend(alerts.into_iter().map(|alert| (self.second, alert)));
        self.suspects.extend(suspects.into_iter().map(|suspect| suspect.address));
    }

    fn calm(&mut self, seconds: usize) {
        (0..seconds).for_each(|_| {
            self.customers(20);
            self.tick();
        });
    }

    fn titles(&self) -> Vec<&str> {
        self.told.iter().map(|(_, alert)| alert.title.as_str()).collect()
    }
}

#[test]
fn customers_alone_are_nothing_to_tell() {
    let mut stage = Stage::new();
    for second in 0..600 {
        stage.customers(15 + second % 10);
        // Somebody mistypes, somebody follows a dead link.
        if second % 3 == 0 {
            let last = u8::try_from(second % 250).unwrap();
            stage.answer([10, 9, 9, last], 401, Some(Guard::Identity));
            stage.answer([10, 9, 8, last], 404, Some(Guard::Route));
        }
        stage.tick();
    }
    assert!(stage.told.is_empty(), "{:?}", stage.titles());
    assert!(stage.suspects.is_empty());
}

#[test]
fn an_attack_is_told_at_the_next_tick_with_who_where_and_what_and_once() {
    let mut stage = Stage::new();
    stage.calm(120);
    for _ in 0..20 {
        stage.customers(20);
        (0..40).for_each(|_| stage.answer([192, 0, 2, 66], 403, Some(Guard::Inspection)));
        stage.tick();
    }
    let (second, alert) = stage.told[0].clone();
    assert_eq!(second, 121, "{:?}", stage.titles());
    assert!(alert.title.starts_with("attack: 40 of "), "{}", alert.title);
    assert!(alert.evidence.iter().any(|line| line.contains("192.0.2.66 (100 %)")), "{:?}", alert.evidence);
    assert!(alert.evidence.iter().any(|line| line.contains("POST /orders")), "{:?}", alert.evidence);
    assert_eq!(stage.told.len(), 1, "{:?}", stage.titles());
    assert_eq!(stage.suspects, [IpAddr::from([192, 0, 2, 66])]);
    stage.calm(60);
    assert_eq!(stage.titles()[1..], ["the attack is over"]);
}

#[test]
fn a_surge_is_no_attack_and_both_are_both() {
    let mut stage = Stage::new();
    stage.calm(120);
    for _ in 0..15 {
        stage.customers(200);
        stage.tick();
    }
    assert_eq!(stage.told.len(), 1, "{:?}", stage.titles());
    assert!(stage.told[0].1.title.starts_with("surge: "), "{:?}", stage.titles());
    for _ in 0..5 {
        stage.customers(200);
        (0..60).for_each(|_| stage.answer([192, 0, 2, 66], 403, Some(Guard::Inspection)));
        stage.tick();
    }
    assert!(stage.titles()[1].starts_with("attack during a surge: "), "{:?}", stage.titles());
}

#[test]
fn one_attacker_behind_an_address_with_many_customers_is_no_reason_to_ban_it() {
    let mut stage = Stage::new();
    stage.calm(60);
    for _ in 0..60 {
        (0..30).for_each(|_| stage.answer([100, 64, 0, 1], 200, None));
        (0..10).for_each(|_| stage.answer([100, 64, 0, 1], 403, Some(Guard::Inspection)));
        stage.tick();
    }
    assert!(stage.titles()[0].starts_with("attack"), "{:?}", stage.titles());
    assert!(stage.suspects.is_empty(), "{:?}", stage.suspects);
}

#[test]
fn volume_alone_is_never_evidence() {
    let mut stage = Stage::new();
    stage.calm(60);
    for _ in 0..30 {
        (0..2_000).for_each(|_| stage.answer([192, 0, 2, 7], 200, None));
        (0..2_000).for_each(|_| stage.answer([192, 0, 2, 7], 429, Some(Guard::Rate)));
        stage.tick();
    }
    assert!(stage.suspects.is_empty());
}

#[test]
fn functions_that_fail_are_a_story_of_their_own() {
    let mut stage = Stage::new();
    stage.calm(60);
    for _ in 0..5 {
        stage.customers(10);
        (0..10).for_each(|_| stage.answer([10, 0, 0, 1], 502, Some(Guard::Function)));
        stage.tick();
    }
    assert_eq!(stage.told.len(), 1, "{:?}", stage.titles());
    assert!(stage.titles()[0].starts_with("failing: "));
    assert!(stage.suspects.is_empty());
}
