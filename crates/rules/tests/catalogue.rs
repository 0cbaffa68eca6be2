//! The codes are a promise: this file fails when one appears, goes or changes its name.

#![expect(clippy::disallowed_methods, reason = "a test lists the pages")]

use std::collections::BTreeSet;

use brigandine_rules::{DEFAULT_PROFILE, PROFILES, RULES, rule};

#[test]
fn codes_and_names_are_pinned() {
    let all: Vec<String> = RULES.iter().map(|rule| format!("{} {}", rule.meta().code, rule.meta().name)).collect();
    assert_eq!(
        all,
        [
            "LP001 any-action-any-resource",
            "LP002 service-wide-action",
            "LP003 write-on-any-resource",
            "LP005 broad-managed-policy",
            "LP006 broad-reading-policy",
            "LP007 wildcard-policy-template",
            "LP009 shared-role",
            "LP011 unmentioned-store",
            "LP012 pattern-over-other-stores",
            "LP013 role-passing",
            "LP014 function-takeover",
            "LP015 identity-escalation",
            "LP016 wide-role-assumption",
            "LP017 inverted-policy",
            "LP018 open-trust",
            "LP019 decrypt-with-any-key",
            "LP020 read-any-secret",
            "LP021 any-model",
            "LP022 account-wide-invoke",
            "LP023 invoke-any-function",
            "LP024 public-destruction",
            "LP025 wide-blast-radius",
            "LP026 vanishing-condition",
            "LP029 missing-boundary",
            "SE001 provider-credential",
            "SE002 secret-in-environment",
            "SE003 secret-parameter-in-clear",
            "SE004 resolved-secret-in-environment",
            "SE005 secret-for-every-function",
            "SE006 unused-secret-grant",
            "SE007 ungranted-secret",
            "SE008 shared-secret",
            "SE009 secret-in-plain-parameter",
            "SE010 secret-without-rotation",
            "SE011 secret-in-text",
            "SE013 literal-api-key",
            "MO001 unset-log-group",
            "MO002 unlimited-log-retention",
            "MO003 silent-function",
            "MO004 unlogged-door",
            "MO005 unlogged-execution",
            "MO006 logged-request-body",
            "MO007 unwatched-function",
            "MO008 unheard-alarm",
            "MO009 unlogged-workflow",
            "MO010 untraced-path",
            "MO011 trail-without-functions",
            "MO012 erasable-log",
            "MO013 unvalidated-trail",
            "MO014 one-region-trail",
            "AP001 unauthenticated-route",
            "AP002 reopened-route",
            "AP003 open-function-url",
            "AP004 open-way-to-destruction",
            "AP005 credentials-for-any-origin",
            "AP006 any-origin-may-write",
            "AP007 key-as-only-proof",
            "AP008 lenient-token-check",
            "AP009 narrow-cache-key",
            "AP010 unchecked-input",
            "AP011 unthrottled-api",
            "AP012 door-without-firewall",
            "AP013 idle-firewall",
            "AP014 way-around-the-guard",
            "AP015 open-trigger",
            "AP016 confused-service",
            "AP017 function-for-anyone",
            "AP018 pattern-for-any-source",
            "AP020 unchecked-way-to-power",
            "AP021 self-trigger",
            "AP022 open-connection",
            "AP023 loose-graphql-api",
            "AP024 loose-sign-in",
            "AP027 catch-all-route",
            "AP028 public-address",
            "AP029 writing-get",
            "AP030 private-api-for-all",
            "DE002 unsupported-runtime",
            "DE004 foreign-layer",
            "DE005 movable-image",
            "DE006 unpinned-part",
            "EN001 encryption-off",
            "EN002 unencrypted-by-default",
            "EN003 platform-key",
            "EN004 clear-text-allowed",
            "EN005 outdated-tls",
            "EN006 clear-text-address",
            "EN007 weak-key",
            "EN009 unverified-tls",
            "EN010 open-broker",
            "EN011 public-bucket",
            "DW001 unbounded-spend",
            "DW002 lost-async-events",
            "DW003 stuck-batches",
            "DW004 short-visibility",
            "DW005 slow-answer",
            "DW007 unrecoverable-store",
            "DP001 unsigned-code",
            "DP002 open-deploy-role",
            "DP003 all-at-once-deployment",
            "DP004 debug-route",
            "DP005 orphan",
            "DP006 open-network",
            "DP007 outside-network",
            "DP008 not-judged",
            "DP009 debug-switch",
            "ED001 stale-suppression",
        ]
    );
}

#[test]
fn codes_and_names_are_used_once() {
    let codes: BTreeSet<_> = RULES.iter().map(|rule| rule.meta().code).collect();
    let names: BTreeSet<_> = RULES.iter().map(|rule| rule.meta().name).collect();
    assert_eq!((codes.len(), names.len()), (RULES.len(), RULES.len()));
}

#[test]
fn every_page_is_a_rules_and_every_rules_page_is_whole() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/pages");
    let files: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let wanted: BTreeSet<String> =
        RULES.iter().map(|rule| format!("{}-{}.md", rule.meta().code, rule.meta().name)).collect();
    assert_eq!(files, wanted);
    for rule in RULES {
        let meta = rule.meta();
        let sections: Vec<&str> = meta.page.lines().filter(|line| line.starts_with('#')).collect();
        let title = format!("# {}: ", meta.code);
        assert!(sections.first().is_some_and(|first| first.starts_with(&title)), "{}: {sections:?}", meta.code);
        let headings: Vec<&str> = sections.iter().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(
            headings,
            ["Why", "Attack", "Bad", "Good", "Fix", "Severity", "Limits", "Frameworks"],
            "{}",
            meta.code
        );
        for framework in meta.frameworks {
            let number = framework.rsplit('-').next().unwrap_or(framework);
            assert!(meta.page.contains(number), "{}: the page does not name {framework}", meta.code);
        }
    }
}

#[test]
fn profiles_of_rules_exist() {
    assert!(PROFILES.iter().any(|(name, _)| *name == DEFAULT_PROFILE));
    for rule in RULES {
        for profile in rule.meta().profiles {
            assert!(PROFILES.iter().any(|(name, _)| name == profile), "{}: {profile}", rule.meta().code);
        }
    }
}

#[test]
fn rules_are_found_by_code() {
    assert_eq!(rule("lp001").unwrap().meta().code, "LP001");
    assert!(rule("LP").is_none());
}
