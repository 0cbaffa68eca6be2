//! The second reader: accepts the indentation that the usual deployment tools accept and the standard does not.
//!
//! Its library gives up on some texts by panicking (a tag right before a comma, a block scalar that the end of the text
//! cuts off). Templates are anybody's input, so the panic ends here.

use std::{
    borrow::Cow,
    io::{Chain, Read as _},
    panic::{AssertUnwindSafe, catch_unwind},
};

use libyaml_safer::{Encoding, EventData, Parser, ScalarStyle};

use super::event::{About, Event, Fault, Reader, Step, Style, Tag};

pub(super) struct Libyaml<'t> {
    parser: Parser<Chain<&'t [u8], &'static [u8]>>,
    length: usize,
    broken: bool,
}

impl<'t> Libyaml<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut parser = Parser::new();
        parser.set_encoding(Encoding::Utf8);
        // A last line without its end is where the library panics most.
        parser.set_input(text.as_bytes().chain(b"\n".as_slice()));
        Self { parser, length: text.len(), broken: false }
    }

    /// Its marks count bytes.
    fn byte_of(&self, mark: u64) -> usize {
        usize::try_from(mark).unwrap_or(usize::MAX).min(self.length)
    }

    fn parse(&mut self) -> Result<libyaml_safer::Event, Fault> {
        let given_up = || Fault { at: 0, message: "the text cannot be read".to_owned() };
        if self.broken {
            return Err(given_up());
        }
        match catch_unwind(AssertUnwindSafe(|| self.parser.parse())) {
            Ok(Ok(event)) => Ok(event),
            Ok(Err(error)) => {
                let at = error.problem_mark().map_or(0, |mark| self.byte_of(mark.index));
                Err(Fault { at, message: error.problem().to_owned() })
            }
            Err(_) => {
                self.broken = true;
                Err(given_up())
            }
        }
    }
}

impl<'t> Reader<'t> for Libyaml<'t> {
    fn next(&mut self) -> Result<Option<Step<'t>>, Fault> {
        loop {
            let raw = self.parse()?;
            let range = self.byte_of(raw.start_mark.index)..self.byte_of(raw.end_mark.index);
            let event = match raw.data {
                EventData::StreamStart { .. } => continue,
                EventData::StreamEnd => return Ok(None),
                EventData::DocumentStart { .. } => Event::DocumentStart,
                EventData::DocumentEnd { .. } => Event::DocumentEnd,
                EventData::Alias { anchor } => Event::Alias(anchor.into()),
                EventData::Scalar { anchor, tag, value, style, .. } => Event::Scalar {
                    text: Cow::Owned(value),
                    style: written(style),
                    about: about(anchor, tag.as_deref()),
                },
                EventData::SequenceStart { anchor, tag, .. } => Event::ListStart(about(anchor, tag.as_deref())),
                EventData::SequenceEnd => Event::ListEnd,
                EventData::MappingStart { anchor, tag, .. } => Event::MapStart(about(anchor, tag.as_deref())),
                EventData::MappingEnd => Event::MapEnd,
            };
            return Ok(Some(Step { event, range }));
        }
    }
}

fn written(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        _ => Style::Plain,
    }
}

fn about(anchor: Option<String>, tag: Option<&str>) -> About {
    About { anchor: anchor.map(Into::into), tag: tag.map(Tag::parse) }
}
