//! Suppressions that a team wrote for other checkers, so that it need not write them all again.
//!
//! They carry a reason at best, and neither owner nor end. What they name is translated through a table of ids; an id that
//! is not in it is about something we do not ask, and says nothing here.

use std::{collections::BTreeMap, sync::LazyLock};

use brigandine_model::{LogicalId, Scope, Span, Suppression};
use jiff::civil::Date;

use super::Reader;
use crate::{
    Map, Node, Origin, Place,
    load::{Comment, Document},
};

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
        if !comment.text.contains("checkov:skip=") && !comment.text.contains(":ignore:") {
            return;
        }
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
        let place = comment.place;
        let after = self.extents.partition_point(|extent| extent.name.start <= place.start);
        let above = self
            .extents
            .get(after)
            .filter(|next| comment.alone && place.column <= next.name.column && place.line + 1 == next.name.line);
        let around = || self.extents.get(after.checked_sub(1)?).filter(|own| own.holds(place));
        above.or_else(around).map(|extent| LogicalId::new(extent.id))
    }
}

/// Where a resource stands: from its name to where the next one begins, or to its own end.
pub(super) struct Extent<'a> {
    id: &'a str,
    name: Place,
    end: u32,
}

impl Extent<'_> {
    fn holds(&self, comment: Place) -> bool {
        let deeper = comment.line == self.name.line || comment.column > self.name.column;
        deeper && comment.start <= self.end
    }
}

/// The resources in the order of the text.
pub(super) fn extents(document: &Document) -> Vec<Extent<'_>> {
    let resources = document.root.get("Resources").and_then(Node::as_map).into_iter().flat_map(Map::entries);
    let mut found: Vec<Extent<'_>> = resources
        .filter_map(|(id, key, node)| {
            let (name, node) = (key.place?, node.origin.place?);
            Some(Extent { id, name, end: node.end.max(name.end) })
        })
        .collect();
    found.sort_by_key(|extent| extent.name.start);
    let starts: Vec<u32> = found.iter().skip(1).map(|extent| extent.name.start).collect();
    found.iter_mut().zip(starts).for_each(|(extent, next)| extent.end = next);
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
