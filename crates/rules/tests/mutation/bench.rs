//! One mutation on many templates: what is found, where, and what else changes.

use std::{collections::BTreeMap, ops::Range};

use brigandine_model::Finding;
use brigandine_rules::{Context, Selection, judge};
use brigandine_template::{
    Failure, Input, Options, Sources,
    fix::{Written, apply},
    load::Document,
    read,
};

use crate::site::{Mutation, Place, Site};

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 1);

/// A template and what the default profile says of it.
pub(crate) struct Template {
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) document: Document,
    findings: Vec<Finding>,
}

impl Template {
    pub(crate) fn read(file: &str, text: &str) -> Option<Self> {
        let (document, findings) = judged(file, text, &Selection::default())?;
        Some(Self { file: file.to_owned(), text: text.to_owned(), document, findings })
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// The template as it is read, and what these rules find.
fn judged(file: &str, text: &str, selection: &Selection) -> Option<(Document, Vec<Finding>)> {
    let options = Options::default();
    let mut sources = Sources::default();
    let reading = loop {
        let input = Input {
            file: file.into(),
            name: "corpus".into(),
            bytes: text.as_bytes(),
            options: &options,
            sources: &sources,
        };
        match read(&input) {
            Ok(reading) => break reading,
            Err(Failure::Missing(paths)) => paths.iter().for_each(|path| sources.insert(path, None)),
            Err(_) => return None,
        }
    };
    Some((reading.document, judge(&reading.app, selection, &Context { today: TODAY }).findings))
}

/// The default profile, and the rules a mutation is about.
fn selection(mutation: &Mutation) -> Selection {
    let usual = Selection::default();
    let codes = usual.rules().map(|rule| rule.meta().code).chain(mutation.codes.iter().copied());
    Selection::new("recommended", &codes.map(str::to_owned).collect::<Vec<_>>(), &[]).unwrap()
}

/// How one mutation did.
pub(crate) struct Score {
    pub(crate) name: &'static str,
    codes: &'static [&'static str],
    pub(crate) sites: usize,
    pub(crate) misses: Vec<String>,
    /// Sites the text has no place for, or after which the template is refused: not counted.
    unwritten: usize,
}

impl Score {
    /// Tries the mutation on at most so many sites of each template.
    pub(crate) fn of(mutation: &Mutation, templates: &[Template], most: usize) -> Self {
        let selection = selection(mutation);
        let usual = Selection::default();
        let strict = mutation.codes.iter().any(|code| !usual.asks(code));
        let (mut sites, mut misses, mut unwritten) = (0, Vec::new(), 0);
        for template in templates {
            let mut before = None;
            for site in (mutation.sites)(template).into_iter().take(most) {
                let before = before.get_or_insert_with(|| {
                    if strict {
                        judged(&template.file, &template.text, &selection).unwrap().1
                    } else {
                        template.findings.clone()
                    }
                });
                match outcome(mutation, template, &site, (before, &selection)) {
                    Tried::Unwritten => unwritten += 1,
                    Tried::Right => sites += 1,
                    Tried::Wrong(why) => {
                        sites += 1;
                        misses.push(format!("{} `{}`: {why}", template.file, site.what));
                    }
                }
            }
        }
        Self { name: mutation.name, codes: mutation.codes, sites, misses, unwritten }
    }

    pub(crate) fn found(&self) -> usize {
        self.sites - self.misses.len()
    }

