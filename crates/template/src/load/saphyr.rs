//! The first reader: strict and quick.

use std::sync::Arc;

use saphyr_parser::{Event as Raw, Parser, ScalarStyle, StrInput, Tag as RawTag};

use super::{
    event::{About, Event, Fault, Reader, Step, Style, Tag},
    position::Positions,
};

pub(super) struct Saphyr<'t, 'p> {
    parser: Parser<'t, StrInput<'t>>,
    positions: &'p Positions<'t>,
}

impl<'t, 'p> Saphyr<'t, 'p> {
    pub(super) fn new(text: &'t str, positions: &'p Positions<'t>) -> Self {
        Self { parser: Parser::new_from_str(text), positions }
    }
}

impl<'t> Reader<'t> for Saphyr<'t, '_> {
    fn next(&mut self) -> Result<Option<Step<'t>>, Fault> {
        loop {
            let (raw, span) = match self.parser.next_event() {
                None => return Ok(None),
                Some(Ok(pair)) => pair,
                Some(Err(error)) => {
                    let at = self.positions.byte_of(error.marker().index());
                    return Err(Fault { at, message: error.info().to_owned() });
                }
            };
            let range = self.positions.byte_of(span.start.index())..self.positions.byte_of(span.end.index());
            let event = match raw {
                Raw::Nothing | Raw::StreamStart => continue,
                Raw::StreamEnd => return Ok(None),
                Raw::DocumentStart(_) => Event::DocumentStart,
                Raw::DocumentEnd => Event::DocumentEnd,
                Raw::Alias(id) => Event::Alias(anchor_name(id)),
                Raw::Scalar(text, style, anchor, tag) => {
                    Event::Scalar { text, style: written(style), about: about(anchor, tag.as_deref()) }
                }
                Raw::SequenceStart(anchor, tag) => Event::ListStart(about(anchor, tag.as_deref())),
                Raw::SequenceEnd => Event::ListEnd,
                Raw::MappingStart(anchor, tag) => Event::MapStart(about(anchor, tag.as_deref())),
                Raw::MappingEnd => Event::MapEnd,
            };
            return Ok(Some(Step { event, range }));
        }
    }
}

fn written(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
    }
}

/// Anchors are numbered, 0 for none.
fn about(anchor: usize, tag: Option<&RawTag>) -> About {
    About {
        anchor: (anchor > 0).then(|| anchor_name(anchor)),
        tag: tag.map(|tag| Tag::parse(&format!("{}{}", tag.handle, tag.suffix))),
    }
}

fn anchor_name(id: usize) -> Arc<str> {
    id.to_string().into()
}
