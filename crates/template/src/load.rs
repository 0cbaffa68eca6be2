//! Bytes to tree: YAML and JSON, hostile or not.
//!
//! Three readers speak one language of events: JSON, strict YAML, and the laxer YAML that deployment tools accept. One
//! builder turns events into [`Node`]s under bounds of depth, size and growth. Templates come from anybody's pull
//! request, so nothing here recurses and nothing grows beyond its bound.

mod build;
mod comment;
mod event;
mod extent;
mod intrinsic;
mod json;
mod libyaml;
pub(crate) mod position;
mod saphyr;

use std::sync::Arc;

pub(crate) use self::{
    build::{DEEPEST, MOST_NODES},
    intrinsic::normalise,
    position::Positions,
};
use self::{
    build::{Stop, Tree},
    event::{Fault, Reader, Step},
};
use crate::{Node, Place};

/// Largest text, in bytes. Deployment refuses templates a thirtieth of this.
pub const LARGEST: usize = 32 * 1024 * 1024;

/// A text as a tree.
#[derive(Clone, Debug)]
pub struct Document {
    /// The tree. Intrinsics are in their long form.
    pub root: Node,
    /// The text as it was given, a byte order mark included; places count its bytes.
    pub text: Arc<str>,
    /// What was odd but readable.
    pub notes: Vec<Note>,
    /// Comments in text order. JSON has none.
    pub comments: Vec<Comment>,
    /// Whether the text is JSON, and not only YAML that looks like it.
    pub is_json: bool,
}

/// Something odd that did not stop the reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A key stands twice in one map; the last one counts.
    DuplicateKey {
        /// The key.
        key: Arc<str>,
        /// The one that counts.
        place: Place,
    },
    /// The file goes on with further documents, which are not read.
    FurtherDocuments {
        /// Where the first document ends.
        place: Place,
    },
}

impl Note {
    /// One sentence.
    pub fn message(&self) -> String {
        match self {
            Self::DuplicateKey { key, .. } => format!("the key `{key}` stands twice, the last one counts"),
            Self::FurtherDocuments { .. } => "only the first document of the file is read".to_owned(),
        }
    }

    /// Where.
    pub fn place(&self) -> Place {
        match self {
            Self::DuplicateKey { place, .. } | Self::FurtherDocuments { place } => *place,
        }
    }
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Where, from the `#` to the end of the line.
    pub place: Place,
    /// Whether nothing else stands on its line.
    pub alone: bool,
    /// Its words, without `#` and blanks around.
    pub text: Arc<str>,
}

/// Why a text could not be read, and where. The user can mend the text there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Byte, from 0.
    pub offset: usize,
    /// One sentence.
    pub message: String,
}

/// Reads a text. Only the first document counts.
pub fn load(file: &Arc<str>, bytes: &[u8]) -> Result<Document, Error> {
    let text = decode(file, bytes)?;
    let positions = Positions::new(text);
    let fail = |fault: Fault| error_at(file, &positions, fault);
    if text.trim_matches(|blank: char| blank.is_whitespace() || blank == BYTE_ORDER_MARK).is_empty() {
        return Err(fail(Fault { at: 0, message: "the file is empty".to_owned() }));
    }
    let (tree, is_json) = read(file, text, &positions).map_err(fail)?;
    let comments = comment::comments(text, &tree.scalars, &positions);
    match tree.root {
        Some(root) if root.as_text() != Some("") => {
            Ok(Document { root, text: text.into(), notes: tree.notes, comments, is_json })
        }
        _ => Err(fail(Fault { at: 0, message: "the file holds nothing but comments".to_owned() })),
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';

fn error_at(file: &Arc<str>, positions: &Positions<'_>, fault: Fault) -> Error {
    let place = positions.place(fault.at..fault.at);
    Error {
        file: file.clone(),
        line: place.line,
        column: place.column,
        offset: place.start as usize,
        message: fault.message,
    }
}

fn decode<'b>(file: &Arc<str>, bytes: &'b [u8]) -> Result<&'b str, Error> {
    let refuse = |at: usize, message: String| {
        let valid = String::from_utf8_lossy(bytes.get(..at).unwrap_or_default());
        error_at(file, &Positions::new(&valid), Fault { at, message })
    };
    if bytes.len() > LARGEST {
        let message = format!("the file has {} bytes, at most {LARGEST} are read", bytes.len());
        return Err(refuse(0, message));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| refuse(error.valid_up_to(), "the file is not UTF-8 text from here on".to_owned()))?;
    match text.find('\0') {
        Some(at) => Err(refuse(at, "the file holds a null byte and so is no text".to_owned())),
        None => Ok(text),
    }
}

/// Reads with the reader that fits, and with the laxer one when it gives up. The first one's complaint is the one told.
/// Says whether the text is JSON.
fn read<'t>(file: &str, text: &'t str, positions: &Positions<'t>) -> Result<(Tree, bool), Fault> {
    let body = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let by = text.len() - body.len();
    // Without a byte order mark the positions are the same, and counting them is a tenth of the work.
    let marked = (by > 0).then(|| Positions::new(body));
    let inner = marked.as_ref().unwrap_or(positions);
    let build = |reader: &mut dyn Reader<'t>| build::tree(&mut Shifted { reader, by }, text, positions);
    let mut first = None;
    if body.trim_start().starts_with('{') {
        match build(&mut json::Json::new(body)) {
            Ok(tree) => return Ok((tree, true)),
            Err(Stop::Refused(fault)) => return Err(fault),
            Err(Stop::Reader(fault)) => first = Some(fault).filter(|_| !is_yaml_name(file)),
        }
    }
    let strict = match build(&mut saphyr::Saphyr::new(body, inner)) {
        Ok(tree) => return Ok((tree, false)),
        Err(Stop::Refused(fault)) => return Err(fault),
        Err(Stop::Reader(fault)) => fault,
    };
    match build(&mut libyaml::Libyaml::new(body)) {
        Ok(tree) => Ok((tree, false)),
        Err(Stop::Refused(fault)) => Err(fault),
        Err(Stop::Reader(_)) => Err(first.unwrap_or(strict)),
    }
}

fn is_yaml_name(file: &str) -> bool {
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
}

/// A reader that was given the text behind the byte order mark, and speaks of the whole text.
struct Shifted<'r, 't> {
    reader: &'r mut dyn Reader<'t>,
    by: usize,
}

impl<'t> Reader<'t> for Shifted<'_, 't> {
    fn next(&mut self) -> Result<Option<Step<'t>>, Fault> {
        let by = self.by;
        let step = self.reader.next().map_err(|fault| Fault { at: fault.at + by, ..fault })?;
        Ok(step.map(|step| Step { range: step.range.start + by..step.range.end + by, ..step }))
    }
}

#[cfg(test)]
mod tests;
