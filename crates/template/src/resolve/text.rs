//! One text in one case.

use std::sync::Arc;

use brigandine_model::{LogicalId, Piece, Value};

use super::{
    Resolver,
    assignment::{Assignment, Choice, Need, Variable, allowed_values},
};
use crate::Node;

/// A text in one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// Pieces without two literal neighbours; none for the empty text.
    Pieces(Vec<Piece>),
    /// `AWS::NoValue`.
    Absent,
    Unknown(Arc<str>),
}

impl Text {
    pub(super) fn literal(text: &str) -> Self {
        Self::Pieces(literal_pieces(text))
    }

    pub(super) fn unknown(why: impl Into<Arc<str>>) -> Self {
        Self::Unknown(why.into())
    }

    fn piece(piece: Piece) -> Self {
        Self::Pieces(vec![piece])
    }

    /// The text where nothing in it is open.
    pub(super) fn settled(&self) -> Option<String> {
        match self {
            Self::Pieces(pieces) => match pieces.as_slice() {
                [] => Some(String::new()),
                [Piece::Text(text)] => Some(text.to_string()),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Joins texts; the first unknown one makes the whole unknown. Literal neighbours grow together in one buffer.
pub(super) fn concat(texts: impl IntoIterator<Item = Text>) -> Text {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut literal = String::new();
    for text in texts {
        match text {
            Text::Absent => {}
            Text::Unknown(why) => return Text::Unknown(why),
            Text::Pieces(more) => {
                for piece in more {
                    if let Piece::Text(text) = &piece {
                        literal.push_str(text);
                        continue;
                    }
                    flush(&mut pieces, &mut literal);
                    pieces.push(piece);
                }
            }
        }
    }
    flush(&mut pieces, &mut literal);
    Text::Pieces(pieces)
}

fn flush(pieces: &mut Vec<Piece>, literal: &mut String) {
    if !literal.is_empty() {
        pieces.push(Piece::Text(std::mem::take(literal).into()));
    }
}

/// Literal text, dynamic references set apart.
fn literal_pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{resolve:") {
        let Some(length) = rest.get(start..).and_then(|tail| tail.find("}}")) else { break };
        let end = start + length + 2;
        if start > 0 {
            pieces.push(Piece::Text(rest.get(..start).unwrap_or_default().into()));
        }
        pieces.push(Piece::Dynamic(rest.get(start..end).unwrap_or_default().into()));
        rest = rest.get(end..).unwrap_or_default();
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.into()));
    }
    pieces
}

/// Whether a parameter's default is only the name under which the platform looks the value up.
pub(super) fn is_looked_up(parameter: &Node) -> bool {
    parameter.get("Type").and_then(Node::as_text).is_some_and(|kind| kind.starts_with("AWS::SSM::Parameter::Value"))
}

impl Resolver<'_> {
    /// The text of a node in this case.
    pub(super) fn text_in(&self, node: &Node, assignment: &Assignment) -> Result<Text, Need> {
        if let Some(parameter) = &node.origin.parameter {
            self.pass(parameter);
            if self.stands_for(node, parameter) {
                return self.reference(parameter, assignment);
            }
        }
        if let Some(text) = node.as_text() {
            return Ok(if super::is_null(node) { Text::Absent } else { self.literal(text) });
        }
        let Some((name, argument)) = node.as_intrinsic() else {
            return Ok(Text::unknown("a list or a map stands where text is expected"));
        };
        self.deeper(
            || self.intrinsic_text(name, argument, assignment),
            || Ok(Text::unknown("it refers to itself, or through too many others")),
        )
    }

    /// Whether a scalar is just what the transform put in the place of a reference: the reference says more, since the
    /// transform knows only the default.
    fn stands_for(&self, node: &Node, parameter: &str) -> bool {
        let default = self.parameter(parameter).and_then(|declared| declared.get("Default")).and_then(Node::as_text);
        let given = self.settings.parameters.get(parameter).map(String::as_str);
        node.as_text().is_some_and(|text| Some(text) == given.or(default))
    }

