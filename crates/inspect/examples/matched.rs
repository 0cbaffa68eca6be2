//! Which rules match which requests, to compare with another engine.
//!
//! `matched gather FILE COUNT` writes requests of every kind at hand: those of the suites, honest ones, and seeded mixtures of
//! them. `matched run RULES.conf FILE` prints the rules that match each, one line per request. A request is written as fields,
//! each a length of four bytes (little-endian) and its bytes: method, target, protocol, one zero for each header, then each
//! header's name and value, then the body.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a tool for developers that cannot go on has failed"
)]

#[path = "../tests/support/benign.rs"]
#[expect(dead_code, reason = "shared with the test of honest requests")]
mod benign;
#[path = "../tests/support/load.rs"]
mod load;
#[path = "../tests/support/stage.rs"]
#[expect(dead_code, reason = "shared with the runner of the regression tests")]
mod stage;
#[path = "../tests/support/suite.rs"]
mod suite;
#[path = "../tests/support/yaml.rs"]
mod yaml;

use std::collections::BTreeSet;
use std::io::Write as _;

use benign::Dice;
use brigandine_inspect::{Request, Scratch, Settings, Wire};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["gather", file, count] => gather(file, count.parse().unwrap()),
        ["run", rules, file] => run(rules, file),
        _ => panic!("matched gather FILE COUNT, or matched run RULES.conf FILE"),
    }
}

/// Prints the rules that match each request.
fn run(rules: &str, file: &str) {
    let rules = load::load(rules).0;
    let requests = std::fs::read(file).unwrap();
    let settings = Settings { response_body: Some(false), stop_early: false, ..Settings::default() };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut rest, mut scratch) = (requests.as_slice(), Scratch::default());
    while !rest.is_empty() {
        let wire = read(&mut rest);
        let headers = wire.header_pairs();
        let request = Request {
            protocol: &wire.third,
            headers: &headers,
            body: &wire.body,
            id: b"1",
            ..Request::new(&wire.first, &wire.second)
        };
        let mut inspection = rules.start(&settings, scratch);
        inspection.request(&request);
        let verdict;
        (verdict, scratch) = inspection.finish();
        for found in verdict.matches.iter().filter(|found| found.log) {
            write!(out, "{} ", found.rule).unwrap();
        }
        // Not a rule, but as much of a difference.
        writeln!(out, "{}", if verdict.budget_exceeded { "0" } else { "" }).unwrap();
    }
}

fn field<'f>(rest: &mut &'f [u8]) -> &'f [u8] {
    let (length, after) = rest.split_first_chunk().unwrap();
    let (bytes, after) = after.split_at(u32::from_le_bytes(*length) as usize);
    *rest = after;
    bytes
}

fn read(rest: &mut &[u8]) -> Wire {
    let [first, second, third] = std::array::from_fn(|_| field(rest).to_vec());
    let headers = field(rest).iter().map(|_| (field(rest).to_vec(), field(rest).to_vec())).collect();
    Wire { first, second, third, headers, body: field(rest).to_vec() }
}

fn write(wire: &Wire, into: &mut Vec<u8>) {
    let marks = vec![0; wire.headers.len()];
    let head = [&wire.first, &wire.second, &wire.third, &marks];
    let headers = wire.headers.iter().flat_map(|(name, value)| [name, value]);
    for bytes in head.into_iter().chain(headers).chain([&wire.body]) {
        into.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        into.extend_from_slice(bytes);
    }
}

/// Writes so many requests, the same ones every time.
fn gather(file: &str, count: usize) {
    let stages = stages();
    let inputs: Vec<Vec<u8>> = inputs().into_iter().collect();
    let mut dice = Dice::new(20_000);
    let mut wires: Vec<Wire> = stages.clone();
    wires.extend(inputs.iter().enumerate().map(|(number, input)| placed(input, number)));
    wires.extend((0..4_000).map(|number| honest(number * 2)));
    while wires.len() < count {
        wires.push(mixture(&stages, &inputs, &mut dice));
    }
    let mut bytes = Vec::new();
    for number in 0..count {
        // Of more than are wanted, some of every kind.
        write(&wires[number * wires.len() / count], &mut bytes);
    }
    std::fs::write(file, bytes).unwrap();
    println!("{count} requests, {} of them from suites", stages.len() + inputs.len());
}

/// The requests of the Core Rule Set's tests.
fn stages() -> Vec<Wire> {
    let folder = suite::folder("crs4").unwrap();
    let wires = stage::all(&folder).into_iter().map(|stage| {
        let mut wire = Wire::request(&stage::raw(&stage.input));
        if wire.header("content-length").is_none() && wire.header("transfer-encoding").is_none() {
            wire.body.clear();
        }
        wire
    });
    wires.filter(|wire| !wire.second.starts_with(b"/reflect") && !wire.second.contains(&0)).collect()
}

