//! Which rules are asked.

use crate::{FRAMEWORKS, RULES, Rule, control, rules::StaleSuppression};

/// The profile that is used when none is named.
pub const DEFAULT_PROFILE: &str = "recommended";

/// Every profile, with one sentence each.
pub const PROFILES: &[(&str, &str)] = &[
    ("recommended", "what is worth stopping a deployment for, or worth a look"),
    ("strict", "every rule there is"),
    ("launch-day", "what a flood of customers and attackers on one day would find"),
    ("fsbp", "what AWS's Foundational Security Best Practices ask of a template"),
    ("cis", "what the CIS AWS Foundations Benchmark 1.4.0 asks of a template"),
    ("owasp", "what OWASP's Serverless Top 10 and the twelve serverless risks are about"),
    ("nist", "what NIST SP 800-53 revision 5 asks of a template, through the controls of AWS"),
];

/// What stands between an application and a flood, by code: open doors, throttles, firewalls, logs that tell who comes, alarms
/// that tell of it, caps on cost, and events that would get lost. A code without its rule here is passed over.
const LAUNCH_DAY: &[&str] = &[
    "AP001", "AP002", "AP003", "AP004", "AP011", "AP012", "AP013", "AP014", "AP021", "DW001", "DW002", "DW003",
    "MO001", "MO002", "MO004", "MO007", "MO008",
];

/// A selection that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No rule has this code or begins with it.
    #[error("there is no rule `{code}`{}", meant(.nearest.as_deref()))]
    UnknownCode {
        /// What was written.
        code: String,
        /// The nearest code there is.
        nearest: Option<String>,
    },
    /// No profile has this name.
    #[error("there is no profile `{name}`{}", meant(.nearest.as_deref()))]
    UnknownProfile {
        /// What was written.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(", did you mean `{name}`"))
}

/// The rules that are asked, in the order of [`RULES`].
#[derive(Clone)]
pub struct Selection {
    rules: Vec<&'static dyn Rule>,
}

impl std::fmt::Debug for Selection {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.rules().map(|rule| rule.meta().code)).finish()
    }
}

impl Default for Selection {
    fn default() -> Self {
        Self { rules: in_profile(DEFAULT_PROFILE) }
    }
}

impl Selection {
    /// The rules of `profile`; where `select` names any, those instead; without those that `ignore` names. A name is a code
    /// (`LP001`), the beginning of codes (`LP`) or the name of a fault.
    pub fn new(profile: &str, select: &[String], ignore: &[String]) -> Result<Self, Error> {
        if !PROFILES.iter().any(|(name, _)| *name == profile) {
            let nearest = nearest(profile, PROFILES.iter().map(|(name, _)| *name));
            return Err(Error::UnknownProfile { name: profile.to_owned(), nearest: nearest.map(str::to_owned) });
        }
        for name in select.iter().chain(ignore) {
            if !RULES.iter().any(|rule| is_meant(*rule, name)) {
                let nearest = nearest_code(name).map(str::to_owned);
                return Err(Error::UnknownCode { code: name.clone(), nearest });
            }
        }
        let mut rules = if select.is_empty() { in_profile(profile) } else { named(select) };
        rules.retain(|rule| !ignore.iter().any(|name| is_meant(*rule, name)));
        Ok(Self { rules })
    }

    /// The rules.
    pub fn rules(&self) -> impl Iterator<Item = &'static dyn Rule> + '_ {
        self.rules.iter().copied()
    }

    /// Whether the rule with this code is among them.
    pub fn asks(&self, code: &str) -> bool {
        self.rules().any(|rule| rule.meta().code == code)
    }
}

fn in_profile(profile: &str) -> Vec<&'static dyn Rule> {
    if FRAMEWORKS.contains(&profile) {
        return with_own(&control::rules_of(profile));
    }
    let listed = |code: &str| profile == "launch-day" && LAUNCH_DAY.contains(&code);
    let is_in = |rule: &&dyn Rule| {
        let meta = rule.meta();
        profile == "strict" || meta.profiles.contains(&profile) || listed(meta.code)
    };
    with_own(&RULES.iter().copied().filter(is_in).collect::<Vec<_>>())
}

