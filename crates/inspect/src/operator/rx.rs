//! Patterns: PCRE as rules write it, on bytes.
//!
//! A pattern is rewritten and checked at load, its program built when it is first asked: building all of the Core Rule Set takes
//! a second, most of it for rules no request ever reaches. Programs run in linear time; what needs look-around or
//! back-references runs in a backtracking engine with counted steps.

mod loose;
mod required;
mod syntax;

use super::Outcome;
use super::captures::Captures;
use super::filter::Filter;
use regex_automata::meta;
use regex_syntax::hir::Hir;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Steps of the backtracking engine for one value. CRS 3's five such patterns use a few thousand on long honest values.
const STEPS: usize = 200_000;

/// How much a single program may take; the greatest of the Core Rule Set takes a fiftieth of it.
const PROGRAM_BYTES: usize = 64 << 20;

/// The cache of one program's lazy automaton, per thread that runs it. Small: there are hundreds of programs, and one that
/// thrashes falls back to a slower engine that is linear too.
const CACHE_BYTES: usize = 256 << 10;

/// A pattern, its program, and what any match must contain.
#[derive(Debug)]
pub(super) struct Rx {
    pattern: String,
    backtracking: bool,
    filter: Filter,
    program: OnceLock<Program>,
    /// The last expanded pattern: a macro mostly expands to the same text in each request.
    expanded: Mutex<Option<Expanded>>,
}

type Expanded = (Vec<u8>, Option<Arc<Rx>>);

#[derive(Debug)]
enum Program {
    Linear(meta::Regex),
    /// A pattern that counts far can have more states than any automaton has room for. The same without counting takes all that
    /// it takes and stays small, so it is asked first.
    Counting {
        loose: meta::Regex,
        exact: meta::Regex,
    },
    Backtracking(fancy_regex::Regex),
    /// Too great to be built, which the check at load did not see.
    Unbuilt,
}

impl Rx {
    /// Rewrites and checks the pattern. With a macro in it the written text need not make sense as it stands.
    pub(super) fn compile(argument: &[u8]) -> Result<Self, String> {
        let checked = Self::checked(argument);
        if checked.is_err() && memchr::memmem::find(argument, b"%{").is_some() {
            return Self::checked(b"[^\\x00-\\xff]");
        }
        checked
    }

    fn checked(argument: &[u8]) -> Result<Self, String> {
        let pattern = syntax::rewritten(argument)?;
        let rx = |text: String, backtracking, filter| Self {
            pattern: text,
            backtracking,
            filter,
            program: OnceLock::new(),
            expanded: Mutex::new(None),
        };
        if !pattern.needs_backtracking {
            let hir = parsed(&pattern.text)?;
            return Ok(rx(pattern.text, false, required::filter(&hir)));
        }
        let program = backtracking(&pattern.text)?;
        let rx = rx(pattern.text, true, Filter::default());
        rx.program.get_or_init(|| Program::Backtracking(program));
        Ok(rx)
    }

    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    pub(super) fn evaluate(&self, value: &[u8], captures: Option<&mut Captures>) -> Outcome {
        match self.program() {
            Program::Linear(regex) => linear(regex, value, captures),
            Program::Counting { loose, exact } if loose.is_match(value) => linear(exact, value, captures),
            Program::Counting { .. } => Outcome::Miss,
            Program::Backtracking(regex) => backtrack(regex, value, captures),
            Program::Unbuilt => Outcome::Exhausted,
        }
    }

    pub(super) fn evaluate_expanded(&self, value: &[u8], argument: &[u8], captures: Option<&mut Captures>) -> Outcome {
        let rx = {
            let mut last = self.expanded.lock().unwrap_or_else(PoisonError::into_inner);
            match last.as_ref() {
                Some((text, rx)) if text == argument => rx.clone(),
                _ => {
                    let rx = Self::checked(argument).ok().map(Arc::new);
                    *last = Some((argument.to_vec(), rx.clone()));
                    rx
                }
            }
        };
        rx.map_or(Outcome::Miss, |rx| rx.evaluate(value, captures))
    }

    /// Matches of the whole pattern, overlapping ones too: each search starts one byte after the last match's start. Those longer
    /// than `longest` are left out and stepped over whole, so that a run of digits is not read once for each of its digits.
    pub(super) fn spans<'r>(
        &'r self,
        value: &'r [u8],
        longest: usize,
    ) -> impl Iterator<Item = std::ops::Range<usize>> + 'r {
        let mut from = 0;
        std::iter::from_fn(move || {
            let (Program::Linear(regex) | Program::Counting { exact: regex, .. }) = self.program() else { return None };
            while from <= value.len() {
                let found = regex.search(&regex_automata::Input::new(value).range(from..))?;
                from = if found.len() > longest { found.end() } else { found.start() + 1 };
                if found.len() <= longest {
                    return Some(found.range());
                }
            }
            None
        })
    }

    fn program(&self) -> &Program {
        self.program.get_or_init(|| {
            if self.backtracking {
                return backtracking(&self.pattern).map_or(Program::Unbuilt, Program::Backtracking);
            }
            parsed(&self.pattern).ok().and_then(|hir| program(&hir)).unwrap_or(Program::Unbuilt)
        })
    }

    /// Builds the program, which otherwise happens when the pattern is first asked.
    pub(super) fn warm(&self) {
        self.program();
    }
}

