//! A tree as text again, in one spelling or another.

use brigandine_template::{Kind, Node, Scalar};

/// How intrinsics are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intrinsics {
    /// `Fn::GetAtt: [A, Arn]`.
    Long,
    /// `!GetAtt A.Arn`.
    Short,
}

pub(crate) fn json(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(scalar) => json_scalar(scalar),
        Kind::List(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(",\n ")),
        Kind::Map(map) => {
            let entry = |(key, value): (&str, &Node)| format!("{}: {}", quoted(key), json(value));
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(",\n "))
        }
    }
}

fn json_scalar(scalar: &Scalar) -> String {
    let bare = |text: &str| {
        matches!(text, "true" | "false" | "null") || serde_json::from_str::<serde_json::Number>(text).is_ok()
    };
    match &*scalar.text {
        "" if scalar.plain => "null".to_owned(),
        text @ ("True" | "False") if scalar.plain => text.to_lowercase(),
        text if scalar.plain && bare(text) => text.to_owned(),
        text => quoted(text),
    }
}

/// JSON's quotes are YAML's as well.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

pub(crate) fn yaml(root: &Node, intrinsics: Intrinsics) -> String {
    let mut out = String::new();
    Writer { intrinsics, out: &mut out }.below(root, 0);
    out
}

struct Writer<'o> {
    intrinsics: Intrinsics,
    out: &'o mut String,
}

impl Writer<'_> {
    /// What follows `key:` or `-`: on the same line where it can be, below it where it is a collection.
    fn value(&mut self, node: &Node, indent: usize) {
        if self.intrinsics == Intrinsics::Short
            && let Some((tag, argument)) = short(node)
        {
            self.out.push_str(" !");
            self.out.push_str(tag);
            match attribute(tag, argument) {
                Some(joined) => {
                    self.out.push(' ');
                    self.out.push_str(&quoted(&joined));
                    self.out.push('\n');
                }
                // Two tags cannot stand before one value, so what is within stays long.
                None => self.plain(argument, indent),
            }
            return;
        }
        self.plain(node, indent);
    }

    fn plain(&mut self, node: &Node, indent: usize) {
        match &node.kind {
            Kind::Scalar(scalar) => {
                self.out.push(' ');
                self.out.push_str(&yaml_scalar(scalar));
                self.out.push('\n');
            }
            Kind::List(items) if items.is_empty() => self.out.push_str(" []\n"),
            Kind::Map(map) if map.is_empty() => self.out.push_str(" {}\n"),
            _ => {
                self.out.push('\n');
                self.below(node, indent);
            }
        }
    }

    /// A collection in lines of its own.
    fn below(&mut self, node: &Node, indent: usize) {
        let blanks = " ".repeat(indent);
        match &node.kind {
            Kind::List(items) => {
                for item in items {
                    self.out.push_str(&blanks);
                    self.out.push('-');
                    self.value(item, indent + 2);
                }
            }
            Kind::Map(map) => {
                for (key, value) in map.iter() {
                    self.out.push_str(&blanks);
                    self.out.push_str(&quoted(key));
                    self.out.push(':');
                    self.value(value, indent + 2);
                }
            }
            Kind::Scalar(scalar) => {
                self.out.push_str(&blanks);
                self.out.push_str(&yaml_scalar(scalar));
                self.out.push('\n');
            }
        }
    }
}

/// The tag and the argument, where there is a short form. `Condition` has one, but is an ordinary key as often.
fn short(node: &Node) -> Option<(&str, &Node)> {
    let (name, argument) = node.as_intrinsic()?;
    match name {
        "Ref" => Some((name, argument)),
        "Fn::Transform" => None,
        _ => name.strip_prefix("Fn::").map(|tag| (tag, argument)),
    }
}

fn attribute(tag: &str, argument: &Node) -> Option<String> {
    let items = argument.as_list().filter(|_| tag == "GetAtt")?;
    let words: Option<Vec<&str>> = items.iter().map(Node::as_text).collect();
    words.filter(|words| words.len() == 2).map(|words| words.join("."))
}

fn yaml_scalar(scalar: &Scalar) -> String {
    match &*scalar.text {
        "" if scalar.plain => "null".to_owned(),
        text if scalar.plain && !is_delicate(text) => text.to_owned(),
        text => quoted(text),
    }
}

/// Whether plain text might be read as something else where it did not stand before.
fn is_delicate(text: &str) -> bool {
    text.contains(['\n', ':', '#', '\'', '"', '\t', ',', '[', ']', '{', '}'])
        || text.starts_with(['!', '&', '*', '?', '-', '%', '@', '`', '|', '>', ' '])
        || text.ends_with(' ')
}