/// With the rule that watches over suppressions: in whatever profile something is hidden, somebody must answer for it.
fn with_own(rules: &[&'static dyn Rule]) -> Vec<&'static dyn Rule> {
    let watches = |rule: &&dyn Rule| rule.meta().code == StaleSuppression::CODE;
    let known = |rule: &&dyn Rule| rules.iter().any(|other| other.meta().code == rule.meta().code);
    RULES.iter().copied().filter(|rule| known(rule) || watches(rule)).collect()
}

fn named(names: &[String]) -> Vec<&'static dyn Rule> {
    RULES.iter().copied().filter(|rule| names.iter().any(|name| is_meant(*rule, name))).collect()
}

fn is_meant(rule: &dyn Rule, name: &str) -> bool {
    let name = name.trim();
    let meta = rule.meta();
    !name.is_empty() && (meta.code.starts_with(&name.to_ascii_uppercase()) || meta.name.eq_ignore_ascii_case(name))
}

/// The code or fault name nearest to what was written, when any is near.
pub fn nearest_code(written: &str) -> Option<&'static str> {
    nearest(written, RULES.iter().flat_map(|rule| [rule.meta().code, rule.meta().name]))
}

fn nearest(written: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let written = written.to_ascii_lowercase();
    let (distance, name) =
        names.map(|name| (edits(&written, &name.to_ascii_lowercase()), name)).min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + name.len() / 4).then_some(name)
}

/// Insertions, deletions and replacements that turn one text into the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, sign) in from.chars().take(64).enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(&to) {
            let best = (diagonal + usize::from(sign != *other)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(selection: &Selection) -> Vec<&'static str> {
        selection.rules().map(|rule| rule.meta().code).collect()
    }

    #[test]
    fn codes_prefixes_and_names_select() {
        let select = |names: &[&str]| {
            Selection::new("recommended", &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), &[])
                .unwrap()
        };
        assert_eq!(codes(&select(&["LP001"])), ["LP001"]);
        assert!(codes(&select(&["se"])).starts_with(&["SE001", "SE002", "SE003"]));
        assert_eq!(codes(&select(&["open-function-url"])), ["AP003"]);
    }

    #[test]
    fn ignored_rules_are_left_out() {
        let selection = Selection::new("strict", &["LP001".into(), "LP003".into()], &["LP003".into()]).unwrap();
        assert_eq!(codes(&selection), ["LP001"]);
    }

    #[test]
    fn an_unknown_code_is_refused_with_the_nearest() {
        let error = Selection::new("recommended", &["LP00l".into()], &[]).unwrap_err();
        assert_eq!(error.to_string(), "there is no rule `LP00l`, did you mean `LP001`");
        let error = Selection::new("recomended", &[], &[]).unwrap_err();
        assert_eq!(error.to_string(), "there is no profile `recomended`, did you mean `recommended`");
        let error = Selection::new("recommended", &[], &["quite something else".into()]).unwrap_err();
        assert_eq!(error.to_string(), "there is no rule `quite something else`");
    }

    #[test]
    fn profiles_of_frameworks_follow_from_what_rules_name() {
        let profile = |name: &str| codes(&Selection::new(name, &[], &[]).unwrap());
        for (name, _) in PROFILES {
            assert!(profile(name).contains(&"ED001"), "{name}");
            assert!(profile(name).len() > 1, "{name} asks nothing");
        }
        assert!(profile("cis").contains(&"LP001") && !profile("cis").contains(&"AP003"), "{:?}", profile("cis"));
        assert!(profile("fsbp").contains(&"DE002") && profile("nist").contains(&"DE002"));
        assert!(profile("owasp").contains(&"AP003"));
        assert!(profile("launch-day").contains(&"AP011") && !profile("launch-day").contains(&"SE002"));
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", ""), 3);
        assert_eq!(edits("same", "same"), 0);
    }
}
