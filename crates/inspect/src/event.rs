//! Invocation events: what reaches a function without a request is looked at as well.
//!
//! Every text in an event is looked at as the function may see it: as it stands, and as it reads once the wrappings that
//! event sources use are taken off. Object keys are percent-encoded (functions decode them, some twice), queues carry JSON
//! in texts and topics in queues, streams carry base64 and compressed text.

use std::io::Read as _;

use base64::Engine as _;
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::{Request, RuleSet, Settings, Verdict};

/// Wrappings that are taken off one text, one inside the other.
const DEEPEST: usize = 5;
/// Texts of one event that are looked at, wrappings counted.
const MOST_TEXTS: usize = 20_000;
/// Bytes that unwrapping may make of one event.
const MOST_BYTES: usize = 16 * 1024 * 1024;

impl RuleSet {
    /// Inspects an invocation event, JSON text. What is not JSON is looked at as plain text. Variables are named by the path
    /// of the text: `ARGS:json.Records.0.s3.object.key`.
    pub fn inspect_event(&self, event: &[u8], settings: &Settings) -> Verdict {
        let mut leaves = Leaves { found: Vec::new(), bytes: 0, overflowed: false };
        match serde_json::from_slice::<Value>(event) {
            Ok(event) => leaves.walk(&mut String::new(), &event, 0),
            Err(_) => leaves.text("", &String::from_utf8_lossy(event), 0),
        }
        let overflowed = leaves.overflowed;
        let body = leaves.into_json();
        let length = body.len().to_string();
        let headers: [(&[u8], &[u8]); 5] = [
            (b"Host", b"event"),
            (b"User-Agent", b"event"),
            (b"Accept", b"*/*"),
            (b"Content-Type", b"application/json"),
            (b"Content-Length", length.as_bytes()),
        ];
        let request = Request { headers: &headers, body: &body, ..Request::new(b"POST", b"/") };
        let mut verdict = self.inspect(&request, settings);
        if overflowed {
            // What could not be looked at to its end is not let pass.
            (verdict.action, verdict.status, verdict.budget_exceeded) = (crate::Action::Block, 403, true);
        }
        verdict
    }
}

/// The texts of an event with the paths that lead to them.
struct Leaves {
    found: Vec<(String, String)>,
    bytes: usize,
    overflowed: bool,
}

impl Leaves {
    fn walk(&mut self, path: &mut String, value: &Value, depth: usize) {
        let length = path.len();
        let step = |path: &mut String, name: &str| {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
        };
        match value {
            Value::String(text) => self.text(path, text, depth),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    step(path, &index.to_string());
                    self.walk(path, item, depth);
                    path.truncate(length);
                }
            }
            Value::Object(entries) => {
                for (name, item) in entries {
                    step(path, name);
                    self.walk(path, item, depth);
                    path.truncate(length);
                }
            }
            Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }

    /// A text as it stands, and as what it may hold.
    fn text(&mut self, path: &str, text: &str, depth: usize) {
        if self.found.len() >= MOST_TEXTS || self.bytes.saturating_add(text.len()) > MOST_BYTES {
            self.overflowed = true;
            return;
        }
        self.bytes += text.len();
        self.found.push((path.to_owned(), text.to_owned()));
        if depth >= DEEPEST {
            return;
        }
        if let Some(inner) = json(text) {
            self.walk(&mut path.to_owned(), &inner, depth + 1);
            return;
        }
        // A text may be read either way: plus signs are letters of base64.
        if let Some(decoded) = unpacked(text, MOST_BYTES - self.bytes) {
            self.text(path, &decoded, depth + 1);
        }
        if let Some(decoded) = percent_decoded(text) {
            self.text(path, &decoded, depth + 1);
        }
    }

    /// One JSON object with an entry for each text.
    fn into_json(self) -> Vec<u8> {
        let mut body = vec![b'{'];
        for (place, (path, text)) in self.found.iter().enumerate() {
            if place > 0 {
                body.push(b',');
            }
            for (part, end) in [(path, b':'), (text, b' ')] {
                body.extend_from_slice(Value::from(part.as_str()).to_string().as_bytes());
                body.push(end);
            }
        }
        body.push(b'}');
        body
    }
}

