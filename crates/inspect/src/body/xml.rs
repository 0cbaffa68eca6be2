//! XML: the texts of its elements and the values of its attributes.
//!
//! A document type is refused outright: entities and external references are the attack, and no request needs them. So is what is
//! not UTF-8, after the part before it was read: other encodings are a way past every rule.

use super::{BodyError, Budget, Limits};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// What a document says, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    /// The text of each stretch between tags, CDATA and character references included; stretches of white space only are left
    /// out.
    pub(crate) texts: Vec<Vec<u8>>,
    /// The value of each attribute.
    pub(crate) attributes: Vec<Vec<u8>>,
    /// What is wrong with the rest; what came before is kept.
    pub(crate) error: Option<BodyError>,
}

impl Document {
    /// All texts one after another: what `XML:/*` is to `ModSecurity`.
    pub(crate) fn content(&self) -> Vec<u8> {
        self.texts.concat()
    }
}

/// Reads a document.
pub(crate) fn parse(body: &[u8], limits: &Limits) -> Document {
    let mut document = Document::default();
    document.error = read(body, limits, &mut document).err();
    document
}

struct Collector<'d> {
    document: &'d mut Document,
    budget: Budget,
    text: Vec<u8>,
}

impl Collector<'_> {
    fn flush(&mut self) -> Result<(), BodyError> {
        if self.text.iter().all(u8::is_ascii_whitespace) {
            self.text.clear();
            return Ok(());
        }
        self.budget.take(self.text.len())?;
        self.document.texts.push(std::mem::take(&mut self.text));
        Ok(())
    }

    fn attributes(&mut self, start: &BytesStart<'_>) -> Result<(), BodyError> {
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| BodyError::Xml)?;
            let value = resolved(attribute.value.as_bytes())?;
            self.budget.take(value.len())?;
            self.document.attributes.push(value);
        }
        Ok(())
    }
}

fn read(body: &[u8], limits: &Limits, document: &mut Document) -> Result<(), BodyError> {
    let text = body.utf8_chunks().next().map(|chunk| chunk.valid()).unwrap_or_default();
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    reader.config_mut().allow_unmatched_ends = false;
    let mut collector = Collector { document, budget: Budget::new(limits), text: Vec::new() };
    let mut depth = 0usize;
    let mut roots = 0usize;
    loop {
        let event = reader.read_event().map_err(|_| BodyError::Xml)?;
        match event {
            Event::Start(start) => {
                collector.flush()?;
                collector.attributes(&start)?;
                roots += usize::from(depth == 0);
                depth += 1;
                if depth > limits.depth {
                    return Err(BodyError::TooDeep);
                }
            }
            Event::Empty(start) => {
                collector.flush()?;
                collector.attributes(&start)?;
                roots += usize::from(depth == 0);
            }
            Event::End(_) => {
                collector.flush()?;
                depth = depth.saturating_sub(1);
            }
            Event::Text(text) => collector.text.extend_from_slice(text.as_bytes()),
            Event::CData(text) => collector.text.extend_from_slice(text.as_bytes()),
            Event::GeneralRef(name) => collector.text.extend(reference(name.as_bytes()).ok_or(BodyError::Xml)?),
            Event::DocType(_) => return Err(BodyError::DocumentType),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    let outside = !collector.text.iter().all(u8::is_ascii_whitespace);
    collector.flush()?;
    if depth == 0 && roots == 1 && !outside && text.len() == body.len() { Ok(()) } else { Err(BodyError::Xml) }
}

/// The text of an attribute with its references resolved.
fn resolved(raw: &[u8]) -> Result<Vec<u8>, BodyError> {
    let mut output = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(start) = memchr::memchr(b'&', rest) {
        let (before, after) = rest.split_at(start);
        output.extend_from_slice(before);
        let end = memchr::memchr(b';', after).ok_or(BodyError::Xml)?;
        output.extend(reference(after.get(1..end).unwrap_or_default()).ok_or(BodyError::Xml)?);
        rest = after.get(end + 1..).unwrap_or_default();
    }
    output.extend_from_slice(rest);
    Ok(output)
}

/// What a reference stands for: one of the five names or a character's number. Others need a document type.
fn reference(name: &[u8]) -> Option<Vec<u8>> {
    let plain = match name {
        b"lt" => "<",
        b"gt" => ">",
        b"amp" => "&",
        b"quot" => "\"",
        b"apos" => "'",
        _ => return number(name),
    };
    Some(plain.as_bytes().to_vec())
}

fn number(name: &[u8]) -> Option<Vec<u8>> {
    let digits = name.strip_prefix(b"#")?;
    let (digits, radix) = digits.strip_prefix(b"x").map_or((digits, 10), |digits| (digits, 16));
    let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
    let letter = char::from_u32(u32::from_str_radix(text, radix).ok()?)?;
    Some(letter.encode_utf8(&mut [0; 4]).as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> Document {
        parse(body.as_bytes(), &Limits::default())
    }

    #[test]
    fn texts_and_attributes_are_found() {
        let body = "<?xml version='1.0'?>\n<a x='1' y=\"&lt;&#x41;\"> hi <b>UN<![CDATA[ION]]><!-- x -->&#32;all</b><c z=''/></a>\n";
        let document = parsed(body);
        assert_eq!(document.error, None);
        assert_eq!(document.texts, [b" hi ".to_vec(), b"UNION all".to_vec()]);
        assert_eq!(document.attributes, [b"1".to_vec(), b"<A".to_vec(), b"".to_vec()]);
        assert_eq!(document.content(), b" hi UNION all");
    }

    #[test]
    fn document_types_are_refused() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"&b;&b;\">]><x>&a;</x>";
        assert_eq!(parsed(bomb).error, Some(BodyError::DocumentType));
        assert_eq!(parsed("<x>&a;</x>").error, Some(BodyError::Xml));
    }

    #[test]
    fn malformed_documents_are_refused_with_what_was_read() {
        for body in ["", "text", "<a>", "<a></b>", "<a/><b/>", "<a x=1/>", "<a x='1' x='2'/>", "</a>", "<a>&#xD800;</a>", "<a/>x"] {
            assert_eq!(parsed(body).error, Some(BodyError::Xml), "{body}");
        }
        assert_eq!(parsed("<a>1 or 1<").texts, [b"1 or 1".to_vec()]);
    }

    #[test]
    fn limits_hold() {
        let limits = Limits { depth: 3, ..Limits::default() };
        assert_eq!(parse(b"<a><a><a>x</a></a></a>", &limits).error, None);
        assert_eq!(parse("<a>".repeat(50_000).as_bytes(), &limits).error, Some(BodyError::TooDeep));
    }
}
