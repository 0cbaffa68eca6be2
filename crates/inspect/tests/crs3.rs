//! Debian's Core Rule Set 3.3.4 loads whole, and decides.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and says when it is skipped"
)]

#[path = "support/crs.rs"]
#[expect(dead_code, reason = "shared with the runner of version 4")]
mod crs;
#[path = "support/suite.rs"]
#[expect(dead_code, reason = "shared with the runner of version 4")]
mod suite;

use std::path::PathBuf;

use brigandine_inspect::{Action, Configuration, Request, RulePart, RuleSet, Settings};

/// The package's folder, or the one a developer names.
fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("BRIGANDINE_SUITE_CRS3").map(PathBuf::from);
    given.or_else(|| Some(PathBuf::from("/usr/share/modsecurity-crs"))).filter(|folder| folder.is_dir())
}

fn rules(level: u8) -> Option<RuleSet> {
    let folder = folder()?;
    let setup = format!(
        "SecRuleEngine On\nSecDefaultAction \"phase:1,log,auditlog,pass\"\nSecDefaultAction \"phase:2,log,auditlog,pass\"\n\
         SecAction \"id:900990,phase:1,nolog,pass,t:none,setvar:tx.crs_setup_version=334,setvar:tx.paranoia_level={level}\""
    );
    let mut configuration = Configuration::default().with_text("setup", setup);
    configuration.parts.push(RulePart::File("rules/*.conf".to_owned()));
    Some(RuleSet::load(&configuration, &crs::sources(&folder)).unwrap())
}

fn verdict(rules: &RuleSet, uri: &str) -> brigandine_inspect::Verdict {
    let headers: [(&[u8], &[u8]); 3] =
        [(b"Host", b"shop.example"), (b"User-Agent", b"Mozilla/5.0"), (b"Accept", b"application/json")];
    let request = Request { headers: &headers, ..Request::new(b"GET", uri.as_bytes()) };
    let verdict = rules.inspect(&request, &Settings::default());
    let plain = rules.inspect(&request, &Settings { filter: false, ..Settings::default() });
    assert_eq!(verdict.matches, plain.matches, "the sieve changes what matches {uri}");
    verdict
}

#[test]
fn version_3_loads_and_decides() {
    let Some(rules) = rules(4) else {
        println!("crs3: skipped, the package modsecurity-crs is not there");
        return;
    };
    println!("crs3: {} rules; {:?}", rules.len(), rules.notes());
    let inactive = rules.notes().iter().filter(|note| !note.contains("`@rbl`") && !note.contains("`@geoLookup`"));
    assert_eq!(inactive.count(), 0, "{:?}", rules.notes());
    assert!(rules.len() > 500);
    let attack = verdict(&rules, "/?id=1%27%20UNION%20SELECT%20password%20FROM%20users--%20");
    assert_eq!((attack.action, attack.status), (Action::Block, 403));
    assert!(attack.matches.iter().any(|found| found.rule == 942_100));
}

#[test]
fn version_3_at_level_1_lets_honest_requests_pass() {
    let Some(rules) = rules(1) else {
        println!("crs3: skipped, the package modsecurity-crs is not there");
        return;
    };
    for uri in ["/", "/orders?page=2&sort=name", "/search?q=blue+winter+coat"] {
        let verdict = verdict(&rules, uri);
        assert_eq!(verdict.action, Action::Allow, "{:?}", verdict.matches);
    }
}
