//! Exact decimal numbers with six places: what money and measurements in a CSV are.
//!
//! Owns parsing, checked addition, the mean and printing. Never rounds silently except in the mean, which is rounded
//! half away from zero at the sixth place.

use std::fmt;

const PLACES: usize = 6;
const ONE: i128 = 1_000_000;

/// A number of millionths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Decimal(i128);

impl Decimal {
    /// Reads `-?digits[.digits]` with at most six decimal places; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) || fraction.len() > PLACES {
            return None;
        }
        let whole: i128 = whole.parse().ok()?;
        let fraction: i128 = format!("{fraction:0<PLACES$}").parse().ok()?;
        let millionths = whole.checked_mul(ONE)?.checked_add(fraction)?;
        Some(Self(if negative { -millionths } else { millionths }))
    }

    /// The sum, unless it overflows.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// This sum divided by a count of at least one, rounded half away from zero.
    pub fn mean(self, count: u64) -> Self {
        let count = i128::from(count);
        let (quotient, remainder) = (self.0 / count, self.0 % count);
        let rounds_up = remainder.abs() >= count - remainder.abs();
        Self(if rounds_up { quotient + self.0.signum() } else { quotient })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        write!(f, "{sign}{}.{:0PLACES$}", magnitude / one, magnitude % one)
    }
}
