//! What the fuzz targets do with their bytes.
//!
//! With `BRIGANDINE_SUITE_CRS4` naming a Core Rule Set of version 4, requests meet its rules as well as the built-in ones.

use std::path::Path;
use std::sync::OnceLock;

use brigandine_inspect::{
    Configuration, Request, RulePart, RuleSet, Settings, Sources, Verdict, Wire, builtin,
};

/// What one input may cost: far below what a request may, so that a slow one is found soon.
const BUDGET: u64 = 20_000_000;

/// Rules that mention what bodies are read into, so that all of it is worked out.
const EVERY_VARIABLE: &str = r#"
SecRuleEngine On
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "@rx xml" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "@rx json" "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule ARGS|ARGS_NAMES|FILES|FILES_NAMES|FILES_SIZES|FILES_TMP_CONTENT|REQUEST_BODY|MULTIPART_PART_HEADERS "@rx a.*b" "id:3,phase:2,pass"
SecRule XML:/*|XML://@*|REQUEST_COOKIES|REQUEST_COOKIES_NAMES|MULTIPART_STRICT_ERROR|REQBODY_ERROR "@rx a.*b" "id:4,phase:2,pass"
SecRule ARGS "@detectSQLi" "id:5,phase:2,pass,t:none,t:urlDecodeUni,t:jsDecode,t:htmlEntityDecode,t:cssDecode,t:cmdLine,multiMatch"
SecRule ARGS "@detectXSS" "id:6,phase:2,pass,t:none,t:utf8toUnicode,t:base64DecodeExt,t:normalizePathWin,t:replaceComments"
SecRule ARGS "@verifyCC \d{13,16}" "id:7,phase:2,pass,t:none,t:sqlHexDecode,t:escapeSeqDecode,t:hexDecode"
"#;

/// Text as rules, and a request through them.
pub fn rules(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut sources = Sources::new();
    sources.insert("words.data", b"select\nunion\n# not this\n".as_slice());
    let configuration = Configuration::default().with_text("fuzz", text);
    if let Ok(rules) = RuleSet::load(&configuration, &sources) {
        let settings = Settings { budget: BUDGET, ..Settings::default() };
        same(&rules, &Wire::request(b"POST /a?b=c%20d HTTP/1.1\nContent-Type: application/json\nCookie: e=f\n\n{\"g\":[1,\"h\"]}"), &settings);
    }
}

/// Bytes as a body of the type that the first byte chooses.
pub fn bodies(data: &[u8]) {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    let rules = RULES.get_or_init(|| load(Configuration::default().with_text("every", EVERY_VARIABLE), &Sources::new()));
    let Some((kind, body)) = data.split_first() else { return };
    let kinds: [&[u8]; 6] = [
        b"application/json",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=ab",
        b"text/xml",
        b"",
        b"multipart/form-data; boundary=\"a b\"; charset=utf-8",
    ];
    let kind = kinds[usize::from(*kind) % kinds.len()].to_vec();
    let wire = Wire {
        first: b"POST".to_vec(),
        second: b"/".to_vec(),
        third: b"HTTP/1.1".to_vec(),
        headers: vec![(b"Content-Type".to_vec(), kind)],
        body: body.to_vec(),
    };
    same(rules, &wire, &Settings { budget: BUDGET, body_by_content: true, ..Settings::default() });
}

/// Bytes as a request on the wire.
pub fn engine(data: &[u8]) {
    let wire = Wire::request(data);
    for rules in engines() {
        for stop_early in [false, true] {
            let settings = Settings { stop_early, body_by_content: true, ..Settings::default() };
            same(rules, &wire, &settings);
        }
    }
}

/// Bytes as an invocation event.
pub fn events(data: &[u8]) {
    for rules in engines().iter().take(1) {
        let look = |filter| rules.inspect_event(data, &Settings { filter, ..Settings::default() });
        agree(&look(true), &look(false));
    }
}

/// The built-in rules at their strictest and, where there is one, a Core Rule Set at its strictest.
fn engines() -> &'static [RuleSet] {
    static RULES: OnceLock<Vec<RuleSet>> = OnceLock::new();
    RULES.get_or_init(|| {
        let mut all = vec![load(builtin::configuration(4), &Sources::new())];
        if let Some(folder) = std::env::var_os("BRIGANDINE_SUITE_CRS4") {
            let mut sources = Sources::new();
            gather(Path::new(&folder), "", &mut sources);
            let setup = "SecRuleEngine DetectionOnly\nSecRequestBodyAccess On\n\
                         SecAction \"id:999999,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=4\"\n";
            let mut configuration = Configuration::default();
            configuration.parts.push(RulePart::File("crs-setup.conf.example".to_owned()));
            configuration = configuration.with_text("setup", setup);
            configuration.parts.push(RulePart::File("rules/*.conf".to_owned()));
            all.push(load(configuration, &sources));
        }
        all
    })
}

fn load(configuration: Configuration, sources: &Sources) -> RuleSet {
    RuleSet::load(&configuration, sources).expect("the rules load")
}

fn gather(folder: &Path, name: &str, sources: &mut Sources) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read").flatten() {
        let (path, own) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            gather(&path, &format!("{name}{own}/"), sources);
        } else if [".conf", ".data", ".conf.example"].iter().any(|ending| own.ends_with(ending)) {
            sources.insert(format!("{name}{own}"), std::fs::read(path).expect("the file can be read"));
        }
    }
}

/// Looks with and without the sieve, and panics when that makes a difference.
fn same(rules: &RuleSet, wire: &Wire, settings: &Settings) {
    let headers = wire.header_pairs();
    let request = Request {
        protocol: &wire.third,
        headers: &headers,
        body: &wire.body,
        ..Request::new(&wire.first, &wire.second)
    };
    let plain = Settings { filter: false, ..*settings };
    agree(&rules.inspect(&request, settings), &rules.inspect(&request, &plain));
}

fn agree(sieved: &Verdict, plain: &Verdict) {
    // Without the sieve there is more work, and the budget may end it.
    if !plain.budget_exceeded {
        assert_eq!(sieved.matches, plain.matches, "the sieve changes what matches");
        assert_eq!(sieved.action, plain.action, "the sieve changes the verdict");
        assert!(!sieved.budget_exceeded, "the sieve is no work beyond that it saves");
    }
}
