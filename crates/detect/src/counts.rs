//! One number a minute: is it unusual?
//!
//! Runs of a function per minute are nothing like a bell curve: most minutes are empty, timers fire on the minute, batches
//! come in tens. Counting deviations of such a series gives several false alarms a day and function. What is asked here
//! instead is whether a count clearly exceeds everything that was usual: the level reached several times within a day, the
//! level of the last hours, the level at this minute of the hour (schedules), the noise round the mean; and whether enough
//! was seen to know any of that. The figures were chosen on one half of a real day of 697 functions (`tests/minutes.rs`).

use crate::histogram::Histogram;

/// Nothing below is worth waking anybody, in runs per minute.
const FLOOR: f64 = 8.0;
/// Added to the floor for functions that hardly ever run, less and less up to one run a minute.
const RARE: f64 = 60.0;
/// Minutes before anything is judged.
const WARM_UP: u64 = 60;
/// Minutes with runs in them before anything is judged.
const EVIDENCE: u64 = 20;
/// How often a day a level must have been reached to be usual.
const USUAL: f32 = 4.0;
/// What is unusual beside what is usual.
const EXCESS: f64 = 2.0;
/// What is unusual beside what is usual at this minute of the hour.
const SCHEDULE_EXCESS: f64 = 2.5;
/// What is unusual in standard deviations.
const DEVIATIONS: f64 = 5.0;
/// Minutes in which half of what is usual is forgotten, and half of what was lately.
const DAY: f32 = 1440.0;
const LATELY: f32 = 120.0;
/// Minutes over which mean and noise are taken.
const MEMORY: f64 = 240.0;
/// What remains of a schedule's level after an hour.
const SCHEDULE_MEMORY: f64 = 0.98;
/// Minutes by which a schedule may be early or late.
const JITTER: usize = 3;

/// What is usual of one count per minute.
#[derive(Clone, Debug)]
pub struct Counts {
    minutes: u64,
    busy: u64,
    day: Histogram,
    lately: Histogram,
    mean: f64,
    variance: f64,
    level: f64,
    schedule: [f64; 60],
}

/// A count beside what is usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// The count divided by the limit; zero while too little is known to have one.
    pub excess: f64,
    /// From where on a count is unusual.
    pub limit: f64,
}

impl Judged {
    /// Whether somebody should hear of it.
    pub fn unusual(self) -> bool {
        self.excess >= 1.0
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            minutes: 0,
            busy: 0,
            day: Histogram::forgetting(DAY),
            lately: Histogram::forgetting(LATELY),
            mean: 0.0,
            variance: 0.0,
            level: 0.0,
            schedule: [0.0; 60],
        }
    }
}

impl Counts {
    /// Judges the next minute and learns from it. Minutes without anything count too: as zero.
    pub fn judge(&mut self, count: u64) -> Judged {
        #[expect(clippy::cast_precision_loss, reason = "counts per minute are far below 2^52")]
        let number = count as f64;
        self.minutes += 1;
        let usual = self.day.reached(USUAL);
        let limit = self.limit(usual);
        let known = self.minutes > WARM_UP && self.busy >= EVIDENCE;
        self.learn(count, number, usual);
        Judged { excess: if known { number / limit } else { 0.0 }, limit }
    }

    fn limit(&self, usual: f64) -> f64 {
        let usual = usual.min(self.lately.reached(1.0).max(self.mean));
        let noise = self.variance.max(self.mean).max(0.01).sqrt();
        let scheduled = self.near().map(|minute| self.schedule.get(minute).copied().unwrap_or_default());
        let limits = [
            FLOOR + RARE * (1.0 - self.level).max(0.0),
            EXCESS * usual + 2.0,
            self.mean + DEVIATIONS * noise,
            SCHEDULE_EXCESS * scheduled.fold(0.0, f64::max),
        ];
        limits.into_iter().fold(0.0, f64::max)
    }

    /// The minutes of the hour that lie round this one.
    fn near(&self) -> impl Iterator<Item = usize> {
        let now = self.minute();
        (60 - JITTER..=60 + JITTER).map(move |distance| (now + distance) % 60)
    }

    fn minute(&self) -> usize {
        usize::try_from(self.minutes % 60).unwrap_or_default()
    }

    /// An unusual count teaches too, but not more than four times what was usual: an attack must not become normal.
    fn learn(&mut self, count: u64, number: f64, usual: f64) {
        self.busy += u64::from(count > 0);
        self.day.learn(count);
        self.lately.learn(count);
        let minute = self.minute();
        if let Some(level) = self.schedule.get_mut(minute) {
            *level = (*level * SCHEDULE_MEMORY).max(number);
        }
        #[expect(clippy::cast_precision_loss, reason = "minutes are far below 2^52")]
        let share = |memory: f64| (self.minutes as f64).min(memory).recip();
        let (young, short, long) = (self.minutes <= 30, share(MEMORY), share(f64::from(DAY)));
        let most = |most: f64| if young { number } else { number.min(most) };
        self.level += long * (most(4.0 * usual.max(4.0)) - self.level);
        let spread = 4.0 * self.variance.max(1.0).sqrt();
        let distance = most((4.0 * usual.max(1.0)).max(self.mean + spread)) - self.mean;
        self.mean += short * distance;
        self.variance = (1.0 - short) * (self.variance + short * distance * distance);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained(count: impl Fn(u64) -> u64) -> Counts {
        let mut counts = Counts::default();
        for minute in 0..600 {
            counts.judge(count(minute));
        }
        counts
    }

    #[test]
    fn a_burst_over_a_steady_rate_is_unusual_in_its_first_minute() {
        assert!(trained(|_| 2).judge(20).unusual());
        assert!(!trained(|_| 2).judge(5).unusual());
    }

    #[test]
    fn a_batch_on_schedule_is_usual_and_off_schedule_is_judged_by_its_size() {
        let hourly = |minute: u64| if minute % 60 == 7 { 300 } else { 1 };
        let mut counts = trained(hourly);
        (600..607).for_each(|minute| assert!(!counts.judge(hourly(minute)).unusual()));
        assert!(!counts.judge(310).unusual());
        (0..30).for_each(|_| assert!(!counts.judge(1).unusual()));
        assert!(counts.judge(900).unusual());
    }

    #[test]
    fn nothing_is_said_before_enough_was_seen() {
        let mut counts = Counts::default();
        (0..300).for_each(|_| assert!(!counts.judge(0).unusual()));
        assert!(!counts.judge(1_000_000).unusual(), "nobody knows what is usual of a function that never ran");
    }

    #[test]
    fn an_attack_that_lasts_does_not_become_normal_at_once() {
        let mut counts = trained(|_| 5);
        assert!((0..20).all(|_| counts.judge(100).unusual()) || counts.judge(400).unusual());
    }

    #[test]
    fn the_largest_counts_do_no_harm() {
        let mut counts = trained(|minute| if minute % 2 == 0 { u64::MAX } else { 0 });
        let judged = counts.judge(u64::MAX);
        assert!(judged.excess.is_finite() && judged.limit.is_finite());
    }
}
