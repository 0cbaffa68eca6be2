//! Forms with files, RFC 7578, read strictly.
//!
//! Backends' readers of this format are lenient, each in its own way, which is how payloads slip past firewalls. So this scanner reads
//! one meaning and raises a flag at everything another reader might read otherwise. The flags are ModSecurity's `MULTIPART_*`.

mod disposition;
mod header;

use super::{BodyError, Limits};
use crate::transform::is_space;
pub(crate) use header::boundary;

/// The longest line a part's head may have.
const HEADER_LINE: usize = 4096;
/// How many lines a part's head may have.
const HEADER_LINES: usize = 64;

/// What may be odd about a body; each is the variable `MULTIPART_` and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Flaw {
    /// The body could not be read to its end.
    Error = 1 << 0,
    BoundaryQuoted = 1 << 1,
    BoundaryWhitespace = 1 << 2,
    DataBefore = 1 << 3,
    DataAfter = 1 << 4,
    HeaderFolding = 1 << 5,
    /// A line ended in a bare line feed.
    LfLine = 1 << 6,
    /// A line ended as lines should; not a flaw alone, but mixed with the other one is.
    CrlfLine = 1 << 7,
    MissingSemicolon = 1 << 8,
    InvalidQuoting = 1 << 9,
    InvalidPart = 1 << 10,
    InvalidHeaderFolding = 1 << 11,
    FileLimitExceeded = 1 << 12,
}

/// Those that make `MULTIPART_STRICT_ERROR`.
const STRICT: [Flaw; 12] = [
    Flaw::Error,
    Flaw::BoundaryQuoted,
    Flaw::BoundaryWhitespace,
    Flaw::DataBefore,
    Flaw::DataAfter,
    Flaw::HeaderFolding,
    Flaw::LfLine,
    Flaw::MissingSemicolon,
    Flaw::InvalidQuoting,
    Flaw::InvalidPart,
    Flaw::InvalidHeaderFolding,
    Flaw::FileLimitExceeded,
];

/// A set of flaws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flaws(u32);

impl Flaws {
    fn raise(&mut self, flaw: Flaw) {
        self.0 |= flaw as u32;
    }

    /// Whether the flaw was seen.
    pub(crate) fn has(self, flaw: Flaw) -> bool {
        self.0 & flaw as u32 != 0
    }

    /// `MULTIPART_STRICT_ERROR`: whether any flaw was seen that a strict reader refuses.
    pub(crate) fn strict(self) -> bool {
        STRICT.iter().any(|flaw| self.has(*flaw))
    }

    /// `MULTIPART_CRLF_LF_LINES`: whether line ends are mixed.
    pub(crate) fn mixed_lines(self) -> bool {
        self.has(Flaw::LfLine) && self.has(Flaw::CrlfLine)
    }
}

/// Lines that look like boundaries: `MULTIPART_UNMATCHED_BOUNDARY`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Boundaries {
    /// At most the first boundary was seen.
    #[default]
    Single = 0,
    /// A line or text looked like one and was none.
    Unmatched = 1,
    /// All that looked like one matched, more than once.
    Matched = 2,
}

/// One part of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: Vec<u8>,
    /// The name of a file; `None` for a plain field.
    pub(crate) filename: Option<Vec<u8>>,
    /// The lines of its head as written, without their line ends: `MULTIPART_PART_HEADERS`.
    pub(crate) headers: Vec<Vec<u8>>,
    /// The value of a field, the content of a file.
    pub(crate) content: Vec<u8>,
}

/// A form as read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) parts: Vec<Part>,
    pub(crate) flaws: Flaws,
    pub(crate) boundaries: Boundaries,
    /// Why reading stopped; the parts before it are kept.
    pub(crate) error: Option<&'static str>,
    /// The cap that was hit, if that is why.
    pub(crate) limit: Option<BodyError>,
}

/// Reads a body by the boundary its `Content-Type` gives.
pub(crate) fn parse(content_type: &[u8], body: &[u8], limits: &Limits) -> Form {
    let mut form = Form::default();
    let result = boundary(content_type, &mut form.flaws).and_then(|boundary| {
        let mut scanner = Scanner { form: &mut form, boundary: &boundary, part: None, count: 0, complete: false, limits };
        scanner.run(body)
    });
    if let Err(reason) = result {
        form.flaws.raise(Flaw::Error);
        form.error = Some(reason);
    }
    form
}

/// A part being read.
#[derive(Default)]
struct Open {
    part: Part,
    /// Names of the headers so far, lower case, and their values.
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    in_content: bool,
    /// The end of the last line of content: it belongs to the boundary that follows, if one does.
    line_end: &'static [u8],
}

struct Scanner<'s> {
    form: &'s mut Form,
    boundary: &'s [u8],
    part: Option<Open>,
    count: usize,
    complete: bool,
    limits: &'s Limits,
}

type Read = Result<(), &'static str>;

