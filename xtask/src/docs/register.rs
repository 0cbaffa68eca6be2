//! What a new rule needs beside its two files and its line in the list: the `mod` line that compiles it, and its place among the
//! pinned codes. Both can be read off the list, so nobody should have to write them.
//!
//! Lines are only ever added. A rule that goes, or changes its name, fails the test that holds the pins: codes are a promise.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

const LIST: &str = "crates/rules/src/rules.rs";
const PINS: &str = "crates/rules/tests/catalogue.txt";

/// A file that lacks lines, with them.
pub(crate) struct Completed {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// The files that lack something that the list of rules asks for.
pub(crate) fn incomplete(workspace: &Workspace) -> Result<Vec<Completed>> {
    let read = |path: &str| {
        let path = workspace.root.join(path);
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        anyhow::Ok((path, text))
    };
    let (list_path, list) = read(LIST)?;
    let (pins_path, pins) = read(PINS)?;
    let modules = listed(&list);
    let mut codes = Vec::new();
    for module in &modules {
        let (_, source) = read(&format!("crates/rules/src/rules/{module}.rs"))?;
        codes.push(pinned(&source).with_context(|| format!("the rule `{module}` includes no page"))?);
    }
    let wanted = [(list_path, with_modules(&list, &modules), list), (pins_path, with_pins(&pins, &codes), pins)];
    let changed = wanted.into_iter().filter(|(_, now, then)| now != then);
    Ok(changed.map(|(path, text, _)| Completed { path, text }).collect())
}

/// The modules that the list names, in its order.
fn listed(list: &str) -> Vec<&str> {
    let lines = list.lines().skip_while(|line| !line.starts_with("pub const RULES"));
    lines
        .take_while(|line| *line != "];")
        .filter_map(|line| Some(line.trim().strip_prefix('&')?.split_once("::")?.0))
        .collect()
}

/// `LP001 any-action-any-resource`, from the page that the rule includes.
fn pinned(source: &str) -> Option<String> {
    let (_, rest) = source.split_once("pages/")?;
    let (page, _) = rest.split_once(".md")?;
    let (code, name) = page.split_once('-')?;
    Some(format!("{code} {name}"))
}

/// The name in a `mod` line, whatever it may be seen by.
fn module(line: &str) -> Option<&str> {
    line.trim_start_matches("pub(crate) ").strip_prefix("mod ")?.strip_suffix(';')
}

fn with_modules(list: &str, modules: &[&str]) -> String {
    let mut lines: Vec<String> = list.lines().map(str::to_owned).collect();
    for wanted in modules {
        if lines.iter().any(|line| module(line) == Some(wanted)) {
            continue;
        }
        let after = lines.iter().rposition(|line| module(line).is_some_and(|name| name < *wanted));
        let first = lines.iter().position(|line| module(line).is_some()).unwrap_or(0);
        lines.insert(after.map_or(first, |place| place + 1), format!("mod {wanted};"));
    }
    lines.join("\n") + "\n"
}

fn with_pins(pins: &str, codes: &[String]) -> String {
    let mut lines: Vec<String> = pins.lines().map(str::to_owned).collect();
    for (index, code) in codes.iter().enumerate() {
        if lines.contains(code) {
            continue;
        }
        let before = index.checked_sub(1).and_then(|index| codes.get(index));
        let place = before.and_then(|before| lines.iter().position(|line| line == before)).map_or(0, |place| place + 1);
        lines.insert(place, code.clone());
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "pub(crate) mod alpha;\nmod gamma;\n\npub const RULES: &[&dyn Rule] = &[\n    &gamma::Gamma,\n    // word\n    &beta::Beta,\n    &alpha::Alpha,\n    &Own,\n];\n";

    #[test]
    fn a_line_in_the_list_brings_its_module_in_order() {
        assert_eq!(listed(RULES), ["gamma", "beta", "alpha"]);
        let complete = with_modules(RULES, &listed(RULES));
        assert!(complete.starts_with("pub(crate) mod alpha;\nmod beta;\nmod gamma;\n\n"), "{complete}");
        assert_eq!(with_modules(&complete, &listed(&complete)), complete);
    }

    #[test]
    fn pins_are_added_and_never_taken_away() {
        assert_eq!(pinned("include_str!(\"../../pages/LP001-any-action.md\")").as_deref(), Some("LP001 any-action"));
        let codes = ["A1 a", "A2 b", "B1 c"].map(str::to_owned);
        assert_eq!(with_pins("A1 a\nA9 gone\n", &codes), "A1 a\nA2 b\nB1 c\nA9 gone\n");
    }
}
