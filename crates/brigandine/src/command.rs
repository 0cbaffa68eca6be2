//! One file per command.

pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod home;
#[cfg(feature = "serve")]
pub(crate) mod inspect;
#[cfg(feature = "serve")]
pub(crate) mod invoke;
pub(crate) mod routes;
#[cfg(feature = "serve")]
pub(crate) mod serve;
#[cfg(feature = "serve")]
pub(crate) mod token;
