//! Runs per minute of every function, judged together: what rises everywhere is one story.

use std::collections::HashMap;

use brigandine_model::LogicalId;

use crate::counts::Counts;

/// Functions that are followed; an application has fewer.
const MOST: usize = 1024;
/// A pause longer than this is not filled with empty minutes.
const LONGEST_PAUSE: i64 = 24 * 60;

/// A function that ran unusually often.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Busy {
    pub(crate) function: LogicalId,
    pub(crate) runs: u64,
    pub(crate) limit: f64,
}

/// The counts of all functions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    minute: i64,
    functions: HashMap<LogicalId, (Counts, u64)>,
}

impl Runs {
    pub(crate) fn count(&mut self, function: &LogicalId) {
        if let Some((_, runs)) = self.functions.get_mut(function) {
            *runs += 1;
        } else if self.functions.len() < MOST {
            self.functions.insert(function.clone(), (Counts::default(), 1));
        }
    }

    /// Judges the minutes that are over; who was unusually busy in the last of them, busiest first.
    pub(crate) fn look(&mut self, second: i64) -> Vec<Busy> {
        let minute = second.div_euclid(60);
        let passed = if self.minute == 0 { 0 } else { (minute - self.minute).min(LONGEST_PAUSE) };
        self.minute = minute;
        let mut busy = Vec::new();
        for step in 0..passed {
            for (function, (counts, runs)) in &mut self.functions {
                let count = std::mem::take(runs);
                let judged = counts.judge(count);
                if step == 0 && judged.unusual() {
                    busy.push(Busy { function: function.clone(), runs: count, limit: judged.limit });
                }
            }
        }
        busy.sort_by(|one, other| other.runs.cmp(&one.runs).then_with(|| one.function.cmp(&other.function)));
        busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_judged_when_its_minute_is_over() {
        let mut runs = Runs::default();
        let function = LogicalId::new("Orders");
        for minute in 0..120_i64 {
            (0..3).for_each(|_| runs.count(&function));
            assert!(runs.look(minute * 60 + 30).is_empty());
        }
        (0..90).for_each(|_| runs.count(&function));
        assert!(runs.look(119 * 60 + 59).is_empty(), "the minute is not over");
        let busy = runs.look(120 * 60);
        assert!(matches!(busy.as_slice(), [busy] if busy.runs >= 90 && busy.limit < 30.0), "{busy:?}");
        assert!(runs.look(200 * 60).is_empty());
    }
}
