//! Operators: the question a rule asks of a value.

mod address;
mod captures;
mod encoding;
mod filter;
mod injection;
mod number_check;
mod phrases;
mod rx;

pub(crate) use captures::Captures;
pub(crate) use filter::{ByteSet, Filter};

use encoding::ByteRanges;
use number_check::NumberCheck;
use phrases::Phrases;
use rx::Rx;

/// A compiled operator with its argument.
#[derive(Debug)]
pub(crate) struct Operator {
    kind: Kind,
}

/// Why an operator could not be compiled: always the rule author's to mend.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum OperatorError {
    #[error("there is no operator `@{0}`")]
    Unknown(String),
    #[error("`@{operator}` cannot be given `{argument}`: {reason}")]
    Argument { operator: String, argument: String, reason: String },
    /// The file's bytes have to come in with the rules.
    #[error("`@{operator}` needs the file `{path}`")]
    MissingFile { operator: String, path: String },
}

/// Where an operator's files come from: path as written in the rule to content.
pub(crate) type Files<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// What an operator found, where "no" and "gave up" must not be mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Hit,
    Miss,
    /// A backtracking pattern ran out of steps; a firewall takes that for an attack on itself.
    Exhausted,
}

#[derive(Debug)]
enum Kind {
    Rx(Box<Rx>),
    Phrases(Box<Phrases>),
    Text(TextTest, Vec<u8>),
    Number(NumberTest, i64),
    ByteRange(Box<ByteRanges>),
    UrlEncoding,
    Utf8Encoding,
    Address(address::AddressSet),
    Sqli,
    Xss,
    Checked(Box<NumberCheck>),
    Always,
    Never,
    /// Needs a network, a database or a script: it never matches, and the engine says so at load.
    Inactive,
}

#[derive(Clone, Copy, Debug)]
enum TextTest {
    BeginsWith,
    Contains,
    ContainsWord,
    EndsWith,
    Equal,
    Within,
}

#[derive(Clone, Copy, Debug)]
enum NumberTest {
    Equal,
    AtLeast,
    Greater,
    AtMost,
    Less,
}

/// Operators whose answer lies outside a request: looked up over the network, in a database, by a script or a schema file.
const INACTIVE: [&str; 9] = [
    "rbl",
    "geolookup",
    "gsblookup",
    "inspectfile",
    "fuzzyhash",
    "validatedtd",
    "validateschema",
    "validatehash",
    "rsub",
];

impl Operator {
    /// The operator of that name (letter case aside) with its argument as written. An argument with macros is compiled as
    /// written too; [`Operator::evaluate_expanded`] then takes the expanded text.
    pub(crate) fn compile(name: &str, argument: &[u8], files: Files<'_>) -> Result<Self, OperatorError> {
        let folded = name.to_ascii_lowercase();
        let text = |test| Ok(Kind::Text(test, argument.to_vec()));
        let number = |test| Ok(Kind::Number(test, integer(argument)));
        let kind = match folded.as_str() {
            "rx" => {
                Rx::compile(argument).map(|rx| Kind::Rx(Box::new(rx))).map_err(|reason| refused(name, argument, reason))
            }
            "pm" => Ok(Kind::Phrases(Box::new(Phrases::new(phrases::words(argument))))),
            "pmf" | "pmfromfile" => {
                let lists = contents(name, argument, files)?;
                Ok(Kind::Phrases(Box::new(Phrases::new(phrases::lines(&lists)))))
            }
            "beginswith" => text(TextTest::BeginsWith),
            "contains" | "strmatch" => text(TextTest::Contains),
            "containsword" => text(TextTest::ContainsWord),
            "endswith" => text(TextTest::EndsWith),
            "streq" => text(TextTest::Equal),
            "within" => text(TextTest::Within),
            "eq" => number(NumberTest::Equal),
            "ge" => number(NumberTest::AtLeast),
            "gt" => number(NumberTest::Greater),
            "le" => number(NumberTest::AtMost),
            "lt" => number(NumberTest::Less),
            "validatebyterange" => ByteRanges::parse(argument)
                .map(|ranges| Kind::ByteRange(Box::new(ranges)))
                .map_err(|reason| refused(name, argument, reason)),
            "validateurlencoding" => Ok(Kind::UrlEncoding),
            "validateutf8encoding" => Ok(Kind::Utf8Encoding),
            "ipmatch" => address::AddressSet::parse(argument)
                .map(Kind::Address)
                .map_err(|reason| refused(name, argument, reason)),
            "ipmatchf" | "ipmatchfromfile" => {
                let lists = contents(name, argument, files)?;
                address::AddressSet::parse_file(&lists)
                    .map(Kind::Address)
                    .map_err(|reason| refused(name, argument, reason))
            }
            "detectsqli" => Ok(Kind::Sqli),
            "detectxss" => Ok(Kind::Xss),
            "verifycc" | "verifycpf" | "verifyssn" | "verifysvnr" | "validatenid" => {
                NumberCheck::compile(&folded, argument)
                    .map(|check| Kind::Checked(Box::new(check)))
                    .map_err(|reason| refused(name, argument, reason))
            }
            "unconditionalmatch" => Ok(Kind::Always),
            "nomatch" => Ok(Kind::Never),
            known if INACTIVE.contains(&known) => Ok(Kind::Inactive),
            _ => Err(OperatorError::Unknown(name.to_owned())),
        };
        kind.map(|kind| Self { kind })
    }

