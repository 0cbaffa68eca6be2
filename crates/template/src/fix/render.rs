//! Values as text: in blocks, in brackets, as JSON.

use std::sync::Arc;

use brigandine_model::Literal;

use super::{
    layout::Layout,
    scalar::{self, Quote},
};

/// Longest value that is put in one line where it could have several.
const WIDEST: usize = 80;

/// Writes values in the habits of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen<'l> {
    pub(super) layout: &'l Layout,
    /// Whether everything within brackets is quoted, as JSON wants it.
    pub(super) strict: bool,
}

impl Pen<'_> {
    /// What follows a key's colon; `indent` is the key's column.
    pub(super) fn after_colon(self, value: &Literal, indent: usize) -> String {
        if let Some(line) = self.line(value) {
            return format!(" {line}");
        }
        match value {
            Literal::List(items) => self.items(items, indent + self.layout.dash),
            Literal::Map(entries) => match self.tag(entries) {
                Some((tag, Literal::List(items))) => format!(" {tag}{}", self.items(items, indent + self.layout.step)),
                Some((tag, argument)) => format!(" {tag}{}", self.after_colon(argument, indent)),
                None => {
                    let indent = indent + self.layout.step;
                    let lines =
                        entries.iter().map(|(key, value)| self.break_to(indent, &self.entry(key, value, indent)));
                    lines.collect()
                }
            },
            _ => String::new(),
        }
    }

    /// A key and its value; further lines are indented below `indent`.
    pub(super) fn entry(self, key: &str, value: &Literal, indent: usize) -> String {
        let key = scalar::yaml(key, self.layout.quote, false);
        format!("{key}:{}", self.after_colon(value, indent))
    }

    /// What follows a dash and its blank; `indent` is the column behind them.
    pub(super) fn item(self, value: &Literal, indent: usize) -> String {
        if let Some(line) = self.line(value) {
            return line;
        }
        let joined = |parts: Vec<String>| parts.join(&self.break_to(indent, ""));
        match value {
            Literal::List(items) => {
                joined(items.iter().map(|item| format!("- {}", self.item(item, indent + 2))).collect())
            }
            Literal::Map(entries) => match self.tag(entries) {
                Some((tag, Literal::List(items))) => format!("{tag}{}", self.items(items, indent)),
                Some((tag, argument)) => format!("{tag}{}", self.after_colon(argument, indent)),
                None => joined(entries.iter().map(|(key, value)| self.entry(key, value, indent)).collect()),
            },
            _ => String::new(),
        }
    }

    fn items(self, items: &[Literal], indent: usize) -> String {
        items.iter().map(|item| self.break_to(indent, &format!("- {}", self.item(item, indent + 2)))).collect()
    }

    pub(super) fn break_to(self, indent: usize, text: &str) -> String {
        format!("{}{:indent$}{text}", self.layout.newline, "")
    }

    /// The value in one line of a block, when it is one by nature.
    pub(super) fn line(self, value: &Literal) -> Option<String> {
        match value {
            Literal::Flag(_) | Literal::Number(_) => Some(self.within(value)),
            Literal::Text(text) => Some(scalar::yaml(text, self.layout.quote, false)),
            Literal::List(items) if items.is_empty() => Some("[]".to_owned()),
            Literal::Map(entries) if entries.is_empty() => Some("{}".to_owned()),
            Literal::Map(entries) => match self.tag(entries)? {
                (tag, Literal::Text(text)) => Some(format!("{tag} {}", scalar::yaml(text, self.layout.quote, false))),
                (tag, Literal::List(items)) if items.iter().all(is_small) => {
                    Some(format!("{tag} {}", self.within(&Literal::List(items.clone()))))
                        .filter(|line| line.len() <= WIDEST)
                }
                _ => None,
            },
            Literal::List(_) => None,
        }
    }

    /// The tag of an intrinsic and what it stands before, when the text writes tags.
    fn tag(self, entries: &[(Arc<str>, Literal)]) -> Option<(String, &Literal)> {
        let ([(name, argument)], true) = (entries, self.layout.short && !self.strict) else { return None };
        let name = match &**name {
            "Ref" => "Ref",
            // Within this one transform names are not looked for behind a tag.
            "Fn::Transform" => return None,
            other => other.strip_prefix("Fn::")?,
        };
        // No two tags may stand before one value.
        match argument {
            Literal::Map(inner) if self.tag(inner).is_some() => None,
            Literal::Flag(_) | Literal::Number(_) => None,
            _ => Some((format!("!{name}"), argument)),
        }
    }

    /// The value within brackets, in one line.
    pub(super) fn within(self, value: &Literal) -> String {
        let comma = if self.layout.airy { ", " } else { "," };
        match value {
            Literal::Flag(flag) => flag.to_string(),
            Literal::Number(number) => number.to_string(),
            Literal::Text(text) => self.word(text),
            Literal::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.within(item)).collect();
                format!("[{}]", items.join(comma))
            }
            Literal::Map(entries) => {
                if let Some((tag, argument)) = self.tag(entries) {
                    return format!("{tag} {}", self.within(argument));
                }
                let entries: Vec<String> = entries.iter().map(|(key, value)| self.pair(key, value)).collect();
                format!("{{{}}}", entries.join(comma))
            }
        }
    }

    /// A key and its value within brackets, in one line.
    pub(super) fn pair(self, key: &str, value: &Literal) -> String {
        format!("{}{}{}", self.word(key), self.colon(), self.within(value))
    }

    pub(super) fn colon(self) -> &'static str {
        if self.layout.airy { ": " } else { ":" }
    }

    pub(super) fn word(self, text: &str) -> String {
        if self.strict { scalar::json(text) } else { scalar::yaml(text, self.layout.quote, true) }
    }

    /// The value within brackets, each entry on its own line; `indent` is that of the line it starts in.
    pub(super) fn tall(self, value: &Literal, indent: &str) -> String {
        let Some(unit) = &self.layout.unit else { return self.within(value) };
        let deeper = format!("{indent}{unit}");
        let newline = self.layout.newline;
        let joined = |lines: Vec<String>| {
            lines.iter().map(|line| format!("{newline}{deeper}{line}")).collect::<Vec<_>>().join(",") + newline + indent
        };
        match value {
            Literal::List(items) if !items.is_empty() => {
                format!("[{}]", joined(items.iter().map(|item| self.tall(item, &deeper)).collect()))
            }
            Literal::Map(entries) if !entries.is_empty() && self.tag(entries).is_none() => {
                let line = |(key, value): &(Arc<str>, Literal)| {
                    format!("{}{}{}", self.word(key), self.colon(), self.tall(value, &deeper))
                };
                format!("{{{}}}", joined(entries.iter().map(line).collect()))
            }
            _ => self.within(value),
        }
    }

    /// The text quoted as what it replaces was, or as it must be.
    pub(super) fn like(self, old: &str, text: &str, within_brackets: bool) -> String {
        match old.bytes().next() {
            Some(b'"') => scalar::quoted(text, Quote::Double),
            Some(b'\'') => scalar::quoted(text, Quote::Single),
            _ if self.strict => scalar::json(text),
            _ => scalar::yaml(text, self.layout.quote, within_brackets),
        }
    }
}

/// Whether a value is a word, or an intrinsic of one.
fn is_small(value: &Literal) -> bool {
    match value {
        Literal::List(_) => false,
        Literal::Map(entries) => match entries.as_slice() {
            [(name, Literal::Text(_))] => &**name == "Ref" || name.starts_with("Fn::"),
            [(name, Literal::List(items))] => &**name == "Fn::GetAtt" && items.iter().all(is_small),
            _ => false,
        },
        _ => true,
    }
}
