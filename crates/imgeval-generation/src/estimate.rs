//! What work would cost, said before it begins.

use std::{collections::BTreeMap, time::Duration};

use imgeval_clients::Limits;
use imgeval_core::{Cost, Usd};

/// Calls with their estimated cost and the time that the configured limits would make them take.
#[derive(Debug, Clone, Default)]
pub struct WorkEstimate {
    /// That are left to make.
    pub calls: usize,
    /// Samples that are already done.
    pub done: usize,
    /// Prompts that are left to rewrite.
    pub rewrites: usize,
    /// Of the calls with a known price.
    pub cost: Usd,
    /// Calls without a known price.
    pub unpriced: usize,
    /// Each basis of a price with the number of calls that it was used for.
    pub bases: BTreeMap<String, usize>,
    pub limits: Option<Limits>,
    tokens: u64,
}

impl WorkEstimate {
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits: Some(limits), ..Self::default() }
    }

    /// One more call, with its price if that is known.
    pub fn add_call(&mut self, cost: Option<Cost>, tokens: u64) {
        self.calls += 1;
        self.tokens = self.tokens.saturating_add(tokens);
        self.add_cost(cost);
    }

    /// One more prompt to rewrite.
    pub fn add_rewrite(&mut self, cost: Option<Cost>) {
        self.rewrites += 1;
        self.add_cost(cost);
    }

    fn add_cost(&mut self, cost: Option<Cost>) {
        match cost {
            Some(cost) => {
                self.cost += cost.amount;
                *self.bases.entry(cost.basis).or_default() += 1;
            }
            None => self.unpriced += 1,
        }
    }

    /// As the limits on requests and tokens allow; `None` without such limits.
    #[must_use]
    pub fn least_time(&self) -> Option<Duration> {
        let limits = self.limits.as_ref()?;
        let minutes = |amount: u64, a_minute: Option<std::num::NonZeroU32>| {
            a_minute.map(|a_minute| amount as f64 / f64::from(a_minute.get()))
        };
        let by_requests = minutes(self.calls as u64, limits.requests_per_minute);
        let by_tokens = minutes(self.tokens, limits.tokens_per_minute);
        let minutes = by_requests.into_iter().chain(by_tokens).reduce(f64::max)?;
        Duration::try_from_secs_f64(minutes * 60.0).ok()
    }
}
