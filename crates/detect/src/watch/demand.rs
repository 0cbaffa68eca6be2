//! How many customers there are, beside how many are usual.

/// Seconds that are looked at together.
const WINDOW: i64 = 10;
const SLOTS: usize = 16;
/// A surge is at least so many times the usual, and is over below the second figure.
const RISE: f64 = 3.0;
const FALL: f64 = 2.0;
/// Fewer requests in the window are no surge, whatever is usual.
const FEWEST: f64 = 50.0;
const DEVIATIONS: f64 = 6.0;
/// Seconds of traffic before anything is usual.
const WARM_UP: f64 = 30.0;
/// Seconds in which half of what is usual is forgotten. A tenfold rise within ten minutes is seen against what was before.
const HALF: f64 = 1200.0;

/// Requests per second that were answered as customers' are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demand {
    seconds: [(i64, f64); SLOTS],
    mean: f64,
    variance: f64,
    known: f64,
    learned: i64,
    /// How many times the usual it is, while it is a surge.
    pub(crate) surge: Option<f64>,
}

impl Demand {
    pub(crate) fn count(&mut self, second: i64) {
        let place = usize::try_from(second.rem_euclid(16)).unwrap_or_default();
        if let Some(slot) = self.seconds.get_mut(place) {
            if slot.0 != second {
                *slot = (second, 0.0);
            }
            slot.1 += 1.0;
        }
    }

    /// Looks at the full seconds before this one, and learns from them unless they are a surge.
    pub(crate) fn look(&mut self, second: i64) {
        if self.learned == 0 {
            self.learned = second - 1;
        }
        for passed in (self.learned + 1).max(second - WINDOW)..second {
            if self.surge.is_none() {
                self.learn(self.in_second(passed));
            }
        }
        self.learned = self.learned.max(second - 1);
        let recent: f64 = (second - WINDOW..second).map(|second| self.in_second(second)).sum();
        #[expect(clippy::cast_precision_loss, reason = "ten")]
        let usual = self.mean * WINDOW as f64;
        let times = recent / usual.max(1.0);
        let noise = (self.variance / self.mean.max(0.1)).max(1.0);
        let clear = recent > usual + DEVIATIONS * (usual.max(1.0) * noise).sqrt();
        self.surge = if self.surge.is_some() {
            Some(times).filter(|times| *times >= FALL)
        } else {
            Some(times).filter(|times| *times >= RISE && clear && recent >= FEWEST && self.known >= WARM_UP)
        };
    }

    fn in_second(&self, second: i64) -> f64 {
        self.seconds.iter().find(|slot| slot.0 == second).map_or(0.0, |slot| slot.1)
    }

    fn learn(&mut self, requests: f64) {
        if self.known > 0.0 || requests > 0.0 {
            self.known += 1.0;
        }
        let share = (1.0 - 0.5_f64.powf(HALF.recip())).max(self.known.max(1.0).recip());
        let distance = requests - self.mean;
        self.mean += share * distance;
        self.variance = (1.0 - share) * (self.variance + share * distance * distance);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_times_the_usual_is_a_surge_within_seconds_and_ends_with_it() {
        let mut demand = Demand::default();
        let second = |demand: &mut Demand, second: i64, requests: usize| {
            (0..requests).for_each(|_| demand.count(second));
            demand.look(second + 1);
        };
        for now in 1..=120 {
            second(&mut demand, now, 15 + usize::try_from(now % 5).unwrap());
            assert!(demand.surge.is_none(), "at {now}");
        }
        let first = (121..=140).find(|now| {
            second(&mut demand, *now, 170);
            demand.surge.is_some()
        });
        assert!(first.is_some_and(|now| now <= 124), "{first:?}");
        (141..=170).for_each(|now| second(&mut demand, now, 16));
        assert!(demand.surge.is_none());
    }

    #[test]
    fn the_first_customers_of_all_are_no_surge() {
        let mut demand = Demand::default();
        for now in 1..=20 {
            (0..200).for_each(|_| demand.count(now));
            demand.look(now + 1);
            assert!(demand.surge.is_none());
        }
    }
}
