//! The findings register: what was found, since when, whose it is, until when it should be gone, and what became of it.
//!
//! One JSON file beside the templates, sorted and indented, so that its differences read well. An entry is known again by rule,
//! resource and fact, never by a line. People may write `owner`, `due`, `reason` and `until` into it, and set `state` to
//! `accepted`; the rest is kept by the program.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use brigandine_model::{Finding, Scope, Severity, Span, Suppressed, Suppression};
use brigandine_report::fingerprint;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::face;

/// Largest register, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;
const VERSION: u32 = 1;

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Register {
    version: u32,
    findings: Vec<Entry>,
}

/// One finding and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) code: String,
    pub(crate) file: String,
    pub(crate) resource: Option<String>,
    pub(crate) title: String,
    pub(crate) severity: String,
    pub(crate) state: State,
    first_seen: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<Date>,
    /// Why it is acceptable, and the last day on which it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fixed: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    days_to_fix: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    regressed: Option<Date>,
    pub(crate) fingerprint: String,
}

/// What is the case with a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Found, and to be fixed.
    Open,
    /// Found, and people chose to live with it.
    Accepted,
    /// Not found any more.
    Fixed,
    /// Found again after it was fixed.
    Regressed,
}

/// What one run saw.
pub(crate) struct Seen<'a> {
    /// What is wrong.
    pub(crate) findings: &'a [Finding],
    /// What is wrong and accepted in the template.
    pub(crate) suppressed: &'a [Suppressed],
    /// Whether the run judged the rule of an entry on its template and resource, so that its absence means something.
    pub(crate) judged: &'a dyn Fn(&Entry) -> bool,
    /// The day.
    pub(crate) today: Date,
}

/// What changed, for people.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) new: usize,
    pub(crate) fixed: usize,
    pub(crate) regressed: usize,
}

type Key = (String, String);