impl Scanner<'_> {
    fn run(&mut self, body: &[u8]) -> Read {
        let mut rest = body;
        while !rest.is_empty() {
            if self.complete {
                self.form.flaws.raise(Flaw::DataAfter);
                break;
            }
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, tail) = rest.split_at(end);
            if !self.is_boundary(line)? {
                self.data(line)?;
            }
            rest = tail;
        }
        match (body.is_empty() || self.complete, self.count) {
            (true, _) => Ok(()),
            (false, 0) => Err("the body has no boundary"),
            (false, _) => Err("the last boundary is missing"),
        }
    }

    /// Whether the line is a boundary; if so the part before it is finished.
    fn is_boundary(&mut self, line: &[u8]) -> Result<bool, &'static str> {
        let Some(text) = line.strip_prefix(b"--").filter(|text| text.len() > 1) else {
            let inside = memchr::memmem::find_iter(line, self.boundary).any(|at| line.get(..at).is_some_and(|start| start.ends_with(b"--")));
            if inside {
                self.form.boundaries = Boundaries::Unmatched;
            }
            return Ok(false);
        };
        let Some(after) = text.strip_prefix(self.boundary) else { return self.near_boundary(text) };
        if self.count > 0 && self.form.boundaries == Boundaries::Single {
            self.form.boundaries = Boundaries::Matched;
        }
        let (end, last) = after.strip_prefix(b"--").map_or((after, false), |end| (end, true));
        match end {
            b"\r\n" => self.form.flaws.raise(Flaw::CrlfLine),
            b"\n" => self.form.flaws.raise(Flaw::LfLine),
            b"" if last => {}
            _ => return Err("a boundary is followed by other text"),
        }
        self.finish()?;
        self.count += 1;
        self.complete = last;
        self.part = (!last).then(Open::default);
        Ok(true)
    }

    /// A line of two dashes and something that is not our boundary.
    fn near_boundary(&mut self, text: &[u8]) -> Result<bool, &'static str> {
        let unquoted = text.strip_prefix(b"\"").is_some_and(|text| text.starts_with(self.boundary));
        if unquoted && self.form.flaws.has(Flaw::BoundaryQuoted) {
            return Err("a boundary is quoted in the body");
        }
        let spaces = text.iter().take_while(|byte| is_space(**byte)).count();
        if spaces > 0 && text.get(spaces..).is_some_and(|text| text.starts_with(self.boundary)) {
            return Err("a boundary has white space before it");
        }
        self.form.boundaries = Boundaries::Unmatched;
        Ok(false)
    }

    fn data(&mut self, line: &[u8]) -> Read {
        let flaws = &mut self.form.flaws;
        let Some(open) = &mut self.part else {
            flaws.raise(Flaw::DataBefore);
            return Ok(());
        };
        if !open.in_content {
            return open.header_line(line, flaws);
        }
        let (text, end): (&[u8], &'static [u8]) = match line.strip_suffix(b"\n") {
            Some(text) => text.strip_suffix(b"\r").map_or((text, b"\n".as_slice()), |text| (text, b"\r\n")),
            None => (line, b""),
        };
        open.part.content.extend_from_slice(std::mem::replace(&mut open.line_end, end));
        open.part.content.extend_from_slice(text);
        Ok(())
    }

    /// Puts the part that is open among the parts.
    fn finish(&mut self) -> Read {
        let Some(open) = self.part.take() else { return Ok(()) };
        if open.part.name.is_empty() {
            self.form.flaws.raise(Flaw::InvalidPart);
            return Ok(());
        }
        if self.form.parts.len() >= self.limits.arguments {
            self.form.limit = Some(BodyError::TooMany);
            return Err("there are more parts than the limit allows");
        }
        self.form.parts.push(open.part);
        Ok(())
    }
}

impl Open {
    fn header_line(&mut self, line: &[u8], flaws: &mut Flaws) -> Read {
        if line.len() > HEADER_LINE || self.part.headers.len() >= HEADER_LINES {
            return Err("the head of a part is too long");
        }
        if line.contains(&0) {
            return Err("the head of a part has a NUL byte");
        }
        flaws.raise(if line.ends_with(b"\r\n") { Flaw::CrlfLine } else { Flaw::LfLine });
        if matches!(line, b"\r\n" | b"\n") {
            return self.head_complete(flaws);
        }
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        self.part.headers.push(text.to_vec());
        let folding = text.iter().take_while(|byte| is_space(**byte)).count();
        if folding > 0 {
            return self.folded(text, folding, flaws);
        }
        let colon = memchr::memchr(b':', text).ok_or("a header of a part has no colon")?;
        if colon == 0 {
            return Err("a header of a part has no name");
        }
        let name = text.get(..colon).unwrap_or_default().to_ascii_lowercase();
        if self.headers.iter().any(|(known, _)| *known == name) {
            return Err("a part has the same header twice");
        }
        let value = text.get(colon + 1..).unwrap_or_default();
        let start = value.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.headers.push((name, value.get(start..).unwrap_or_default().to_vec()));
        Ok(())
    }

    /// A line that continues the header before it.
    fn folded(&mut self, text: &[u8], spaces: usize, flaws: &mut Flaws) -> Read {
        flaws.raise(Flaw::HeaderFolding);
        let (before, rest) = text.split_at(spaces.min(text.len()));
        if !before.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            flaws.raise(Flaw::InvalidHeaderFolding);
        }
        let (_, value) = self.headers.last_mut().ok_or("the head of a part starts with white space")?;
        value.push(b' ');
        value.extend_from_slice(rest);
        if value.len() > HEADER_LINE { Err("the head of a part is too long") } else { Ok(()) }
    }

    fn head_complete(&mut self, flaws: &mut Flaws) -> Read {
        self.in_content = true;
        let header = self.headers.iter().find(|(name, _)| name == b"content-disposition");
        let (_, value) = header.ok_or("a part has no Content-Disposition")?;
        let disposition = disposition::parse(value, flaws)?;
        self.part.name = disposition.name;
        self.part.filename = disposition.filename;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
