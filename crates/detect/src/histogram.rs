//! How large a count usually gets: a histogram on a logarithmic scale that forgets.

/// Counts below this have a bucket of their own.
const EXACT: u64 = 8;
/// Buckets per doubling beyond.
const PER_DOUBLING: u64 = 4;
const BUCKETS: usize = 96;

/// Weights of counts, each worth half after a number of steps.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    weights: [f32; BUCKETS],
    keep: f32,
}

impl Histogram {
    /// Forgets half of what it knows in `half` steps.
    pub(crate) fn forgetting(half: f32) -> Self {
        Self { weights: [0.0; BUCKETS], keep: 0.5_f32.powf(1.0 / half) }
    }

    /// Takes one more step.
    pub(crate) fn learn(&mut self, count: u64) {
        for weight in &mut self.weights {
            *weight *= self.keep;
        }
        if let Some(weight) = self.weights.get_mut(bucket(count)) {
            *weight += 1.0;
        }
    }

    /// The largest count that was reached or exceeded so often; nothing but zeros gives zero.
    pub(crate) fn reached(&self, times: f32) -> f64 {
        let mut seen = 0.0;
        for (place, weight) in self.weights.iter().enumerate().skip(1).rev() {
            seen += weight;
            if seen >= times {
                return highest(place);
            }
        }
        0.0
    }
}

fn bucket(count: u64) -> usize {
    if count < EXACT {
        return usize::try_from(count).unwrap_or_default();
    }
    let doubling = u64::from(count.ilog2());
    let part = (count >> (doubling - 2)) & (PER_DOUBLING - 1);
    usize::try_from(EXACT + (doubling - 3) * PER_DOUBLING + part).unwrap_or_default().min(BUCKETS - 1)
}

/// The largest count that falls into a bucket.
fn highest(place: usize) -> f64 {
    let next = u64::try_from(place + 1).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a bound between buckets, which are coarser than what is lost")]
    if next < EXACT {
        (next - 1) as f64
    } else {
        let (doubling, part) = ((next - EXACT) / PER_DOUBLING + 3, (next - EXACT) % PER_DOUBLING);
        (((PER_DOUBLING + part) << (doubling - 2)) - 1) as f64
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
mod tests {
    use super::*;

    #[test]
    fn every_count_lies_in_the_bucket_that_reaches_it() {
        for count in (0..5_000).chain([1 << 20, (1 << 25) - 1]) {
            let place = bucket(count);
            assert!(highest(place) >= count as f64, "{count}");
            assert!(place == 0 || highest(place - 1) < count as f64, "{count}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn a_single_spike_is_not_what_is_usual() {
        let mut histogram = Histogram::forgetting(1440.0);
        (0..200).for_each(|step| histogram.learn(if step == 100 { 900 } else { 3 }));
        assert!((histogram.reached(4.0) - 3.0).abs() < 1e-9);
        assert!(histogram.reached(0.5) >= 900.0);
    }
}
