//! Loads rules: reads files and their includes, collects drafts, applies updates, and resolves all names.

mod draft;
mod finish;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::{Configuration, Options, RulePart, RuleSet};
use crate::seclang::action::{Actions, Aim, Disruptive, ids};
use crate::seclang::target::Targets;
use crate::seclang::{self, Directive};
use crate::sources::{self, Sources};
use crate::{Error, Place};
use draft::{Draft, DraftLink};

/// Includes may nest this deep.
const INCLUDE_DEPTH: usize = 16;

/// What has been read so far.
pub(super) struct Builder<'s> {
    sources: &'s Sources,
    options: Options,
    drafts: Vec<Draft>,
    /// Markers with the number of rules before them.
    markers: Vec<(String, usize)>,
    defaults: BTreeMap<u8, Arc<Actions>>,
    known: HashSet<u64>,
    /// Whether the last rule expects another link.
    open: bool,
    removals: Vec<Aim>,
    target_updates: Vec<(Aim, Targets)>,
    action_updates: Vec<(u64, usize, Actions)>,
    missing: Vec<String>,
    notes: Vec<String>,
}

pub(super) fn load(configuration: &Configuration, sources: &Sources) -> Result<RuleSet, Error> {
    let mut builder = Builder {
        sources,
        options: Options::default(),
        drafts: Vec::new(),
        markers: Vec::new(),
        defaults: BTreeMap::new(),
        known: HashSet::new(),
        open: false,
        removals: Vec::new(),
        target_updates: Vec::new(),
        action_updates: Vec::new(),
        missing: Vec::new(),
        notes: Vec::new(),
    };
    for part in &configuration.parts {
        match part {
            RulePart::File(path) => builder.include("", path, 0)?,
            RulePart::Text { name, text } => builder.read(name, text.as_bytes(), 0)?,
        }
    }
    if !builder.missing.is_empty() {
        builder.missing.sort_unstable();
        builder.missing.dedup();
        return Err(Error::Missing(builder.missing));
    }
    finish::finish(builder)
}