/// Inputs of other suites, each once.
fn inputs() -> BTreeSet<Vec<u8>> {
    let mut inputs = BTreeSet::new();
    for path in suite::files(&suite::folder("libinjection").unwrap().join("tests"), ".txt") {
        let text = std::fs::read(path).unwrap();
        let input = text.split(|byte| *byte == b'\n').skip_while(|line| *line != b"--INPUT--").skip(1);
        let lines: Vec<&[u8]> = input.take_while(|line| *line != b"--EXPECTED--").collect();
        inputs.insert(lines.join(&b'\n'));
    }
    for path in suite::files(&suite::folder("seclang-vectors").unwrap(), ".json") {
        let cases: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap_or_default();
        let cases = cases.as_array().map_or(&[][..], Vec::as_slice);
        inputs.extend(cases.iter().filter_map(|case| Some(case.get("input")?.as_str()?.as_bytes().to_vec())));
    }
    inputs
}

fn escaped(bytes: &[u8]) -> Vec<u8> {
    let escape = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'/' => vec![*byte],
        _ => format!("%{byte:02x}").into_bytes(),
    };
    bytes.iter().flat_map(escape).collect()
}

fn wire(method: &str, target: Vec<u8>, headers: &[(&str, &[u8])], body: Vec<u8>) -> Wire {
    let mut all: Vec<(Vec<u8>, Vec<u8>)> = vec![
        (b"Host".to_vec(), b"shop.example".to_vec()),
        (b"User-Agent".to_vec(), b"Mozilla/5.0 (X11; Linux x86_64)".to_vec()),
        (b"Accept".to_vec(), b"*/*".to_vec()),
    ];
    all.extend(headers.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())));
    if !body.is_empty() {
        all.push((b"Content-Length".to_vec(), body.len().to_string().into_bytes()));
    }
    Wire { first: method.as_bytes().to_vec(), second: target, third: b"HTTP/1.1".to_vec(), headers: all, body }
}

/// An input in one of the places that rules look at.
fn placed(input: &[u8], place: usize) -> Wire {
    let value = escaped(input);
    let with = |before: &[u8], after: &[u8]| [before, &value, after].concat();
    let json = || serde_json::json!({"id": 7, "note": String::from_utf8_lossy(input)}).to_string().into_bytes();
    // What would end a line cannot stand in a header.
    let plain: Vec<u8> = input.iter().copied().filter(|byte| !b"\r\n\0".contains(byte)).collect();
    match place % 8 {
        0 => wire("GET", with(b"/search?q=", b"&page=2"), &[], Vec::new()),
        1 => wire("GET", with(b"/search?", b"=1"), &[], Vec::new()),
        2 => wire("GET", with(b"/files/", b""), &[], Vec::new()),
        3 => {
            let kind: (&str, &[u8]) = ("Content-Type", b"application/x-www-form-urlencoded");
            wire("POST", b"/form".to_vec(), &[kind], with(b"name=Anna&text=", b""))
        }
        4 => wire("POST", b"/orders".to_vec(), &[("Content-Type", b"application/json")], json()),
        5 => wire("GET", b"/".to_vec(), &[("Referer", &plain)], Vec::new()),
        6 => wire("GET", b"/".to_vec(), &[("Cookie", &[b"id=7; last=".as_slice(), &plain].concat())], Vec::new()),
        _ => {
            let head = b"--x1y2\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
            let body = [head.as_slice(), input, b"\r\n--x1y2--\r\n"].concat();
            wire("POST", b"/upload".to_vec(), &[("Content-Type", b"multipart/form-data; boundary=x1y2")], body)
        }
    }
}

fn honest(number: usize) -> Wire {
    let benign = benign::request(number);
    let pair = |(name, value): &(String, String)| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    Wire {
        first: benign.method.as_bytes().to_vec(),
        second: benign.uri.into_bytes(),
        third: b"HTTP/1.1".to_vec(),
        headers: benign.headers.iter().map(pair).collect(),
        body: benign.body,
    }
}

/// A request with something of another one in it.
fn mixture(stages: &[Wire], inputs: &[Vec<u8>], dice: &mut Dice) -> Wire {
    let mut mixed = match dice.below(3) {
        0 => stages[dice.below(stages.len())].clone(),
        1 => honest(dice.below(10_000)),
        _ => placed(&inputs[dice.below(inputs.len())], dice.below(8)),
    };
    let other = &stages[dice.below(stages.len())];
    let input = &inputs[dice.below(inputs.len())];
    match dice.below(7) {
        0 => {
            let query = other.second.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
            mixed.second = [mixed.second.as_slice(), b"&", query].concat();
        }
        1 => mixed.second = [mixed.second.as_slice(), b"?extra=", &escaped(input)].concat(),
        2 => mixed.headers.extend(other.headers.iter().filter(|(name, _)| !is_framing(name)).cloned()),
        3 => {
            let cut = dice.below(mixed.body.len().max(1));
            mixed.body.truncate(cut);
        }
        4 => mixed.first.clone_from(&other.first),
        5 => {
            let place = dice.below(mixed.headers.len().max(1));
            if let Some((_, value)) = mixed.headers.get_mut(place) {
                value.extend(input.iter().copied().filter(|byte| !b"\r\n\0".contains(byte)));
            }
        }
        _ => {
            let place = dice.below(mixed.body.len() + 1);
            let value = escaped(input);
            mixed.body.splice(place..place, value);
        }
    }
    mixed
}

fn is_framing(name: &[u8]) -> bool {
    [b"content-length".as_slice(), b"transfer-encoding", b"host"].iter().any(|own| name.eq_ignore_ascii_case(own))
}
