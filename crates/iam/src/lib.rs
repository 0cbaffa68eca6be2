//! The identity language of AWS policies: what an action or resource pattern means, and what the platform's own policies
//! grant.
//!
//! Pure: the tables are part of the program (`data/`, made by `cargo xtask data`), nothing is read or fetched. Values that
//! a template does not settle are not this room's business: it judges text, the caller judges cases.
//!
//! ```
//! use brigandine_iam::{ActionPattern, ResourcePattern};
//!
//! let action: ActionPattern = "dynamodb:put*".parse()?;
//! assert!(action.matches("dynamodb", "PutItem"));
//! assert!(!action.covers_every_action());
//! assert!(action.writes_with_scope().any(|covered| covered.name == "PutItem"));
//! assert!(ResourcePattern::new("arn:aws:dynamodb:*:*:table/*").covers_service("dynamodb"));
//! # Ok::<(), brigandine_iam::Error>(())
//! ```

mod action;
mod condition;
mod managed;
mod pattern;
mod resource;
mod table;

pub use action::{ActionPattern, Error};
pub use condition::narrows_resources;
pub use managed::{ManagedClass, ManagedPolicy, managed_policies, managed_policy};
pub use pattern::Pattern;
pub use resource::ResourcePattern;
pub use table::{Access, Action, Table, actions};