/// What a text holds when it is JSON: an object, a list, or a text once more.
fn json(text: &str) -> Option<Value> {
    let trimmed = text.trim_start();
    trimmed.starts_with(['{', '[', '"']).then(|| serde_json::from_str(text).ok()).flatten()
}

/// A text with its percent-encoding undone and plus signs as blanks, where that changes it.
fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') && !text.contains('+') {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, after.split_at_checked(2)) {
            (b'%', Some((digits, beyond))) if digits.iter().all(u8::is_ascii_hexdigit) => {
                let digit =
                    |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or(0);
                bytes.push(digits.iter().fold(0, |value, byte| value << 4 | digit(*byte)));
                rest = beyond;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(first),
        }
    }
    let decoded = String::from_utf8_lossy(&bytes).into_owned();
    (decoded != text).then_some(decoded)
}

/// What a text holds when it is base64, compressed or not. Short words that merely could be base64 are left alone, as is
/// what holds no text.
fn unpacked(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    if text.len() < 8 || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte)) {
        return None;
    }
    let standard = text.replace('-', "+").replace('_', "/");
    let engine = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let bytes = engine.decode(standard).ok()?;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        // One byte more than there is room for: what does not fit is seen not to.
        GzDecoder::new(bytes.as_slice()).take(most as u64 + 1).read_to_end(&mut plain).ok()?;
        plain
    } else {
        bytes
    };
    let decoded = String::from_utf8_lossy(&bytes).into_owned();
    let odd = decoded.chars().filter(|one| *one == '\u{fffd}' || one.is_control() && !one.is_whitespace()).count();
    (odd * 4 <= decoded.chars().count()).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::{Action, Configuration, Sources};

    fn rules() -> RuleSet {
        let text = "SecRuleEngine On\nSecRequestBodyAccess On\nSecRule ARGS \"@contains ../\" \"id:1,phase:2,deny\"\n";
        RuleSet::load(&Configuration::default().with_text("test", text), &Sources::new()).unwrap()
    }

    fn blocked(event: &Value) -> bool {
        rules().inspect_event(event.to_string().as_bytes(), &Settings::default()).action == Action::Block
    }

    fn base64(bytes: &[u8]) -> String {
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    #[test]
    fn every_wrapping_is_taken_off() {
        let attack = "../../etc/passwd";
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(serde_json::json!({"logEvents": [{"message": attack}]}).to_string().as_bytes()).unwrap();
        let wrapped = serde_json::json!({"Message": serde_json::json!({"file": attack}).to_string()}).to_string();
        for event in [
            serde_json::json!({"Records": [{"s3": {"object": {"key": "..%2F..%2Fetc%2Fpasswd"}}}]}),
            serde_json::json!({"Records": [{"s3": {"object": {"key": "..%252F..%252Fetc"}}}]}),
            serde_json::json!({"Records": [{"body": wrapped}]}),
            serde_json::json!({"Records": [{"kinesis": {"data": base64(attack.as_bytes())}}]}),
            serde_json::json!({"awslogs": {"data": base64(&packed.finish().unwrap())}}),
            serde_json::json!({"detail": {"deep": [[attack]]}}),
        ] {
            assert!(blocked(&event), "{event}");
        }
        assert!(!blocked(&serde_json::json!({"Records": [{"body": "{\"note\": \"fine\"}", "n": 1}]})));
    }

    #[test]
    fn an_event_that_grows_without_end_is_refused() {
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        bomb.write_all(&vec![b'a'; 2 * MOST_BYTES]).unwrap();
        let event = serde_json::json!({"awslogs": {"data": base64(&bomb.finish().unwrap())}});
        let verdict = rules().inspect_event(event.to_string().as_bytes(), &Settings::default());
        assert!(verdict.budget_exceeded && verdict.action == Action::Block);
    }

    #[test]
    fn what_is_no_json_is_looked_at_as_it_is() {
        let verdict = rules().inspect_event(b"../secret", &Settings::default());
        assert_eq!(verdict.action, Action::Block);
    }
}
