//! LP022: another account, as a whole, may call a function.

use brigandine_model::{App, Fact, Finding, Function, Grant, Practice, Principal, RuleMeta, Value};

use crate::{Context, Rule, Sink, case::texts, rule::meta, wording::with_origin};

pub(crate) struct AccountWideInvoke;

const META: RuleMeta = RuleMeta {
    practice: Practice::LeastPrivilege,
    frameworks: &["CWE-284", "OWASP-Serverless-S5"],
    ..meta(
        "LP022",
        "account-wide-invoke",
        "everyone in another account may call a function",
        include_str!("../../pages/LP022-account-wide-invoke.md"),
    )
};

impl Rule for AccountWideInvoke {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for grant in app.grants.iter().filter(|grant| grant.source.is_none() && grant.source_account.is_none()) {
            let Principal::Account(who) = &grant.principal else { continue };
            if let (Some(account), true) = (whole_account(who), starts_functions(grant)) {
                let function = function_of(app, &grant.resource);
                let finding = finding((grant, function), &account, sink);
                sink.finding(finding);
            }
        }
    }
}

fn starts_functions(grant: &Grant) -> bool {
    let starts = |text: String| {
        let text = text.to_ascii_lowercase();
        text.starts_with("lambda:invoke") || text == "lambda:*"
    };
    texts(&grant.action.value).into_iter().any(starts)
}

/// The function that the grant is about, by reference or by its name.
fn function_of<'a>(app: &'a App, resource: &Fact<String>) -> Option<&'a Function> {
    let by_name = |text: &String| {
        app.functions.iter().find(|function| {
            function.name.as_ref().and_then(|name| name.value.known()).is_some_and(|name| name == text)
        })
    };
    match &resource.value {
        Value::Symbolic(symbol) => symbol.resources().find_map(|id| app.function(id)),
        Value::Known(text) => by_name(text),
        _ => None,
    }
}

/// The other account, where all of it is meant: its number, its root, or a parameter that holds either.
fn whole_account(who: &Fact<String>) -> Option<String> {
    let is_number = |text: &str| text.len() == 12 && text.bytes().all(|sign| sign.is_ascii_digit());
    match &who.value {
        Value::Known(text) if is_number(text) => Some(text.clone()),
        Value::Known(text) => {
            let account = text.split_once(":iam::")?.1.strip_suffix(":root")?;
            is_number(account).then(|| account.to_owned())
        }
        Value::Symbolic(symbol) => {
            let text = symbol.to_string();
            let own = text.contains("${AWS::AccountId}");
            let root = text.ends_with(":root") && text.contains(":iam::${");
            (!own && root).then(|| text.trim_end_matches(":root").rsplit("::").next().unwrap_or_default().to_owned())
        }
        _ => None,
    }
}

fn finding((grant, function): (&Grant, Option<&Function>), account: &str, sink: &Sink) -> Finding {
    let provenance = &grant.provenance;
    let name = function.map_or_else(|| "a function".to_owned(), |function| format!("`{}`", function.id));
    Finding {
        title: format!("anyone in the account `{account}` may call {name}"),
        message:
            "every identity and every service over there may start the function with an event of its own making, and \
                  this account pays"
                .to_owned(),
        label: with_origin("a whole account", provenance),
        resource: function.map(|function| function.id.clone()),
        fact: format!("called from the account {account}"),
        help: vec![
            "let the one role call that needs to, by its whole name as the principal".to_owned(),
            "where a service of that account calls, add `SourceArn`".to_owned(),
        ],
        ..sink.draft(provenance)
    }
}
