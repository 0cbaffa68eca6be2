//! `bench waf`: what looking at a request costs, beside the firewall most people run.
//!
//! The same rules (Debian's Core Rule Set 3.3.4, level 1, refusing, answers unlooked at) in nginx with libmodsecurity and in our
//! gateway, one worker each, nothing behind them; the same requests, no two of them alike, turn by turn. The figure is the CPU
//! time of the whole server per request, user and system, as the kernel counts it: what else runs on the machine hardly
//! matters.

mod classes;
mod differential;
mod rules;
mod servers;
mod shapes;

use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;

use super::option;
use crate::task::Outcome;
use crate::workspace::Workspace;
use rules::Peer;
use servers::{Driven, Guarded};
use shapes::{SHAPES, Shape};

/// Ours may cost at most this part of the peer's, on each shape.
const BAR: f64 = 40.0;
/// Different requests of one shape in one round.
const REQUESTS: usize = 2_000;

/// What is asked on the command line.
pub(crate) struct Wanted {
    rounds: u64,
    time: Duration,
    /// Whether missing packages may be installed.
    install: bool,
    /// Requests to compare the matches of, instead of measuring.
    differential: Option<usize>,
}

impl Wanted {
    /// `--rounds N`, `--seconds N`, `--install`, `--differential` and with it `--thousands N`.
    pub(crate) fn from_arguments(arguments: &[String]) -> Result<Self> {
        const KNOWN: [&str; 5] = ["--rounds", "--seconds", "--install", "--differential", "--thousands"];
        if let Some(word) = arguments.iter().find(|word| word.starts_with('-') && !KNOWN.contains(&word.as_str())) {
            bail!("`bench waf` has no `{word}`; there are {}", KNOWN.join(", "));
        }
        let has = |name: &str| arguments.iter().any(|word| word == name);
        let thousands = usize::try_from(option(arguments, "--thousands")?.unwrap_or(20))?;
        Ok(Self {
            rounds: option(arguments, "--rounds")?.unwrap_or(5),
            time: Duration::from_secs(option(arguments, "--seconds")?.unwrap_or(2)),
            install: has("--install"),
            differential: has("--differential").then_some(thousands * 1_000),
        })
    }
}

/// What one shape came to.
#[derive(Debug, Serialize)]
struct Row {
    shape: &'static str,
    /// Bytes of target and body of a typical request.
    bytes: usize,
    /// Microseconds of CPU per request, round by round.
    peer: Vec<f64>,
    ours: Vec<f64>,
    /// Of our gateway without rules: what the way itself costs.
    bare: Vec<f64>,
    /// The median of the rounds' own ratios.
    ratio: f64,
    /// Parts of the requests that were refused.
    peer_refused: f64,
    ours_refused: f64,
    /// Requests that one of the two refused and the other let pass, in the last round.
    decided_otherwise: usize,
}

#[derive(Serialize)]
struct Report {
    rules: String,
    peer: Standing,
    ours: Standing,
    rows: Vec<Row>,
}

/// What a server needs before the first request.
#[derive(Debug, Serialize)]
struct Standing {
    server: &'static str,
    ready_cpu_milliseconds: f64,
    resident_megabytes: f64,
    resident_megabytes_after: f64,
    said: String,
}

pub(crate) fn run(workspace: &Workspace, wanted: &Wanted) -> Result<Outcome> {
    let place = workspace.scratch("bench/waf")?;
    let peer = Peer::found(wanted.install)?;
    if let Some(count) = wanted.differential {
        return differential::run(workspace, &place, count);
    }
    let file = Peer::rules(&place, &rules::Strictness { engine: "On", level: 1 })?;
    let [ours, bare] = Guarded::ours(workspace, &file, &place)?;
    let mut contenders = [Guarded::peer(&peer, &file, &place)?, ours, bare];
    let mut rows = Vec::new();
    for shape in SHAPES {
        let row = measure(shape, &mut contenders, wanted)?;
        println!("{}{row}", if rows.is_empty() { heading() } else { String::new() });
        rows.push(row);
    }
    let [peer_standing, ours, _] = contenders.map(Guarded::standing);
    for standing in [&peer_standing, &ours] {
        println!("{standing}");
    }
    let holds = rows.iter().all(|row| row.ratio >= BAR);
    let path = workspace.scratch("bench")?.join("waf.json");
    let report = Report { rules: peer.version, peer: peer_standing, ours, rows };
    std::fs::write(&path, serde_json::to_string_pretty(&report)?)?;
    println!("{} rounds of {} s each: {}", wanted.rounds, wanted.time.as_secs(), workspace.shown(&path));
    if !holds {
        println!("not every shape costs at most 1/{BAR} of the peer");
    }
    Ok(Outcome::passed_if(holds))
}

