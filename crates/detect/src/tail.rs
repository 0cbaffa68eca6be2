//! How unlikely a deviation is, when only the deviations before it are known.
//!
//! Sizes of deviations are kept as the logarithm of their ratio to the typical one. Beyond the level that one in fifty
//! exceeds, excesses over it are taken to fall off exponentially (on the logarithmic scale: a power law), with the mean that
//! was seen: the standard form of a tail beyond what was observed.

/// Share of deviations beyond the level.
const BEYOND: f32 = 0.02;
/// Observations that are weighed about alike.
const MEMORY: f64 = 2_000.0;
/// Excesses larger than so many mean ones teach no more than that.
const CAP: f64 = 6.0;
/// Steps of height that are told apart, and how many make one.
const STEPS: usize = 96;
const PER_UNIT: f64 = 16.0;

/// The tail of one kind of deviation.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    seen: f64,
    /// The typical size.
    size: f64,
    heights: [f32; STEPS],
    excess: f64,
}

impl Default for Tail {
    fn default() -> Self {
        Self { seen: 0.0, size: 0.0, heights: [0.0; STEPS], excess: 0.5 }
    }
}

impl Tail {
    /// The chance of a deviation at least as large, and learns from this one.
    pub(crate) fn chance(&mut self, deviation: f64) -> f64 {
        let size = deviation.abs();
        self.seen = (self.seen + 1.0).min(MEMORY);
        if self.seen < 2.0 {
            self.size = size;
        }
        let typical = self.size.max(f64::MIN_POSITIVE);
        let height = (size / typical).ln_1p().min(50.0);
        let above = height - self.level();
        let chance = if above > 0.0 { f64::from(BEYOND) * (-above / self.excess).exp() } else { 1.0 };
        self.learn(size, height, above);
        chance
    }

    /// The height that one in fifty exceeds.
    fn level(&self) -> f64 {
        let all: f32 = self.heights.iter().sum();
        let mut above = 0.0;
        let beyond = self.heights.iter().enumerate().rev().find(|(_, weight)| {
            above += **weight;
            above > all * BEYOND
        });
        #[expect(clippy::cast_precision_loss, reason = "fewer than a hundred steps")]
        beyond.map_or(1.0, |(step, _)| (step + 1) as f64 / PER_UNIT)
    }

    fn learn(&mut self, size: f64, height: f64, above: f64) {
        let most = if self.seen < 20.0 { size } else { size.min(8.0 * self.size) };
        self.size += self.seen.recip() * (most - self.size);
        #[expect(clippy::cast_possible_truncation, reason = "just below one")]
        let keep = (1.0 - MEMORY.recip()) as f32;
        self.heights.iter_mut().for_each(|weight| *weight *= keep);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a height is from 0 to 50")]
        let step = ((height * PER_UNIT) as usize).min(STEPS - 1);
        if let Some(weight) = self.heights.get_mut(step) {
            *weight += 1.0;
        }
        if above > 0.0 {
            self.excess += 0.05 * (above.min(CAP * self.excess) - self.excess);
            self.excess = self.excess.max(0.05);
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_beyond_everything_seen_is_unlikely_and_the_usual_is_not() {
        let mut tail = Tail::default();
        let mut state = 1_u64;
        let mut unlikely = 0;
        for _ in 0..5_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let uniform = (state >> 11) as f64 / (1_u64 << 53) as f64;
            unlikely += usize::from(tail.chance(-(1.0 - uniform).ln()) < 1e-4);
        }
        assert!(unlikely < 10, "{unlikely} of 5,000");
        assert!(tail.chance(100.0) < 1e-4);
    }

    #[test]
    fn a_constant_series_and_absurd_numbers_are_survived() {
        let mut tail = Tail::default();
        (0..100).for_each(|_| assert!(tail.chance(0.0) > 0.5));
        assert!(tail.chance(f64::MAX).is_finite());
        assert!(tail.chance(0.0).is_finite());
    }
}
