//! Rates, exactly, in bounded memory.
//!
//! The generic cell rate algorithm: per key one number, the moment at which the bucket would be full again. It allows
//! what a token bucket of `burst` tokens that gains `rate` tokens a second allows, to the nanosecond, without a timer.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use brigandine_model::Throttle;

/// A throttle, ready to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Nanoseconds that one request uses up.
    interval: u64,
    /// Requests at once.
    burst: u64,
}

impl From<Throttle> for Pace {
    fn from(throttle: Throttle) -> Self {
        // A rate of nothing (or no number at all) never gains a token.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, as it should")]
        let interval = if throttle.rate > 0.0 { (1e9 / throttle.rate).round() as u64 } else { u64::MAX };
        // Without any rate there is no request to allow, not even the first: the platform refuses all as well.
        let burst = if interval == u64::MAX { 0 } else { u64::from(throttle.burst) };
        Self { interval, burst }
    }
}

impl Pace {
    /// Takes one token at `now`, given when the bucket is full again; says when it is full after that, or how long to
    /// wait.
    fn take(self, full_at: u64, now: u64) -> Result<u64, Duration> {
        if self.burst == 0 {
            return Err(Duration::from_mins(1));
        }
        let base = full_at.max(now);
        let tolerance = self.interval.saturating_mul(self.burst - 1);
        match base.saturating_sub(now).checked_sub(tolerance) {
            None | Some(0) => Ok(base.saturating_add(self.interval)),
            Some(wait) => Err(Duration::from_nanos(wait)),
        }
    }
}

/// Nanoseconds since the clock's beginning.
pub(crate) fn nanoseconds(steady: Duration) -> u64 {
    u64::try_from(steady.as_nanos()).unwrap_or(u64::MAX)
}

/// One bucket for everyone.
#[derive(Debug, Default)]
pub(crate) struct Bucket(AtomicU64);

impl Bucket {
    /// Takes one token, or says how long to wait.
    pub(crate) fn take(&self, pace: Pace, now: u64) -> Result<(), Duration> {
        let mut full_at = self.0.load(Ordering::Relaxed);
        loop {
            let next = pace.take(full_at, now)?;
            match self.0.compare_exchange_weak(full_at, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(meanwhile) => full_at = meanwhile,
            }
        }
    }
}

/// Whose bucket: a client or a key, on a route, a plan or altogether.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BucketKey {
    /// The client (see `address::client_key`) or a hash of the API key's id.
    pub(crate) who: u128,
    /// A hash of what for.
    pub(crate) scope: u64,
}

const SHARDS: usize = 64;

/// Buckets by key. The table never grows beyond its size: full buckets, which say nothing, leave first, then the bucket
/// that is nearest to full.
pub(crate) struct Rates {
    shards: Vec<Mutex<HashMap<BucketKey, u64>>>,
    hasher: RandomState,
    per_shard: usize,
    evicted: AtomicU64,
}

impl Rates {
    /// A table for about `entries` buckets.
    pub(crate) fn new(entries: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            per_shard: (entries / SHARDS).max(1),
            evicted: AtomicU64::new(0),
        }
    }

    /// Takes one token of `key`, or says how long to wait.
    pub(crate) fn take(&self, key: BucketKey, pace: Pace, now: u64) -> Result<(), Duration> {
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits choose the shard")]
        let index = self.hasher.hash_one(key) as usize % SHARDS;
        let Some(shard) = self.shards.get(index) else { return Ok(()) };
        let mut buckets = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(full_at) = buckets.get_mut(&key) {
            *full_at = pace.take(*full_at, now)?;
            return Ok(());
        }
        let full_at = pace.take(0, now)?;
        if buckets.len() >= self.per_shard {
            self.make_room(&mut buckets, now);
        }
        buckets.insert(key, full_at);
        Ok(())
    }

    fn make_room(&self, buckets: &mut HashMap<BucketKey, u64>, now: u64) {
        buckets.retain(|_, full_at| *full_at > now);
        if buckets.len() < self.per_shard {
            return;
        }
        let fullest = buckets.iter().min_by_key(|(_, full_at)| **full_at).map(|(key, _)| *key);
        if let Some(key) = fullest {
            buckets.remove(&key);
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many buckets had to leave before they were full again: above zero, the table is too small for the traffic.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The obvious token bucket, counting in nanoseconds of credit.
    struct Reference {
        credit: u128,
        at: u64,
    }

    impl Reference {
        fn take(&mut self, pace: Pace, now: u64) -> bool {
            let capacity = u128::from(pace.interval) * u128::from(pace.burst);
            self.credit = (self.credit + u128::from(now - self.at)).min(capacity);
            self.at = now;
            let pays = pace.burst > 0 && self.credit >= u128::from(pace.interval);
            if pays {
                self.credit -= u128::from(pace.interval);
            }
            pays
        }
    }

    proptest! {
        #[test]
        fn the_bucket_agrees_with_the_obvious_one(
            rate in 0.5_f64..5000.0,
            burst in 0_u32..20,
            steps in proptest::collection::vec(0_u64..300_000_000, 1..200),
        ) {
            let pace = Pace::from(Throttle { rate, burst });
            let mut reference = Reference { credit: u128::from(pace.interval) * u128::from(pace.burst), at: 0 };
            let bucket = Bucket::default();
            let rates = Rates::new(64);
            let key = BucketKey { who: 1, scope: 2 };
            let mut now = 0;
            for step in steps {
                now += step;
                let expected = reference.take(pace, now);
                prop_assert_eq!(bucket.take(pace, now).is_ok(), expected);
                prop_assert_eq!(rates.take(key, pace, now).is_ok(), expected);
            }
        }

        #[test]
        fn the_wait_told_is_the_wait_needed(rate in 0.5_f64..5000.0, burst in 1_u32..20) {
            let pace = Pace::from(Throttle { rate, burst });
            let bucket = Bucket::default();
            for _ in 0..burst {
                prop_assert!(bucket.take(pace, 7).is_ok());
            }
            let wait = bucket.take(pace, 7).unwrap_err();
            let then = 7 + nanoseconds(wait);
            prop_assert!(bucket.take(pace, then - 1).is_err());
            prop_assert!(bucket.take(pace, then).is_ok());
        }
    }

    #[test]
    fn no_rate_allows_nothing() {
        for (rate, burst) in [(0.0, 5), (5.0, 0), (f64::NAN, 3), (-1.0, 3)] {
            assert!(Bucket::default().take(Throttle { rate, burst }.into(), 1).is_err(), "{rate} {burst}");
        }
    }

    #[test]
    fn a_flood_of_clients_does_not_grow_the_table_and_is_counted() {
        let rates = Rates::new(640);
        let pace = Pace::from(Throttle { rate: 1.0, burst: 5 });
        for who in 0..20_000 {
            rates.take(BucketKey { who, scope: 0 }, pace, 5).unwrap();
        }
        assert!(rates.len() <= 640);
        assert!(rates.evicted() >= 20_000 - 640);
    }

    #[test]
    fn the_busiest_bucket_stays_when_room_is_needed() {
        let rates = Rates::new(640);
        let pace = Pace::from(Throttle { rate: 1.0, burst: 5 });
        let busy = BucketKey { who: u128::MAX, scope: 0 };
        for _ in 0..5 {
            rates.take(busy, pace, 5).unwrap();
        }
        for who in 0..20_000 {
            rates.take(BucketKey { who, scope: 0 }, pace, 5).unwrap();
        }
        assert!(rates.take(busy, pace, 5).is_err());
    }
}
