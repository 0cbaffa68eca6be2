//! `bench serve`: the same function behind us and behind the peers, turn by turn.
//!
//! Ours goes the whole way from a request on the wire: limits, lists, route, throttle, event, function, answer. The peers are
//! given the finished event, which is the shortest way they have. The emulator ends when two requests meet in it, so its
//! clients take turns.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::contender::{Contender, Function};
use super::load::{Figures, Load, messages};
use super::option;
use crate::dist;
use crate::peers::{CARGO_LAMBDA, PYTHON_RUNTIME, Peers, SAM_CLI};
use crate::program;
use crate::task::Outcome;
use crate::workspace::Workspace;

/// Clients at once, one table each.
const CLIENTS: &[usize] = &[1, 8];
/// Different messages per round.
const MESSAGES: usize = 512;

/// How long to measure.
pub(crate) struct Effort {
    rounds: u64,
    time: Duration,
}

impl Effort {
    /// `--rounds N` and `--seconds N`.
    pub(crate) fn from_arguments(arguments: &[String]) -> Result<Self> {
        if let Some(word) =
            arguments.iter().find(|word| word.starts_with('-') && *word != "--rounds" && *word != "--seconds")
        {
            bail!("`bench serve` has no `{word}`; there are --rounds and --seconds");
        }
        let rounds = option(arguments, "--rounds")?.unwrap_or(5);
        Ok(Self { rounds, time: Duration::from_secs(option(arguments, "--seconds")?.unwrap_or(3)) })
    }
}

/// One comparison: a function, so many clients, every server in every round.
#[derive(Serialize)]
struct Comparison {
    function: &'static str,
    clients: usize,
    servers: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    server: &'static str,
    rounds: Vec<Figures>,
    median_answers_per_second: f64,
    /// Our answers per second over this one's, the median of the rounds' own ratios.
    ours_over_it: f64,
    /// This one's typical time to answer over ours, likewise: blind to rare long stalls, which the first ratio sees.
    its_p50_over_ours: f64,
}

pub(crate) fn run(workspace: &Workspace, effort: &Effort) -> Result<Outcome> {
    let place = workspace.scratch("bench")?;
    let fixtures = workspace.root.join("xtask/fixtures");
    let binary = dist::release(workspace)?;
    let peers = Peers::with(workspace, &[PYTHON_RUNTIME, SAM_CLI, CARGO_LAMBDA])?;
    let mut comparisons = compiled(&binary, &peers, &fixtures.join("rust-function"), (&place, effort))?;
    comparisons.extend(interpreted(&binary, &peers, &fixtures.join("python-function"), (&place, effort))?);
    for comparison in &comparisons {
        println!("\n{comparison}");
    }
    let path = place.join("serve.json");
    std::fs::write(&path, serde_json::to_string_pretty(&comparisons)?)?;
    println!("\n{} rounds of {} s each: {}", effort.rounds, effort.time.as_secs(), workspace.shown(&path));
    let failures = comparisons
        .iter()
        .flat_map(|comparison| &comparison.servers)
        .filter(|row| row.server.starts_with("brigandine"));
    let failures: usize = failures.flat_map(|row| &row.rounds).map(|figures| figures.failures).sum();
    if failures > 0 {
        println!("{failures} requests to us failed");
    }
    Ok(Outcome::passed_if(failures == 0))
}

/// The Rust function, against both peers.
fn compiled(
    binary: &Path,
    peers: &Peers,
    project: &Path,
    (place, effort): (&Path, &Effort),
) -> Result<Vec<Comparison>> {
    let built = place.join("build");
    let mut command = program::cargo();
    command.args(["build", "--release", "--locked", "--target-dir"]).arg(&built).current_dir(project);
    program::watched(&mut command)?;
    let function = built.join("release/echo");
    let application = bundle(project, &function, &place.join("rust-function"))?;
    let logs = fresh(&place.join("rust-logs"))?;
    let started = Function { command: vec![function], handler: "echo", folder: project };
    let contenders = [
        Contender::ours(binary, &application, &logs)?,
        Contender::ours_unlooked(binary, &application, &logs)?,
        Contender::emulator(peers, &started, &logs)?,
        Contender::cargo_lambda(peers, project, &built, &logs)?,
    ];
    Ok(compare("Rust", &contenders, effort))
}

/// The Python function, against the emulator with the official client.
fn interpreted(
    binary: &Path,
    peers: &Peers,
    project: &Path,
    (place, effort): (&Path, &Effort),
) -> Result<Vec<Comparison>> {
    let logs = fresh(&place.join("python-logs"))?;
    let command =
        vec![peers.program("python3"), PathBuf::from("-B"), PathBuf::from("-m"), PathBuf::from("awslambdaric")];
    let folder = project.join("src");
    let started = Function { command, handler: "echo.handler", folder: &folder };
    let contenders = [
        Contender::ours(binary, project, &logs)?,
        Contender::ours_unlooked(binary, project, &logs)?,
        Contender::emulator(peers, &started, &logs)?,
    ];
    Ok(compare("Python", &contenders, effort))
}

/// The template and the built function as `serve` wants them: beside each other, outside the tree.
fn bundle(project: &Path, function: &Path, into: &Path) -> Result<PathBuf> {
    let folder = into.join("bundle");
    std::fs::create_dir_all(&folder)?;
    for name in ["template.yaml", "brigandine.toml"] {
        std::fs::copy(project.join(name), into.join(name)).with_context(|| format!("cannot copy `{name}`"))?;
    }
    std::fs::copy(function, folder.join("bootstrap")).context("cannot copy the built function")?;
    Ok(into.to_owned())
}

