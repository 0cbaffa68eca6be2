//! Why a request was refused: rule, variable, bytes, score, and the line of settings that would let exactly it pass.

use std::path::PathBuf;

use anyhow::Context;
use serde::Serialize;

use super::{
    exclusion::{self, Replay},
    telling,
};
use crate::{
    arguments::{Asked, Reading, TableFormat},
    command::inspect::severity,
    face::{self, Outcome, harmless},
    firewall::exclusion_for,
    project,
    serve::{
        kept::{self, KeptRequest},
        lookup::{self, Judgement, Matched, Story},
    },
    state,
};

/// All there is to say of one request.
#[derive(Serialize)]
pub(super) struct Explanation {
    pub(super) request: String,
    pub(super) at: Option<String>,
    pub(super) client: Option<String>,
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) route: Option<String>,
    pub(super) function: Option<String>,
    pub(super) status: Option<u16>,
    /// The guard that refused it, or would have.
    pub(super) guard: Option<String>,
    pub(super) reason: Option<String>,
    /// What the firewall found; in a batch of events, for each item.
    pub(super) found: Vec<Judged>,
    /// Why part of the answer was not looked at.
    pub(super) answer_unseen: Option<String>,
    /// The exclusions that would let it pass, and the line that says so in `brigandine.toml`.
    pub(super) exclude: Vec<String>,
    pub(super) line: Option<String>,
    pub(super) replay: Replayed,
}

#[derive(Serialize)]
pub(super) struct Judged {
    /// `refused`, `observed`, `noted`.
    #[serde(rename = "judged")]
    pub(super) verdict: String,
    pub(super) part: Option<String>,
    pub(super) item: Option<String>,
    pub(super) quarantined: bool,
    pub(super) score: i64,
    pub(super) over_budget: bool,
    pub(super) rules: Vec<Rule>,
}

#[derive(Serialize)]
pub(super) struct Rule {
    pub(super) id: u64,
    pub(super) severity: Option<&'static str>,
    pub(super) message: String,
    pub(super) variable: String,
    pub(super) offset: usize,
    pub(super) excerpt: String,
}

/// What came of replaying it.
#[derive(Default, Serialize)]
pub(super) struct Replayed {
    /// Whether it was kept whole.
    pub(super) kept: bool,
    /// Whether it is refused again, by the rules it was refused by.
    pub(super) refused: Option<bool>,
    /// Whether it is still refused with the line above.
    pub(super) refused_with_exclusion: Option<bool>,
    /// What was hidden in it when it was kept.
    pub(super) hidden: Vec<String>,
    /// Why it could not be replayed.
    pub(super) fault: Option<String>,
}

pub(super) fn run(id: &str, asked: &Asked) -> anyhow::Result<Outcome> {
    let data = folder(asked)?;
    let story =
        lookup::find(&data, id).with_context(|| format!("the record in `{}` cannot be read", data.display()))?;
    if story.is_empty() {
        return Err(face::sentence(
            format!("there is no request `{}` in the record in `{}`", harmless(id), data.display()),
            "the id stands in the answer, under `requestId` and `x-request-id`",
        ));
    }
    let kept =
        kept::find(&data, id).with_context(|| format!("kept requests in `{}` cannot be read", data.display()))?;
    let explanation = explain(id, story, kept.as_ref());
    match asked.format {
        TableFormat::Human => face::result(&telling::human(&explanation))?,
        TableFormat::Json => face::result(&(serde_json::to_string_pretty(&explanation)? + "\n"))?,
    }
    Ok(Outcome::Clean)
}

/// Where the record lies; with `--data`, no template is needed.
fn folder(asked: &Asked) -> anyhow::Result<PathBuf> {
    if let Some(data) = &asked.data {
        return state::existing("", Some(data));
    }
    let project = project::open_one(&asked.template, &Reading::default())
        .context("whose record is meant? name its folder with `--data DIR`, or its template with `--template PATH`")?;
    state::existing(&project.app.name, None)
}