impl Builder<'_> {
    fn include(&mut self, beside: &str, path: &str, depth: usize) -> Result<(), Error> {
        if sources::is_pattern(path) {
            let found = self.sources.matching(beside, path);
            if found.is_empty() {
                self.missing.push(sources::join(beside, path));
            }
            for file in found {
                let bytes = self.sources.bytes(&file).unwrap_or_default();
                self.read(&file, bytes, depth)?;
            }
            return Ok(());
        }
        match self.sources.resolve(beside, path) {
            Some((file, bytes)) => self.read(&file, bytes, depth),
            None => {
                self.missing.push(sources::join(beside, path));
                Ok(())
            }
        }
    }

    fn read(&mut self, file: &str, bytes: &[u8], depth: usize) -> Result<(), Error> {
        for directive in seclang::directives(file, bytes)? {
            self.directive(&directive, depth)?;
        }
        Ok(())
    }

    fn directive(&mut self, directive: &Directive, depth: usize) -> Result<(), Error> {
        match directive.name.as_str() {
            "include" if depth >= INCLUDE_DEPTH => Err(directive.error("includes nest too deeply")),
            "include" => self.include(&directive.place.file, directive.word(0, "the path")?, depth + 1),
            "secrule" => self.rule(directive),
            "secaction" => self.unconditional(directive),
            "secmarker" => {
                let name = directive.word(0, "the name")?.trim_matches('\'').to_owned();
                self.markers.push((name, self.drafts.len()));
                Ok(())
            }
            "secdefaultaction" => self.default_action(directive),
            name if name.starts_with("secruleremove") || name.starts_with("secruleupdate") => self.update(directive),
            _ => self.options.set(directive),
        }
    }

    fn rule(&mut self, directive: &Directive) -> Result<(), Error> {
        if directive.words.len() > 3 {
            return Err(directive.error("a rule has targets, an operator and actions, and nothing more"));
        }
        let at = |reason: String| directive.error(reason);
        let targets = Targets::parse(directive.word(0, "the list of targets")?).map_err(at)?;
        if targets.included.is_empty() {
            return Err(directive.error("the rule looks at nothing"));
        }
        let operator = directive.word(1, "the operator")?;
        let actions = directive.words.get(2).map_or("", String::as_str);
        let actions = Actions::parse(actions).map_err(at)?;
        let link = DraftLink::new(directive, targets, operator, actions);
        let Some(link) = link.compile(self.sources, &mut self.missing, &mut self.notes)? else { return Ok(()) };
        self.add(directive, link)
    }

    fn unconditional(&mut self, directive: &Directive) -> Result<(), Error> {
        let text = directive.words.first().map_or("", String::as_str);
        let actions = Actions::parse(text).map_err(|reason| directive.error(reason))?;
        self.add(directive, DraftLink::unconditional(actions))
    }

    /// Starts a rule, or continues the one whose chain is open.
    fn add(&mut self, directive: &Directive, link: DraftLink) -> Result<(), Error> {
        let continues = std::mem::replace(&mut self.open, link.actions.chain);
        if let Some(draft) = self.drafts.last_mut().filter(|_| continues) {
            draft.links.push(link);
            return Ok(());
        }
        if let Some(id) = link.actions.id.filter(|id| !self.known.insert(*id)) {
            return Err(directive.error(format!("the rule id {id} is used twice")));
        }
        let phase = link.actions.phase.unwrap_or(2);
        let default = self.defaults.get(&phase).cloned().unwrap_or_default();
        self.drafts.push(Draft { place: directive.place.clone(), phase, default, links: vec![link] });
        Ok(())
    }

    fn default_action(&mut self, directive: &Directive) -> Result<(), Error> {
        let actions =
            Actions::parse(directive.word(0, "the list of actions")?).map_err(|reason| directive.error(reason))?;
        let Some(phase) = actions.phase else { return Err(directive.error("a default action names its phase")) };
        if matches!(actions.disruptive, None | Some(Disruptive::Block)) {
            return Err(directive.error("a default action must say what `block` does, such as `deny` or `pass`"));
        }
        self.defaults.insert(phase, Arc::new(actions));
        Ok(())
    }

    fn update(&mut self, directive: &Directive) -> Result<(), Error> {
        let at = |reason: String| directive.error(reason);
        let all = directive.words.join(" ");
        let first = directive.word(0, "the rule")?;
        let second = || directive.word(1, "the change");
        let targets = || Targets::parse(second()?).map_err(at);
        match directive.name.as_str() {
            "secruleremovebyid" => self.removals.push(Aim::Ids(ids(&all).map_err(at)?)),
            "secruleremovebytag" => self.removals.push(Aim::Tag(first.to_owned())),
            "secruleremovebymsg" => self.removals.push(Aim::Message(first.to_owned())),
            "secruleupdatetargetbyid" => {
                let aim = Aim::Ids(ids(first).map_err(at)?);
                self.target_updates.push((aim, targets()?));
            }
            "secruleupdatetargetbytag" => self.target_updates.push((Aim::Tag(first.to_owned()), targets()?)),
            "secruleupdatetargetbymsg" => self.target_updates.push((Aim::Message(first.to_owned()), targets()?)),
            "secruleupdateactionbyid" => {
                let (id, link) = first.split_once(':').unwrap_or((first, "0"));
                let id = id.parse().map_err(|_| directive.error(format!("`{id}` is not a rule id")))?;
                let link = link.parse().map_err(|_| directive.error(format!("`{link}` is not a link of a chain")))?;
                let actions = Actions::parse(second()?).map_err(at)?;
                self.action_updates.push((id, link, actions));
            }
            unknown => return Err(directive.error(format!("the directive `{unknown}` is not known"))),
        }
        Ok(())
    }
}

/// Which drafts an aim means; tags and messages are searched for a pattern.
pub(super) fn aimed(aim: &Aim, id: u64, tags: &[String], message: &str) -> bool {
    match aim {
        Aim::Ids(ranges) => ranges.iter().any(|(first, last)| (*first..=*last).contains(&id)),
        Aim::Tag(pattern) => tags.iter().any(|tag| found(pattern, tag)),
        Aim::Message(pattern) => found(pattern, message),
    }
}

/// A pattern that cannot be read is taken as the text it is.
fn found(pattern: &str, text: &str) -> bool {
    if pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_ ".contains(&byte)) {
        return text.contains(pattern);
    }
    regex_automata::meta::Regex::new(pattern).map_or_else(|_| text.contains(pattern), |regex| regex.is_match(text))
}

/// The place of a draft, for errors found after all was read.
pub(super) fn at(place: &Place, reason: impl Into<String>) -> Error {
    Error::Rule { place: place.clone(), reason: reason.into() }
}
