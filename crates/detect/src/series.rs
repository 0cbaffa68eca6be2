//! A score for every point of a series of measurements, from the points before it alone.
//!
//! Three deviations are followed: from the last few points (jumps), of the last few points from the long run (shifts), and
//! from the same time of day (broken rhythm). Each has its own [`Tail`]; the least likely one makes the score. After a
//! detection the score stays below the threshold for a while: one story is told once.

use jiff::Timestamp;

use crate::tail::Tail;

/// Scores from here on are detections. Fixed before the first series was scored, and not changed since.
pub const DETECTION: f64 = 0.5;

/// The chance that makes a score of [`DETECTION`], and half of it in powers of ten for every further step.
const SCALE: f64 = 7.0;
/// Points before anything is scored.
const WARM_UP: u32 = 60;
/// Points of silence after a detection.
const SILENCE: u32 = 120;
/// Weight of a new point in the short and in the long run.
const SHORT: f64 = 0.3;
const LONG: f64 = 0.01;
/// Points of a time of day before its rhythm is believed.
const BELIEVED: u32 = 3;
const SLOTS: usize = 48;

/// The detector of one series.
#[derive(Clone, Debug)]
pub struct Series {
    points: u32,
    silent: u32,
    short: f64,
    long: f64,
    jumps: Tail,
    shifts: Tail,
    rhythm: Tail,
    slots: [Slot; SLOTS],
}

/// What is usual in one half hour of the day, in universal time.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    days: u32,
    last: i64,
    mean: f64,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            points: 0,
            silent: 0,
            short: 0.0,
            long: 0.0,
            jumps: Tail::default(),
            shifts: Tail::default(),
            rhythm: Tail::default(),
            slots: [Slot::default(); SLOTS],
        }
    }
}

impl Series {
    /// Scores the next point, 0 to 1; from [`DETECTION`] on it is one people should look at. A value that is no number
    /// scores 0 and teaches nothing.
    pub fn score(&mut self, at: Timestamp, value: f64) -> f64 {
        if !value.is_finite() {
            return 0.0;
        }
        self.points = self.points.saturating_add(1);
        if self.points == 1 {
            (self.short, self.long) = (value, value);
        }
        let rhythm = self.rhythm(at, value);
        let jump = self.jumps.chance(value - self.short);
        self.short += SHORT * (value - self.short);
        let shift = self.shifts.chance(self.short - self.long);
        self.long += LONG.max(f64::from(self.points).recip()) * (self.short - self.long);
        let chance = (3.0 * jump.min(shift).min(rhythm)).min(1.0);
        self.told((-chance.log10() / SCALE).clamp(0.0, 1.0))
    }

    /// A score as it is told: not at the beginning, and not twice in a row.
    fn told(&mut self, score: f64) -> f64 {
        if self.points <= WARM_UP {
            return 0.0;
        }
        if self.silent > 0 {
            self.silent -= 1;
            return score.min(DETECTION * 0.99);
        }
        if score >= DETECTION {
            self.silent = SILENCE;
        }
        score
    }

    /// The chance of so large a distance from what is usual at this time of day.
    fn rhythm(&mut self, at: Timestamp, value: f64) -> f64 {
        let (day, second) = (at.as_second().div_euclid(86_400), at.as_second().rem_euclid(86_400));
        let place = usize::try_from(second / 1800).unwrap_or_default();
        let Some(slot) = self.slots.get_mut(place) else { return 1.0 };
        let known = slot.days >= BELIEVED;
        let distance = value - slot.mean;
        if slot.days == 0 {
            slot.mean = value;
        }
        if slot.days == 0 || slot.last != day {
            slot.days += 1;
            slot.last = day;
        }
        slot.mean += 0.1 * (value - slot.mean);
        if known { self.rhythm.chance(distance) } else { 1.0 }
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
mod tests {
    use super::*;

    fn at(step: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + step * 300).unwrap()
    }

    fn wave(step: i64) -> f64 {
        let noise = (step.wrapping_mul(2_654_435_761) % 97) as f64 / 97.0;
        50.0 + 20.0 * (step as f64 / 45.8).sin() + 4.0 * noise
    }

    #[test]
    fn a_spike_in_a_noisy_wave_is_a_detection_and_the_wave_is_none() {
        let mut series = Series::default();
        let calm = (0..3_000).filter(|step| series.score(at(*step), wave(*step)) >= DETECTION).count();
        assert!(calm <= 3, "{calm} detections in nothing");
        assert!(series.score(at(3_000), 400.0) >= DETECTION);
        assert!(series.score(at(3_001), 400.0) < DETECTION, "one story is told once");
    }

    #[test]
    fn what_is_no_number_changes_nothing() {
        let (mut one, mut other) = (Series::default(), Series::default());
        for step in 0..500 {
            if step % 7 == 0 {
                assert!(one.score(at(step), f64::NAN).abs() < f64::EPSILON);
            }
            let (one, other) = (one.score(at(step), wave(step)), other.score(at(step), wave(step)));
            assert!((one - other).abs() < f64::EPSILON);
        }
    }
}