/// The pattern as regex-syntax sees it: bytes, `.` takes line breaks, `$` is the end and nothing else.
fn parsed(pattern: &str) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .nest_limit(200)
        .build()
        .parse(pattern)
        .map_err(|error| reason(&error))
}

/// What is wrong with a pattern, in one line.
fn reason(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        _ => "it is not a pattern".to_owned(),
    }
}

fn program(hir: &Hir) -> Option<Program> {
    let exact = built(hir)?;
    match loose::loosened(hir) {
        Some(loose) => Some(Program::Counting { loose: built(&loose)?, exact }),
        None => Some(Program::Linear(exact)),
    }
}

fn built(hir: &Hir) -> Option<meta::Regex> {
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(PROGRAM_BYTES))
        .onepass_size_limit(Some(CACHE_BYTES))
        .hybrid_cache_capacity(CACHE_BYTES);
    meta::Builder::new().configure(config).build_from_hir(hir).ok()
}

fn backtracking(pattern: &str) -> Result<fancy_regex::Regex, String> {
    fancy_regex::RegexBuilder::new(pattern)
        .bytes_mode(fancy_regex::BytesMode::Ascii)
        .dot_matches_new_line(true)
        .backtrack_limit(STEPS)
        .build()
        .map_err(|error| error.to_string())
}

fn linear(regex: &meta::Regex, value: &[u8], captures: Option<&mut Captures>) -> Outcome {
    let Some(captures) = captures else {
        return if regex.is_match(value) { Outcome::Hit } else { Outcome::Miss };
    };
    // Most values do not match, and finding out without groups is several times cheaper.
    if !regex.is_match(value) {
        return Outcome::Miss;
    }
    let mut groups = regex.create_captures();
    regex.captures(value, &mut groups);
    captures.clear();
    for group in groups.iter() {
        captures.push_span(group.map(|span| span.range()));
    }
    Outcome::Hit
}

fn backtrack(regex: &fancy_regex::Regex, value: &[u8], captures: Option<&mut Captures>) -> Outcome {
    match regex.captures(value) {
        Err(_) => Outcome::Exhausted,
        Ok(None) => Outcome::Miss,
        Ok(Some(groups)) => {
            if let Some(captures) = captures {
                captures.clear();
                for group in 0..groups.len() {
                    captures.push_span(groups.get(group).map(|found| found.range()));
                }
            }
            Outcome::Hit
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(pattern: &[u8], value: &[u8]) -> bool {
        Rx::compile(pattern).unwrap().evaluate(value, None) == Outcome::Hit
    }

    #[test]
    fn values_are_bytes() {
        assert!(hit(b"^.$", b"\xff"));
        assert!(hit(b"^[^a]$", b"\x80"));
        assert!(hit(b"^\\xff$", b"\xff"));
        assert!(hit("é".as_bytes(), "café".as_bytes()));
        assert!(!hit(b"(?i)k", "\u{212a}".as_bytes()), "the Kelvin sign is no k");
        assert!(!hit(b"\\w", "é".as_bytes()));
    }

    #[test]
    fn dot_takes_line_breaks_and_dollar_is_the_end() {
        assert!(hit(b"a.b", b"a\nb"));
        assert!(!hit(b"a$", b"a\n"));
        assert!(!hit(b"^b", b"a\nb"));
    }

    #[test]
    fn look_around_back_references_and_possessive_run_on_bytes() {
        assert!(hit(b"(a|b)\\1", b"xbb"));
        assert!(!hit(b"(a|b)\\1", b"ab"));
        assert!(hit(b"foo(?!bar)", b"foo\xff"));
        assert!(!hit(b"foo(?!bar)", b"foobar"));
        assert!(hit(b"(?<!a)\\xe9", b"b\xe9"));
        assert!(!hit(b"(?<!a)\\xe9", b"a\xe9"));
        assert!(!hit(b"^a++a", b"aaa"));
        assert!(hit(b"(?<![\\x80-\\xff])b", b"ab"));
        assert!(!hit(b"(?<![\\x80-\\xff])b", b"\x80b"));
    }

    #[test]
    fn backtracking_gives_up_in_bounded_steps() {
        let rx = Rx::compile(b"^(?:(a|aa)+)\\1z$").unwrap();
        let value = [[b'a'; 100].as_slice(), b"zz"].concat();
        assert_eq!(rx.evaluate(&value, None), Outcome::Exhausted);
    }

    #[test]
    fn groups_are_captured_as_ranges() {
        let mut captures = Captures::default();
        let rx = Rx::compile(b"(a)|(b)(c?)").unwrap();
        assert_eq!(rx.evaluate(b"xb", Some(&mut captures)), Outcome::Hit);
        assert_eq!((captures.len(), captures.span()), (4, Some(1..2)));
        assert_eq!(captures.text(1, b"xb"), None);
        assert_eq!(captures.text(3, b"xb"), Some(b"".as_slice()));
    }
}
