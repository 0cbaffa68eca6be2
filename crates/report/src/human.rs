//! Findings for a person at a terminal: the line, the proof, what to do, and the edit as a difference.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet, Title, renderer::DEFAULT_TERM_WIDTH,
};
use anstyle::{AnsiColor, Style};
use brigandine_model::{Applicability, Finding, Fix, Severity, Span};

use crate::{
    Past, Report,
    safe::Safe,
    summary,
    summary::count,
    text::{clean, lines_around, presentable, secrets_in, wrapped},
};

/// Whether colour may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text: a pipe, a file, `NO_COLOR`.
    #[default]
    Never,
    /// Colour for meaning: the severity, the marked text, what an edit takes and gives.
    Always,
}

/// How the terminal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether colour may be used.
    pub colour: Colour,
    /// Columns, where they are known.
    pub width: Option<usize>,
}

impl Look {
    fn columns(self) -> usize {
        self.width.unwrap_or(DEFAULT_TERM_WIDTH).clamp(40, 160)
    }

    /// Room for running text beside `= note: `.
    fn prose(self) -> usize {
        self.columns().min(110).saturating_sub(14)
    }

    fn renderer(self) -> Renderer {
        let renderer = match self.colour {
            Colour::Never => Renderer::plain(),
            Colour::Always => Renderer::styled().emphasis(Style::new().bold()).hyperlink(false),
        };
        renderer.term_width(self.columns())
    }

    fn paint(self, text: &str, style: Style) -> String {
        match self.colour {
            Colour::Never => text.to_owned(),
            Colour::Always => format!("{style}{text}{style:#}"),
        }
    }
}

/// Every finding with its lines, then what was not judged, then the summary.
pub fn human(report: &Report<'_>, look: Look) -> String {
    let safe = Safe::new(report);
    let report = &safe.report(report);
    let renderer = look.renderer();
    let shelf = shelf(report);
    let blank = Page { file: String::new(), text: None };
    let mut advised = BTreeSet::new();
    let mut out = String::new();
    for finding in report.news() {
        let page = finding.span.as_ref().and_then(|span| shelf.get(&span.file)).unwrap_or(&blank);
        let advice: Vec<&str> = advice(finding, &mut advised);
        let told = Told { advice: &advice, environments: report.environments(finding) };
        out.push_str(&renderer.render(&groups(finding, page, &told, look)));
        out.push_str("\n\n");
    }
    if let Some(past) = report.past.filter(|past| !past.gone.is_empty()) {
        out.push_str(&gone(past, look));
        out.push('\n');
    }
    if !report.unjudged.is_empty() {
        out.push_str(&not_judged(report, look));
        out.push('\n');
    }
    out.push_str(&look.paint(&summary(report), style_of_summary(report)));
    out.push('\n');
    out
}

/// A file as it may be shown.
struct Page {
    file: String,
    text: Option<String>,
}

/// The files that findings stand in.
fn shelf(report: &Report<'_>) -> BTreeMap<Arc<str>, Page> {
    let mut shelf = BTreeMap::new();
    for span in report.findings.iter().filter_map(|finding| finding.span.as_ref()) {
        shelf.entry(span.file.clone()).or_insert_with(|| Page {
            file: clean(&span.file).into_owned(),
            text: report.sources.get(&span.file).map(|text| presentable(text, &secrets_in(report, &span.file))),
        });
    }
    shelf
}

impl Page {
    /// The bytes of the span on its first line, when it lies within the text.
    fn first_line(&self, span: &Span) -> Option<Range<usize>> {
        let marked = self.text.as_ref()?.get(span.start..span.end)?;
        let first = marked.lines().next().unwrap_or_default().trim_end();
        Some(span.start..span.start + first.len())
    }
}

/// What to do, where the same was not said of an earlier finding of the rule.
fn advice<'a>(finding: &'a Finding, advised: &mut BTreeSet<(&'a str, &'a str)>) -> Vec<&'a str> {
    finding.help.iter().map(String::as_str).filter(|help| advised.insert((&finding.code, help))).collect()
}

