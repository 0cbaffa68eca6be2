//! What can be wrong with an application: one file and one page per rule.
//!
//! A rule asks questions of an [`App`] and tells a [`Sink`] what it found, or what it could not tell. It reads no files and
//! no clock: today comes in as part of the [`Context`]. To add a rule, write `src/rules/<fault>.rs` and
//! `pages/<CODE>-<fault>.md`, and put one line into [`RULES`]; the page's examples are its test.
//!
//! ```
//! use brigandine_model::App;
//! use brigandine_rules::{Context, Selection, judge};
//!
//! let context = Context { today: jiff::civil::date(2026, 11, 1) };
//! let outcome = judge(&App::default(), &Selection::default(), &context);
//! assert!(outcome.findings.is_empty());
//! ```

mod at_rest;
mod calendar;
mod case;
mod cause;
mod control;
mod door;
mod edge;
mod engine;
mod escalation;
mod guarded;
mod hidden_parameter;
mod leaf;
mod log_group;
mod mention;
mod narrow;
mod path;
mod place;
mod power;
mod price;
mod publisher;
mod radius;
mod reach;
mod right;
mod role;
mod rule;
mod rules;
mod secret;
mod selection;
mod setting;
mod stage;
mod stored_secret;
mod suppression;
mod trail;
mod trigger;
mod way;
mod wording;

pub use calendar::{Runtime, runtimes};
pub use control::{Control, FRAMEWORKS, controls};
pub use engine::{Outcome, judge};
pub use rule::{Context, Rule, Sink};
pub use rules::{RULES, rule};
pub use selection::{DEFAULT_PROFILE, Error, PROFILES, Selection, nearest_code};
