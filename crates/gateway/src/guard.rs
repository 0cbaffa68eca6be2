//! The guards, one file each, named for what must hold behind them.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod canonical;
pub(crate) mod client;
pub(crate) mod content;
pub(crate) mod function;
pub(crate) mod identity;
pub(crate) mod rate;
pub(crate) mod route;
pub(crate) mod size;
