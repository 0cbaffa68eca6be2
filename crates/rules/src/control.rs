//! Controls of public frameworks, and which rules answer for them.
//!
//! A rule names ids in its meta. The requirements of NIST and CIS are not named by rules but follow from the controls of AWS that
//! name them, so that one public document decides what belongs to what.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::{RULES, Rule};

const TEXT: &str = include_str!("../data/controls.txt");

/// Frameworks that can be asked for, each also a profile.
pub const FRAMEWORKS: &[&str] = &["fsbp", "cis", "owasp", "nist"];

/// One control of a framework.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Its id in the framework: `Lambda.2`, `AC-3(7)`, `1.16`, `SAS-04`.
    pub id: &'static str,
    /// What it asks, in our words; for NIST and CIS the controls of AWS through which a rule belongs to it.
    pub title: String,
    /// The codes of the rules that answer for it; none where no rule here does.
    pub rules: Vec<&'static str>,
}

/// One line of the table.
struct Line {
    framework: &'static str,
    id: &'static str,
    title: &'static str,
    nist: Vec<&'static str>,
    cis: Vec<&'static str>,
}

static TABLE: LazyLock<Vec<Line>> = LazyLock::new(|| {
    let lines = TEXT.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let cells = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let words = |cells: &[&'static str], index: usize| -> Vec<&'static str> {
        cells.get(index).map_or_else(Vec::new, |cell| cell.split_whitespace().collect())
    };
    let line = |cells: Vec<&'static str>| {
        let [framework, id, title] = *cells.first_chunk()?;
        Some(Line { framework, id, title, nist: words(&cells, 3), cis: words(&cells, 4) })
    };
    cells.filter_map(line).collect()
});

/// The controls of a framework, in its order; nothing for a framework that is not known.
pub fn controls(framework: &str) -> Vec<Control> {
    match framework {
        "fsbp" | "owasp" => TABLE.iter().filter(|line| line.framework == framework).map(own).collect(),
        "nist" => through(|line| &line.nist),
        "cis" => through(|line| &line.cis),
        _ => Vec::new(),
    }
}

fn own(line: &Line) -> Control {
    Control { id: line.id, title: line.title.to_owned(), rules: rules_naming(line.id).collect() }
}

fn rules_naming(id: &str) -> impl Iterator<Item = &'static str> + '_ {
    RULES.iter().map(|rule| rule.meta()).filter(move |meta| meta.frameworks.contains(&id)).map(|meta| meta.code)
}

/// Requirements that controls of AWS name.
fn through(named: impl Fn(&Line) -> &Vec<&'static str>) -> Vec<Control> {
    let mut found: BTreeMap<(Vec<u32>, &'static str), Vec<&Line>> = BTreeMap::new();
    for line in TABLE.iter() {
        for id in named(line) {
            found.entry((numbers(id), id)).or_default().push(line);
        }
    }
    let mut controls: Vec<((&str, Vec<u32>), Control)> = found
        .into_iter()
        .map(|((numbers, id), lines)| {
            let ids: Vec<&str> = lines.iter().map(|line| line.id).collect();
            let mut rules: Vec<&'static str> = lines.iter().flat_map(|line| rules_naming(line.id)).collect();
            rules.sort_by_key(|code| RULES.iter().position(|rule| rule.meta().code == *code));
            rules.dedup();
            let family = id.split('-').next().unwrap_or(id);
            let family = if family == id { "" } else { family };
            ((family, numbers), Control { id, title: format!("through {}", ids.join(", ")), rules })
        })
        .collect();
    controls.sort_by(|one, other| one.0.cmp(&other.0));
    controls.into_iter().map(|(_, control)| control).collect()
}

/// The numbers in an id, so that `AC-10` comes after `AC-9`.
fn numbers(id: &str) -> Vec<u32> {
    id.split(|sign: char| !sign.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

/// The rules that answer for any control of a framework.
pub(crate) fn rules_of(framework: &str) -> Vec<&'static dyn Rule> {
    let codes: Vec<&str> = controls(framework).into_iter().flat_map(|control| control.rules).collect();
    RULES.iter().copied().filter(|rule| codes.contains(&rule.meta().code)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(framework: &str, id: &str) -> Vec<&'static str> {
        controls(framework).into_iter().find(|control| control.id == id).unwrap().rules
    }

    #[test]
    fn every_line_of_the_table_is_read_once() {
        let lines = TEXT.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
        assert_eq!(TABLE.len(), lines);
        let mut ids: Vec<&str> = TABLE.iter().map(|line| line.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), lines);
        let known = |line: &&Line| (line.framework == "fsbp") == !line.nist.is_empty();
        assert!(TABLE.iter().all(|line| known(&line)), "a control of AWS names its requirements");
    }

    #[test]
    fn rules_answer_for_what_they_name_and_for_what_that_names() {
        assert!(codes("fsbp", "Lambda.2").contains(&"DE002"));
        assert!(codes("owasp", "SAS-04").contains(&"LP001"));
        assert!(codes("cis", "1.16").contains(&"LP001"), "through IAM.1");
        assert!(codes("nist", "SI-2(2)").contains(&"DE002"), "through Lambda.2");
        assert_eq!(codes("owasp", "OWASP-Serverless-S4"), [""; 0], "no template shows it");
        assert!(controls("other").is_empty());
    }

    #[test]
    fn controls_stand_in_the_order_of_their_numbers() {
        let ids: Vec<&str> = controls("nist").iter().map(|control| control.id).collect();
        let at = |id: &str| ids.iter().position(|other| *other == id).unwrap();
        assert!(at("AC-2") < at("AC-2(1)") && at("AC-6(3)") < at("AC-6(10)") && at("AC-6(10)") < at("AC-17(2)"));
        assert!(at("AC-21") < at("AU-2") && at("SI-13(5)") < at("SI-20"), "{ids:?}");
        assert_eq!(
            controls("cis").iter().map(|control| control.id).collect::<Vec<_>>(),
            ["1.16", "2.1.2", "2.1.5", "3.8"]
        );
    }
}
