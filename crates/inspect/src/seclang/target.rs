//! Targets: which variables a rule looks at, `ARGS|!ARGS:/^x/|&TX:score`.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use crate::variable::Variable;

/// Which members of a collection are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Selector {
    /// All of them.
    All,
    /// Those of this name; kept in lower case, since names are compared without regard to case.
    Name(Arc<[u8]>),
    /// Those whose name fits a pattern.
    Pattern(NamePattern),
    /// All attribute values of a document, `XML://@*`.
    Attributes,
}

/// A pattern for names, compiled when the rules are loaded.
#[derive(Clone, Debug)]
pub(crate) struct NamePattern {
    source: Arc<str>,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    Linear(Regex),
    /// For look-around, which names in older exclusions use.
    Backtracking(Arc<fancy_regex::Regex>),
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for NamePattern {}

impl Hash for NamePattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}

impl NamePattern {
    pub(crate) fn new(source: &str) -> Result<Self, String> {
        let options =
            syntax::Config::new().case_insensitive(true).unicode(false).utf8(false).dot_matches_new_line(true);
        let matcher = match Regex::builder().syntax(options).build(source) {
            Ok(regex) => Matcher::Linear(regex),
            Err(_) => fancy_regex::RegexBuilder::new(source)
                .case_insensitive(true)
                .backtrack_limit(10_000)
                .build()
                .map(|regex| Matcher::Backtracking(Arc::new(regex)))
                .map_err(|error| format!("the pattern `{source}` cannot be read: {error}"))?,
        };
        Ok(Self { source: Arc::from(source), matcher })
    }

    /// Whether a name fits. A pattern that gives up does not fit: it can only select less than it says.
    pub(crate) fn fits(&self, name: &[u8]) -> bool {
        match &self.matcher {
            Matcher::Linear(regex) => regex.is_match(name),
            Matcher::Backtracking(regex) => regex.is_match(String::from_utf8_lossy(name).as_ref()).unwrap_or(false),
        }
    }
}

impl Selector {
    /// Whether the member with this lower-case name is meant.
    pub(crate) fn takes(&self, lower: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Name(name) => name.as_ref() == lower,
            Self::Pattern(pattern) => pattern.fits(lower),
            Self::Attributes => false,
        }
    }
}

/// One variable or one selection of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) variable: Variable,
    pub(crate) selector: Selector,
    /// `&`: how many there are instead of what they hold.
    pub(crate) count: bool,
}

/// The whole list: what is looked at, and what is left out of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Targets {
    pub(crate) included: Vec<Target>,
    pub(crate) excluded: Vec<Target>,
}

impl Targets {
    /// Reads a list; members are parted by `|`, and in updates by `,` as well.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut targets = Self::default();
        let mut rest = text.trim();
        loop {
            let (negated, after) = strip(rest.trim_start(), '!');
            let (count, after) = strip(after, '&');
            let (target, after) = target(after, count)?;
            if negated { &mut targets.excluded } else { &mut targets.included }.push(target);
            let after = after.trim_start();
            if after.is_empty() {
                return Ok(targets);
            }
            rest = after.strip_prefix(['|', ',']).ok_or_else(|| format!("`|` was expected before `{after}`"))?;
        }
    }

    /// Whether anything in it can change while a phase runs.
    pub(crate) fn is_volatile(&self) -> bool {
        self.included.iter().any(|target| target.count || target.variable.is_volatile())
    }

    /// One of the included targets with the exclusions that concern it.
    pub(crate) fn only(&self, target: &Target) -> Self {
        let concerns = |excluded: &&Target| {
            excluded.variable == target.variable || target.variable.names_of() == Some(excluded.variable)
        };
        Self { included: vec![target.clone()], excluded: self.excluded.iter().filter(concerns).cloned().collect() }
    }

    /// Whether the member of that variable with that lower-case name is left out.
    pub(crate) fn excludes(&self, variable: Variable, lower: &[u8]) -> bool {
        self.excluded.iter().any(|target| target.leaves_out(variable, lower))
    }
}

