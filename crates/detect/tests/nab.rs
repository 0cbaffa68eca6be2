//! The Numenta Anomaly Benchmark, scored by the formula in the suite's README at the one threshold that `DETECTION` fixes.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a test reads its suite and counts small numbers"
)]

use std::path::{Path, PathBuf};

use brigandine_detect::{DETECTION, Series};
use jiff::Timestamp;
use serde_json::Value;

fn suite() -> Option<PathBuf> {
    let folder = std::env::var_os("BRIGANDINE_SUITE_NAB").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/suites/nab")),
        PathBuf::from,
    );
    folder.is_dir().then_some(folder)
}

fn time(text: &str) -> Timestamp {
    format!("{}Z", text.trim().replace(' ', "T")).parse().unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Rows from the first to the last of a window.
type Window = (usize, usize);

/// A series: its points, and the windows as rows.
fn series(folder: &Path, name: &str, windows: &Value) -> (Vec<(Timestamp, f64)>, Vec<Window>) {
    let text = std::fs::read_to_string(folder.join("data").join(name)).unwrap();
    let points: Vec<(Timestamp, f64)> = text
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(at, value)| (time(at), value.trim().parse().unwrap()))
        .collect();
    let row = |at: &Value| {
        let at = time(at.as_str().unwrap());
        points.iter().position(|(time, _)| *time >= at).unwrap()
    };
    let windows = windows.as_array().unwrap().iter().map(|window| (row(&window[0]), row(&window[1]))).collect();
    (points, windows)
}

fn curve(y: f64) -> f64 {
    if y > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * y).exp()) - 1.0 }
}

struct Weights {
    hit: f64,
    false_alarm: f64,
    miss: f64,
}

fn score(detections: &[usize], windows: &[Window], rows: usize, weights: &Weights) -> f64 {
    let learning = (rows * 15 / 100).min(750);
    let detections: Vec<usize> = detections.iter().copied().filter(|row| *row >= learning).collect();
    let inside = |row: usize| windows.iter().any(|(left, right)| (*left..=*right).contains(&row));
    let mut total = 0.0;
    for (left, right) in windows {
        let width = (right - left + 1) as f64;
        let best = detections.iter().filter(|row| (*left..=*right).contains(row));
        let best = best.map(|row| curve(-((right - row + 1) as f64) / width) / curve(-1.0)).fold(f64::NAN, f64::max);
        total += if best.is_nan() { -weights.miss } else { weights.hit * best };
    }
    for row in detections.iter().copied().filter(|row| !inside(*row)) {
        let before = windows.iter().filter(|(_, right)| *right < row).max_by_key(|(_, right)| *right);
        total += before.map_or(-weights.false_alarm, |(left, right)| {
            weights.false_alarm * curve((row - right) as f64 / ((right - left).max(1)) as f64)
        });
    }
    total
}

#[test]
fn the_benchmark_at_the_fixed_threshold() {
    let Some(folder) = suite() else {
        eprintln!("nab is not here: skipped");
        return;
    };
    let labels = json(&folder.join("labels/combined_windows.json"));
    let all: Vec<_> =
        labels.as_object().unwrap().iter().map(|(name, windows)| series(&folder, name, windows)).collect();
    let found: Vec<Vec<usize>> = all
        .iter()
        .map(|(points, _)| {
            let mut detector = Series::default();
            let scores = points.iter().map(|(at, value)| detector.score(*at, *value)).collect::<Vec<_>>();
            (0..scores.len()).filter(|row| scores[*row] >= DETECTION).collect()
        })
        .collect();
    let windows: usize = all.iter().map(|(_, windows)| windows.len()).sum();
    let profiles = json(&folder.join("config/profiles.json"));
    let mut standard = f64::NAN;
    for (name, profile) in profiles.as_object().unwrap() {
        let weight = |key: &str| profile["CostMatrix"][key].as_f64().unwrap();
        let weights = Weights { hit: weight("tpWeight"), false_alarm: weight("fpWeight"), miss: weight("fnWeight") };
        let total: f64 =
            all.iter().zip(&found).map(|((points, windows), rows)| score(rows, windows, points.len(), &weights)).sum();
        let (none, perfect) = (-weights.miss * windows as f64, weights.hit * windows as f64);
        let normalised = 100.0 * (total - none) / (perfect - none);
        eprintln!("nab {name}: {normalised:.2}");
        if name == "standard" {
            standard = normalised;
        }
    }
    let hit = all.iter().zip(&found).map(|((_, windows), rows)| {
        windows.iter().filter(|(left, right)| rows.iter().any(|row| (*left..=*right).contains(row))).count()
    });
    eprintln!(
        "{} series, {windows} windows, {} with a detection, {} detections in all",
        all.len(),
        hit.sum::<usize>(),
        found.iter().map(Vec::len).sum::<usize>()
    );
    assert!(standard.is_finite());
}
