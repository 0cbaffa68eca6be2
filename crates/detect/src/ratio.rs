//! How surprising a share is: so many of so many, where so small a share is usual.

/// The natural logarithm of a bound on the chance of at least `hits` among `all` at a rate of `usual`, without its sign
/// (Chernoff's bound); zero where the share is not above what is usual.
pub(crate) fn surprise(hits: f64, all: f64, usual: f64) -> f64 {
    if all <= 0.0 || hits <= 0.0 {
        return 0.0;
    }
    let (share, usual) = ((hits / all).min(1.0), usual.clamp(1e-9, 1.0 - 1e-9));
    if share <= usual {
        return 0.0;
    }
    let part = |share: f64, usual: f64| if share > 0.0 { share * (share / usual).ln() } else { 0.0 };
    all * (part(share, usual) + part(1.0 - share, 1.0 - usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds_against_the_exact_chance_and_grows_with_the_share() {
        // P(X >= 5) of a binomial with n = 10 and p = 0.1 is 0.0016349.
        assert!((-surprise(5.0, 10.0, 0.1)).exp() >= 0.001_634_9);
        assert!(surprise(10.0, 10.0, 0.01) > 40.0);
        assert!(surprise(6.0, 10.0, 0.1) > surprise(5.0, 10.0, 0.1));
        assert!(surprise(1.0, 100.0, 0.02).abs() < f64::EPSILON);
        assert!(surprise(0.0, 0.0, 0.5).abs() < f64::EPSILON);
        assert!(surprise(7.0, 7.0, 1.0).is_finite());
    }
}