impl Target {
    /// Whether this exclusion covers a member; one of a collection also covers that name in the list of its names.
    pub(crate) fn leaves_out(&self, variable: Variable, lower: &[u8]) -> bool {
        let same = self.variable == variable;
        match &self.selector {
            Selector::All | Selector::Attributes => same,
            named => (same || variable.names_of() == Some(self.variable)) && named.takes(lower),
        }
    }
}

fn strip(text: &str, mark: char) -> (bool, &str) {
    text.strip_prefix(mark).map_or((false, text), |rest| (true, rest))
}

fn target(text: &str, count: bool) -> Result<(Target, &str), String> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let variable = Variable::parse(name).ok_or_else(|| format!("the variable `{name}` is not known"))?;
    let Some(rest) = rest.strip_prefix([':', '.']) else {
        return Ok((Target { variable, selector: Selector::All, count }, rest));
    };
    let (selector, rest) = selector(variable, rest)?;
    if !variable.is_collection() && selector != Selector::All {
        return Err(format!("`{name}` is one value and has no members"));
    }
    Ok((Target { variable, selector, count }, rest))
}

/// Reads what follows `ARGS:`.
pub(crate) fn selector(variable: Variable, text: &str) -> Result<(Selector, &str), String> {
    let (quoted, body) = strip(text, '\'');
    if variable == Variable::Xml {
        let end = body.find(['|', ',', '\'']).unwrap_or(body.len());
        let (path, rest) = body.split_at_checked(end).unwrap_or((body, ""));
        let rest = if quoted { rest.strip_prefix('\'').unwrap_or(rest) } else { rest };
        return match path {
            "/*" | "//*" => Ok((Selector::All, rest)),
            "//@*" => Ok((Selector::Attributes, rest)),
            other => Err(format!("the path `{other}` is not known: `/*` and `//@*` are")),
        };
    }
    if let Some(pattern) = body.strip_prefix('/') {
        let end = closing_slash(pattern).ok_or_else(|| format!("the pattern `/{pattern}` has no end"))?;
        let (source, rest) = pattern.split_at_checked(end).unwrap_or((pattern, ""));
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let rest = if quoted { rest.strip_prefix('\'').unwrap_or(rest) } else { rest };
        return Ok((Selector::Pattern(NamePattern::new(source)?), rest));
    }
    let end = if quoted { body.find('\'') } else { body.find(['|', ',']) }.unwrap_or(body.len());
    let (name, rest) = body.split_at_checked(end).unwrap_or((body, ""));
    let rest = if quoted { rest.strip_prefix('\'').unwrap_or(rest) } else { rest };
    Ok((Selector::Name(Arc::from(name.trim().to_lowercase().as_bytes())), rest))
}

fn closing_slash(pattern: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in pattern.char_indices() {
        match character {
            '/' if !escaped => return Some(at),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let targets = Targets::parse("ARGS|!ARGS:/^a|b$/|&TX:Score|XML:/*|XML://@*|ip.x|ARGS_NAMES:'q|r'").unwrap();
        assert_eq!(targets.included.len(), 6);
        assert!(targets.included[1].count);
        assert_eq!(targets.included[1].selector, Selector::Name(Arc::from(b"score".as_slice())));
        assert_eq!(targets.included[3].selector, Selector::Attributes);
        assert_eq!(targets.included[5].selector, Selector::Name(Arc::from(b"q|r".as_slice())));
        assert!(targets.excludes(Variable::Args, b"axe"));
        assert!(targets.excludes(Variable::ArgsNames, b"axe"));
        assert!(!targets.excludes(Variable::Args, b"xa"));
    }

    #[test]
    fn wrong_lists_are_refused() {
        for text in ["", "NOT_A_VARIABLE", "ARGS:/open", "REQUEST_METHOD:x", "XML:/a/b", "ARGS ARGS"] {
            assert!(Targets::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn look_around_in_names_is_understood() {
        let targets = Targets::parse("!ARGS:'/^(?!ref)/'").unwrap();
        assert!(targets.excludes(Variable::Args, b"key"));
        assert!(!targets.excludes(Variable::Args, b"ref"));
    }
}
