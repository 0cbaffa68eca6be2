//! What a guard says of a request.

use std::sync::Arc;

use serde::Serialize;

/// The guards on the way to a function, in the order they look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// Connection counts and timers.
    Connection,
    /// Sizes of head and body.
    Size,
    /// One meaning only: path, host, length.
    Canonical,
    /// Lists of allowed and denied addresses, and bans.
    AddressList,
    /// Requests per second.
    Rate,
    /// A known route and method.
    Route,
    /// Who calls.
    Identity,
    /// The shape of what is sent.
    Validation,
    /// The content of what is sent.
    Inspection,
    /// Simultaneous runs of the function.
    Concurrency,
    /// The function itself: errors, timeouts.
    Function,
}

impl Guard {
    /// The word for people and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Size => "size",
            Self::Canonical => "canonical",
            Self::AddressList => "address-list",
            Self::Rate => "rate",
            Self::Route => "route",
            Self::Identity => "identity",
            Self::Validation => "validation",
            Self::Inspection => "inspection",
            Self::Concurrency => "concurrency",
            Self::Function => "function",
        }
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Who refused.
    pub guard: Guard,
    /// HTTP status of the answer.
    pub status: u16,
    /// Stable word for machines: `token-expired`.
    pub code: &'static str,
    /// One sentence for the caller; reveals nothing a caller may not know.
    pub reason: Arc<str>,
    /// Seconds after which it is worth trying again.
    pub retry_after: Option<u32>,
}

/// What a guard says of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Pass.
    Allow,
    /// Refuse.
    Refuse(Refusal),
    /// Would refuse, but only observes.
    Observe(Refusal),
}
