//! The door over real sockets, loopback only.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

mod connections;
mod content;
mod identity;
mod limits;
mod meaning;
mod routes;
mod stage;
mod tls;
