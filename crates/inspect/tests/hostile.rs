//! Requests made to be expensive or confusing, and rules made to be wrong.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use brigandine_inspect::{Action, Configuration, Engine, Error, Request, RuleSet, Scratch, Settings, Sources, Verdict};
use proptest::prelude::*;

fn load(rules: &str) -> RuleSet {
    RuleSet::load(&Configuration::default().with_text("t", rules), &Sources::new()).unwrap()
}

fn refused(rules: &str) -> String {
    RuleSet::load(&Configuration::default().with_text("t", rules), &Sources::new()).unwrap_err().to_string()
}

fn get(rules: &str, uri: &str) -> Verdict {
    load(rules).inspect(&Request::new(b"GET", uri.as_bytes()), &Settings::default())
}

fn ids(verdict: &Verdict) -> Vec<u64> {
    verdict.matches.iter().map(|found| found.rule).collect()
}

#[test]
fn a_spent_budget_refuses() {
    let rules = load("SecRule ARGS \"@rx (?:a|b)+c\" \"id:1,phase:2,deny\"");
    let uri = format!("/?x={}", "ab".repeat(5_000));
    let settings = Settings { budget: 10_000, ..Settings::default() };
    let verdict = rules.inspect(&Request::new(b"GET", uri.as_bytes()), &settings);
    assert_eq!((verdict.action, verdict.status, verdict.budget_exceeded), (Action::Block, 403, true));
    let watching = Settings { engine: Some(Engine::DetectionOnly), ..settings };
    let verdict = rules.inspect(&Request::new(b"GET", uri.as_bytes()), &watching);
    assert_eq!((verdict.action, verdict.budget_exceeded), (Action::Allow, true));
}

#[test]
fn arguments_over_the_limit_are_not_waved_through() {
    let rules = load("SecRule ARGS \"@contains evil\" \"id:1,phase:2,deny\"");
    let mut uri = "/?".to_owned() + &"a=b&".repeat(1_000);
    uri.push_str("x=evil");
    let verdict = rules.inspect(&Request::new(b"GET", uri.as_bytes()), &Settings::default());
    assert_eq!(verdict.action, Action::Block);
    assert!(verdict.budget_exceeded);
}

#[test]
fn many_members_of_a_collection_end_in_refusal_not_in_memory() {
    let rules = "SecRule ARGS_NAMES \"@rx .\" \"id:1,phase:2,pass,nolog,setvar:'tx.a%{matched_var}=1',setvar:'ip.b%{matched_var}=1'\"\n\
                 SecArgumentsLimit 100000";
    let uri = (0..6_000).fold("/?".to_owned(), |uri, number| uri + &format!("n{number}=1&"));
    let verdict = get(rules, &uri);
    assert!(verdict.budget_exceeded);
    assert_eq!(verdict.action, Action::Block);
}

#[test]
fn chains_need_every_link_and_keep_what_earlier_links_set() {
    let rules = "SecRule ARGS:a \"@streq 1\" \"id:1,phase:2,deny,chain,setvar:tx.seen=1\"\n\
                 SecRule ARGS:b \"@streq 2\" \"t:none\"\n\
                 SecRule TX:seen \"@eq 1\" \"id:2,phase:2,pass\"";
    assert_eq!(ids(&get(rules, "/?a=1")), [2]);
    let both = get(rules, "/?a=1&b=2");
    assert_eq!((both.action, both.matches[0].rule), (Action::Block, 1));
    assert!(both.matches[0].disruptive);
}

#[test]
fn negation_of_nothing_is_nothing() {
    assert!(ids(&get("SecRule ARGS:absent \"!@rx x\" \"id:1,phase:2,pass\"", "/")).is_empty());
    assert_eq!(ids(&get("SecRule &ARGS:absent \"@eq 0\" \"id:1,phase:2,pass\"", "/")), [1]);
}

#[test]
fn controls_take_targets_and_rules_away() {
    let target = "SecRule REQUEST_FILENAME \"@streq /free\" \"id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=2;ARGS:note\"\n\
                  SecRule ARGS \"@contains evil\" \"id:2,phase:2,deny\"";
    assert_eq!(get(target, "/free?note=evil").action, Action::Allow);
    assert_eq!(get(target, "/free?other=evil").action, Action::Block);
    assert_eq!(get(target, "/?note=evil").action, Action::Block);
    let rule = "SecRule REQUEST_FILENAME \"@streq /free\" \"id:1,phase:1,pass,nolog,ctl:ruleRemoveByTag=bad\"\n\
                SecRule ARGS \"@contains evil\" \"id:2,phase:2,deny,tag:'bad/worse'\"";
    assert_eq!(get(rule, "/free?x=evil").action, Action::Allow);
    assert_eq!(get(rule, "/?x=evil").action, Action::Block);
}

#[test]
fn a_body_is_read_by_its_content_when_asked_to() {
    let rules = load("SecRule ARGS:json.a \"@streq evil\" \"id:1,phase:2,deny\"");
    let headers: [(&[u8], &[u8]); 1] = [(b"Content-Type", b"text/plain")];
    let request = Request { headers: &headers, body: b" {\"a\":\"evil\"}", ..Request::new(b"POST", b"/") };
    assert_eq!(rules.inspect(&request, &Settings::default()).action, Action::Allow);
    let settings = Settings { body_by_content: true, ..Settings::default() };
    assert_eq!(rules.inspect(&request, &settings).action, Action::Block);
}