    fn intrinsic_text(&self, name: &str, argument: &Node, assignment: &Assignment) -> Result<Text, Need> {
        match name {
            "Ref" => match argument.as_text() {
                Some(target) => self.reference(target, assignment),
                None => Ok(Text::unknown("`Ref` does not name anything")),
            },
            "Fn::GetAtt" => Ok(attribute(argument)),
            "Fn::Sub" => self.substitute(argument, assignment),
            "Fn::Join" => self.join(argument, assignment),
            "Fn::Select" => self.select(argument, assignment),
            "Fn::If" => match self.if_branch(argument, assignment)? {
                Some(branch) => self.text_in(branch, assignment),
                None => Ok(Text::unknown("`Fn::If` does not have three parts")),
            },
            "Fn::FindInMap" => match self.mapped(argument, assignment)? {
                Ok(node) => self.text_in(node, assignment),
                Err(why) => Ok(Text::Unknown(why)),
            },
            "Fn::ImportValue" => self.import(argument, assignment),
            "Fn::Base64" => self.text_in(argument, assignment),
            "Fn::Split" | "Fn::GetAZs" | "Fn::Cidr" => Ok(Text::unknown(format!("`{name}` gives a list, not text"))),
            other => Ok(Text::unknown(format!("`{other}` is not worked out"))),
        }
    }

    fn import(&self, argument: &Node, assignment: &Assignment) -> Result<Text, Need> {
        let Some(name) = self.text_in(argument, assignment)?.settled() else {
            return Ok(Text::unknown("it is imported from another stack"));
        };
        let Some(export) = self.settings.exports.get(&name) else {
            return Ok(Text::unknown(format!("it is imported as `{name}` from another stack")));
        };
        Ok(match &export.value {
            Value::Known(text) => self.literal(text),
            Value::Symbolic(symbol) => concat(symbol.pieces.iter().map(|piece| self.imported_piece(piece, &name))),
            Value::OneOf(_) => Text::unknown(format!(
                "it is imported as `{name}` from `{}`, where it depends on parameters",
                export.file
            )),
            Value::Unknown(why) => {
                Text::unknown(format!("it is imported as `{name}` from `{}`, where {why}", export.file))
            }
        })
    }

    /// A piece of another template's text. Its names mean nothing here: a resource there is no resource here, so all that stays
    /// is that deployment will fill it.
    fn imported_piece(&self, piece: &Piece, name: &str) -> Text {
        match piece {
            Piece::Text(text) => self.literal(text),
            Piece::Parameter(platform) if platform.starts_with("AWS::") && !of_one_stack(platform) => {
                Text::piece(piece.clone())
            }
            Piece::Dynamic(text) => Text::piece(Piece::Dynamic(text.clone())),
            Piece::Parameter(_) | Piece::Attribute { .. } => {
                Text::piece(Piece::Parameter(format!("import {name}").into()))
            }
        }
    }

    pub(super) fn pass(&self, parameter: &Arc<str>) {
        let mut passed = self.passed.borrow_mut();
        if !passed.contains(parameter) {
            passed.push(parameter.clone());
        }
    }

    pub(super) fn reference(&self, target: &str, assignment: &Assignment) -> Result<Text, Need> {
        if target == "AWS::NoValue" {
            return Ok(Text::Absent);
        }
        if let Some(declared) = self.parameter(target) {
            self.pass(&target.into());
            return self.parameter_text(target, declared, assignment);
        }
        if target.starts_with("AWS::") {
            return Ok(self.platform_text(target, assignment));
        }
        if self.resource(target).is_some() {
            return Ok(Text::piece(Piece::Attribute { resource: LogicalId::new(target), attribute: None }));
        }
        Ok(Text::unknown(format!("`{target}` names no parameter and no resource of the template")))
    }

    fn platform_text(&self, target: &str, assignment: &Assignment) -> Text {
        let chosen = assignment.choice(&Variable::Parameter(target.into()));
        match (self.settings.platform.get(target), chosen) {
            (Some(value), _) => self.literal(value),
            (None, Some(Choice::Value(value))) => self.literal(value),
            _ => Text::piece(Piece::Parameter(target.into())),
        }
    }

    fn parameter_text(&self, name: &str, declared: &Node, assignment: &Assignment) -> Result<Text, Need> {
        if let Some(value) = self.settings.parameters.get(name) {
            return Ok(self.literal(value));
        }
        let variable = Variable::Parameter(name.into());
        match assignment.choice(&variable) {
            Some(Choice::Value(value)) => return Ok(self.literal(value)),
            Some(_) => return Ok(Text::piece(Piece::Parameter(name.into()))),
            None => {}
        }
        if is_looked_up(declared) {
            return Ok(Text::piece(Piece::Parameter(name.into())));
        }
        if allowed_values(declared).is_some_and(|values| values.len() > 1) {
            return Err(Need::of(variable));
        }
        let single = allowed_values(declared).and_then(|values| values.first().cloned());
        Ok(match declared.get("Default").and_then(Node::as_text).map(Arc::from).or(single) {
            Some(text) => self.literal(&text),
            None => Text::piece(Piece::Parameter(name.into())),
        })
    }

