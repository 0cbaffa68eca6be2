//! One request in the record: what was said of it, whichever segment it stands in.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// What the record says of one request.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// How it was answered.
    pub(crate) answered: Option<Answered>,
    /// What the firewall found, in order.
    pub(crate) judged: Vec<Judgement>,
    /// Why part of the answer was not looked at.
    pub(crate) unseen: Option<String>,
}

/// How a request was answered, as recorded.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Answered {
    pub(crate) at: String,
    pub(crate) client: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) refusal: Option<Refused>,
    #[serde(default)]
    pub(crate) observed: Vec<Refused>,
}

/// What a guard said.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Refused {
    pub(crate) guard: String,
    pub(crate) reason: String,
}

/// What the firewall found, as recorded.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Judgement {
    pub(crate) at: String,
    pub(crate) judged: String,
    pub(crate) part: Option<String>,
    pub(crate) route: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) function: Option<String>,
    pub(crate) item: Option<String>,
    #[serde(default)]
    pub(crate) quarantined: bool,
    pub(crate) score: i64,
    pub(crate) over_budget: bool,
    pub(crate) matches: Vec<Matched>,
}

/// A rule that matched, as recorded.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Matched {
    pub(crate) rule: u64,
    pub(crate) severity: Option<u8>,
    pub(crate) message: String,
    pub(crate) variable: String,
    pub(crate) offset: usize,
    pub(crate) excerpt: String,
}

impl Story {
    /// Whether the record says nothing of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.answered.is_none() && self.judged.is_empty()
    }

    /// Takes in one line, where it is about this request. A line cut off by a crash is about nothing.
    fn read(&mut self, line: &str, id: &str) {
        #[derive(Deserialize)]
        struct Head {
            event: String,
            request: Option<String>,
            reason: Option<String>,
        }
        let Ok(head) = serde_json::from_str::<Head>(line) else { return };
        if head.request.as_deref() != Some(id) {
            return;
        }
        match head.event.as_str() {
            "request-answered" => self.answered = serde_json::from_str(line).ok().or(self.answered.take()),
            "content-judged" | "event-judged" => self.judged.extend(serde_json::from_str(line).ok()),
            "answer-unseen" => self.unseen = head.reason,
            _ => {}
        }
    }
}

/// What the record in a data folder says of a request.
pub(crate) fn find(data: &Path, id: &str) -> std::io::Result<Story> {
    let mut story = Story::default();
    for path in segments(data)? {
        let mut reader = match File::open(&path) {
            // It was put aside, or went, meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => BufReader::new(other?),
        };
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            if let Some(text) = std::str::from_utf8(&line).ok().filter(|text| text.contains(id)) {
                story.read(text, id);
            }
            line.clear();
        }
        // What is said of one request stands close together; at most a turn of the segments lies between.
        if story.answered.is_some() {
            break;
        }
    }
    Ok(story)
}

/// The segments of the record, the youngest first.
fn segments(data: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut numbered = Vec::new();
    for entry in std::fs::read_dir(data)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(number) = name.strip_prefix("events").and_then(|rest| rest.strip_suffix(".ndjson")) else { continue };
        let number = if number.is_empty() { Some(0) } else { number.trim_start_matches('.').parse::<u32>().ok() };
        numbered.extend(number.map(|number| (number, path)));
    }
    numbered.sort();
    Ok(numbered.into_iter().map(|(_, path)| path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERED: &str = r#"{"at":"t","event":"request-answered","request":"a","client":"::1","method":"GET","path":"/","status":403,"refusal":{"guard":"inspection","reason":"no"},"observed":[]}"#;
    const JUDGED: &str = r#"{"at":"t","event":"content-judged","request":"a","client":"::1","route":"GET /","part":"request","judged":"refused","score":5,"work":1,"over_budget":false,"matches":[]}"#;

    #[test]
    fn a_request_is_found_in_whatever_segment_and_beside_torn_lines() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
        write("events.2.ndjson", &format!("{JUDGED}\n"));
        write("events.1.ndjson", &format!("{ANSWERED}\n"));
        write("events.ndjson", "{\"at\":\"t\",\"event\":\"request-answered\",\"request\":\"a\",\"cli");
        write("events.x.ndjson", "no");
        let story = find(place.path(), "a").unwrap();
        assert_eq!(story.answered.unwrap().status, 403);
        write("events.1.ndjson", &format!("\u{0}garbage a\n{JUDGED}\n{ANSWERED}\n"));
        assert_eq!(find(place.path(), "a").unwrap().judged.len(), 1);
        assert!(find(place.path(), "b").unwrap().is_empty());
        assert!(find(&place.path().join("nowhere"), "a").is_err());
    }
}
