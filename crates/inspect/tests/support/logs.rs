//! Renders what the engine tells in the shape that the suite's patterns search, so that an effect (a target's value, a capture,
//! a decision) can be found by them.

use std::fmt::Write as _;

use brigandine_inspect::{Match, Note, Verdict};

/// One line per note.
pub(crate) fn debug(log: &mut String, note: &Note<'_>) {
    let line = match note {
        Note::Link { rule, operator: None, .. } => format!("Rule: {rule}. Executing unconditional rule"),
        Note::Link { rule, operator: Some(operator), argument, variables, .. } => format!(
            "Rule: {rule}. Executing operator \"{}\" with param \"{}\" against {variables}.",
            capital(operator),
            shown(argument)
        ),
        Note::Value { variable, value } => format!("[9] Target value: \"{}\" (Variable: {variable})", shown(value)),
        Note::Transformed { name, value } => format!("[9]  T (0) t:{name}: \"{}\"", shown(value)),
        Note::Returned { matched } => format!("Rule returned {}.", u8::from(*matched)),
        Note::Captured { group, text } => {
            let text = shown(text);
            format!(
                "Added regex subexpression TX.{group}: {text}\nAdded DetectSQLi match TX.{group}: {text}\n\
                 Added DetectXSS match TX.{group}: {text}\nAdded VerifyCPF match TX.{group}: {text}\n\
                 Added VerifySSN match TX.{group}: {text}"
            )
        }
        Note::Set { variable, value } => {
            format!("Saving variable: {variable} with value: {}", shown(value.unwrap_or_default()))
        }
        Note::Reported { message, tags, .. } => {
            let tags = tags.iter().fold(String::new(), |all, tag| all + "\nRule tag: " + tag);
            format!("Running action: log\nSaving msg: {message}{tags}")
        }
        Note::Decided { action: "allow", .. } => {
            "Dropping the evaluation of upcoming rules in favor of allow".to_owned()
        }
        Note::Decided { action, .. } => format!(" Running action {action}"),
        Note::Skipped { rule, .. } => format!("Rule id: {rule} was skipped due to a ruleRemoveById action"),
        Note::BodyNotInspected { content_type } => {
            format!("Response Content-Type is {}. It is not marked to be inspected.", shown(content_type))
        }
        Note::ArgumentLimit => "Skipping request argument, over limit".to_owned(),
        _ => String::new(),
    };
    log.push_str(&line);
    log.push('\n');
}

/// One line per rule that is logged.
pub(crate) fn error(verdict: &Verdict) -> String {
    let mut log = String::new();
    for found in verdict.matches.iter().filter(|found| found.log) {
        let decision =
            if found.disruptive { format!("Access denied with code {}", verdict.status) } else { "Warning".to_owned() };
        let (operator, argument) = found.operator.split_once(' ').unwrap_or((&found.operator, ""));
        writeln!(
            log,
            "{decision}. Matched \"Operator `{}' with parameter `{argument}' against variable `{}' (Value: `{}' )] {}",
            capital(operator.trim_start_matches(['!', '@'])),
            found.variable,
            shown(&found.excerpt),
            attributes(found)
        )
        .unwrap_or_default();
    }
    log
}

/// One line per rule that is recorded.
pub(crate) fn audit(verdict: &Verdict) -> String {
    verdict.matches.iter().map(|found| attributes(found) + "\n").collect()
}

fn attributes(found: &Match) -> String {
    let tags = found.tags.iter().fold(String::new(), |all, tag| all + " [tag \"" + tag + "\"]");
    format!(
        "[file \"{}\"] [line \"{}\"] [id \"{}\"] [rev \"\"] [msg \"{}\"] [data \"{}\"] [severity \"{}\"] [ver \"\"] \
         [maturity \"0\"] [accuracy \"0\"]{tags}",
        found.place.file,
        found.place.line,
        found.rule,
        found.message,
        found.data,
        found.severity.unwrap_or(0)
    )
}

/// `containsWord` to `ContainsWord`, `streq` to the one spelling that has a capital inside.
fn capital(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "streq" => return "StrEq".to_owned(),
        "pmfromfile" => return "PmFromFile".to_owned(),
        _ => {}
    }
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Bytes outside of ASCII as escapes.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'\n' | 0x20..0x7f => text.push(char::from(*byte)),
            other => write!(text, "\\x{other:02x}").unwrap_or_default(),
        }
    }
    text
}