    /// `${Name}`, `${Name.Attribute}`, `${!literal}`, with names of its own where the second form gives them.
    fn substitute(&self, argument: &Node, assignment: &Assignment) -> Result<Text, Need> {
        let (template, own) = match argument.as_list() {
            Some([template, own]) => (template.as_text(), own.as_map()),
            Some([template]) => (template.as_text(), None),
            Some(_) => (None, None),
            None => (argument.as_text(), None),
        };
        let Some(template) = template else { return Ok(Text::unknown("`Fn::Sub` has no text to fill")) };
        let mut texts = Vec::new();
        let mut rest = template;
        while let Some(start) = rest.find("${") {
            texts.push(self.literal(rest.get(..start).unwrap_or_default()));
            let hole = rest.get(start + 2..).unwrap_or_default();
            let Some(length) = hole.find('}') else {
                return Ok(Text::unknown("`Fn::Sub` has a `${` without its `}`"));
            };
            let name = hole.get(..length).unwrap_or_default();
            texts.push(match own.and_then(|own| own.get(name.trim())) {
                Some(value) => self.text_in(value, assignment)?,
                None => self.hole(name, assignment)?,
            });
            rest = hole.get(length + 1..).unwrap_or_default();
        }
        texts.push(self.literal(rest));
        Ok(concat(texts))
    }

    fn hole(&self, name: &str, assignment: &Assignment) -> Result<Text, Need> {
        if let Some(literal) = name.strip_prefix('!') {
            return Ok(self.literal(&format!("${{{literal}}}")));
        }
        match name.trim().split_once('.') {
            Some((resource, attribute)) => Ok(Text::piece(Piece::Attribute {
                resource: LogicalId::new(resource),
                attribute: Some(attribute.into()),
            })),
            None => self.reference(name.trim(), assignment),
        }
    }

    fn join(&self, argument: &Node, assignment: &Assignment) -> Result<Text, Need> {
        let Some([delimiter, list]) = argument.as_list() else {
            return Ok(Text::unknown("`Fn::Join` needs a delimiter and a list"));
        };
        let delimiter = self.text_in(delimiter, assignment)?;
        let items = match self.list_in(list, assignment)? {
            Ok(items) => items,
            Err(why) => return Ok(Text::Unknown(why)),
        };
        let mut texts = Vec::new();
        for item in items {
            if item == Text::Absent {
                continue;
            }
            if !texts.is_empty() {
                texts.push(delimiter.clone());
            }
            texts.push(item);
        }
        // An empty plain delimiter reads as nothing, which joins just so.
        Ok(concat(texts))
    }

    fn select(&self, argument: &Node, assignment: &Assignment) -> Result<Text, Need> {
        let Some([index, list]) = argument.as_list() else {
            return Ok(Text::unknown("`Fn::Select` needs an index and a list"));
        };
        let index = self.text_in(index, assignment)?.settled().and_then(|text| text.trim().parse::<usize>().ok());
        let Some(index) = index else { return Ok(Text::unknown("the index of `Fn::Select` is not a number")) };
        Ok(match self.list_in(list, assignment)? {
            Ok(items) => items
                .get(index)
                .cloned()
                .unwrap_or_else(|| Text::unknown(format!("`Fn::Select` asks for item {index} of a shorter list"))),
            Err(why) => Text::Unknown(why),
        })
    }
}

/// What the platform fills differently for every stack.
fn of_one_stack(platform: &str) -> bool {
    matches!(platform, "AWS::StackName" | "AWS::StackId" | "AWS::NotificationARNs")
}

fn attribute(argument: &Node) -> Text {
    let Some([resource, attribute]) = argument.as_list() else {
        return Text::unknown("`Fn::GetAtt` needs a resource and an attribute");
    };
    match (resource.as_text(), attribute.as_text()) {
        (Some(resource), Some(attribute)) => {
            Text::piece(Piece::Attribute { resource: LogicalId::new(resource), attribute: Some(attribute.into()) })
        }
        _ => Text::unknown("the attribute `Fn::GetAtt` asks for is itself computed"),
    }
}
