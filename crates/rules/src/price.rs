//! What a flood of calls costs, from a table of public prices with its date.

use std::sync::LazyLock;

use brigandine_model::Function;

/// Public prices in US dollars.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prices {
    gb_second_x86: f64,
    gb_second_arm: f64,
    run: f64,
    /// Simultaneous runs an account may have unless it asked for another limit.
    pub(crate) account_concurrency: f64,
}

const TEXT: &str = include_str!("../data/prices.txt");

/// Day on which the table was made, as `YYYY-MM-DD`.
pub(crate) fn table_date() -> &'static str {
    TEXT.lines().find_map(|line| line.strip_prefix("# date: ")).unwrap_or("an unknown day")
}

/// The prices of the table; nothing when a line of it is missing.
pub(crate) fn prices() -> Option<Prices> {
    static PRICES: LazyLock<Option<Prices>> = LazyLock::new(|| {
        Some(Prices {
            gb_second_x86: number("gb-second-x86")?,
            gb_second_arm: number("gb-second-arm")?,
            run: number("million-runs")? / 1_000_000.0,
            account_concurrency: number("account-concurrency")?,
        })
    });
    *PRICES
}

fn number(name: &str) -> Option<f64> {
    let rest = TEXT.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    rest.split(' ').next()?.parse().ok()
}

/// What an hour costs when every run takes as long as it may; the dearest case where it depends. Nothing where memory or
/// timeout are not settled, or where the function has a limit of its own.
pub(crate) fn flood_of(function: &Function, prices: &Prices) -> Option<f64> {
    if function.reserved_concurrency.is_some() {
        return None;
    }
    let seconds = function.timeout.value.settled().into_iter().max()?;
    let memory = function.memory.value.settled().into_iter().max()?;
    let arm = function.architectures.iter().any(|fact| fact.value.known().is_some_and(|name| name == "arm64"));
    let flood = Flood {
        concurrency: prices.account_concurrency,
        seconds: f64::from(*seconds),
        memory: f64::from(*memory),
        arm,
    };
    Some(flood.per_hour(prices))
}

/// An amount of dollars as people say it: exact figures would promise too much.
pub(crate) fn amount(dollars: f64) -> String {
    if dollars < 10.0 { format!("{dollars:.1}") } else { format!("{dollars:.0}") }
}

/// How a function runs while it is flooded.
#[derive(Clone, Copy, Debug)]
struct Flood {
    /// Runs at the same time.
    concurrency: f64,
    /// Seconds of one run.
    seconds: f64,
    /// Memory in MiB.
    memory: f64,
    /// Whether it runs on the cheaper processors.
    arm: bool,
}

impl Flood {
    /// US dollars for one hour: memory for the whole hour in every simultaneous run, and a fee for each run.
    fn per_hour(&self, prices: &Prices) -> f64 {
        const HOUR: f64 = 3600.0;
        let gb_second = if self.arm { prices.gb_second_arm } else { prices.gb_second_x86 };
        let memory = self.concurrency * HOUR * self.memory / 1024.0 * gb_second;
        let runs = self.concurrency * HOUR / self.seconds.max(0.001);
        memory + runs * prices.run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_at_full_width_costs_what_the_price_page_says() {
        let prices = prices().unwrap();
        let flood = Flood { concurrency: 1000.0, seconds: 10.0, memory: 1024.0, arm: false };
        // 1000 x 3600 s x 1 GB x 0.0000166667 and 360,000 runs at 0.20 per million.
        assert!((flood.per_hour(&prices) - 60.072).abs() < 0.01, "{}", flood.per_hour(&prices));
        let cheaper = Flood { arm: true, ..flood };
        assert!(cheaper.per_hour(&prices) < flood.per_hour(&prices));
        assert_eq!(table_date().len(), "2026-01-01".len());
    }
}
