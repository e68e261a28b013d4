//! How amounts of money and spans of time are written on the command line.

use std::str::FromStr;

use alloy_primitives::U256;
use alloy_primitives::utils::{format_ether, parse_units};

/// An amount of wei, from text: `8`, `8eth`, `0.3 ETH`, `5gwei`, `1000wei`. Without a unit it is ether. What wei can't say exactly, or 128
/// bits can't hold, is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(pub u128);

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().to_lowercase();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let (unit, decimals_max) = match &text[digits.len()..] {
            "" | "eth" | "ether" => ("ether", 18),
            "gwei" => ("gwei", 9),
            "wei" => ("wei", 0),
            other => return Err(format!("{other} is no unit, wanted eth, gwei or wei")),
        };
        let number = digits.trim();
        if !number.contains(|c: char| c.is_ascii_digit()) || !number.chars().all(|c| c.is_ascii_digit() || c == '.') {
            return Err(format!("{number:?} is no amount, wanted a number like 0.5"));
        }
        let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.trim_end_matches('0').len());
        if decimals > decimals_max {
            return Err(format!("{number} {unit} is no whole number of wei, wanted at most {decimals_max} decimals"));
        }
        let parsed = parse_units(number, unit).map_err(|error| error.to_string())?;
        u128::try_from(parsed).map(Self).map_err(|_| format!("{number} {unit} is too much, wanted less than 2^128 wei"))
    }
}

/// Wei as ether, without zeros behind.
pub fn ether(wei: U256) -> String {
    let text = format_ether(wei);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} ETH")
}

/// A span of seconds for people: the two largest units.
pub fn left(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let first = units.iter().position(|(size, _)| seconds >= *size).unwrap_or(3);
    let mut rest = seconds;
    let parts = units[first..].iter().take(2).filter_map(|(size, unit)| {
        let count = rest / size;
        rest %= size;
        (count > 0 || *size == 1 && first == 3).then(|| format!("{count}{unit}"))
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// A time of L1 seen from another: `12s ago` or `in 3m 4s`.
pub fn ago(time: u64, now: u64) -> String {
    match time <= now {
        true => format!("{} ago", left(now - time)),
        false => format!("in {}", left(time - now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read() {
        for (text, wei) in [
            ("8", 8_000_000_000_000_000_000_u64),
            ("0.3 ETH", 300_000_000_000_000_000),
            ("1ether", 1_000_000_000_000_000_000),
            ("5gwei", 5_000_000_000),
            ("1000wei", 1000),
            ("1.0wei", 1),
            ("0.0000000010gwei", 1),
        ] {
            assert_eq!(text.parse(), Ok(Amount(u128::from(wei))), "{text}");
        }
        for text in ["", "eth", "-1", "1e3", "five", "1 btc", "0x10", "1.2.3", "."] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }

    /// Who signs an amount signs what was written.
    #[test]
    fn amounts_are_neither_rounded_nor_cut() {
        assert_eq!("0.000000000000000001eth".parse(), Ok(Amount(1)));
        for text in ["0.0000000000000000001eth", "0.0000000001gwei", "1.5wei"] {
            let error = text.parse::<Amount>().unwrap_err();
            assert!(error.contains("no whole number of wei"), "{text}: {error}");
        }
        assert_eq!(format!("{}wei", u128::MAX).parse(), Ok(Amount(u128::MAX)));
        for text in ["340282366920938463463374607431768211456wei", "1000000000000000000000000000000000000000eth"] {
            let error = text.parse::<Amount>().unwrap_err();
            assert!(error.contains("wanted less than 2^128 wei"), "{text}: {error}");
        }
    }

    #[test]
    fn amounts_and_times_are_short() {
        assert_eq!(ether(U256::from(300_000_000_000_000_000_u64)), "0.3 ETH");
        assert_eq!(ether(U256::ZERO), "0 ETH");
        assert_eq!(ether(U256::from(20_000_000_000_000_000_000_u128)), "20 ETH");
        for (seconds, text) in [(0, "0s"), (59, "59s"), (60, "1m"), (61, "1m 1s"), (3_600, "1h"), (90_061, "1d 1h")] {
            assert_eq!(left(seconds), text);
        }
        assert_eq!((ago(5, 9), ago(9, 5)), ("4s ago".into(), "in 4s".into()));
    }
}