fn explain(id: &str, story: Story, kept: Option<&KeptRequest>) -> Explanation {
    let Story { answered, judged, unseen } = story;
    let first = judged.first();
    let refusal = answered.as_ref().and_then(|answered| answered.refusal.as_ref().or(answered.observed.first()));
    let (exclude, replay) = settle(&judged, kept);
    let before = kept.map(|kept| kept.judged_by.exclude.as_slice()).unwrap_or_default();
    Explanation {
        request: id.to_owned(),
        at: answered.as_ref().map(|answered| answered.at.clone()).or_else(|| first.map(|found| found.at.clone())),
        client: answered.as_ref().map(|one| one.client.clone()).or_else(|| first.and_then(|one| one.client.clone())),
        method: answered.as_ref().map(|answered| answered.method.clone()),
        path: answered.as_ref().map(|answered| answered.path.clone()),
        route: first.and_then(|found| found.route.clone()),
        function: first.and_then(|found| found.function.clone()),
        status: answered.as_ref().map(|answered| answered.status),
        guard: refusal.map(|refusal| refusal.guard.clone()),
        reason: refusal.map(|refusal| refusal.reason.clone()),
        line: (!exclude.is_empty()).then(|| line(before, &exclude)),
        exclude,
        found: judged.into_iter().map(told).collect(),
        answer_unseen: unseen,
        replay,
    }
}

fn told(judgement: Judgement) -> Judged {
    let rule = |found: Matched| Rule {
        id: found.rule,
        severity: found.severity.map(severity),
        message: found.message,
        variable: found.variable,
        offset: found.offset,
        excerpt: found.excerpt,
    };
    Judged {
        verdict: judgement.judged,
        part: judgement.part,
        item: judgement.item,
        quarantined: judgement.quarantined,
        score: judgement.score,
        over_budget: judgement.over_budget,
        rules: judgement.matches.into_iter().map(rule).collect(),
    }
}

/// The exclusions, tried where the request was kept, and else as the record has it.
fn settle(judged: &[Judgement], kept: Option<&KeptRequest>) -> (Vec<String>, Replayed) {
    let refused = |one: &&Judgement| matches!(one.judged.as_str(), "refused" | "observed");
    let matches = judged.iter().filter(refused).flat_map(|one| &one.matches);
    let mut exclude: Vec<String> = Vec::new();
    for found in matches.filter(|found| found.rule > 0 && !exclusion::is_sum(&found.variable)) {
        let one = exclusion_for(found.rule, &found.variable);
        if !exclude.contains(&one) {
            exclude.push(one);
        }
    }
    let of_request = judged.iter().filter(refused).any(|one| one.part.as_deref() == Some("request"));
    let Some(kept) = kept.filter(|_| of_request) else { return (exclude, Replayed::default()) };
    let mut replayed = Replayed { kept: true, hidden: kept.hidden.clone(), ..Replayed::default() };
    match exclusion::replay(kept) {
        Ok(Replay::Passes) => {
            replayed.refused = Some(false);
            // Where something was hidden, what the record has may still be what is needed.
            exclude.retain(|_| !kept.hidden.is_empty());
        }
        Ok(Replay::With(found)) => {
            (replayed.refused, replayed.refused_with_exclusion) = (Some(true), Some(false));
            exclude = found;
        }
        Ok(Replay::Refused) => {
            (replayed.refused, replayed.refused_with_exclusion) = (Some(true), Some(true));
            exclude.clear();
        }
        Err(error) => replayed.fault = Some(error.to_string()),
    }
    (exclude, replayed)
}

/// The line for the settings; what was excluded before stays excluded.
fn line(before: &[String], exclude: &[String]) -> String {
    let all: Vec<String> = before.iter().chain(exclude).map(|one| format!("\"{one}\"")).collect();
    format!("exclude = [{}]", all.join(", "))
}