fn measure(shape: &Shape, contenders: &mut [Guarded; 3], wanted: &Wanted) -> Result<Row> {
    let mut rounds: [Vec<Driven>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    let mut bytes = 0;
    // The first round warms up both: programs that match are built when they are first needed.
    for round in 0..=wanted.rounds {
        let requests = shapes::requests(shape, REQUESTS, round);
        bytes = requests.first().map_or(0, |request| request.path.len() + request.body.len());
        for (contender, driven) in contenders.iter_mut().zip(&mut rounds) {
            eprint!("\r{}, round {round}/{}: {:<24}", shape.name, wanted.rounds, contender.name);
            driven.push(contender.drive(&requests, wanted.time)?);
        }
    }
    eprint!("\r{:60}\r", "");
    let [peer, ours, bare] = rounds;
    let differ = peer.last().zip(ours.last()).map_or(0, |(peer, ours)| peer.decided_otherwise(ours));
    let costs = |driven: &[Driven]| driven.iter().skip(1).map(|round| round.microseconds).collect::<Vec<f64>>();
    let refused = |driven: &[Driven]| driven.last().map_or(0.0, Driven::refused);
    let ratios = costs(&peer).iter().zip(costs(&ours)).map(|(peer, ours)| peer / ours).collect();
    Ok(Row {
        shape: shape.name,
        bytes,
        ratio: median(ratios),
        peer: costs(&peer),
        ours: costs(&ours),
        bare: costs(&bare),
        peer_refused: refused(&peer),
        ours_refused: refused(&ours),
        decided_otherwise: differ,
    })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let (lower, upper) = (figures.get(figures.len().saturating_sub(1) / 2), figures.get(figures.len() / 2));
    lower.zip(upper).map_or(f64::NAN, |(lower, upper)| f64::midpoint(*lower, *upper))
}

fn heading() -> String {
    format!(
        "{:<10}{:>8}{:>12}{:>12}{:>9}{:>12}{:>14}{:>14}{:>9}\n",
        "shape", "bytes", "peer us", "ours us", "ratio", "no rules us", "peer refused", "ours refused", "differ"
    )
}

impl std::fmt::Display for Row {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (peer, ours) = (median(self.peer.clone()), median(self.ours.clone()));
        write!(formatter, "{:<10}{:>8}{peer:>12.0}{ours:>12.1}{:>8.1}x", self.shape, self.bytes, self.ratio)?;
        write!(formatter, "{:>12.1}", median(self.bare.clone()))?;
        let share = |part: f64| format!("{:.1} %", part * 100.0);
        write!(formatter, "{:>14}{:>14}", share(self.peer_refused), share(self.ours_refused))?;
        write!(formatter, "{:>9}", self.decided_otherwise)
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{:<22}{:>6.0} ms of CPU until ready, {:.0} MB resident then, {:.0} MB after the load{}{}",
            self.server,
            self.ready_cpu_milliseconds,
            self.resident_megabytes,
            self.resident_megabytes_after,
            if self.said.is_empty() { "" } else { "; " },
            self.said
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_mean_nothing_are_refused() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(Wanted::from_arguments(&words("--fast")).is_err());
        assert!(Wanted::from_arguments(&words("--rounds many")).is_err());
        let wanted = Wanted::from_arguments(&words("--differential --thousands 3")).unwrap();
        assert_eq!(wanted.differential, Some(3_000));
    }

    #[test]
    fn a_median_lies_in_the_middle() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![1.0, 2.0]) - 1.5).abs() < 1e-9);
    }
}