    pub(crate) fn recall(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let recall = self.found() as f64 / self.sites.max(1) as f64;
        recall
    }
}

enum Tried {
    Unwritten,
    Right,
    Wrong(String),
}

fn outcome(mutation: &Mutation, template: &Template, site: &Site, judge: (&[Finding], &Selection)) -> Tried {
    let (before, selection) = judge;
    let written = Written::of(template.file.as_str().into(), template.document.clone());
    let Ok(edits) = written.and_then(|written| written.edits(&site.changes)) else { return Tried::Unwritten };
    if edits.is_empty() {
        return Tried::Unwritten;
    }
    let text = apply(&template.text, &edits);
    let Some((_, after)) = judged(&template.file, &text, selection) else { return Tried::Unwritten };
    let mut shift = 0_isize;
    let places: Vec<Range<usize>> = edits
        .iter()
        .map(|edit| {
            let start = edit.span.start.checked_add_signed(shift).unwrap();
            shift += isize::try_from(edit.replacement.len()).unwrap()
                - isize::try_from(edit.span.end - edit.span.start).unwrap();
            lines(&text, start..start + edit.replacement.len())
        })
        .collect();
    let new = without(&after, before);
    let gone = without(before, &after);
    let is_it = |finding: &&Finding| {
        mutation.codes.contains(&&*finding.code)
            && match &site.place {
                Place::Text => stands(finding, &places),
                Place::Resource(id) => {
                    finding.resource.iter().chain(&finding.also).any(|resource| resource.as_str() == id)
                }
            }
    };
    let expected =
        |finding: &&Finding| mutation.codes.contains(&&*finding.code) || mutation.also.contains(&&*finding.code);
    let others: Vec<String> = new.iter().copied().filter(|one| !expected(one)).map(told).collect();
    match (new.iter().copied().any(|finding| is_it(&finding)), others.is_empty(), gone.is_empty()) {
        (true, true, true) => Tried::Right,
        (false, _, _) => {
            Tried::Wrong(format!("not found; new: {:?}", new.iter().copied().map(told).collect::<Vec<_>>()))
        }
        (true, false, _) => Tried::Wrong(format!("more changed: {others:?}")),
        (true, true, false) => {
            Tried::Wrong(format!("less is found: {:?}", gone.iter().copied().map(told).collect::<Vec<_>>()))
        }
    }
}

fn told(finding: &Finding) -> String {
    let line = finding.span.as_ref().map_or(0, |span| span.line);
    format!(
        "{} {} line {line}: {}",
        finding.code,
        finding.resource.as_ref().map_or("", |id| id.as_str()),
        finding.title
    )
}

/// The whole lines that a stretch of text touches. What is put in begins with the line end before it.
fn lines(text: &str, range: Range<usize>) -> Range<usize> {
    let inner = text[range.clone()].trim_start_matches(['\n', '\r', ',']);
    let start = range.end - inner.len();
    let from = text[..start].rfind('\n').map_or(0, |end| end + 1);
    let to = text[range.end.max(start)..].find('\n').map_or(text.len(), |end| range.end.max(start) + end);
    from..to
}

/// Whether a finding points into one of these places.
fn stands(finding: &Finding, places: &[Range<usize>]) -> bool {
    let own = finding.span.iter();
    own.chain(finding.related.iter().map(|(span, _)| span))
        .any(|span| places.iter().any(|place| span.start < place.end && place.start < span.end.max(span.start + 1)))
}

/// What is among the first and not among the others: by rule, resource and fact.
fn without<'a>(findings: &'a [Finding], others: &[Finding]) -> Vec<&'a Finding> {
    let key = |finding: &Finding| (finding.code.clone(), finding.resource.clone(), finding.fact.clone());
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    for other in others {
        *known.entry(key(other)).or_default() += 1;
    }
    let mut new = Vec::new();
    for finding in findings {
        match known.get_mut(&key(finding)) {
            Some(left) if *left > 0 => *left -= 1,
            _ => new.push(finding),
        }
    }
    new
}

/// The table, and every miss.
pub(crate) fn print(scores: &[Score]) {
    println!("{:<34}{:<16}{:>6}{:>8}{:>8}{:>11}", "mutation", "rules", "sites", "found", "recall", "unwritten");
    for score in scores {
        let recall = if score.sites == 0 { "-".to_owned() } else { format!("{:.3}", score.recall()) };
        let codes = score.codes.join(" ");
        println!(
            "{:<34}{codes:<16}{:>6}{:>8}{recall:>8}{:>11}",
            score.name,
            score.sites,
            score.found(),
            score.unwritten
        );
    }
    for score in scores {
        for miss in &score.misses {
            println!("missed {}: {miss}", score.name);
        }
    }
}
