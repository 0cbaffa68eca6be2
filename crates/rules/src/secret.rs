//! What a name says of its value, and whether a value can be the secret that the name speaks of.
//!
//! Names of secrets, places of secrets and lives of secrets (`SECRET_NAME`, `TOKEN_URL`, `TOKEN_TTL`) are not secrets.
//! Where a name and a value leave it open whether the value is a secret or the name of one, that is said and not guessed.

mod name;
mod value;

pub(crate) use name::{Named, named};
pub(crate) use value::{Reading, read};
