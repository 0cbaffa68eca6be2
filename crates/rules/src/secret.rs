//! What a name says of its value, whether a value can be the secret that the name speaks of, and credentials that are known
//! by their own shape.
//!
//! Names of secrets, places of secrets and lives of secrets (`SECRET_NAME`, `TOKEN_URL`, `TOKEN_TTL`) are not secrets.
//! Where a name and a value leave it open whether the value is a secret or the name of one, that is said and not guessed.

mod assignment;
mod credential;
mod dynamic;
mod name;
mod shape;
mod value;

pub(crate) use assignment::{assignments, is_convincing};
use credential::is_random;
pub(crate) use credential::{Credential, credentials, is_secret_access_key};
pub(crate) use dynamic::{Dynamic, dynamic_references, is_reference_alone};
pub(crate) use name::{Named, named};
pub(crate) use shape::Weight;
pub(crate) use value::{Reading, read};
