//! What the platform does about encryption at rest where a template says nothing: a table with dates and sources.

use std::sync::LazyLock;

use brigandine_model::Judgement;

use crate::{
    case::{any, both, may_hold, not},
    setting::{Named, is_false},
};

/// What a missing setting comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unset {
    /// Encrypted, whatever is written.
    Always,
    /// Encrypted unless it is switched off.
    On,
    /// In clear unless it is switched on.
    Off,
    /// The disks are encrypted, what is stored on them is not.
    Disk,
}

/// One type of resource.
#[derive(Clone, Debug)]
pub(crate) struct AtRest {
    /// The type of the resource.
    pub(crate) kind: &'static str,
    /// The setting that switches encryption, and the word that switches it on where it is not a truth value.
    pub(crate) switch: Option<(Vec<&'static str>, Option<&'static str>)>,
    /// What nothing set means.
    pub(crate) unset: Unset,
    /// Since when, where it was once otherwise.
    pub(crate) since: Option<&'static str>,
    /// The setting that names a key of one's own.
    pub(crate) key: Option<Vec<&'static str>>,
}

const TEXT: &str = include_str!("../data/defaults.txt");

/// Every type of the table.
pub(crate) fn defaults() -> &'static [AtRest] {
    static LINES: LazyLock<Vec<AtRest>> = LazyLock::new(|| TEXT.lines().filter_map(line).collect());
    &LINES
}

fn line(line: &'static str) -> Option<AtRest> {
    if line.starts_with('#') {
        return None;
    }
    let columns: Vec<&str> = line.split(" | ").collect();
    let [kind, switch, unset, _, since, key, _] = columns.as_slice() else { return None };
    let path = |text: &'static str| (text != "-").then(|| text.split('.').collect::<Vec<&str>>());
    let (setting, word) = switch.split_once('=').map_or((*switch, None), |(setting, word)| (setting, Some(word)));
    let unset = match *unset {
        "always" => Unset::Always,
        "on" => Unset::On,
        "off" => Unset::Off,
        "disk" => Unset::Disk,
        _ => return None,
    };
    Some(AtRest {
        kind,
        switch: path(setting).map(|path| (path, word)),
        unset,
        since: (*since != "-").then_some(*since),
        key: path(key),
    })
}

/// The line of the table for a resource; nothing for what is encrypted as something else is.
pub(crate) fn default_of(named: &Named<'_>) -> Option<&'static AtRest> {
    let kind = &*named.resource.kind;
    // The instances of a cluster are encrypted as the cluster is.
    if kind.ends_with("::DBInstance") && may_hold(&named.is_set(&["DBClusterIdentifier"])) {
        return None;
    }
    // A delivery stream that reads from another stream keeps nothing in clear that the other one does not.
    if kind == "AWS::KinesisFirehose::DeliveryStream"
        && named.text(&["DeliveryStreamType"], true, &|text| text == "DirectPut") == Judgement::No
    {
        return None;
    }
    let aurora = named.at(&["Engine"]).and_then(|engine| engine.known()).is_some_and(|name| name.starts_with("aurora"));
    let special = aurora.then(|| format!("{kind}:aurora"));
    let find = |kind: &str| defaults().iter().find(|line| line.kind == kind);
    special.and_then(|special| find(&special)).or_else(|| find(kind))
}

/// What a judgement comes to where the engine of a cluster decides, and is not settled.
pub(crate) fn as_far_as_settled(named: &Named<'_>, judgement: Judgement) -> Judgement {
    let open = named.at(&["Engine"]).is_some_and(|engine| engine.known().is_none());
    if open && &*named.resource.kind == "AWS::RDS::DBCluster" && may_hold(&judgement) {
        return Judgement::CannotTell("its engine is not settled, and some are always encrypted".into());
    }
    judgement
}

impl AtRest {
    /// ` since 2022-10-04`, where it was once otherwise.
    pub(crate) fn since_when(&self) -> String {
        self.since.map_or_else(String::new, |day| format!(" since {day}"))
    }

    /// Whether encryption is switched off in so many words, and no key is named either.
    pub(crate) fn is_switched_off(&self, named: &Named<'_>) -> Judgement {
        let Some((path, word)) = &self.switch else { return Judgement::No };
        if matches!(self.unset, Unset::Always | Unset::Disk) {
            return Judgement::No;
        }
        let says_off = |text: &str| match word {
            Some(word) => text != *word,
            None => is_false(text),
        };
        both(named.text(path, false, &says_off), not(self.has_key(named)))
    }

    /// Whether nothing is said, and that means in clear.
    pub(crate) fn is_left_off(&self, named: &Named<'_>) -> Judgement {
        if !matches!(self.unset, Unset::Off | Unset::Disk) {
            return Judgement::No;
        }
        let set = self.switch.as_ref().map_or(Judgement::No, |(path, _)| named.is_set(path));
        not(any([set, self.has_key(named)]))
    }

    /// Whether a key is named, the platform's own included.
    pub(crate) fn has_key(&self, named: &Named<'_>) -> Judgement {
        self.key.as_ref().map_or(Judgement::No, |path| named.is_set(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = TEXT.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(defaults().len(), lines);
        assert!(defaults().iter().filter_map(|line| line.since).all(|day| day.parse::<jiff::civil::Date>().is_ok()));
        assert!(TEXT.lines().any(|line| line.starts_with("# date: 20")));
    }
}
