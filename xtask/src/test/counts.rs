//! How many tests ran, read off the closing lines of the runners.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl Counts {
    /// Tests that were run.
    pub(crate) fn run(self) -> usize {
        self.passed + self.failed
    }

    /// One line in the form the test runner closes with.
    pub(crate) fn summary(self, took: Duration) -> String {
        let failed = if self.failed == 0 { String::new() } else { format!(", {} failed", self.failed) };
        let run = self.run();
        format!(
            "Summary [{:.3}s] {run} tests run: {} passed{failed}, {} skipped",
            took.as_secs_f64(),
            self.passed,
            self.skipped
        )
    }

    /// `Summary [ 1.2s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 3 skipped`.
    pub(crate) fn of_nextest(output: &str) -> Self {
        let line = output.lines().rev().find(|line| line.contains(" run: ") && line.contains("Summary")).unwrap_or("");
        let failed = ["failed", "timed out", "exec failed"].iter().filter_map(|word| before(line, word)).sum();
        Self { passed: before(line, "passed").unwrap_or(0), failed, skipped: before(line, "skipped").unwrap_or(0) }
    }

    /// `test result: ok. 7 passed; 0 failed; 1 ignored; ...`, one such line per binary.
    pub(crate) fn of_cargo_test(output: &str) -> Self {
        let mut sum = Self::default();
        for line in output.lines().filter(|line| line.starts_with("test result: ")) {
            sum += Self {
                passed: before(line, "passed").unwrap_or(0),
                failed: before(line, "failed").unwrap_or(0),
                skipped: before(line, "ignored").unwrap_or(0),
            };
        }
        sum
    }

    /// `Ran 5 tests in 0.1s` and then `OK (skipped=1)` or `FAILED (failures=1, errors=1)`.
    pub(crate) fn of_unittest(output: &str) -> Self {
        let line = output.lines().rev().find(|line| line.starts_with("Ran ")).unwrap_or("");
        let ran = line.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        let last = output.lines().rev().find(|line| line.starts_with("OK") || line.starts_with("FAILED")).unwrap_or("");
        let named =
            |name: &str| last.split(['(', ',', ')', ' ']).find_map(|part| part.strip_prefix(name)?.parse().ok());
        let failed = named("failures=").unwrap_or(0) + named("errors=").unwrap_or(0);
        let skipped = named("skipped=").unwrap_or(0);
        Self { passed: usize::saturating_sub(ran, failed + skipped), failed, skipped }
    }

    /// `# pass 5`, `# fail 0`, `# skipped 1`.
    pub(crate) fn of_tap(output: &str) -> Self {
        let named = |name: &str| {
            let line = output.lines().rev().find_map(|line| line.strip_prefix("# ")?.strip_prefix(name));
            line.and_then(|rest| rest.trim().parse().ok()).unwrap_or(0)
        };
        Self { passed: named("pass "), failed: named("fail "), skipped: named("skipped ") }
    }
}

/// The number in front of a word, as in `7 passed`.
fn before(line: &str, word: &str) -> Option<usize> {
    let (head, _) = line.split_once(&format!(" {word}"))?;
    head.rsplit([' ', ',']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: usize, failed: usize, skipped: usize) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn nextest_closes_with_a_summary() {
        let output = "     Summary [   1.204s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 4 skipped\n        FAIL x\n";
        assert_eq!(Counts::of_nextest(output), counts(9, 3, 4));
        assert_eq!(Counts::of_nextest("     Summary [   0.1s] 1 test run: 1 passed, 0 skipped"), counts(1, 0, 0));
        assert_eq!(Counts::of_nextest("error: could not compile"), counts(0, 0, 0));
    }

    #[test]
    fn cargo_test_closes_each_binary() {
        let output = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\ntest result: FAILED. 1 passed; 2 failed; 0 ignored\n";
        assert_eq!(Counts::of_cargo_test(output), counts(4, 2, 1));
    }

    #[test]
    fn unittest_closes_with_two_lines() {
        assert_eq!(Counts::of_unittest("....\nRan 5 tests in 0.01s\n\nOK (skipped=1)\n"), counts(4, 0, 1));
        assert_eq!(Counts::of_unittest("Ran 6 tests in 0.01s\n\nFAILED (failures=1, errors=2)\n"), counts(3, 3, 0));
        assert_eq!(Counts::of_unittest("Ran 2 tests in 0.01s\n\nOK\n"), counts(2, 0, 0));
    }

    #[test]
    fn tap_counts_in_comments() {
        assert_eq!(
            Counts::of_tap("TAP version 13\nok 1\n# tests 3\n# pass 2\n# fail 1\n# skipped 0\n"),
            counts(2, 1, 0)
        );
    }

    #[test]
    fn the_closing_lines_read_alike() {
        assert_eq!(counts(7, 0, 1).to_string(), "7 passed, 0 failed, 1 skipped");
        assert_eq!(
            counts(7, 0, 1).summary(Duration::from_millis(1500)),
            "Summary [1.500s] 7 tests run: 7 passed, 1 skipped"
        );
    }
}
