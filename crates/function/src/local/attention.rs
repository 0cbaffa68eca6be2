//! Staying awake for what is about to come.
//!
//! A thread that has gone to sleep is woken by another processor, which takes longer than many functions do. While a
//! single call is under way and the function is known to be quick, the thread looks again and again instead, for a time
//! that is bounded for each call. With more calls under way there is always work, and nobody waits like that.

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// Longest wait for the answer of a quick function.
const FOR_AN_ANSWER: Duration = Duration::from_micros(300);
/// Longest wait for the next call after an answer.
const FOR_A_CALL: Duration = Duration::from_micros(250);
/// Functions that usually take longer than this gain nothing, in microseconds.
const QUICK: u32 = 250;

/// How many calls of all functions are under way.
#[derive(Debug, Default)]
pub(crate) struct Calls(AtomicUsize);

/// One call under way.
pub(crate) struct Call<'a>(&'a Calls);

impl Calls {
    /// Counts a call until what is returned is dropped.
    pub(crate) fn begin(&self) -> Call<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Call(self)
    }

    fn are_at_most(&self, number: usize) -> bool {
        self.0.load(Ordering::Relaxed) <= number
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long a function usually takes.
#[derive(Debug)]
pub(crate) struct Usual(AtomicU32);

impl Default for Usual {
    /// Nothing is known of it yet: not quick.
    fn default() -> Self {
        Self(AtomicU32::new(u32::MAX))
    }
}

impl Usual {
    /// Takes note of one call: a quarter of the distance towards it.
    pub(crate) fn note(&self, took: Duration) {
        let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let before = self.0.load(Ordering::Relaxed);
        let now = if before == u32::MAX { took } else { before - before / 4 + took / 4 };
        self.0.store(now, Ordering::Relaxed);
    }

    fn is_quick(&self) -> bool {
        self.0.load(Ordering::Relaxed) <= QUICK
    }
}

/// Looks for the answer of the only call under way.
pub(crate) async fn for_answer<F: Future + Unpin>(calls: &Calls, usual: &Usual, answer: &mut F) -> Option<F::Output> {
    awake(FOR_AN_ANSWER, answer, || usual.is_quick() && calls.are_at_most(1)).await
}

/// Looks for the next call of a function whose calls follow each other closely.
pub(crate) async fn for_call<F: Future + Unpin>(calls: &Calls, usual: &Usual, call: &mut F) -> Option<F::Output> {
    awake(FOR_A_CALL, call, || usual.is_quick() && calls.are_at_most(1)).await
}

/// Polls `future` as long as it may be worth it; every time, everything else that is ready goes first.
async fn awake<F: Future + Unpin>(limit: Duration, future: &mut F, worth_it: impl Fn() -> bool) -> Option<F::Output> {
    let until = Instant::now() + limit;
    while worth_it() {
        let found = std::future::poll_fn(|context| std::task::Poll::Ready(Pin::new(&mut *future).poll(context))).await;
        if let std::task::Poll::Ready(found) = found {
            return Some(found);
        }
        if Instant::now() >= until {
            return None;
        }
        tokio::task::yield_now().await;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_quick_when_its_calls_were() {
        let usual = Usual::default();
        assert!(!usual.is_quick());
        usual.note(Duration::from_micros(100));
        assert!(usual.is_quick());
        for _ in 0..20 {
            usual.note(Duration::from_millis(5));
        }
        assert!(!usual.is_quick());
    }

    #[tokio::test]
    async fn nobody_stays_awake_for_slow_functions_or_among_others() {
        let (calls, usual) = (Calls::default(), Usual::default());
        assert_eq!(for_answer(&calls, &usual, &mut std::future::ready(1)).await, None);
        usual.note(Duration::from_micros(10));
        assert_eq!(for_answer(&calls, &usual, &mut std::future::ready(1)).await, Some(1));
        let (_one, _other) = (calls.begin(), calls.begin());
        assert_eq!(for_answer(&calls, &usual, &mut std::future::ready(1)).await, None);
    }
}
