//! How a text is laid out, so that what is added looks as if its author had written it.

use std::collections::BTreeMap;

use super::{
    lines::{column, line_start},
    scalar::Quote,
};
use crate::{Kind, Node, load::Document};

/// The habits of one text.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) newline: &'static str,
    /// Blanks from a key to the keys below it.
    pub(super) step: usize,
    /// Blanks from a key to the dashes below it.
    pub(super) dash: usize,
    /// Whether intrinsics are written as tags.
    pub(super) short: bool,
    pub(super) quote: Quote,
    /// Whether the whole text is JSON.
    pub(super) json: bool,
    /// What one level of brackets is indented by; nothing when all stands in one line.
    pub(super) unit: Option<String>,
    /// Whether a blank follows colons and commas.
    pub(super) airy: bool,
}

#[derive(Default)]
struct Habits {
    steps: BTreeMap<usize, usize>,
    dashes: BTreeMap<usize, usize>,
    short: usize,
    long: usize,
    single: usize,
    double: usize,
}

impl Layout {
    pub(super) fn of(document: &Document) -> Self {
        let text = &*document.text;
        let mut habits = Habits::default();
        habits.watch(text, &document.root, None);
        let step = most(&habits.steps).unwrap_or(2);
        let body = text.trim_start_matches('\u{feff}').trim();
        Self {
            newline: newline(text),
            step,
            dash: most(&habits.dashes).unwrap_or(step),
            short: habits.short > 0 || habits.long == 0,
            quote: if habits.double > habits.single { Quote::Double } else { Quote::Single },
            json: document.is_json,
            unit: body.contains(['\n', '\r']).then(|| unit(text)),
            airy: !document.is_json || !body.contains("\":\"") || body.contains("\": "),
        }
    }
}

fn most(counts: &BTreeMap<usize, usize>) -> Option<usize> {
    counts.iter().max_by_key(|(_, count)| **count).map(|(width, _)| *width)
}

/// The line ending of the first line.
fn newline(text: &str) -> &'static str {
    match text.find(['\n', '\r']) {
        Some(at) if text.get(at..).is_some_and(|rest| rest.starts_with("\r\n")) => "\r\n",
        Some(at) if text.as_bytes().get(at) == Some(&b'\r') => "\r",
        _ => "\n",
    }
}

/// The blanks before the first indented line.
fn unit(text: &str) -> String {
    let indented =
        text.split(['\n', '\r']).skip(1).find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
    indented.map_or("  ".to_owned(), |line| line.chars().take_while(|blank| matches!(blank, ' ' | '\t')).collect())
}

impl Habits {
    /// `key` is the column of the key this is the value of. The loader bounds the depth.
    fn watch(&mut self, text: &str, node: &Node, key: Option<usize>) {
        let written = written(text, node);
        if let Some(name) = node.as_intrinsic().map(|(name, _)| name).filter(|name| *name != "Condition") {
            let count = if written.starts_with('!') { &mut self.short } else { &mut self.long };
            *count += usize::from(!name.is_empty());
        }
        match &node.kind {
            Kind::Scalar(_) => {
                self.single += usize::from(written.starts_with('\''));
                self.double += usize::from(written.starts_with('"'));
            }
            Kind::List(items) => {
                if let (Some(key), Some(place)) = (key, node.origin.place)
                    && written.starts_with('-')
                    && let Some(width) = column(text, place.start as usize).checked_sub(key)
                {
                    *self.dashes.entry(width).or_default() += 1;
                }
                for item in items {
                    self.watch(text, item, None);
                }
            }
            Kind::Map(map) => {
                let block = !written.starts_with(['{', '!']);
                for (index, (_, origin, value)) in map.entries().enumerate() {
                    let column = origin.place.filter(|_| block).map(|place| column(text, place.start as usize));
                    if let (0, Some(key), Some(column)) = (index, key, column)
                        && let Some(width) = column.checked_sub(key).filter(|width| *width > 0)
                    {
                        *self.steps.entry(width).or_default() += 1;
                    }
                    self.watch(text, value, column);
                }
            }
        }
    }
}

/// A node as it stands in the text, its tag included.
pub(super) fn written<'t>(text: &'t str, node: &Node) -> &'t str {
    let place = node.origin.place;
    place.and_then(|place| text.get(place.start as usize..place.end as usize)).unwrap_or_default()
}

/// The blanks at the start of the line that `at` stands in.
pub(super) fn indentation(text: &str, at: usize) -> &str {
    let line = text.get(line_start(text, at)..).unwrap_or_default();
    let length = line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    line.get(..length).unwrap_or_default()
}
