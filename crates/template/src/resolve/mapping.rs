//! Mappings: a table in the template, looked up by two keys.
//!
//! A key that only deployment fills, the region most of all, still is one of the table's own: any other stops the
//! deployment. So it is one case for each key.

use std::{collections::BTreeSet, sync::Arc};

use brigandine_model::Piece;

use super::{
    Resolver,
    assignment::{Assignment, Choice, Need, Variable},
    text::Text,
};
use crate::{Map, Node};

/// What a mapping holds, or why it is not known.
pub(super) type Found<'a> = Result<&'a Node, Arc<str>>;

impl Resolver<'_> {
    /// What a mapping holds: the node, or why not.
    pub(super) fn mapped<'a>(&'a self, argument: &'a Node, assignment: &Assignment) -> Result<Found<'a>, Need> {
        let items = argument.as_list().unwrap_or_default();
        let default = items.get(3).and_then(|options| options.get("DefaultValue"));
        let [map, first, second, ..] = items else {
            return Ok(Err("`Fn::FindInMap` needs a map and two keys".into()));
        };
        let mut at = self.root.get("Mappings");
        let mut keys = Vec::new();
        for item in [map, first, second] {
            let text = self.text_in(item, assignment)?;
            if let (None, Some(table)) = (text.settled(), at.and_then(Node::as_map)) {
                self.ask_key(&text, table, default.is_some(), assignment)?;
            }
            match (text.settled(), default) {
                (Some(key), _) => {
                    at = at.and_then(|node| node.get(&key));
                    keys.push(key);
                }
                (None, Some(default)) if self.is_no_key(&text, assignment) => return Ok(Ok(default)),
                (None, _) => return Ok(Err("the key into the mapping is only known once deployed".into())),
            }
        }
        Ok(at.or(default).ok_or_else(|| format!("the mapping has no entry `{}`", keys.join(" / ")).into()))
    }

    /// Asks which of the table's keys an open parameter is. With a default it may be another one as well.
    fn ask_key(&self, text: &Text, table: &Map, default: bool, assignment: &Assignment) -> Result<(), Need> {
        let Some(name) = open_parameter(text) else { return Ok(()) };
        let variable = Variable::Parameter(name.clone());
        let none = BTreeSet::new();
        // A condition has already found it to be none of the values it is compared with.
        let excluded = match assignment.choice(&variable) {
            None => &none,
            Some(_) if default => return Ok(()),
            Some(_) => self.compared.get(name).unwrap_or(&none),
        };
        let keys = table.keys().filter(|key| !excluded.contains(*key));
        let mut choices: Vec<Choice> = keys.map(|key| Choice::Value(key.into())).collect();
        if default {
            choices.push(Choice::Other);
        }
        Err(Need { variable, choices: Some(choices) })
    }

    /// Whether a key was chosen to be none of the table's.
    fn is_no_key(&self, text: &Text, assignment: &Assignment) -> bool {
        open_parameter(text).is_some_and(|name| {
            assignment.choice(&Variable::Parameter(name.clone())) == Some(&Choice::Other)
                && !self.compared.contains_key(name)
        })
    }
}

/// The parameter a text is, when it is nothing else.
fn open_parameter(text: &Text) -> Option<&Arc<str>> {
    match text {
        Text::Pieces(pieces) => match pieces.as_slice() {
            [Piece::Parameter(name)] => Some(name),
            _ => None,
        },
        _ => None,
    }
}