    /// Whether the value matches.
    #[cfg(test)]
    pub(crate) fn matches(&self, value: &[u8], captures: Option<&mut Captures>) -> bool {
        self.evaluate(value, captures) == Outcome::Hit
    }

    /// Whether the value matches; what matched goes into `captures`, as `TX:0` to `TX:9` would have it.
    pub(crate) fn evaluate(&self, value: &[u8], captures: Option<&mut Captures>) -> Outcome {
        match &self.kind {
            Kind::Rx(rx) => rx.evaluate(value, captures),
            Kind::Phrases(phrases) => outcome(phrases.matches(value, captures)),
            Kind::Text(test, argument) => outcome(test.matches(value, argument)),
            Kind::Number(test, argument) => outcome(test.matches(integer(value), *argument)),
            Kind::ByteRange(ranges) => outcome(ranges.outside(value)),
            Kind::UrlEncoding => outcome(encoding::bad_url_encoding(value)),
            Kind::Utf8Encoding => outcome(std::str::from_utf8(value).is_err()),
            Kind::Address(set) => outcome(set.matches(value)),
            Kind::Sqli => outcome(injection::sqli(value, captures)),
            Kind::Xss => {
                let hit = injection::xss(value);
                if let Some(captures) = captures.filter(|_| hit) {
                    captures.set_span(0..value.len());
                }
                outcome(hit)
            }
            Kind::Checked(check) => outcome(check.matches(value, captures)),
            Kind::Always => Outcome::Hit,
            Kind::Never | Kind::Inactive => Outcome::Miss,
        }
    }

    /// The same with an argument that was expanded for this request. Comparisons take it as it is; a pattern is compiled anew
    /// unless it is the one of last time. An argument that does not compile is a miss.
    pub(crate) fn evaluate_expanded(&self, value: &[u8], argument: &[u8], captures: Option<&mut Captures>) -> Outcome {
        match &self.kind {
            Kind::Rx(rx) => rx.evaluate_expanded(value, argument, captures),
            Kind::Phrases(_) => outcome(Phrases::new(phrases::words(argument)).matches(value, captures)),
            Kind::Text(test, _) => outcome(test.matches(value, argument)),
            Kind::Number(test, _) => outcome(test.matches(integer(value), integer(argument))),
            Kind::ByteRange(_) => outcome(ByteRanges::parse(argument).is_ok_and(|ranges| ranges.outside(value))),
            Kind::Address(_) => outcome(address::AddressSet::parse(argument).is_ok_and(|set| set.matches(value))),
            _ => self.evaluate(value, captures),
        }
    }

    /// Whether the operator can match at all here; one that cannot is reported at load.
    pub(crate) fn is_inactive(&self) -> bool {
        matches!(self.kind, Kind::Inactive)
    }

    /// Builds what is otherwise built when the operator is first asked.
    pub(crate) fn warm(&self) {
        match &self.kind {
            Kind::Rx(rx) => rx.warm(),
            Kind::Phrases(phrases) => phrases.warm(),
            Kind::Sqli => {
                injection::sqli(b"1 and 2", None);
            }
            _ => {}
        }
    }

    /// Whether it compares numbers, which is cheap and captures nothing.
    pub(crate) fn compares_numbers(&self) -> bool {
        matches!(self.kind, Kind::Number(..))
    }

    /// What every value that matches must have. Sound, never complete: a value that passes may still not match. Not to be used
    /// for a negated operator, nor with an expanded argument.
    pub(crate) fn filter(&self) -> Filter {
        match &self.kind {
            Kind::Rx(rx) => rx.filter().clone(),
            Kind::Phrases(phrases) => phrases.filter(),
            Kind::Text(test, argument) => test.filter(argument),
            Kind::ByteRange(ranges) => one_byte(|byte| ranges.outside(&[byte])),
            Kind::UrlEncoding => one_byte(|byte| byte == b'%'),
            Kind::Utf8Encoding => one_byte(|byte| !byte.is_ascii()),
            // One word alone is never an injection: only a comment is a fingerprint of one token.
            Kind::Sqli => one_byte(|byte| !byte.is_ascii_alphabetic() && byte != b'_'),
            // Markup starts with `<`; where a tag or an attribute is already open, a value follows `=`.
            Kind::Xss => one_byte(|byte| matches!(byte, b'<' | b'=')),
            _ => Filter::default(),
        }
    }
}

/// The value contains one of these bytes.
fn one_byte(wanted: impl Fn(u8) -> bool) -> Filter {
    let mut bytes = ByteSet::default();
    (0..=u8::MAX).filter(|byte| wanted(*byte)).for_each(|byte| bytes.insert(byte));
    Filter { bytes: Some(bytes), minimum: 1, ..Filter::default() }
}

