//! Functions as real processes: Python, Node and programs of their own, well-behaved and not.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests say so by failing, and runners say what they skip"
)]

mod bench;
mod endpoint;
mod faults;
mod hostile;
mod node;
mod peer;
mod pool;
mod python;