impl Register {
    /// The register of a file; an empty one where there is no file yet.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        match std::fs::metadata(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { version: VERSION, findings: Vec::new() });
            }
            Err(error) => return Err(fault(file, &error.to_string())),
            Ok(about) if about.len() > LARGEST => return Err(fault(file, "the file is too large for a register")),
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(file).map_err(|error| fault(file, &error.to_string()))?;
        let register: Self = serde_json::from_str(&text).map_err(|error| fault(file, &error.to_string()))?;
        if register.version > VERSION {
            return Err(fault(file, "the register was written by a later version of this program"));
        }
        Ok(register)
    }

    /// Writes the register where something changed: as a whole or not at all.
    pub(crate) fn write(&self, file: &Path, before: &Self) -> anyhow::Result<()> {
        if self == before && file.exists() {
            return Ok(());
        }
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        let mut beside = file.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, file));
        written.map_err(|error| fault(file, &error.to_string()))
    }

    /// Takes out of the findings what the register accepts today, as suppressed.
    pub(crate) fn accept(&self, file: &Path, findings: &mut Vec<Finding>, today: Date) -> Vec<Suppressed> {
        let holding = |entry: &&Entry| entry.state == State::Accepted && entry.is_accepted(today);
        let accepted: BTreeMap<Key, &Entry> =
            self.findings.iter().filter(holding).map(|entry| (entry.key(), entry)).collect();
        let mut suppressed = Vec::new();
        let mut left = Vec::with_capacity(findings.len());
        for finding in findings.drain(..) {
            match accepted.get(&key(&finding, file)) {
                Some(entry) => suppressed.push(Suppressed { by: entry.suppression(file, &finding), finding }),
                None => left.push(finding),
            }
        }
        *findings = left;
        suppressed
    }

    /// Brings the register up to date with a run.
    pub(crate) fn update(&mut self, file: &Path, seen: &Seen<'_>) -> Change {
        let mut change = Change::default();
        let mut entries: BTreeMap<Key, Entry> = BTreeMap::new();
        for entry in std::mem::take(&mut self.findings) {
            entries.insert(entry.key(), entry);
        }
        let mut present = std::collections::BTreeSet::new();
        for finding in seen.findings {
            let key = key(finding, file);
            present.insert(key.clone());
            let entry = entries.entry(key).or_insert_with_key(|key| {
                change.new += 1;
                Entry::new(finding, key, seen.today)
            });
            change.regressed += usize::from(entry.found(finding, seen.today));
        }
        for one in seen.suppressed {
            let key = key(&one.finding, file);
            present.insert(key.clone());
            let entry = entries.entry(key).or_insert_with_key(|key| Entry::new(&one.finding, key, seen.today));
            entry.accepted(one);
        }
        for (key, entry) in &mut entries {
            if !present.contains(key) && entry.state != State::Fixed && (seen.judged)(entry) {
                entry.fix(seen.today);
                change.fixed += 1;
            }
        }
        self.version = VERSION;
        self.findings = entries.into_values().collect();
        self.findings.sort_by(|one, other| one.order().cmp(&other.order()));
        change
    }

    /// One line: what is open, what is late, what was accepted, and how long fixing takes.
    pub(crate) fn summary(&self, change: &Change, today: Date) -> String {
        let number = |state| self.findings.iter().filter(|entry| entry.state == state).count();
        let open = number(State::Open) + number(State::Regressed);
        let overdue = self.findings.iter().filter(|entry| entry.is_overdue(today)).count();
        let mut parts = vec![format!("{open} open")];
        let mut note = |number: usize, words: &str| {
            if number > 0 {
                parts.push(format!("{number} {words}"));
            }
        };
        note(overdue, "overdue");
        note(change.new, "new");
        note(change.regressed, "came back");
        note(number(State::Accepted), "accepted");
        note(change.fixed, "fixed now");
        note(number(State::Fixed), "fixed in all");
        if let Some(days) = self.median_days() {
            let unit = if days == 1 { "day" } else { "days" };
            parts.push(format!("half of them within {days} {unit}"));
        }
        format!("register: {}", parts.join(", "))
    }

    fn median_days(&self) -> Option<i32> {
        let mut days: Vec<i32> = self.findings.iter().filter_map(|entry| entry.days_to_fix).collect();
        days.sort_unstable();
        days.get(days.len().checked_sub(1)? / 2).copied()
    }

    /// Findings that came back, for people.
    pub(crate) fn came_back(&self, today: Date) -> impl Iterator<Item = &Entry> {
        self.findings.iter().filter(move |entry| entry.state == State::Regressed && entry.regressed == Some(today))
    }
}

impl Entry {
    fn new(finding: &Finding, key: &Key, today: Date) -> Self {
        Self {
            code: finding.code.to_string(),
            file: key.0.clone(),
            resource: finding.resource.as_ref().map(ToString::to_string),
            title: finding.title.clone(),
            severity: finding.severity.as_str().to_owned(),
            state: State::Open,
            first_seen: today,
            owner: None,
            due: due(finding.severity, today),
            reason: None,
            until: None,
            fixed: None,
            days_to_fix: None,
            regressed: None,
            fingerprint: key.1.clone(),
        }
    }

    fn key(&self) -> Key {
        (self.file.clone(), self.fingerprint.clone())
    }

