//! LP016: a role that may become any role that lets it.

use brigandine_iam::Pattern;
use brigandine_model::{App, Fact, Finding, Judgement, RuleMeta, Statement};

use crate::{
    Context, Rule, Sink,
    case::{any, ask_text, both, may_hold, when},
    reach::better,
    right::{Right, Wanted, rights},
    role::{Holder, first_where, is_narrowed},
    rule::meta,
    wording::with_origin,
};

pub(crate) struct WideRoleAssumption;

const META: RuleMeta = RuleMeta {
    frameworks: &["CWE-269", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP016",
        "wide-role-assumption",
        "a role may assume any role, or a role of any account",
        include_str!("../../pages/LP016-wide-role-assumption.md"),
    )
};

const ASSUME: Wanted = &[("sts", &["AssumeRole"])];

impl Rule for WideRoleAssumption {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for holder in Holder::all(app) {
            for right in rights(&holder, ASSUME).iter().filter(|right| !is_limited(right.statement)) {
                for (question, wide) in [(is_any_role as fn(&str) -> bool, true), (is_of_any_account, false)] {
                    let asked = |fact: &Fact<String>| ask_text(&fact.value, &question);
                    let holds = both(right.holds.clone(), any(right.statement.resources.iter().map(asked)));
                    if may_hold(&holds) {
                        let star = first_where(&right.statement.resources, asked);
                        sink.finding(finding(&holder, right, (star, wide, &holds), sink));
                        break;
                    }
                }
            }
        }
    }
}

/// Whether a condition names the accounts or roles, or asks for a word the other side knows.
fn is_limited(statement: &Statement) -> bool {
    let key = |key: &str| {
        let key = key.to_ascii_lowercase();
        key == "aws:resourceaccount" || key == "aws:resourceorgid" || key == "aws:resourceorgpaths"
    };
    is_narrowed(statement) || statement.conditions.iter().any(|condition| key(&condition.key))
}

/// Account and role of a role's resource name.
fn parts(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.splitn(6, ':');
    let account = parts.nth(4)?;
    Some((account, parts.next()?))
}

fn is_any_role(text: &str) -> bool {
    let only_wildcards = |text: &str| !text.is_empty() && text.chars().all(|sign| matches!(sign, '*' | '/' | '?'));
    Pattern::new(text).is_everything()
        || parts(text)
            .is_some_and(|(_, role)| only_wildcards(role) || role.strip_prefix("role/").is_some_and(only_wildcards))
}

fn is_of_any_account(text: &str) -> bool {
    parts(text).is_some_and(|(account, _)| Pattern::new(account).is_everything())
}

fn finding(
    holder: &Holder<'_>,
    right: &Right<'_>,
    (star, wide, holds): (Option<&Fact<String>>, bool, &Judgement),
    sink: &Sink,
) -> Finding {
    let provenance = star.map_or(&right.written.provenance, |fact| &fact.provenance);
    let base = if wide { META.severity } else { better(META.severity) };
    let (what, follows) = if wide {
        ("any role", "every role that trusts this account is open to whoever breaks in")
    } else {
        ("a role of any account", "whoever makes a role of that name in an account of theirs gets what is handed to it")
    };
    Finding {
        severity: holder.severity(base),
        title: format!("{} may assume {what}{}", holder.names(), when(holds)),
        message: format!("the statement does not say which, so {follows}; {}", holder.because()),
        label: with_origin(if wide { "every role" } else { "in every account" }, provenance),
        resource: Some(holder.resource()),
        fact: format!("sts:AssumeRole on {what}"),
        help: vec!["name the role with its account".to_owned()],
        ..sink.draft(provenance)
    }
}
