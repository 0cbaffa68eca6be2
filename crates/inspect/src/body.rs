//! What a request body says, by each of the formats a backend may take it for.
//!
//! Parsers keep bytes as they are and never guess: what two readers could read differently is reported, so that rules (or the
//! gateway) refuse it.

pub(crate) mod cookie;
pub(crate) mod json;
pub(crate) mod multipart;
pub(crate) mod urlencoded;
pub(crate) mod xml;

/// Caps of every parser, so that a body costs what its size costs and no more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many arguments, leaves, parts or texts are taken.
    pub(crate) arguments: usize,
    /// How deep JSON or XML may nest.
    pub(crate) depth: usize,
    /// How many bytes names and values may take together: a nested path is repeated in each leaf's name.
    pub(crate) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { arguments: 1000, depth: 64, bytes: 8 << 20 }
    }
}

/// A name and a value, both decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

/// Why a body could not be read as what it claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body has more arguments than the limit allows")]
    TooMany,
    #[error("the body nests deeper than the limit allows")]
    TooDeep,
    #[error("the body is larger than the limit allows")]
    TooLarge,
    #[error("the body is not well-formed JSON")]
    Json,
    #[error("the body is not well-formed XML")]
    Xml,
    #[error("the body declares a document type, which is never needed and often an attack")]
    DocumentType,
}

/// Counts what a parser has taken against its limits.
#[derive(Debug)]
struct Budget {
    arguments: usize,
    bytes: usize,
}

impl Budget {
    fn new(limits: &Limits) -> Self {
        Self { arguments: limits.arguments, bytes: limits.bytes }
    }

    /// Takes one argument of that many bytes.
    fn take(&mut self, bytes: usize) -> Result<(), BodyError> {
        self.arguments = self.arguments.checked_sub(1).ok_or(BodyError::TooMany)?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or(BodyError::TooLarge)?;
        Ok(())
    }
}
