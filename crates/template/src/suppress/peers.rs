//! Suppressions that a team wrote for other checkers, so that it need not write them all again.
//!
//! They carry a reason at best, and neither owner nor end. What they name is translated through a table of ids; an id that
//! is not in it is about something we do not ask, and says nothing here.

use std::{collections::BTreeMap, sync::LazyLock};

use brigandine_model::{LogicalId, Scope, Span, Suppression};
use jiff::civil::Date;

use super::Reader;
use crate::{Map, Node, Origin, Place, load::Comment};

const TABLE: &str = include_str!("../../data/peers.txt");

type Ids = BTreeMap<(&'static str, &'static str), Vec<&'static str>>;

static CODES: LazyLock<Ids> = LazyLock::new(|| {
    let lines = TABLE.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entry = |line: &'static str| {
        let mut words = line.split_whitespace();
        Some(((words.next()?, words.next()?), words.collect()))
    };
    lines.filter_map(entry).collect()
});

/// Where in the metadata of a resource a checker looks: its name in the table, the path, the key of the id, that of the reason.
const METADATA: &[(&str, &[&str], &str, &str)] = &[
    ("checkov", &["Metadata", "checkov", "skip"], "id", "comment"),
    ("cfn_nag", &["Metadata", "cfn_nag", "rules_to_suppress"], "id", "reason"),
    ("cdk_nag", &["Metadata", "cdk_nag", "rules_to_suppress"], "id", "reason"),
    ("cfn-lint", &["Metadata", "cfn-lint", "config", "ignore_checks"], "", ""),
];

/// One id as it was written, with what was written beside it.
struct Written<'a> {
    tool: &'static str,
    id: &'a str,
    reason: Option<&'a str>,
    until: Option<Date>,
}

impl Reader<'_> {
    /// What a comment says to other checkers. They mean the resource that the comment stands in.
    pub(super) fn comment_for_peers(&mut self, comment: &Comment) {
        let Some((resource, span)) = self.resource_around(comment).zip(Origin::written(comment.place).span(self.file))
        else {
            return;
        };
        let scope = Scope::Resource(resource);
        let text = comment.text.clone();
        if let Some((id, reason)) = checkov(&text) {
            self.peer(&Written { tool: "checkov", id, reason, until: None }, &scope, &span);
        }
        for (id, until) in trivy(&text) {
            self.peer(&Written { tool: "trivy", id, reason: None, until }, &scope, &span);
        }
    }

    /// What the metadata of a resource, or of the whole template, says to other checkers.
    pub(super) fn metadata_for_peers(&mut self, holder: &Node, scope: &Scope) {
        for (tool, path, id, reason) in METADATA {
            for item in holder.at(path).and_then(Node::as_list).unwrap_or_default() {
                let text = |key: &str| item.get(key).and_then(Node::as_text);
                let Some((id, span)) = text(id).or(item.as_text()).zip(item.origin.span(self.file)) else { continue };
                self.peer(&Written { tool, id, reason: text(reason), until: None }, scope, &span);
            }
        }
    }

    fn peer(&mut self, written: &Written<'_>, scope: &Scope, span: &Span) {
        let id = written.id.trim().to_ascii_uppercase();
        let known = id.strip_prefix("AVD-").unwrap_or(&id);
        for code in CODES.get(&(written.tool, known)).into_iter().flatten() {
            self.take(Suppression {
                code: (*code).into(),
                reason: written.reason.map(str::trim).filter(|reason| !reason.is_empty()).map(Into::into),
                owner: None,
                until: written.until,
                scope: scope.clone(),
                span: span.clone(),
                peer: Some(written.id.trim().into()),
            });
        }
    }

    /// The resource a comment stands in, or right above: a comment no deeper than the resources' names belongs to the next one.
    fn resource_around(&self, comment: &Comment) -> Option<LogicalId> {
        let resources = self.document.root.get("Resources")?.as_map()?;
        let mut inside = None;
        for (id, key, end) in extents(resources) {
            if key.start > comment.place.start {
                let above = comment.alone && comment.place.column <= key.column && comment.place.line + 1 == key.line;
                return if above { Some(LogicalId::new(id)) } else { inside };
            }
            let deeper = comment.place.line == key.line || comment.place.column > key.column;
            inside = (deeper && comment.place.start <= end).then(|| LogicalId::new(id));
        }
        inside
    }
}

/// The resources in the order of the text, with the place of the name and where the resource ends: where the next one begins.
fn extents(resources: &Map) -> Vec<(&str, Place, u32)> {
    let mut found: Vec<(&str, Place, u32)> = resources
        .entries()
        .filter_map(|(id, key, node)| {
            let (key, node) = (key.place?, node.origin.place?);
            Some((&**id, key, node.end.max(key.end)))
        })
        .collect();
    found.sort_by_key(|(_, key, _)| key.start);
    let starts: Vec<u32> = found.iter().skip(1).map(|(_, key, _)| key.start).collect();
    found.iter_mut().zip(starts).for_each(|((_, _, end), next)| *end = next);
    found
}

/// `checkov:skip=ID` or `checkov:skip=ID:reason`.
fn checkov(text: &str) -> Option<(&str, Option<&str>)> {
    let (_, rest) = text.split_once("checkov:skip=")?;
    let end = rest.find(|sign: char| sign == ':' || sign.is_whitespace()).unwrap_or(rest.len());
    let (id, rest) = rest.split_at_checked(end)?;
    Some((id, rest.strip_prefix(':')))
}

/// `trivy:ignore:ID`, `tfsec:ignore:ID`, each with `:exp:DATE` behind it where it ends; any number on one line. One whose end
/// cannot be read does not hold.
fn trivy(text: &str) -> Vec<(&str, Option<Date>)> {
    let words = text.split_whitespace();
    let marked = words.filter_map(|word| word.strip_prefix("trivy:ignore:").or(word.strip_prefix("tfsec:ignore:")));
    let cut = marked.filter_map(|rest| match rest.split_once(":exp:") {
        None => Some((rest, None)),
        Some((id, day)) => Some((id, Some(day.parse().ok()?))),
    });
    cut.map(|(id, until)| (id.split(['[', ':']).next().unwrap_or(id), until)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_and_names_codes() {
        let lines = TABLE.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
        assert_eq!(CODES.len(), lines, "no id stands twice");
        let is_code =
            |code: &&str| code.len() == 5 && code.get(2..).is_some_and(|digits| digits.parse::<u16>().is_ok());
        assert!(CODES.values().all(|codes| !codes.is_empty() && codes.iter().all(is_code)));
        assert!(CODES.keys().all(|(_, id)| *id == id.to_ascii_uppercase()));
    }

    #[test]
    fn forms_of_comments() {
        assert_eq!(checkov("checkov:skip=CKV_AWS_59:a public page"), Some(("CKV_AWS_59", Some("a public page"))));
        assert_eq!(checkov("see checkov:skip=CKV_AWS_59"), Some(("CKV_AWS_59", None)));
        assert_eq!(checkov("checkov:skip="), Some(("", None)));
        assert_eq!(checkov("skip it"), None);
        let day = Some(jiff::civil::date(2027, 1, 31));
        assert_eq!(
            trivy("trivy:ignore:AVD-AWS-0057 tfsec:ignore:x:exp:2027-01-31 trivy:ignore:y:exp:soon"),
            [("AVD-AWS-0057", None), ("x", day)]
        );
    }
}
