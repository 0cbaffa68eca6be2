//! Reads `SecLang`: lines into directives, directives into words.
//!
//! What the words mean is told by the modules below and by [`crate::ruleset`].

pub(crate) mod action;
pub(crate) mod target;
pub(crate) mod template;

use std::sync::Arc;

use crate::{Error, Place};

/// A directive as written, split into words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directive {
    /// Where it starts.
    pub(crate) place: Place,
    /// Its name in lower case.
    pub(crate) name: String,
    /// What follows, quotes removed.
    pub(crate) words: Vec<String>,
}

impl Directive {
    /// An error at this directive.
    pub(crate) fn error(&self, reason: impl Into<String>) -> Error {
        Error::Rule { place: self.place.clone(), reason: reason.into() }
    }

    /// The word at this position, or an error that says what it should be.
    pub(crate) fn word(&self, index: usize, meaning: &str) -> Result<&str, Error> {
        self.words.get(index).map(String::as_str).ok_or_else(|| self.error(format!("{meaning} is missing")))
    }
}

/// All directives of one file.
///
/// Bytes that are not UTF-8 become U+FFFD: rules are text, only requests are bytes.
pub(crate) fn directives(file: &str, bytes: &[u8]) -> Result<Vec<Directive>, Error> {
    let text = String::from_utf8_lossy(bytes);
    let file: Arc<str> = Arc::from(file);
    let mut found = Vec::new();
    let mut lines = text.lines().zip(1_u32..);
    while let Some((first, line)) = lines.next() {
        let start = first.trim_start();
        if start.is_empty() || start.starts_with('#') {
            continue;
        }
        let mut whole = String::new();
        let mut part = start;
        while let Some(unfinished) = part.trim_end().strip_suffix('\\') {
            whole.push_str(unfinished);
            let Some((next, _)) = lines.next() else {
                part = "";
                break;
            };
            part = next;
        }
        whole.push_str(part.trim_end());
        found.push(directive(Place { file: Arc::clone(&file), line }, &whole)?);
    }
    Ok(found)
}

fn directive(place: Place, text: &str) -> Result<Directive, Error> {
    let mut words = Words(text);
    let Some(name) = words.next() else {
        return Err(Error::Rule { place, reason: "the directive has no name".to_owned() });
    };
    Ok(Directive { place, name: name.to_ascii_lowercase(), words: words.collect() })
}

/// Splits at white space; a word may stand in quotes, in which only the quote itself is escaped.
///
/// A quote that is still open at the end of the directive ends there, as engines before us take it: nothing is lost by it.
struct Words<'a>(&'a str);

impl Iterator for Words<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let text = self.0.trim_start();
        let first = text.chars().next()?;
        if first != '"' && first != '\'' {
            let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            self.0 = rest;
            return Some(word.to_owned());
        }
        let mut word = String::new();
        let mut characters = text.char_indices().skip(1).peekable();
        while let Some((_, character)) = characters.next() {
            if character == first {
                break;
            }
            if character == '\\' && characters.peek().is_some_and(|(_, next)| *next == first) {
                word.push(first);
                characters.next();
            } else {
                word.push(character);
            }
        }
        self.0 = characters.peek().and_then(|(at, _)| text.get(*at..)).unwrap_or("");
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        let read = directives("f", text.as_bytes()).unwrap();
        read.into_iter().map(|directive| [vec![directive.name], directive.words].concat()).collect()
    }

    #[test]
    fn lines_join_at_a_backslash_and_comments_vanish() {
        let text = "# no\n  SecRule ARGS \\\n  \"@rx a\\\"b \\\\ c\" \\\n\t\"id:1,\\\n deny\"\n\nSecMarker end\r\n";
        assert_eq!(
            words(text),
            [vec!["secrule", "ARGS", "@rx a\"b \\\\ c", "id:1, deny"], vec!["secmarker", "end"]]
        );
    }

    #[test]
    fn the_place_is_the_first_line() {
        let read = directives("dir/f.conf", b"\n\nSecAction \\\n\"id:1\"").unwrap();
        assert_eq!(read[0].place.to_string(), "dir/f.conf:3");
    }

    #[test]
    fn an_open_quote_ends_with_the_line() {
        assert_eq!(words("SecAction \"id:1,log"), [["secaction", "id:1,log"]]);
    }
}
