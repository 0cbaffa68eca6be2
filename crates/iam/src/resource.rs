//! Resources as policies write them: `*`, or a resource name whose segments may hold wildcards.

use crate::Pattern;

/// The resource part of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ResourcePattern {
    /// Every resource of every service.
    Everything,
    /// Resource names that fit in every segment: partition, service, region, account, and the rest.
    Arn(Box<[Pattern; 5]>),
    /// Text that fits no resource name; compared as a whole.
    Odd(Pattern),
}

/// Words with which resource names of a service begin before the resource's own name. Services such as object stores,
/// topics and queues begin with the own name at once, so that `photos/*` is one bucket there and not a kind.
const KINDS: &[&str] = &[
    "alias",
    "application",
    "bot",
    "cluster",
    "collection",
    "db",
    "delivery-stream",
    "deliverystream",
    "distribution",
    "domain",
    "endpoint",
    "event-bus",
    "execution",
    "express",
    "file-system",
    "function",
    "group",
    "identity",
    "index",
    "instance",
    "instance-profile",
    "job",
    "key",
    "layer",
    "log-group",
    "model",
    "parameter",
    "policy",
    "project",
    "repository",
    "role",
    "rule",
    "secret",
    "service",
    "stack",
    "state-machine",
    "statemachine",
    "stream",
    "table",
    "task",
    "task-definition",
    "user",
    "userpool",
    "vault",
    "workgroup",
];
/// Kinds whose members come into being at run time and are named by the platform: no policy can name them beforehand, so that
/// all of them is the narrowest there is.
const MADE_AT_RUN_TIME: &[(&str, &str)] =
    &[("batch", "job"), ("ecs", "task"), ("states", "execution"), ("states", "express")];
const NAME_FIRST: &[&str] = &["s3", "sns", "sqs", "execute-api", "codecommit", "codepipeline"];

impl ResourcePattern {
    /// The pattern with this text.
    pub fn new(text: &str) -> Self {
        if Pattern::new(text).is_everything() {
            return Self::Everything;
        }
        segments(text)
            .map_or_else(|| Self::Odd(Pattern::new(text)), |parts| Self::Arn(Box::new(parts.map(Pattern::new))))
    }

    /// Whether this resource name fits.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Odd(pattern) => pattern.matches(name),
            Self::Arn(patterns) => segments(name)
                .is_some_and(|parts| patterns.iter().zip(parts).all(|(pattern, part)| pattern.matches(part))),
        }
    }

    /// Whether it names no single resource of this service, only all of them or all of one kind: `*`,
    /// `arn:aws:dynamodb:*:*:table/*`. Region and account do not matter: one account's tables are all its tables. What only
    /// comes into being at run time, such as the tasks of a cluster, is no kind here: it cannot be named beforehand.
    pub fn covers_service(&self, service: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Odd(_) => false,
            Self::Arn(patterns) => {
                let [_, of, _, _, rest] = patterns.as_ref();
                of.matches(service) && names_only_a_kind(service, rest.as_str())
            }
        }
    }

    /// Whether everything `other` means is meant here too. A yes is certain.
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everything, _) => true,
            (Self::Arn(wide), Self::Arn(narrow)) => {
                wide.iter().zip(narrow.iter()).all(|(wide, narrow)| wide.contains(narrow))
            }
            (Self::Odd(wide), Self::Odd(narrow)) => wide.contains(narrow),
            _ => false,
        }
    }
}

/// Partition, service, region, account, rest. A name that stops early after a wildcard is completed with wildcards, as
/// the platform does.
fn segments(text: &str) -> Option<[&str; 5]> {
    let mut parts = text.splitn(6, ':');
    if !parts.next()?.eq_ignore_ascii_case("arn") {
        return None;
    }
    let mut out = [""; 5];
    let mut open = false;
    for slot in &mut out {
        *slot = match parts.next() {
            Some(part) => {
                open = part.ends_with('*');
                part
            }
            None if open => "*",
            None => return None,
        };
    }
    Some(out)
}

fn names_only_a_kind(service: &str, rest: &str) -> bool {
    let wild = |text: &str| text.contains('*') && text.chars().all(|sign| matches!(sign, '*' | '/' | ':'));
    if wild(rest) {
        return true;
    }
    if NAME_FIRST.contains(&service) {
        return false;
    }
    let Some((kind, own)) = rest.split_once(['/', ':']) else { return false };
    KINDS.contains(&kind) && !MADE_AT_RUN_TIME.contains(&(service, kind)) && wild(own)
}

#[cfg(test)]
mod tests {
    use super::ResourcePattern;

    #[test]
    fn a_kind_is_told_from_a_name() {
        for (text, service, all) in [
            ("*", "dynamodb", true),
            ("arn:aws:dynamodb:*:*:table/*", "dynamodb", true),
            ("arn:aws:dynamodb:eu-west-1:111122223333:table/*", "dynamodb", true),
            ("arn:aws:dynamodb:eu-west-1:111122223333:table/orders", "dynamodb", false),
            ("arn:aws:dynamodb:eu-west-1:111122223333:table/orders*", "dynamodb", false),
            ("arn:aws:dynamodb:*:*:table/*", "s3", false),
            ("arn:aws:s3:::*", "s3", true),
            ("arn:aws:s3:::*/*", "s3", true),
            ("arn:aws:s3:::photos/*", "s3", false),
            ("arn:aws:s3:::key/*", "s3", false),
            ("arn:aws:sqs:*", "sqs", true),
            ("arn:aws:sqs:*:*:orders", "sqs", false),
            ("arn:*:*:*:*:*", "kms", true),
            ("arn:aws:logs:*:*:log-group:/aws/lambda/x:*", "logs", false),
            ("arn:aws:batch:eu-west-1:111122223333:job/*", "batch", false),
            ("arn:aws:batch:eu-west-1:111122223333:job-definition/*", "batch", false),
            ("arn:aws:glue:eu-west-1:111122223333:job/*", "glue", true),
            ("not a name", "s3", false),
        ] {
            assert_eq!(ResourcePattern::new(text).covers_service(service), all, "{text} of {service}");
        }
    }

    #[test]
    fn segments_are_matched_one_by_one() {
        let pattern = ResourcePattern::new("arn:aws:s3:::photos/*");
        assert!(pattern.matches("arn:aws:s3:::photos/a/b"));
        assert!(!pattern.matches("arn:aws:s3:::photos"));
        assert!(!ResourcePattern::new("arn:aws:sqs:*:x:q").matches("arn:aws:sqs:a:b:x:q"));
    }

    #[test]
    fn containment() {
        let wide = ResourcePattern::new("arn:aws:s3:::photos*");
        assert!(wide.contains(&ResourcePattern::new("arn:aws:s3:::photos/2020/*")));
        assert!(!wide.contains(&ResourcePattern::Everything));
        assert!(ResourcePattern::Everything.contains(&wide));
    }
}
