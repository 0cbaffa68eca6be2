//! The nouns of Brigandine: everything the rooms say to each other.
//!
//! This room holds types and the few questions that can be answered from them alone. It may not read files, clocks,
//! environments or networks, knows no provider by name, and imports no other room.
//!
//! ```
//! use brigandine_model::{Judgement, Value};
//!
//! let action: Value<String> = Value::Unknown("`Mode` has no default".into());
//! assert!(matches!(action.judge(&|text| text == "*", &|_| None), Judgement::CannotTell(_)));
//! ```

mod alert;
mod api;
mod app;
mod event;
mod exchange;
mod finding;
mod property;
mod role;
mod source;
mod span;
mod value;
mod verdict;

pub use alert::*;
pub use api::*;
pub use app::*;
pub use event::*;
pub use exchange::*;
pub use finding::*;
pub use property::*;
pub use role::*;
pub use source::*;
pub use span::*;
pub use value::*;
pub use verdict::*;
