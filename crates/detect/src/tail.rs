//! How unlikely a deviation is, when only the deviations before it are known.
//!
//! Sizes of deviations are kept as the logarithm of their ratio to the typical one. Beyond the level that one in fifty
//! exceeds, excesses over it are taken to fall off exponentially (on the logarithmic scale: a power law), with the mean that
//! was seen: the standard form of a tail beyond what was observed.

/// Share of deviations beyond the level.
const BEYOND: f64 = 0.02;
/// Observations that are weighed about alike.
const MEMORY: f64 = 2_000.0;
/// Excesses larger than so many mean ones teach no more than that.
const CAP: f64 = 6.0;

/// The tail of one kind of deviation.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    seen: f64,
    /// The typical size.
    size: f64,
    level: f64,
    excess: f64,
}

impl Default for Tail {
    fn default() -> Self {
        Self { seen: 0.0, size: 0.0, level: 1.0, excess: 0.5 }
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
        let above = height - self.level;
        let chance = if above > 0.0 { BEYOND * (-above / self.excess).exp() } else { 1.0 };
        self.learn(size, height, above);
        chance
    }

    fn learn(&mut self, size: f64, height: f64, above: f64) {
        let share = (0.05_f64).min(self.seen.recip());
        let most = 8.0 * self.size;
        self.size += share * (if self.seen < 20.0 { size } else { size.min(most) } - self.size);
        // A step up or down whose balance lies where one in fifty is above.
        let step = (4.0 / self.seen).max(0.01);
        self.level += step * if height > self.level { 1.0 - BEYOND } else { -BEYOND };
        if above > 0.0 {
            self.excess += 0.05 * (above.min(CAP * self.excess) - self.excess);
            self.excess = self.excess.max(0.05);
        }
    }
}

#[cfg(test)]
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
