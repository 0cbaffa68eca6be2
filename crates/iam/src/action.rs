//! Actions as policies write them: `service:Name`, with wildcards on either side.

use std::str::FromStr;

use crate::{Action, Pattern, actions};

/// Why an action pattern means nothing to the platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no service before a colon, and it is not `*`.
    #[error("`{0}` is no action: it must be `*` or `service:Name`")]
    NotAnAction(String),
}

/// The action part of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActionPattern {
    service: Pattern,
    name: Pattern,
}

impl ActionPattern {
    /// Whether an action of this service fits.
    pub fn matches(&self, service: &str, name: &str) -> bool {
        self.service.matches(service) && self.name.matches(name)
    }

    /// Whether no action is left out.
    pub fn covers_every_action(&self) -> bool {
        let only_wildcards = |pattern: &Pattern| pattern.as_str().bytes().all(|sign| matches!(sign, b'*' | b'?'));
        if self.service.is_everything() && self.name.is_everything() {
            return true;
        }
        only_wildcards(&self.service)
            && only_wildcards(&self.name)
            && actions().iter().all(|action| self.matches(action.service, action.name))
    }

    /// Whether it means every action of the services it names: `dynamodb:*`.
    pub fn is_service_wide(&self) -> bool {
        self.name.is_everything()
    }

    /// Whether it may mean actions of this service.
    pub fn is_about(&self, service: &str) -> bool {
        self.service.matches(service)
    }

    /// Whether it means exactly one action.
    pub fn is_literal(&self) -> bool {
        self.service.is_literal() && self.name.is_literal()
    }

    /// Whether everything `other` means is meant here too. A yes is certain.
    pub fn contains(&self, other: &Self) -> bool {
        self.service.contains(&other.service) && self.name.contains(&other.name)
    }

    /// The actions of the platform it means, in the order of the table.
    pub fn covered(&self) -> impl Iterator<Item = Action> + '_ {
        actions().of_pattern(&self.service).filter(|action| self.name.matches(action.name))
    }

    /// Those of them that change something and for which a policy could name the resources.
    pub fn writes_with_scope(&self) -> impl Iterator<Item = Action> + '_ {
        self.covered().filter(|action| action.access.changes() && action.takes_resource)
    }
}

impl FromStr for ActionPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || Error::NotAnAction(text.to_owned());
        match text.split_once(':') {
            Some((service, name)) if !service.is_empty() && !name.is_empty() => {
                Ok(Self { service: Pattern::new(service), name: Pattern::new(name) })
            }
            None if !text.is_empty() && text.chars().all(|sign| sign == '*') => {
                Ok(Self { service: Pattern::new("*"), name: Pattern::new("*") })
            }
            _ => Err(refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(text: &str) -> ActionPattern {
        text.parse().unwrap()
    }

    #[test]
    fn every_way_to_write_everything_is_everything() {
        for text in ["*", "**", "*:*", "*:**", "?*:*"] {
            assert!(action(text).covers_every_action(), "{text}");
        }
        for text in ["s3:*", "*:Get*", "s3*:*", "????????????????????:*"] {
            assert!(!action(text).covers_every_action(), "{text}");
        }
    }

    #[test]
    fn one_service_by_name_is_the_same_as_by_pattern() {
        let names = |text: &str| action(text).covered().map(|covered| covered.name).collect::<Vec<_>>();
        assert_eq!(names("DynamoDB:*Item"), names("dynamod?:*Item"));
        assert!(names("nosuchservice:*").is_empty());
        assert!(action("dynamodb:**").is_service_wide() && !action("dynamodb:*Item").is_service_wide());
        assert!(action("s3*:Get*").is_about("s3-object-lambda"));
    }

    #[test]
    fn case_does_not_matter() {
        assert!(action("DynamoDB:PUTITEM").writes_with_scope().any(|covered| covered.name == "PutItem"));
    }

    #[test]
    fn reading_is_not_writing_and_unscopable_writing_is_left_alone() {
        assert_eq!(action("dynamodb:Query").writes_with_scope().count(), 0);
        assert_eq!(action("cloudwatch:PutMetricData").writes_with_scope().count(), 0);
        assert_eq!(action("xray:PutTraceSegments").writes_with_scope().count(), 0);
    }

    #[test]
    fn what_is_no_action_is_refused() {
        for text in ["", "s3", "s3:", ":Get", "Everything"] {
            assert_eq!(text.parse::<ActionPattern>(), Err(Error::NotAnAction(text.to_owned())));
        }
    }
}
