//! The firewall engine: rules in `SecLang` in, a verdict out.
//!
//! Pure and byte-exact: requests, rule files and phrase lists come in as bytes, so that any recorded request can be replayed to
//! the same verdict.

mod body;
mod error;
mod operator;
pub mod probe;
mod sources;
mod transform;

pub use error::{Error, Place};
pub use sources::Sources;
