//! What people and pipelines see: standard output is the result, standard error is the talk, the exit status the verdict.

use std::{
    fmt::Write as _,
    io::{self, Write},
    process::ExitCode,
};

use anstyle::{AnsiColor, Style};

/// Panics of the second YAML reader are caught where it is called and are no news; any other is a fault of ours and says so.
pub(crate) fn hear_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        if !place.contains("libyaml-safer") {
            let what = panic.payload_as_str().unwrap_or("no message");
            say_error(
                &format!("internal fault at {place}: {what}"),
                Some("this is a bug in brigandine; please report it with what led to it"),
            );
        }
    }));
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to say.
    Clean,
    /// Findings at or over the threshold.
    Findings,
    /// Could not do the job, and has said why.
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Clean => Self::SUCCESS,
            Outcome::Findings => Self::from(1),
            Outcome::Failed => Self::from(2),
        }
    }
}

/// A failure that is one sentence for people, with advice on a line of its own.
#[derive(Debug)]
pub(crate) struct Sentence {
    /// What went wrong, with its place where there is one.
    pub(crate) what: String,
    /// What to do.
    pub(crate) help: Option<String>,
}

impl std::fmt::Display for Sentence {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.what)
    }
}

impl std::error::Error for Sentence {}

/// A failure with advice.
pub(crate) fn sentence(what: impl Into<String>, help: impl Into<String>) -> anyhow::Error {
    Sentence { what: what.into(), help: Some(help.into()) }.into()
}

/// Standard output, colours stripped where they would not be seen.
pub(crate) fn out() -> impl Write {
    anstream::AutoStream::auto(io::stdout().lock())
}

/// Writes the result.
pub(crate) fn result(text: &str) -> anyhow::Result<()> {
    if text.contains('\u{1b}') {
        let mut out = out();
        out.write_all(text.as_bytes())?;
        return Ok(out.flush()?);
    }
    // Nothing to strip: looking for it in every byte takes longer than writing.
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Says one line; whether anyone hears it does not matter.
pub(crate) fn say(text: &str) {
    let mut err = anstream::AutoStream::auto(io::stderr().lock());
    drop(writeln!(err, "{text}"));
}

/// Says one line that must not be missed.
#[cfg(feature = "serve")]
pub(crate) fn warn(text: &str) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
    say(&format!("{style}warning:{style:#} {text}"));
}

/// Says why the job could not be done.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    say_error(&chain(error), error.downcast_ref::<Sentence>().and_then(|sentence| sentence.help.as_deref()));
    Outcome::Failed.into()
}

/// Says one error and its advice.
pub(crate) fn say_error(what: &str, help: Option<&str>) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    say(&format!("{style}error:{style:#} {what}"));
    if let Some(help) = help {
        let style = Style::new().bold();
        say(&format!("{style}help:{style:#} {help}"));
    }
}

/// The error with what caused it, in one sentence.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let separator = if depth == 0 { "" } else { ": " };
        write!(text, "{separator}{cause}").unwrap_or_default();
    }
    text
}

/// Prints what the argument parser has to say: help on standard output, faults on standard error.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    if error.use_stderr() { Outcome::Failed.into() } else { Outcome::Clean.into() }
}

/// Whether the reader went away, which is no fault of ours.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// The known name that `word` most looks like, when one is close.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &str| strsim::jaro_winkler(&word.to_lowercase(), &name.to_lowercase());
    known
        .into_iter()
        .map(|name| (likeness(name), name))
        .filter(|(score, _)| *score > 0.78)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}

/// Columns of text, padded to align; the last column is not padded.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from("  ");
        for (cell, width) in row.iter().zip(&widths) {
            write!(line, "{cell:<width$}  ").unwrap_or_default();
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Text of a stranger made harmless for a terminal: tabs become blanks, other control characters visible escapes.
pub(crate) fn harmless(text: &str) -> String {
    text.replace('\t', " ")
        .chars()
        .flat_map(
            |c| if c.is_control() || turns_text_round(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] },
        )
        .collect()
}

/// Marks that make a terminal show text in another order than it is written.
fn turns_text_round(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_name_and_noise_finds_none() {
        assert_eq!(nearest("lisen", ["listen", "limits"]), Some("listen"));
        assert_eq!(nearest("zzz", ["listen", "limits"]), None);
    }

    #[test]
    fn a_table_aligns_and_leaves_no_trailing_blanks() {
        let rows = vec![vec!["GET".to_owned(), "/".to_owned()], vec!["POST".to_owned(), "/orders".to_owned()]];
        assert_eq!(table(&rows), "  GET   /\n  POST  /orders\n");
    }

    #[test]
    fn escape_sequences_of_strangers_are_shown_not_obeyed() {
        assert_eq!(harmless("/\u{1b}[2J"), "/\\u{1b}[2J");
        assert_eq!(harmless("a\tb\u{202e}c"), "a b\\u{202e}c");
    }
}
