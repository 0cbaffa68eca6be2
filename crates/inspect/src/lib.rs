//! The firewall engine: rules in `SecLang` in, a verdict out.
//!
//! Pure and byte-exact: requests, rule files and phrase lists come in as bytes, so that any recorded request can be replayed to
//! the same verdict. It never reads a clock, a file or the network; what a request may cost is counted, not timed.
//!
//! ```
//! use brigandine_inspect::{Action, Configuration, Request, RuleSet, Settings, Sources};
//!
//! let rules = r#"SecRule ARGS "@contains ../" "id:1,phase:2,deny,status:403,msg:'climbs out of its folder'""#;
//! let configuration = Configuration::default().with_text("mine.conf", rules);
//! let rules = RuleSet::load(&configuration, &Sources::new())?;
//! let verdict = rules.inspect(&Request::new(b"GET", b"/read?file=../../etc/passwd"), &Settings::default());
//! assert_eq!(verdict.action, Action::Block);
//! assert_eq!(verdict.matches[0].variable, "ARGS:file");
//! # Ok::<(), brigandine_inspect::Error>(())
//! ```

mod body;
pub mod builtin;
mod error;
mod event;
mod operator;
mod plan;
pub mod probe;
mod request;
mod room;
mod ruleset;
mod seclang;
mod sources;
mod strings;
mod transaction;
mod transform;
mod variable;
mod wire;

pub use error::{Error, Place};
pub use request::{Action, Match, Request, Response, Settings, Verdict};
pub use room::Scratch;
pub use ruleset::{Configuration, RulePart, RuleSet};
pub use seclang::action::Engine;
pub use sources::Sources;
pub use transaction::Inspection;
pub use transaction::note::Note;
pub use wire::Wire;