#[test]
fn credentials_do_not_reach_reports() {
    let rules = "SecRule REQUEST_HEADERS|ARGS \"@contains evil\" \"id:1,phase:2,deny\"";
    let headers: [(&[u8], &[u8]); 1] = [(b"Authorization", b"Bearer evil-token")];
    let request = Request { headers: &headers, ..Request::new(b"GET", b"/") };
    let verdict = load(rules).inspect(&request, &Settings::default());
    assert_eq!(verdict.matches[0].excerpt, b"(hidden)");
    let long = format!("/?x={}evil{}", "p".repeat(500), "q".repeat(500));
    let found = &get(rules, &long).matches[0];
    assert!(found.excerpt.len() <= 64);
    assert_eq!(found.variable, "ARGS:x");
}

#[test]
fn mistakes_are_named_with_their_place() {
    assert_eq!(refused("\nSecRule ARGZ \"@rx a\" \"id:1\""), "t:2: the variable `ARGZ` is not known");
    assert!(refused("SecRule ARGS \"@rx a(\" \"id:1\"").starts_with("t:1: "));
    assert!(refused("SecRule ARGS \"@heuristic\" \"id:1\"").contains("`@heuristic`"));
    assert!(refused("SecFrobnicate On").contains("`secfrobnicate`"));
    assert!(refused("SecRule ARGS a \"id:1\"\nSecRule ARGS a \"id:1\"").contains("twice"));
    let missing =
        Configuration::default().with_text("t", "Include a.conf\nSecRule ARGS \"@pmFromFile b.data\" \"id:1\"");
    let error = RuleSet::load(&missing, &Sources::new()).unwrap_err();
    assert_eq!(error, Error::Missing(vec!["a.conf".to_owned(), "b.data".to_owned()]));
}

#[test]
fn an_include_of_itself_ends() {
    let mut sources = Sources::new();
    sources.insert("a.conf", b"Include a.conf".as_slice());
    assert!(RuleSet::load(&Configuration::files(["a.conf"]), &sources).is_err());
}

const RULES: &str = r#"
SecRule REQUEST_HEADERS:Content-Type "@rx ^x" "id:1,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"
SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES|REQUEST_COOKIES_NAMES|XML:/* "@rx (?i)union\s+select|<script|\.\./" "id:2,phase:2,pass,capture,t:none,t:urlDecodeUni,t:htmlEntityDecode,t:lowercase,multiMatch,logdata:'%{TX.0} %{MATCHED_VAR_NAME}'"
SecRule REQUEST_BODY|REQUEST_URI|REQUEST_HEADERS "@pm union script etc/passwd" "id:3,phase:2,pass,t:cmdLine,t:normalizePath,t:jsDecode,setvar:'tx.hit_%{MATCHED_VAR_NAME}=+1'"
SecRule FILES|MULTIPART_PART_HEADERS|FILES_NAMES "!@rx ^[a-z.]*$" "id:4,phase:2,pass"
SecRule ARGS "@detectSQLi" "id:5,phase:2,pass,t:removeNulls,t:replaceComments"
SecRule ARGS "@detectXSS" "id:6,phase:2,pass,t:cssDecode,t:escapeSeqDecode,t:compressWhitespace"
SecRule ARGS|REQUEST_HEADERS "@validateByteRange 32-126" "id:7,phase:2,pass,t:base64Decode"
SecRule TX:/^hit_/ "@ge 2" "id:8,phase:2,deny,chain"
SecRule MATCHED_VARS_NAMES "@contains :" "setvar:tx.done=1"
"#;

const TYPES: [&str; 5] =
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/xml", "x"];

proptest! {
    #[test]
    fn no_request_panics_and_the_sieve_loses_nothing(
        uri in proptest::collection::vec(any::<u8>(), 0..80),
        cookie in proptest::collection::vec(any::<u8>(), 0..40),
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "(\\{|\\}|\\[|\"|:|,|<script|union  select|--b\r\n|\r\n|a=|&|%3c|\\.\\./|<!--|<a b='|name=\"x\"; |[a-z]{1,4}){0,40}".prop_map(String::into_bytes)
        ],
        kind in 0..TYPES.len(),
        by_content: bool,
    ) {
        let rules = load(RULES);
        let headers: [(&[u8], &[u8]); 2] = [(b"Content-Type", TYPES[kind].as_bytes()), (b"Cookie", &cookie)];
        let request = Request { headers: &headers, body: &body, ..Request::new(b"POST", &uri) };
        let settings = Settings { body_by_content: by_content, ..Settings::default() };
        let sieved = rules.inspect(&request, &settings);
        let plain = rules.inspect(&request, &Settings { filter: false, ..settings });
        prop_assert_eq!(&sieved.matches, &plain.matches);
        let mut notes = 0;
        let mut observer = |_: &brigandine_inspect::Note<'_>| notes += 1;
        let mut watched = rules.start(&settings, Scratch::default());
        watched.observe(&mut observer);
        watched.request(&request);
        let (watched, _) = watched.finish();
        prop_assert_eq!(&sieved.matches, &watched.matches);
        prop_assert!(notes > 0);
    }

    #[test]
    fn no_rule_text_panics(text in "(SecRule|SecAction|SecMarker|Include|ARGS|@rx|\"|'|,|:|\\||!|&|/|%\\{tx.|\\}|id:1|t:|setvar:|ctl:|=|\\\\\n|\n| |[a-z(\\[]{1,3}){0,40}") {
        drop(RuleSet::load(&Configuration::default().with_text("t", text), &Sources::new()));
    }
}