    fn order(&self) -> impl Ord + '_ {
        (&self.file, &self.code, &self.resource, &self.fingerprint)
    }

    /// The finding was made and nothing hides it. Says whether it had been fixed before.
    fn found(&mut self, finding: &Finding, today: Date) -> bool {
        self.title.clone_from(&finding.title);
        finding.severity.as_str().clone_into(&mut self.severity);
        let again = self.state == State::Fixed;
        match self.state {
            State::Fixed => {
                self.state = State::Regressed;
                self.regressed = Some(today);
                self.fixed = None;
                self.days_to_fix = None;
                self.due = due(finding.severity, today);
            }
            // What was accepted in the template, or here for a time that is over, is to be fixed again.
            State::Accepted => {
                self.state = State::Open;
                self.due = self.due.or(due(finding.severity, today));
            }
            State::Open | State::Regressed => {}
        }
        again
    }

    fn accepted(&mut self, one: &Suppressed) {
        self.state = State::Accepted;
        self.title.clone_from(&one.finding.title);
        self.fixed = None;
        let by = &one.by;
        let take = |own: &mut Option<String>, theirs: &Option<std::sync::Arc<str>>| {
            if let Some(theirs) = theirs {
                *own = Some(theirs.to_string());
            }
        };
        take(&mut self.reason, &by.reason);
        take(&mut self.owner, &by.owner);
        self.until = by.until.or(self.until);
    }

    fn fix(&mut self, today: Date) {
        self.state = State::Fixed;
        self.fixed = Some(today);
        let began = self.regressed.unwrap_or(self.first_seen);
        self.days_to_fix = began.until(today).ok().map(|span| span.get_days().max(0));
    }

    fn is_accepted(&self, today: Date) -> bool {
        let has_reason = self.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
        has_reason && self.until.is_none_or(|last| today <= last)
    }

    fn is_overdue(&self, today: Date) -> bool {
        matches!(self.state, State::Open | State::Regressed) && self.due.is_some_and(|due| due < today)
    }

    fn suppression(&self, register: &Path, finding: &Finding) -> Suppression {
        let at = Span { file: register.display().to_string().into(), start: 0, end: 0, line: 1, column: 1 };
        Suppression {
            code: finding.code.clone(),
            reason: self.reason.as_deref().map(Into::into),
            owner: self.owner.as_deref().map(Into::into),
            until: self.until,
            scope: finding.resource.clone().map_or(Scope::File, Scope::Resource),
            span: at,
            peer: None,
        }
    }
}

/// The day by which a finding should be gone, unless people set another.
fn due(severity: Severity, today: Date) -> Option<Date> {
    let days = match severity {
        Severity::Critical => 7,
        Severity::High => 30,
        Severity::Medium => 90,
        Severity::Low | Severity::Info => return None,
    };
    today.checked_add(jiff::Span::new().days(days)).ok()
}

/// What makes a finding the same from run to run: its template as seen from the register, and its fingerprint.
fn key(finding: &Finding, register: &Path) -> Key {
    let file = finding.span.as_ref().map_or("", |span| &*span.file);
    (seen_from(register, file), fingerprint(finding))
}

/// The path of a template as seen from the folder of a register, with forward slashes, wherever the check was run from.
pub(crate) fn seen_from(register: &Path, file: &str) -> String {
    let folder = register.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let below = || {
        let file = Path::new(file).canonicalize().ok()?;
        file.strip_prefix(folder.canonicalize().ok()?).ok().map(Path::to_owned)
    };
    let path = below().unwrap_or_else(|| PathBuf::from(file));
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    let parts: Vec<String> = parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/").replacen("//", "/", 1)
}

fn fault(file: &Path, what: &str) -> anyhow::Error {
    face::sentence(
        format!("`{}`: {what}", file.display()),
        "name a register of findings, or a file that is not there yet",
    )
}

/// What a baseline knows: a register, or an earlier result in JSON, which name their findings alike.
#[derive(Debug, Deserialize)]
pub(crate) struct Baseline {
    findings: Vec<Known>,
}

/// A finding of a baseline.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Known {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) file: Option<String>,
    #[serde(default)]
    pub(crate) resource: Option<String>,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    state: Option<String>,
    pub(crate) fingerprint: String,
}

impl Baseline {
    /// Reads a baseline; it must be there.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let fault = |what: &str| {
            let help = "a baseline is a register (`--register FILE`) or a result (`--format json > FILE`)";
            face::sentence(format!("`{}`: {what}", file.display()), help)
        };
        let size = std::fs::metadata(file).map_err(|error| fault(&error.to_string()))?.len();
        if size > LARGEST {
            return Err(fault("the file is too large for a baseline"));
        }
        let text = std::fs::read_to_string(file).map_err(|error| fault(&error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| fault(&error.to_string()))
    }

    /// The findings of then, without those that were fixed.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Known> {
        self.findings.iter().filter(|known| known.state.as_deref() != Some("fixed"))
    }
}

#[cfg(test)]
mod tests;