/// What is told of a finding besides its own words.
struct Told<'a> {
    advice: &'a [&'a str],
    environments: &'a [Arc<str>],
}

fn groups<'a>(finding: &'a Finding, page: &'a Page, told: &Told<'_>, look: Look) -> Vec<Group<'a>> {
    let title = title(finding);
    let mut main = match (&finding.span, shown(finding, page)) {
        (_, Some(snippets)) => title.elements(snippets),
        (Some(span), None) => {
            title.element(Origin::path(page.file.as_str()).line(span.line as usize).char_column(span.column as usize))
        }
        (None, None) => Group::with_title(title),
    };
    main = main.element(Level::NOTE.message(wrapped(&clean(&finding.message), look.prose())));
    if !finding.path.is_empty() {
        main = main.element(Level::NOTE.with_name("path").message(path(finding, look)));
    }
    if !told.environments.is_empty() {
        main =
            main.element(Level::NOTE.with_name("only in").message(clean(&told.environments.join(", ")).into_owned()));
    }
    for help in told.advice {
        main = main.element(Level::HELP.message(wrapped(&clean(help), look.prose())));
    }
    let fix = finding.fix.as_ref().and_then(|fix| difference(fix, page));
    std::iter::once(main).chain(fix).collect()
}

/// The way of an attacker, step by step, on as few lines as it needs; broken before an arrow, never within a step.
fn path(finding: &Finding, look: Look) -> String {
    let file = finding.span.as_ref().map(|span| &span.file);
    let mut out = String::new();
    let mut column = 0;
    for (number, step) in finding.path.iter().enumerate() {
        let arrow = if number == 0 { "" } else { "-> " };
        let place = step.span.as_ref().map_or_else(String::new, |span| match file == Some(&span.file) {
            true => format!(" (line {})", span.line),
            false => format!(" ({}:{})", clean(&span.file), span.line),
        });
        let words = format!("{arrow}{}{place}", clean(&step.words));
        let length = words.chars().count();
        if column > 0 && column + 1 + length > look.prose() {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(&words);
        column += length;
    }
    out
}

fn title(finding: &Finding) -> Title<'_> {
    let level = match finding.severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium => Level::WARNING,
        Severity::Low | Severity::Info => Level::INFO,
    };
    level.with_name(finding.severity.as_str()).primary_title(clean(&finding.title)).id(clean(&finding.code))
}

/// Proof further away than this many bytes gets lines of its own.
const NEAR: usize = 4_000;

/// The lines that the finding marks, with the marks: those near the fault together, the others apart.
fn shown<'a>(finding: &'a Finding, page: &'a Page) -> Option<Vec<Snippet<'a, Annotation<'a>>>> {
    let span = finding.span.as_ref()?;
    let primary = page.first_line(span)?;
    let proof = finding.related.iter().filter(|(place, _)| place.file == span.file);
    let proof =
        proof.filter_map(|(place, label)| Some((page.first_line(place)?, AnnotationKind::Context, label.as_str())));
    let (near, far): (Vec<_>, Vec<_>) = proof.partition(|(range, ..)| range.start.abs_diff(primary.start) < NEAR);
    let marks = std::iter::once((primary, AnnotationKind::Primary, finding.label.as_str())).chain(near).collect();
    let apart = far.into_iter().filter_map(|mark| snippet(vec![mark], page));
    Some(std::iter::once(snippet(marks, page)?).chain(apart).collect())
}

type Mark<'a> = (Range<usize>, AnnotationKind, &'a str);

fn snippet<'a>(marks: Vec<Mark<'a>>, page: &'a Page) -> Option<Snippet<'a, Annotation<'a>>> {
    let window = window(page.text.as_ref()?, marks.iter().map(|(range, ..)| range))?;
    let annotations = marks.into_iter().map(|(range, kind, label)| {
        kind.span(range.start - window.start..range.end - window.start).label(clean(label))
    });
    Some(window.snippet(page).annotations(annotations))
}

/// Whole lines of a text, from the first to the last that matter.
struct Window<'a> {
    start: usize,
    line: usize,
    text: &'a str,
}

