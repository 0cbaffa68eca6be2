//! Lists in one case, and the branches of `Fn::If`.

use std::sync::Arc;

use super::{
    Resolver,
    assignment::{Assignment, Need},
    text::Text,
};
use crate::Node;

/// The items, or why they are not known.
pub(super) type List = Result<Vec<Text>, Arc<str>>;

/// Whether a node gives a list without being one: a list parameter, a cut.
pub(super) fn is_list_intrinsic(resolver: &Resolver<'_>, node: &Node) -> bool {
    match node.as_intrinsic() {
        Some(("Ref", target)) => target.as_text().is_some_and(|name| is_list_parameter(resolver, name)),
        Some(("Fn::FindInMap", argument)) => resolver
            .enumerate(&|assignment| resolver.mapped(argument, assignment).map(Result::ok))
            .is_ok_and(|cases| cases.iter().any(|(_, found)| found.is_some_and(|node| node.as_list().is_some()))),
        Some((name, _)) => matches!(name, "Fn::Split" | "Fn::GetAZs" | "Fn::Cidr"),
        None => false,
    }
}

fn is_list_parameter(resolver: &Resolver<'_>, name: &str) -> bool {
    let kind = resolver.parameter(name).and_then(|node| node.get("Type")).and_then(Node::as_text);
    kind.is_some_and(|kind| kind == "CommaDelimitedList" || kind.starts_with("List<"))
}

impl Resolver<'_> {
    /// The branch an `Fn::If` takes in this case; nothing when it is no proper one.
    pub(super) fn if_branch<'a>(&self, argument: &'a Node, assignment: &Assignment) -> Result<Option<&'a Node>, Need> {
        let Some([condition, then, otherwise]) = argument.as_list() else { return Ok(None) };
        let Some(name) = condition.as_text().or_else(|| condition.get("Condition")?.as_text()) else {
            return Ok(None);
        };
        Ok(Some(if self.holds(name, assignment)? { then } else { otherwise }))
    }

    /// What stands at a node in this case once every `Fn::If` on top has chosen; nothing for `AWS::NoValue`.
    pub(super) fn branch<'a>(&self, node: &'a Node, assignment: &Assignment) -> Result<Option<&'a Node>, Need> {
        let mut node = node;
        while let Some(("Fn::If", argument)) = node.as_intrinsic() {
            match self.if_branch(argument, assignment)? {
                Some(branch) => node = branch,
                None => return Ok(Some(node)),
            }
        }
        Ok((node.as_reference() != Some("AWS::NoValue")).then_some(node))
    }

    pub(super) fn list_in(&self, node: &Node, assignment: &Assignment) -> Result<List, Need> {
        let Some(node) = self.branch(node, assignment)? else { return Ok(Ok(Vec::new())) };
        if let Some(items) = node.as_list() {
            let texts: Result<Vec<Text>, Need> = items.iter().map(|item| self.text_in(item, assignment)).collect();
            return texts.map(Ok);
        }
        let too_deep = || Ok(Err(Arc::from("it refers to itself, or through too many others")));
        match node.as_intrinsic() {
            Some(("Ref", target)) => {
                let name = target.as_text().unwrap_or_default();
                let text = self.reference(name, assignment)?;
                Ok(match text.settled() {
                    Some(text) if is_list_parameter(self, name) => {
                        Ok(text.split(',').map(|item| Text::literal(item.trim())).collect())
                    }
                    Some(text) => Ok(vec![Text::literal(&text)]),
                    None => Err(format!("the items of `{name}` are only known once deployed").into()),
                })
            }
            Some(("Fn::Split", argument)) => self.deeper(|| self.split(argument, assignment), too_deep),
            Some(("Fn::FindInMap", argument)) => match self.mapped(argument, assignment)? {
                Ok(found) => self.deeper(|| self.list_in(found, assignment), too_deep),
                Err(why) => Ok(Err(why)),
            },
            Some((name, _)) => Ok(Err(format!("the items of `{name}` are only known once deployed").into())),
            None => Ok(Ok(vec![self.text_in(node, assignment)?])),
        }
    }

    /// Cuts settled text; text with holes cannot be cut before it is filled.
    fn split(&self, argument: &Node, assignment: &Assignment) -> Result<List, Need> {
        let Some([delimiter, source]) = argument.as_list() else {
            return Ok(Err("`Fn::Split` needs a delimiter and a text".into()));
        };
        let delimiter = delimiter.as_text().unwrap_or_default();
        if delimiter.is_empty() {
            return Ok(Err("`Fn::Split` has no delimiter".into()));
        }
        let text = self.text_in(source, assignment)?;
        Ok(match text.settled() {
            Some(text) => Ok(text.split(delimiter).map(Text::literal).collect()),
            None => Err("it is cut out of text that is only known once deployed".into()),
        })
    }
}
