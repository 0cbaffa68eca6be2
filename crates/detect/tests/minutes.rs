//! Runs per minute of real functions: how many false alarms a day, and how many bursts are found.
//!
//! The suite's rows are split by the SHA-256 of their counts: the figures of `Counts` were chosen on one half and are only
//! looked at on the other. Bursts are stretches of five minutes times ten, twenty for each function with a run a minute in
//! the first four hours, at places where there is something to multiply.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a test reads its suite, fails by panicking and prints what it counted"
)]

use std::{io::Read as _, path::PathBuf};

use brigandine_detect::Counts;
use sha2::{Digest as _, Sha256};

const WARM_UP: usize = 240;
const BURST: usize = 5;
const INJECTIONS: usize = 20;
/// Alarms that lie closer together are one incident, in minutes.
const GAP: usize = 10;

fn rows() -> Option<Vec<Vec<u64>>> {
    let folder = std::env::var_os("BRIGANDINE_SUITE_FAAS_MINUTES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/suites/faas-minutes")),
        PathBuf::from,
    );
    let packed = std::fs::read(folder.join("counts.csv.gz")).ok()?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    let numbers = |line: &str| line.split(',').skip(3).map(|number| number.parse().unwrap()).collect();
    Some(text.lines().skip(1).map(numbers).collect())
}

fn is_for_tuning(row: &[u64]) -> bool {
    let text = row.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    Sha256::digest(text.as_bytes())[0] % 2 == 1
}

#[derive(Default)]
struct Figures {
    functions: usize,
    incidents: usize,
    injected: usize,
    found: usize,
    busy: usize,
    busy_found: usize,
    in_first_minute: usize,
}

impl Figures {
    fn incidents_a_day(&self) -> f64 {
        self.incidents as f64 / (self.functions as f64 * (1440 - WARM_UP) as f64 / 1440.0)
    }

    fn recall(&self) -> f64 {
        self.found as f64 / self.injected as f64
    }

    fn told(&self, name: &str, excess: f64) {
        eprintln!(
            "{name}, limit x {excess}: {:.4} incidents per function and day ({}), recall {:.3} of {}, {:.3} of {} bursts of a run a minute or more, {:.3} in the first minute",
            self.incidents_a_day(),
            self.incidents,
            self.recall(),
            self.injected,
            self.busy_found as f64 / self.busy as f64,
            self.busy,
            self.in_first_minute as f64 / self.found as f64,
        );
    }

    fn measure(rows: &[&Vec<u64>], excess: f64) -> Self {
        let mut figures = Self { functions: rows.len(), ..Self::default() };
        for (place, row) in rows.iter().enumerate() {
            figures.follow(row, excess, place);
        }
        figures
    }

    fn follow(&mut self, row: &[u64], excess: f64, place: usize) {
        let mut counts = Counts::default();
        let eligible = row[..WARM_UP].iter().sum::<u64>() >= WARM_UP as u64;
        let mut before = Vec::new();
        let mut last = None;
        for (minute, count) in row.iter().enumerate() {
            if eligible {
                before.push(counts.clone());
            }
            if counts.judge(*count).excess >= excess && minute >= WARM_UP {
                self.incidents += usize::from(last.is_none_or(|last| minute - last > GAP));
                last = Some(minute);
            }
        }
        if eligible {
            self.inject(row, &before, excess, place);
        }
    }

    fn inject(&mut self, row: &[u64], before: &[Counts], excess: f64, place: usize) {
        let stretch = |start: usize| &row[start..start + BURST];
        let starts: Vec<usize> =
            (WARM_UP..row.len() - BURST).filter(|start| stretch(*start).iter().any(|count| *count > 0)).collect();
        if starts.is_empty() {
            return;
        }
        let mut chance = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(place as u64 + 1) | 1;
        for _ in 0..INJECTIONS {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            let start = starts[usize::try_from(chance >> 20).unwrap() % starts.len()];
            let mut counts = before[start].clone();
            let found = stretch(start).iter().position(|count| counts.judge(count * 10).excess >= excess);
            let first = stretch(start).iter().position(|count| *count > 0);
            let busy = stretch(start).iter().sum::<u64>() >= BURST as u64;
            self.injected += 1;
            self.found += usize::from(found.is_some());
            self.busy += usize::from(busy);
            self.busy_found += usize::from(busy && found.is_some());
            self.in_first_minute += usize::from(found.is_some() && found == first);
        }
    }
}

fn halves(rows: &[Vec<u64>]) -> [(&'static str, Vec<&Vec<u64>>); 2] {
    let (tuning, validation) = rows.iter().partition(|row| is_for_tuning(row));
    [("tuning", tuning), ("validation", validation)]
}

#[test]
fn real_functions_give_few_false_alarms_and_bursts_are_found() {
    let Some(rows) = rows() else {
        eprintln!("faas-minutes is not here: skipped");
        return;
    };
    let mut incidents = 0.0;
    for (name, rows) in halves(&rows) {
        let figures = Figures::measure(&rows, 1.0);
        figures.told(name, 1.0);
        incidents += figures.incidents_a_day() / 2.0;
        assert!(figures.recall() >= 0.8);
    }
    assert!(incidents <= 0.02);
}

#[test]
#[ignore = "half a minute: the curve for the documentation"]
fn the_curve() {
    let Some(rows) = rows() else { return };
    for excess in [0.7, 0.85, 1.0, 1.15, 1.3, 2.0] {
        for (name, rows) in halves(&rows) {
            Figures::measure(&rows, excess).told(name, excess);
        }
    }
    let mut distinct: Vec<_> = rows.iter().collect();
    distinct.sort();
    distinct.dedup();
    Figures::measure(&distinct, 1.0).told("distinct rows", 1.0);
    Figures::measure(&rows.iter().collect::<Vec<_>>(), 1.0).told("all", 1.0);
}
