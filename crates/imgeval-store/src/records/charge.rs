//! What calls cost.

use imgeval_core::{Cost, Usd};

/// What a call is held to have cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Charge {
    /// As reported by the provider, or computed from what it reported.
    pub cost: Option<Cost>,
    /// What may have been billed besides: tries whose answer was lost, answers that did not tell.
    pub possible: Usd,
    /// Something may have been billed of which not even an estimate is known.
    pub is_unpriced: bool,
    /// How often the request was sent.
    pub tries: u32,
    /// How many of these got no answer though they may have been billed.
    pub lost_tries: u32,
}

/// Everything that a run has ever spent, rewriting and judging included. Calls under way count as lost tries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spend {
    /// Reported, or computed from what was reported.
    pub known: Usd,
    /// What may have been billed besides.
    pub possible: Usd,
    pub calls: u64,
    /// Calls that may have cost something of which not even an estimate is known.
    pub unpriced_calls: u64,
    pub tries: u64,
    pub lost_tries: u64,
}

impl Spend {
    /// The most that may have been billed, as far as prices are known.
    #[must_use]
    pub fn total(&self) -> Usd {
        self.known + self.possible
    }

    /// Whether calls were made that may have cost something, and nothing is known of how much.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.unpriced_calls > 0 && self.total() == Usd::ZERO
    }

    /// Counts one more call.
    pub fn add(&mut self, charge: &Charge) {
        self.add_calls(&Self {
            known: charge.cost.as_ref().map_or(Usd::ZERO, |cost| cost.amount),
            possible: charge.possible,
            calls: u64::from(charge.tries > 0),
            unpriced_calls: u64::from(charge.is_unpriced),
            tries: u64::from(charge.tries),
            lost_tries: u64::from(charge.lost_tries),
        });
    }

    /// Counts further calls.
    pub fn add_calls(&mut self, other: &Self) {
        self.known += other.known;
        self.possible += other.possible;
        self.calls = self.calls.saturating_add(other.calls);
        self.unpriced_calls = self.unpriced_calls.saturating_add(other.unpriced_calls);
        self.tries = self.tries.saturating_add(other.tries);
        self.lost_tries = self.lost_tries.saturating_add(other.lost_tries);
    }
}
