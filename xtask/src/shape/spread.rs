//! Median and tail of a set of figures.

/// How a set of figures is spread; all zero when there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spread {
    pub(crate) count: usize,
    pub(crate) median: usize,
    pub(crate) p90: usize,
    pub(crate) p99: usize,
    pub(crate) longest: usize,
}

impl Spread {
    /// By nearest rank: the smallest figure that at least so many per cent do not exceed.
    pub(crate) fn of(figures: impl Iterator<Item = usize>) -> Self {
        let mut sorted: Vec<usize> = figures.collect();
        sorted.sort_unstable();
        let rank = |per_cent: usize| {
            let place = (sorted.len() * per_cent).div_ceil(100).saturating_sub(1);
            sorted.get(place).copied().unwrap_or_default()
        };
        Self { count: sorted.len(), median: rank(50), p90: rank(90), p99: rank(99), longest: rank(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_nearest() {
        let spread = Spread::of(1..=200);
        assert_eq!(spread, Spread { count: 200, median: 100, p90: 180, p99: 198, longest: 200 });
        assert_eq!(Spread::of(std::iter::empty()), Spread::default());
        assert_eq!(Spread::of(std::iter::once(7)), Spread { count: 1, median: 7, p90: 7, p99: 7, longest: 7 });
    }
}