fn outcome(hit: bool) -> Outcome {
    if hit { Outcome::Hit } else { Outcome::Miss }
}

fn refused(operator: &str, argument: &[u8], reason: String) -> OperatorError {
    let argument = String::from_utf8_lossy(argument).chars().take(120).collect();
    OperatorError::Argument { operator: operator.to_owned(), argument, reason }
}

/// The files an argument names, separated by blanks, one after another.
fn contents(operator: &str, argument: &[u8], files: Files<'_>) -> Result<Vec<u8>, OperatorError> {
    let names = String::from_utf8_lossy(argument).into_owned();
    let mut all = Vec::new();
    for path in names.split_ascii_whitespace() {
        let missing = || OperatorError::MissingFile { operator: operator.to_owned(), path: path.to_owned() };
        all.extend_from_slice(&files(path).ok_or_else(missing)?);
        all.push(b'\n');
    }
    Ok(all)
}

/// The number a text starts with, as C's `atoi` has it: nothing is zero, too much is the greatest there is.
pub(crate) fn integer(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let magnitude = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0i64, |value, &byte| value.saturating_mul(10).saturating_add(i64::from(byte - b'0')));
    if negative { -magnitude } else { magnitude }
}

impl NumberTest {
    fn matches(self, value: i64, argument: i64) -> bool {
        match self {
            Self::Equal => value == argument,
            Self::AtLeast => value >= argument,
            Self::Greater => value > argument,
            Self::AtMost => value <= argument,
            Self::Less => value < argument,
        }
    }
}

impl TextTest {
    fn matches(self, value: &[u8], argument: &[u8]) -> bool {
        match self {
            Self::BeginsWith => value.starts_with(argument),
            Self::Contains => memchr::memmem::find(value, argument).is_some(),
            Self::ContainsWord => contains_word(value, argument),
            Self::EndsWith => value.ends_with(argument),
            Self::Equal => value == argument,
            Self::Within => memchr::memmem::find(argument, value).is_some(),
        }
    }

    fn filter(self, argument: &[u8]) -> Filter {
        match self {
            Self::Within => Filter::default(),
            _ => Filter::one_of(&[argument.to_ascii_lowercase()]),
        }
    }
}

/// The argument somewhere in the value with no ASCII letter on either side. An empty argument is in everything.
fn contains_word(value: &[u8], argument: &[u8]) -> bool {
    if argument.is_empty() {
        return true;
    }
    let letter = |at: Option<usize>| at.and_then(|at| value.get(at)).is_some_and(u8::is_ascii_alphabetic);
    memchr::memmem::find_iter(value, argument)
        .any(|at| !letter(at.checked_sub(1)) && !letter(Some(at + argument.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<Vec<u8>> {
        None
    }

    #[test]
    fn numbers_read_as_atoi_does() {
        for (text, value) in
            [("", 0), ("12abc", 12), (" -7", -7), ("+3", 3), ("x", 0), ("99999999999999999999", i64::MAX)]
        {
            assert_eq!(integer(text.as_bytes()), value, "{text:?}");
        }
    }

    #[test]
    fn unknown_operators_and_files_are_named() {
        let unknown = Operator::compile("rx2", b"a", &none).unwrap_err();
        assert_eq!(unknown.to_string(), "there is no operator `@rx2`");
        let missing = Operator::compile("pmFromFile", b"php.data", &none).unwrap_err();
        assert_eq!(missing, OperatorError::MissingFile { operator: "pmFromFile".into(), path: "php.data".into() });
    }

    #[test]
    fn an_expanded_argument_takes_the_place_of_the_written_one() {
        let within = Operator::compile("within", b"%{tx.methods}", &none).unwrap();
        assert_eq!(within.evaluate_expanded(b"GET", b"GET POST", None), Outcome::Hit);
        assert_eq!(within.evaluate_expanded(b"PUT", b"GET POST", None), Outcome::Miss);
        let rx = Operator::compile("rx", b"^%{tx.allowed}$", &none).unwrap();
        assert_eq!(rx.evaluate_expanded(b"abc", b"^a.c$", None), Outcome::Hit);
        assert_eq!(rx.evaluate_expanded(b"abd", b"^a.c$", None), Outcome::Miss);
    }

    #[test]
    fn words_have_no_letters_beside_them() {
        let word = Operator::compile("containsWord", b"union", &none).unwrap();
        for (value, hit) in
            [("1 union select", true), ("reunion", false), ("unions", false), ("reunion union", true), ("union1", true)]
        {
            assert_eq!(word.matches(value.as_bytes(), None), hit, "{value}");
        }
    }

    #[test]
    fn what_needs_the_outside_is_inactive() {
        let operator = Operator::compile("rbl", b"dnsbl.example", &none).unwrap();
        assert!(operator.is_inactive());
        assert!(!operator.matches(b"127.0.0.2", None));
    }
}