impl<'a> Window<'a> {
    fn snippet<T: Clone>(&self, page: &'a Page) -> Snippet<'a, T> {
        Snippet::source(self.text).line_start(self.line).path(page.file.as_str())
    }
}

fn window<'a, 'r>(text: &'a str, ranges: impl Iterator<Item = &'r Range<usize>> + Clone) -> Option<Window<'a>> {
    let from = ranges.clone().map(|range| range.start).min()?;
    let to = ranges.map(|range| range.end).max()?;
    let lines = lines_around(text, from, to);
    let line = text.get(..lines.start)?.bytes().filter(|byte| *byte == b'\n').count() + 1;
    Some(Window { start: lines.start, line, text: text.get(lines)? })
}

const LONGEST_DIFFERENCE: usize = 200;

fn difference<'a>(fix: &'a Fix, page: &'a Page) -> Option<Group<'a>> {
    let text = page.text.as_ref()?;
    let ranges: Vec<Range<usize>> = fix.edits.iter().map(|edit| edit.span.start..edit.span.end).collect();
    if !ranges.iter().all(|range| text.get(range.clone()).is_some()) {
        return None;
    }
    let window = window(text, ranges.iter())?;
    let words = match fix.applicability {
        Applicability::Safe => "safe fix: changes nothing a caller could notice",
        Applicability::Unsafe => "unsafe fix: look before you apply it",
    };
    let patches = fix.edits.iter().map(|edit| {
        Patch::new(edit.span.start - window.start..edit.span.end - window.start, clean_lines(&edit.replacement))
    });
    let title = Level::HELP.secondary_title(format!("{} ({words})", clean(&fix.title)));
    // A difference cannot be cut to the terminal: of a template on one line it would show the whole template twice.
    let fits = window.text.lines().all(|line| line.len() <= LONGEST_DIFFERENCE);
    Some(if fits { title.element(window.snippet(page).patches(patches)) } else { Group::with_title(title) })
}

fn clean_lines(text: &str) -> String {
    text.split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

/// A list, since a fact that could not be judged has no text to mark that would explain it.
fn not_judged(report: &Report<'_>, look: Look) -> String {
    const SHOWN: usize = 20;
    let mut out = look.paint("not judged", AnsiColor::Yellow.on_default().bold());
    out.push_str(" (neither a finding nor a pass)\n");
    for unjudged in report.unjudged.iter().take(SHOWN) {
        let place = unjudged.span.as_ref().map(|span| format!("{}:{}:{}: ", clean(&span.file), span.line, span.column));
        let code = unjudged.code.as_deref().map(|code| format!("{code} "));
        let line = format!("{}{}{}", place.unwrap_or_default(), code.unwrap_or_default(), clean(&unjudged.reason));
        let indented = wrapped(&line, look.columns().saturating_sub(6)).replace('\n', "\n    ");
        out.extend(["  ", &indented, "\n"]);
    }
    if report.unjudged.len() > SHOWN {
        let more = report.unjudged.len() - SHOWN;
        out.extend(["  and ", &more.to_string(), " more: `--format json` lists all\n"]);
    }
    out
}

/// What is not found any more: good news, in one line each.
fn gone(past: &Past, look: Look) -> String {
    const SHOWN: usize = 10;
    let mut out = look.paint("gone", AnsiColor::Green.on_default().bold());
    out.push_str(" (known before, not found any more)\n");
    for one in past.gone.iter().take(SHOWN) {
        out.extend(["  ", &*clean(&one.file), ": ", &*clean(&one.code), " ", &*clean(&one.title), "\n"]);
    }
    if past.gone.len() > SHOWN {
        out.extend(["  and ", &count(past.gone.len() - SHOWN, "more finding"), "\n"]);
    }
    out
}

fn style_of_summary(report: &Report<'_>) -> Style {
    let colour = match report.news().map(|finding| finding.severity).max() {
        None => AnsiColor::Green,
        Some(Severity::Critical | Severity::High) => AnsiColor::Red,
        Some(_) => AnsiColor::Yellow,
    };
    colour.on_default().bold()
}
