//! Time as an argument, so that tests need not wait for it.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Tells the time to guards that count.
pub trait Clock: Send + Sync {
    /// Wall time: token expiry, quota periods.
    fn wall(&self) -> Timestamp;
    /// Time since some fixed moment; never goes back: rates, ages of keys.
    fn steady(&self) -> Duration;
}

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn steady(&self) -> Duration {
        self.origin.elapsed()
    }
}