fn fresh(folder: &Path) -> Result<PathBuf> {
    if folder.is_dir() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    Ok(folder.to_owned())
}

fn compare(function: &'static str, contenders: &[Contender], effort: &Effort) -> Vec<Comparison> {
    CLIENTS.iter().map(|&clients| measure(function, contenders, clients, effort)).collect()
}

fn measure(function: &'static str, contenders: &[Contender], clients: usize, effort: &Effort) -> Comparison {
    let mut rounds: Vec<Vec<Figures>> = vec![Vec::new(); contenders.len()];
    for round in 1..=effort.rounds {
        // Every round begins with another server, so that none always runs on a rested machine.
        let first = usize::try_from(round).unwrap_or_default() % contenders.len();
        for (contender, figures) in contenders.iter().zip(&mut rounds).cycle_from(first) {
            eprint!("\r{function}, {clients} clients, round {round}/{}: {:<22}", effort.rounds, contender.name);
            figures.push(once(contender, clients, round, effort.time));
        }
    }
    eprintln!();
    let ours = rounds.first().cloned().unwrap_or_default();
    let servers =
        contenders.iter().zip(rounds).map(|(contender, rounds)| Row::of(contender.name, rounds, &ours)).collect();
    Comparison { function, clients, servers }
}

fn once(contender: &Contender, clients: usize, round: u64, time: Duration) -> Figures {
    let messages = messages(MESSAGES, round, |text| contender.wrap(text));
    let (address, path) = (contender.address, contender.path.as_str());
    Load { address, path, messages: &messages, one_at_a_time: contender.one_at_a_time, clients, time }.run()
}

/// Goes once round a list of known length, beginning at a place of it.
trait CycleFrom: Iterator + Sized {
    fn cycle_from(self, first: usize) -> std::vec::IntoIter<Self::Item> {
        let mut items: Vec<Self::Item> = self.collect();
        let length = items.len().max(1);
        items.rotate_left(first % length);
        items.into_iter()
    }
}

impl<I: Iterator> CycleFrom for I {}

impl Row {
    fn of(server: &'static str, rounds: Vec<Figures>, ours: &[Figures]) -> Self {
        let both = || ours.iter().zip(&rounds);
        let rates = both().map(|(ours, its)| ours.answers_per_second / its.answers_per_second);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of one answer are far below 2^52")]
        let times = both().map(|(ours, its)| its.p50_microseconds as f64 / ours.p50_microseconds as f64);
        let median_answers_per_second = median(rounds.iter().map(|figures| figures.answers_per_second));
        let (ours_over_it, its_p50_over_ours) = (median(rates), median(times));
        Self { server, rounds, median_answers_per_second, ours_over_it, its_p50_over_ours }
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.filter(|figure| figure.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied();
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied();
    lower.zip(upper).map_or(f64::NAN, |(lower, upper)| f64::midpoint(lower, upper))
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let clients = if self.clients == 1 { "1 client".to_owned() } else { format!("{} clients", self.clients) };
        let rounds = self.servers.first().map_or(0, |row| row.rounds.len());
        writeln!(formatter, "{} function, {clients}, medians of {rounds} rounds", self.function)?;
        let headings = ["answers/s", "p50 us", "p99 us", "failures", "ours/its /s", "its/our p50"];
        write!(formatter, "{:<20}", "server")?;
        headings.iter().try_for_each(|heading| write!(formatter, "{heading:>12}"))?;
        self.servers.iter().try_for_each(|row| write!(formatter, "\n{row}"))
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of one answer are far below 2^52")]
        let middle = |figure: fn(&Figures) -> u64| median(self.rounds.iter().map(|figures| figure(figures) as f64));
        let failures: usize = self.rounds.iter().map(|figures| figures.failures).sum();
        write!(formatter, "{:<20}{:>12.0}", self.server, self.median_answers_per_second)?;
        write!(formatter, "{:>12.0}", middle(|figures| figures.p50_microseconds))?;
        write!(formatter, "{:>12.0}{failures:>12}", middle(|figures| figures.p99_microseconds))?;
        write!(formatter, "{:>11.1}x{:>11.1}x", self.ours_over_it, self.its_p50_over_ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(rates: &[f64]) -> Vec<Figures> {
        let figures = |&rate: &f64| Figures {
            answers_per_second: rate,
            p50_microseconds: 1,
            p99_microseconds: 2,
            answers: 1,
            failures: 0,
        };
        rates.iter().map(figures).collect()
    }

    #[test]
    fn the_ratio_is_taken_round_by_round() {
        let ours = rounds(&[400.0, 100.0, 300.0]);
        let row = Row::of("peer", rounds(&[200.0, 100.0, 100.0]), &ours);
        assert!((row.median_answers_per_second - 100.0).abs() < 1e-9);
        assert!((row.ours_over_it - 2.0).abs() < 1e-9, "{}", row.ours_over_it);
    }

    #[test]
    fn a_median_of_an_even_count_lies_between() {
        assert!((median([4.0, 1.0, 3.0, 2.0].into_iter()) - 2.5).abs() < 1e-9);
        assert!(median(std::iter::empty()).is_nan());
    }

    #[test]
    fn every_round_begins_elsewhere() {
        assert_eq!([1, 2, 3].into_iter().cycle_from(4).collect::<Vec<_>>(), [2, 3, 1]);
    }
}
