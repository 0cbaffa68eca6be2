//! LP018: a role that anyone, or anyone in another account, may become.

use brigandine_model::{
    App, Condition, Effect, Fact, Finding, Judgement, Piece, Principal, Role, RuleMeta, Severity, Statement, Symbol,
    Value,
};

use crate::{
    Context, Rule, Sink,
    case::{HOLE, both, is, may_hold, texts, when},
    door::narrows_callers,
    reach::better,
    rule::meta,
    wording::with_origin,
};

pub(crate) struct OpenTrust;

const META: RuleMeta = RuleMeta {
    severity: Severity::Critical,
    frameworks: &["CWE-284", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP018",
        "open-trust",
        "a role may be assumed by anyone, or by anyone in another account",
        include_str!("../../pages/LP018-open-trust.md"),
    )
};

impl Rule for OpenTrust {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for role in &app.roles {
            for statement in role.trust.iter().filter(|statement| !statement.conditions.iter().any(limits)) {
                check_statement(role, statement, sink);
            }
        }
    }
}

fn check_statement(role: &Role, statement: &Statement, sink: &mut Sink) {
    let allows = is(&statement.effect, &Effect::Allow);
    if !may_hold(&allows) {
        return;
    }
    if statement.except_principals {
        return sink.finding(finding(role, statement, (&Who::AllBut, &allows), sink));
    }
    for principal in &statement.principals {
        let (who, holds) = match principal {
            Principal::Internet => (Who::Anyone, Judgement::Yes),
            Principal::Account(fact) => match stranger(fact) {
                Some(found) => found,
                None => continue,
            },
            Principal::Unknown(why) => {
                sink.cannot_tell(&format!("who may assume `{}`", role.id), why, (&role.id, &statement.provenance));
                continue;
            }
            Principal::Service(_) => continue,
        };
        let holds = both(allows.clone(), holds);
        if may_hold(&holds) {
            // One statement is one cause; anyone is worse than an account.
            return sink.finding(finding(role, statement, (&who, &holds), sink));
        }
    }
}

enum Who {
    Anyone,
    AllBut,
    Account(String),
}

/// Conditions by which a trust knows who comes: a shared word, or who they are.
fn limits(condition: &Condition) -> bool {
    let key = condition.key.to_ascii_lowercase();
    let shared = matches!(key.as_str(), "sts:externalid" | "aws:multifactorauthpresent" | "sts:sourceidentity");
    (shared || narrows_callers(condition)) && !condition.operator.contains("Not")
}

/// A whole account that is not the one deployed to, with the cases in which it is meant; also `*` among the cases.
fn stranger(fact: &Fact<String>) -> Option<(Who, Judgement)> {
    if let Value::Symbolic(symbol) = &fact.value {
        return of_parameter(symbol).map(|account| (Who::Account(account), Judgement::Yes));
    }
    for text in texts(&fact.value) {
        let holds = || fact.value.judge(&|one| *one == text, &|symbol| Some(crate::case::filled(symbol) == text));
        if text == "*" {
            return Some((Who::Anyone, holds()));
        }
        if let Some(account) = whole_account(&text) {
            return Some((Who::Account(account.to_owned()), holds()));
        }
    }
    None
}

/// The account, where the text means all of it and a person wrote which; the account deployed to is a hole.
fn whole_account(text: &str) -> Option<&str> {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|sign| sign.is_ascii_digit());
    if is_account(text) {
        return Some(text);
    }
    let (start, user) = text.split_once(":iam::")?;
    let (account, identity) = user.split_once(':')?;
    let everyone = matches!(identity, "root" | "*" | "role/*" | "user/*");
    let foreign = is_account(account) || account == "*";
    (start.starts_with("arn:") && everyone && foreign).then_some(account)
}

/// The account, where a parameter names it and the text means all of it. The account deployed to needs no parameter.
fn of_parameter(symbol: &Symbol) -> Option<String> {
    let name = symbol.pieces.iter().find_map(|piece| match piece {
        Piece::Parameter(name) if !name.starts_with("AWS::") => Some(name),
        _ => None,
    })?;
    let own = symbol.pieces.iter().any(|piece| matches!(piece, Piece::Parameter(name) if &**name == "AWS::AccountId"));
    let filled = crate::case::filled(symbol);
    let (_, user) = filled.split_once(":iam::")?;
    let (account, identity) = user.split_once(':')?;
    (!own && account.contains(HOLE) && identity == "root").then(|| format!("${{{name}}}"))
}

fn finding(role: &Role, statement: &Statement, (who, holds): (&Who, &Judgement), sink: &Sink) -> Finding {
    let provenance = &statement.provenance;
    let (may, follows, base) = match who {
        Who::Anyone => (
            "anyone".to_owned(),
            "whoever has an account of the platform becomes the role and may do all that it may",
            META.severity,
        ),
        Who::AllBut => (
            "anyone but those it names".to_owned(),
            "whoever has an account of the platform becomes the role and may do all that it may",
            META.severity,
        ),
        Who::Account(account) if account == "*" => (
            "anyone".to_owned(),
            "whoever has an account of the platform becomes the role and may do all that it may",
            META.severity,
        ),
        Who::Account(account) => (
            format!("anyone in the account `{account}`"),
            "every identity there with the right to assume roles becomes this one, and a service there can be tricked into it",
            better(META.severity),
        ),
    };
    Finding {
        severity: if role.boundary.is_some() { better(base) } else { base },
        title: format!("`{}` may be assumed by {may}{}", role.id, when(holds)),
        message: follows.to_owned(),
        label: with_origin("trusts them all", provenance),
        resource: Some(role.id.clone()),
        fact: format!("trusts {may}"),
        help: vec![
            "trust the one role that needs it, by its whole name".to_owned(),
            "for another company, ask for a secret word with a condition on `sts:ExternalId`".to_owned(),
        ],
        ..sink.draft(provenance)
    }
}
