//! The exclusion that would let exactly one request pass, found by trying: the request is replayed without the rules that refused it
//! until it passes, and then with as many of them as may stay.

use brigandine_inspect::{Action, Match, Scratch, Verdict};

use crate::{
    command::inspect::{Recorded, judge},
    firewall::{self, exclusion_for},
    serve::kept::KeptRequest,
};

/// Rounds after which a request is given up.
const ROUNDS: usize = 10;
/// Exclusions that are tried one by one; with more, all are named.
const TRIED: usize = 8;

/// What came of replaying a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Replay {
    /// It passes as it is: the rules have changed since, or what they minded was hidden.
    Passes,
    /// It is refused, and passes with these exclusions.
    With(Vec<String>),
    /// It is refused, and no exclusion helps.
    Refused,
}

/// Replays a kept request.
pub(super) fn replay(kept: &KeptRequest) -> anyhow::Result<Replay> {
    let trial = Trial { kept };
    let mut verdict = trial.with(&[])?;
    if verdict.action == Action::Allow {
        return Ok(Replay::Passes);
    }
    let mut exclude: Vec<String> = Vec::new();
    for _ in 0..ROUNDS {
        let more = candidates(&verdict.matches, &exclude);
        if more.is_empty() {
            return Ok(Replay::Refused);
        }
        exclude.extend(more);
        verdict = trial.with(&exclude)?;
        if verdict.action == Action::Allow {
            return Ok(Replay::With(trial.least(exclude)?));
        }
    }
    Ok(Replay::Refused)
}

struct Trial<'a> {
    kept: &'a KeptRequest,
}

impl Trial<'_> {
    fn with(&self, exclude: &[String]) -> anyhow::Result<Verdict> {
        let rules = firewall::load(&self.kept.judged_by.wanted(exclude))?;
        let recorded = Recorded {
            request_base64: Some(self.kept.request_base64.clone()),
            client_ip: Some(self.kept.client_ip),
            ..Recorded::default()
        };
        judge(&recorded, &rules, &mut Scratch::default())
    }

    /// Leaves out what is not needed.
    fn least(&self, mut exclude: Vec<String>) -> anyhow::Result<Vec<String>> {
        if exclude.len() > TRIED {
            return Ok(exclude);
        }
        let mut place = 0;
        while exclude.len() > 1 && place < exclude.len() {
            let mut fewer = exclude.clone();
            fewer.remove(place);
            if self.with(&fewer)?.action == Action::Allow {
                exclude = fewer;
            } else {
                place += 1;
            }
        }
        Ok(exclude)
    }
}

/// Exclusions for what matched: of the variable, or of the whole rule where that was tried already.
fn candidates(matches: &[Match], tried: &[String]) -> Vec<String> {
    let mut more: Vec<String> = Vec::new();
    for found in matches.iter().filter(|found| found.rule > 0 && !is_sum(&found.variable)) {
        let narrow = exclusion_for(found.rule, &found.variable);
        let wide = found.rule.to_string();
        let next = [narrow, wide].into_iter().find(|one| !tried.contains(one));
        more.extend(next.filter(|next| !more.contains(next)));
    }
    more
}

/// Whether a variable is one of the rules' own: a rule that looks at a score follows from others.
pub(super) fn is_sum(variable: &str) -> bool {
    variable.is_empty() || variable == "TX" || variable.starts_with("TX:") || variable.starts_with("&TX")
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;
    use crate::firewall::JudgedBy;

    fn kept(raw: &[u8], exclude: &[&str]) -> KeptRequest {
        KeptRequest {
            id: "r".to_owned(),
            at: String::new(),
            route: "POST /".to_owned(),
            judged: "refused".to_owned(),
            client_ip: [192, 0, 2, 1].into(),
            request_base64: STANDARD.encode(raw),
            hidden: Vec::new(),
            judged_by: JudgedBy {
                rules: "builtin".to_owned(),
                paranoia: 1,
                exclude: exclude.iter().map(|one| (*one).to_owned()).collect(),
            },
        }
    }

    fn found(raw: &[u8]) -> Vec<String> {
        match replay(&kept(raw, &[])).unwrap() {
            Replay::With(exclude) => exclude,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_found_lets_the_request_pass_and_no_other() {
        let raw = b"GET /read?file=../../etc/passwd&x=1 HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let exclude = found(raw);
        assert!(exclude.iter().all(|one| one.contains(' ')), "{exclude:?}");
        let words: Vec<&str> = exclude.iter().map(String::as_str).collect();
        assert_eq!(replay(&kept(raw, &words)).unwrap(), Replay::Passes);
        let other = b"GET /read?page=../../etc/passwd&x=1 HTTP/1.1\r\nhost: localhost\r\n\r\n";
        assert!(matches!(replay(&kept(other, &words)).unwrap(), Replay::With(_)));
        for one in &words {
            let fewer: Vec<&str> = words.iter().copied().filter(|other| other != one).collect();
            assert_ne!(replay(&kept(raw, &fewer)).unwrap(), Replay::Passes, "{one} is not needed");
        }
    }

    #[test]
    fn bodies_and_names_that_cannot_be_written_down_have_their_exclusion_too() {
        let json = br#"{"note": {"text": "x' OR '1'='1"}}"#;
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ";
        let mut raw = format!("{head}{}\r\n\r\n", json.len()).into_bytes();
        raw.extend_from_slice(json);
        let exclude = found(&raw);
        assert!(exclude.iter().any(|one| one.contains("note.text")), "{exclude:?}");
        let odd = b"GET /?a%22%7C%20b=../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let exclude = found(odd);
        assert!(exclude.iter().all(|one| !one.contains(['"', '|', '\\'])), "{exclude:?}");
    }

    #[test]
    fn a_request_that_nobody_minds_passes() {
        assert_eq!(replay(&kept(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", &[])).unwrap(), Replay::Passes);
    }
}
