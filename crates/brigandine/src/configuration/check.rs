//! What can be wrong with the values under `[check]`.

use std::path::{Component, Path};

use brigandine_rules::{DEFAULT_PROFILE, Selection};

use super::{Configuration, Fault};
use crate::face;

/// Levels a run may fail on.
const LEVELS: [&str; 6] = ["info", "low", "medium", "high", "critical", "never"];
/// Severities of a finding.
const SEVERITIES: [&str; 5] = ["info", "low", "medium", "high", "critical"];

/// Every fault at once.
pub(super) fn faults(configuration: &Configuration) -> Vec<Fault> {
    let check = &configuration.written.check;
    let mut faults = Vec::new();
    let mut note = |path: &[&str], what: String| faults.push(configuration.fault(path, what));
    if let Some(profile) = &check.profile
        && let Err(error) = Selection::new(profile, &[], &[])
    {
        note(&["check", "profile"], error.to_string());
    }
    for (key, codes) in [("select", &check.select), ("ignore", &check.ignore)] {
        for code in codes {
            if let Err(error) = Selection::new(DEFAULT_PROFILE, std::slice::from_ref(code), &[]) {
                note(&["check", key], error.to_string());
            }
        }
    }
    if let Some(what) = check.fail_on.as_deref().and_then(|level| wrong("level", level, &LEVELS)) {
        note(&["check", "fail_on"], what);
    }
    for (key, path) in [("baseline", &check.baseline), ("register", &check.register)] {
        if let Some(path) = path.as_deref().filter(|path| !is_below(path)) {
            note(&["check", key], format!("`{}` leads out of this file's folder", path.display()));
        }
    }
    for (code, rule) in &check.rules {
        if let Err(error) = Selection::new(DEFAULT_PROFILE, std::slice::from_ref(code), &[]) {
            note(&["check", "rules", code], error.to_string());
        }
        if let Some(what) = rule.severity.as_deref().and_then(|word| wrong("severity", word, &SEVERITIES)) {
            note(&["check", "rules", code, "severity"], what);
        }
        if rule.ignore.as_deref().is_some_and(|reason| reason.trim().is_empty()) {
            let what = "the reason is empty: say why its findings are acceptable".to_owned();
            note(&["check", "rules", code, "ignore"], what);
        }
    }
    faults
}

fn wrong(kind: &str, word: &str, known: &[&str]) -> Option<String> {
    if known.contains(&word) {
        return None;
    }
    let hint = face::nearest(word, known.iter().copied())
        .map_or_else(|| format!("; it is one of {}", known.join(", ")), |near| format!("; did you mean `{near}`?"));
    Some(format!("`{word}` is no {kind}{hint}"))
}

/// Whether a path stays below where it starts.
fn is_below(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
