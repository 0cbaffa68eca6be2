//! The built-in rules: small, sharp, and made for functions.
//!
//! They know what runs behind a gateway of functions (Node, Python, Java, PHP; SQL and document databases; shells), and are written
//! for precision first: names such as O'Brien, prose, and program text in a field of a content system pass at level 1. Scores,
//! thresholds and levels carry the names of the Core Rule Set, so exclusions and settings written for it work here too.
//!
//! ```
//! use brigandine_inspect::{Action, Request, RuleSet, Settings, Sources, builtin};
//!
//! let rules = RuleSet::load(&builtin::configuration(1), &Sources::new())?;
//! let inspect = |uri: &[u8]| rules.inspect(&Request::new(b"GET", uri), &Settings::default()).action;
//! assert_eq!(inspect(b"/search?q=x'+OR+'1'='1"), Action::Block);
//! assert_eq!(inspect(b"/search?q=O'Brien"), Action::Allow);
//! # Ok::<(), brigandine_inspect::Error>(())
//! ```

use crate::Configuration;

/// The rule files, in the order they are loaded.
pub(crate) const FILES: [(&str, &str); 14] = [
    ("builtin/100-setup.conf", include_str!("../rules/100-setup.conf")),
    ("builtin/110-sqli.conf", include_str!("../rules/110-sqli.conf")),
    ("builtin/120-nosql.conf", include_str!("../rules/120-nosql.conf")),
    ("builtin/130-command.conf", include_str!("../rules/130-command.conf")),
    ("builtin/140-code.conf", include_str!("../rules/140-code.conf")),
    ("builtin/150-traversal.conf", include_str!("../rules/150-traversal.conf")),
    ("builtin/160-ssrf.conf", include_str!("../rules/160-ssrf.conf")),
    ("builtin/170-xss.conf", include_str!("../rules/170-xss.conf")),
    ("builtin/180-xxe.conf", include_str!("../rules/180-xxe.conf")),
    ("builtin/190-crlf.conf", include_str!("../rules/190-crlf.conf")),
    ("builtin/200-protocol.conf", include_str!("../rules/200-protocol.conf")),
    ("builtin/210-scanner.conf", include_str!("../rules/210-scanner.conf")),
    ("builtin/220-structure.conf", include_str!("../rules/220-structure.conf")),
    ("builtin/990-decision.conf", include_str!("../rules/990-decision.conf")),
];

/// The built-in rules at a paranoia level: 1 for every application, 2 for those that want more and tune.
pub fn configuration(paranoia: u8) -> Configuration {
    let level = format!(
        "SecAction \"id:1000001,phase:1,pass,nolog,setvar:'tx.blocking_paranoia_level={}'\"\n",
        paranoia.clamp(1, 4)
    );
    let configuration = Configuration::default().with_text("builtin/level", level);
    FILES.iter().fold(configuration, |configuration, (name, text)| configuration.with_text(*name, *text))
}
