//! EN009: a setting in the environment that makes the code accept any certificate.

use std::collections::BTreeMap;

use brigandine_model::{App, Change, Fact, Finding, Fix, Judgement, LogicalId, Practice, RuleMeta, Variable};

use crate::{
    Context, Rule, Sink,
    case::{ask_text, may_hold, when},
    cause::by_place,
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct UnverifiedTls;

const META: RuleMeta = RuleMeta {
    practice: Practice::Encryption,
    frameworks: &["CWE-295", "OWASP-Serverless-S3"],
    ..meta(
        "EN009",
        "unverified-tls",
        "a setting makes the code accept any certificate",
        include_str!("../../pages/EN009-unverified-tls.md"),
    )
};

const OFF: &[&str] = &["0", "false", "no", "off"];
const ON: &[&str] = &["1", "true", "yes", "on"];

/// Variables that runtimes and well-known libraries read, and the values that switch the check off.
const SWITCHES: &[(&str, &[&str])] = &[
    ("NODE_TLS_REJECT_UNAUTHORIZED", OFF),
    ("PYTHONHTTPSVERIFY", OFF),
    ("GIT_SSL_NO_VERIFY", ON),
    ("GIT_SSL_VERIFY", OFF),
    ("NPM_CONFIG_STRICT_SSL", OFF),
    ("SSL_VERIFY", OFF),
    ("VERIFY_SSL", OFF),
    ("TLS_VERIFY", OFF),
    ("VERIFY_TLS", OFF),
    ("VERIFY_CERTS", OFF),
    ("PGSSLMODE", &["disable", "allow", "prefer"]),
    ("TLS_INSECURE", ON),
    ("INSECURE_SKIP_VERIFY", ON),
    ("VAULT_SKIP_VERIFY", ON),
];

/// Parts of connection strings and options that do the same.
const PARTS: &[&str] =
    &["sslmode=disable", "sslmode=no-verify", "rejectunauthorized=false", "tlsinsecure=true", "ssl_cert_reqs=none"];

impl Rule for UnverifiedTls {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let mut found: BTreeMap<&str, Vec<(&LogicalId, &Fact<String>)>> = BTreeMap::new();
        for function in &app.functions {
            for Variable { name, value } in &function.environment {
                // Most values are none of this rule's business, known or not.
                if may_hold(&ask_text(&value.value, &|text| switches_off(name, text))) {
                    found.entry(name).or_default().push((&function.id, value));
                }
            }
        }
        for (name, facts) in found {
            for (fact, functions) in by_place(facts) {
                let off = ask_text(&fact.value, &|text| switches_off(name, text));
                let finding = finding((name, fact), &functions, &off, sink);
                sink.finding(finding);
            }
        }
    }
}

fn switches_off(name: &str, value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    let switch = SWITCHES.iter().find(|(switch, _)| switch.eq_ignore_ascii_case(name));
    switch.is_some_and(|(_, words)| words.contains(&&*value)) || PARTS.iter().any(|part| value.contains(part))
}

fn finding((name, fact): (&str, &Fact<String>), functions: &[LogicalId], off: &Judgement, sink: &Sink) -> Finding {
    let take_away = fact.provenance.span.clone().filter(|_| fact.value.known().is_some() && !fact_is_long(fact));
    Finding {
        title: format!("`{name}` makes {} accept any certificate{}", list(functions), when(off)),
        message: "whoever sits between the function and what it calls can answer in its place and read every password sent".to_owned(),
        label: with_origin("certificates are not checked", &fact.provenance),
        resource: functions.first().cloned(),
        also: functions.iter().skip(1).cloned().collect(),
        fact: format!("{name} off"),
        help: vec![
            "take the setting away; for a certificate of your own, hand its authority to the code (`NODE_EXTRA_CA_CERTS`, `SSL_CERT_FILE`)"
                .to_owned(),
        ],
        fix: take_away
            .map(|span| Fix::risky("check certificates again", vec![Change::RemoveAt { span }])),
        ..sink.draft(&fact.provenance)
    }
}

/// A connection string is more than its switch: it cannot be taken away whole.
fn fact_is_long(fact: &Fact<String>) -> bool {
    fact.value.known().is_some_and(|text| text.contains('='))
}
