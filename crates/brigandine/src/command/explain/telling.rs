//! An explanation as a person reads it. Whatever a stranger sent is shown, never obeyed by the terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{
    exclusion::is_sum,
    request::{Explanation, Judged},
};
use crate::face::harmless;

/// The whole of it.
pub(super) fn human(explanation: &Explanation) -> String {
    let bold = Style::new().bold();
    let mut text = format!("{bold}request {}{bold:#}\n", harmless(&explanation.request));
    writeln!(text, "  {}", headline(explanation)).unwrap_or_default();
    if explanation.found.is_empty() {
        writeln!(text, "  {}", without_findings(explanation)).unwrap_or_default();
    }
    for found in &explanation.found {
        judgement(&mut text, found);
    }
    if let Some(reason) = &explanation.answer_unseen {
        writeln!(text, "\nThe answer was not looked at whole: {}.", harmless(reason)).unwrap_or_default();
    }
    if let Some(line) = &explanation.line {
        let only = if explanation.replay.refused_with_exclusion == Some(false) { "exactly " } else { "" };
        write!(text, "\nTo let {only}this pass, in brigandine.toml:\n\n  [waf]\n  {line}\n").unwrap_or_default();
    }
    if explanation.found.iter().any(|found| found.verdict != "noted") {
        writeln!(text, "\n{}", replayed(explanation)).unwrap_or_default();
    }
    text
}

fn headline(explanation: &Explanation) -> String {
    let mut parts: Vec<String> = Vec::new();
    match (&explanation.method, &explanation.path, &explanation.function) {
        (Some(method), Some(path), _) => parts.push(format!("{} {}", harmless(method), harmless(path))),
        (_, _, Some(function)) => parts.push(format!("an event for {}", harmless(function))),
        _ => parts.extend(explanation.route.as_deref().map(harmless)),
    }
    parts.extend(explanation.client.as_ref().map(|client| format!("from {}", harmless(client))));
    parts.extend(explanation.at.as_ref().map(|at| format!("at {}", harmless(at))));
    parts.extend(explanation.status.map(|status| format!("answered {status}")));
    parts.join("  ")
}

fn without_findings(explanation: &Explanation) -> String {
    match (&explanation.guard, &explanation.reason) {
        (Some(guard), Some(reason)) => {
            format!("the firewall found nothing; {}: {}", harmless(guard), harmless(reason))
        }
        _ => "the firewall found nothing, and no guard refused it".to_owned(),
    }
}

fn judgement(text: &mut String, found: &Judged) {
    let answer = found.part.as_deref() == Some("answer");
    let verdict = match (found.verdict.as_str(), answer) {
        ("refused", false) => "refused by the firewall",
        ("refused", true) => "its answer was withheld by the firewall",
        ("observed", false) => "would be refused, but the firewall only observes",
        ("observed", true) => "its answer would be withheld, but the firewall only observes",
        _ => "it passed: what the firewall found was not enough",
    };
    let item = found.item.as_ref().map_or_else(String::new, |item| format!("item {}: ", harmless(item)));
    let kept = if found.quarantined { ", put into quarantine" } else { "" };
    write!(text, "\n  {item}{verdict}{kept}; score {}\n", found.score).unwrap_or_default();
    if found.over_budget {
        text.push_str("  looking at all of it would have cost too much, so it was refused; no exclusion helps\n");
    }
    let code = Style::new().fg_color(Some(AnsiColor::Cyan.into()));
    for rule in found.rules.iter().filter(|rule| !is_sum(&rule.variable)) {
        let severity = rule.severity.map_or_else(String::new, |severity| format!(" ({severity})"));
        write!(text, "\n  rule {}{severity}  {}\n", rule.id, harmless(&rule.message)).unwrap_or_default();
        writeln!(text, "    in {}, from byte {}:", harmless(&rule.variable), rule.offset).unwrap_or_default();
        writeln!(text, "      {code}{}{code:#}", harmless(&rule.excerpt)).unwrap_or_default();
    }
}

fn replayed(explanation: &Explanation) -> String {
    let replay = &explanation.replay;
    let told = match (replay.kept, &replay.fault, replay.refused, replay.refused_with_exclusion) {
        (false, ..) if explanation.function.is_some() => "Not replayed: it was an event.".to_owned(),
        (false, ..) => {
            "Not replayed: it was not kept whole; `[record] requests = \"blocked\"` keeps what the firewall refuses."
                .to_owned()
        }
        (_, Some(fault), ..) => format!("Not replayed: {}.", harmless(fault)),
        (_, _, Some(true), Some(false)) => "Replayed: refused again; with this line it passes.".to_owned(),
        (_, _, Some(true), _) => "Replayed: refused again, and no exclusion of rules lets it pass.".to_owned(),
        _ if replay.hidden.is_empty() => "Replayed: it passes now, without any exclusion.".to_owned(),
        _ => "Replayed: it passes, perhaps for what was hidden in it when it was kept.".to_owned(),
    };
    if replay.hidden.is_empty() { told } else { format!("{told} Hidden: {}.", harmless(&replay.hidden.join(", "))) }
}
