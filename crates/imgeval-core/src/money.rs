//! Money, summed without rounding.

use std::{fmt, iter::Sum, ops};

/// An amount in US dollars, kept in billionths, so that sums do not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(i64);

impl Usd {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    #[must_use]
    pub fn nanos(self) -> i64 {
        self.0
    }

    /// The nearest representable amount; `None` unless it is finite, not negative and below a billion dollars.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        (0.0..1e9).contains(&dollars).then(|| Self((dollars * 1e9).round() as i64))
    }

    #[must_use]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// `n` times as much.
    #[must_use]
    pub fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(i64::try_from(n).unwrap_or(i64::MAX)))
    }
}

impl ops::Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl ops::AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl ops::Sub for Usd {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |sum, amount| sum + amount)
    }
}

/// `$12.30`, with more digits for small amounts: `$0.0421`, `$0.000125`.
impl fmt::Display for Usd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.0.abs() {
            0 => 2,
            1..10_000_000 => 6,
            10_000_000..1_000_000_000 => 4,
            _ => 2,
        };
        write!(formatter, "${:.digits$}", self.dollars())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_cents_are_ten_dollars_exactly() {
        let cent = Usd::from_dollars(0.01).unwrap();
        assert_eq!((0..1000).map(|_| cent).sum::<Usd>(), cent.times(1000));
        assert_eq!(cent.times(1000).to_string(), "$10.00");
    }

    #[test]
    fn small_amounts_keep_their_digits() {
        let shown = |dollars| Usd::from_dollars(dollars).unwrap().to_string();
        assert_eq!([shown(0.0), shown(0.000_125), shown(0.0421)], ["$0.00", "$0.000125", "$0.0421"]);
        assert_eq!(Usd::from_dollars(f64::NAN), None);
        assert_eq!(Usd::from_dollars(-1.0), None);
    }
}
