//! The arithmetic of detection: how likely lies are found, and when they don't pay (specs/20-challenger.md, "When a lie does not pay").
//!
//! Owns formulas. Amounts are in any one unit. What a liar loses is the burned share of its stake alone, since the rest may go to its
//! friends (specs/14-bonds.md, "Arithmetic of incentives"). Pure.

/// What hangs on a lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stakes {
    /// What one lie that is not found gains.
    pub gain: f64,
    /// What a conviction burns: the burned share of the stake.
    pub burned: f64,
}

/// Probability that at least one of so many lies is run again by at least one of some challengers, each of whom draws at its rate
/// by a key of its own: 1 - (1 - r_1)^m (1 - r_2)^m …
#[must_use]
pub fn detection(rates: &[f64], lies: u32) -> f64 {
    1.0 - rates.iter().map(|rate| (1.0 - rate).powf(f64::from(lies))).product::<f64>()
}

/// The rate of one challenger that finds as much as several do.
#[must_use]
pub fn joint_rate(rates: &[f64]) -> f64 {
    detection(rates, 1)
}

/// What a liar expects to gain from so many lies at once: all of it if none is found; else none of it, and the burned share is lost.
#[must_use]
pub fn expected_gain(rate: f64, lies: u32, stakes: &Stakes) -> f64 {
    let unseen = 1.0 - detection(&[rate], lies);
    unseen * f64::from(lies) * stakes.gain - (1.0 - unseen) * stakes.burned
}

/// The least rate at which no number of lies pays: g / (g + b S).
///
/// With a = b S / g, m lies pay nothing iff (1 - r)^m (m + a) <= a. The left side has one maximum over m and is a at m = 0, so that it
/// stays below a from m = 1 on iff it is not above a there: if one lie does not pay, no number of them does.
#[must_use]
pub fn rate_min(stakes: &Stakes) -> f64 {
    stakes.gain / (stakes.gain + stakes.burned)
}

/// The largest gain from one lie that a rate makes worthless: r / (1 - r) b S. Every gain, at a rate of 1.
#[must_use]
pub fn gain_max(rate: f64, burned: f64) -> f64 {
    if rate >= 1.0 { f64::INFINITY } else { rate / (1.0 - rate) * burned }
}

/// Lies after which the probability of having been found is at least `wanted`.
#[must_use]
pub fn lies_until(rate: f64, wanted: f64) -> u32 {
    if rate >= 1.0 {
        return 1;
    }
    ((1.0 - wanted).ln() / (1.0 - rate).ln()).ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::is_drawn;
    use alloy_primitives::keccak256;

    const STAKES: Stakes = Stakes { gain: 0.05, burned: 4.8 };

    /// By hand: 1 - 0.9^10 = 0.6513215599, 1 - 0.9^22 = 0.9015, and two challengers at 5 % are one at 9.75 %.
    #[test]
    fn detection_is_what_it_is_by_hand() {
        assert!((detection(&[0.1], 10) - 0.651_321_559_9).abs() < 1e-9);
        assert_eq!(lies_until(0.1, 0.9), 22);
        assert!((joint_rate(&[0.05, 0.05]) - 0.0975).abs() < 1e-12);
        assert_eq!((detection(&[1.0], 1), detection(&[0.0], 1000)), (1.0, 0.0));
        assert_eq!((gain_max(1.0, 4.8), lies_until(1.0, 0.99)), (f64::INFINITY, 1));
    }

    /// A thousand liars with so many lies each, against the sampler itself: the share that is caught lies within five standard
    /// deviations of the formula.
    #[test]
    fn simulated_liars_are_caught_as_often_as_the_formula_says() {
        const LIARS: u64 = 1000;
        for (rate, lies) in [(0.1, 1), (0.1, 10), (0.1, 22), (0.02, 50), (0.5, 2)] {
            let is_caught = |liar: &u64| {
                let leaf = |lie: u32| keccak256([liar.to_be_bytes(), u64::from(lie).to_be_bytes()].concat());
                (0..lies).any(|lie| is_drawn(&[5; 32], &leaf(lie), rate))
            };
            let caught = (0..LIARS).filter(is_caught).count() as f64;
            let expected = detection(&[rate], lies);
            let (mean, deviation) = (LIARS as f64 * expected, (LIARS as f64 * expected * (1.0 - expected)).sqrt());
            assert!(
                (caught - mean).abs() < 5.0 * deviation,
                "rate {rate}, {lies} lies: {caught} caught, {mean} expected"
            );
        }
    }

    /// At the least rate one lie breaks even and any more lose; below it one lie pays.
    #[test]
    fn at_the_least_rate_no_number_of_lies_pays() {
        for burned in [4.8, 1.0, 0.2, 0.05, 0.001] {
            let stakes = Stakes { burned, ..STAKES };
            let rate = rate_min(&stakes);
            assert!(expected_gain(rate, 1, &stakes).abs() < 1e-12);
            for lies in 1..10_000 {
                assert!(expected_gain(rate, lies, &stakes) < 1e-12, "{lies} lies pay with {burned} at stake");
            }
            assert!(expected_gain(rate * 0.99, 1, &stakes) > 0.0);
            assert!((gain_max(rate, burned) - stakes.gain).abs() < 1e-12);
        }
    }
}
