//! What work would cost, said before it begins.

use std::{collections::BTreeMap, time::Duration};

use imgeval_clients::Limits;
use imgeval_core::{Cost, Usd};
use serde_json::{Value, json};

use crate::counted::counted;

/// Calls with their estimated cost and the time that the configured limits would make them take.
#[derive(Debug, Clone, Default)]
pub(crate) struct Estimate {
    pub(crate) calls: usize,
    /// Samples that are there already.
    pub(crate) done: usize,
    pub(crate) rewrites: usize,
    cost: Usd,
    unpriced: usize,
    tokens: u64,
    /// Each basis with the number of calls that it was used for.
    bases: BTreeMap<String, usize>,
    limits: Option<Limits>,
}

impl Estimate {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits: Some(limits), ..Self::default() }
    }

    pub(crate) fn add_call(&mut self, cost: Option<Cost>, tokens: u64) {
        self.calls += 1;
        self.tokens = self.tokens.saturating_add(tokens);
        self.add_cost(cost);
    }

    pub(crate) fn add_rewrite(&mut self, cost: Option<Cost>) {
        self.rewrites += 1;
        self.add_cost(cost);
    }

    /// What the calls with a known price are thought to cost.
    pub(crate) fn known_cost(&self) -> Usd {
        self.cost
    }

    /// Whether there is a call without a known price.
    pub(crate) fn has_unpriced(&self) -> bool {
        self.unpriced > 0
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
    fn least_time(&self) -> Option<Duration> {
        let limits = self.limits.as_ref()?;
        let minutes = |amount: u64, a_minute: Option<std::num::NonZeroU32>| {
            a_minute.map(|a_minute| amount as f64 / f64::from(a_minute.get()))
        };
        let by_requests = minutes(self.calls as u64, limits.requests_per_minute);
        let by_tokens = minutes(self.tokens, limits.tokens_per_minute);
        let minutes = by_requests.into_iter().chain(by_tokens).reduce(f64::max)?;
        Duration::try_from_secs_f64(minutes * 60.0).ok()
    }

    fn cost_text(&self) -> String {
        match (self.calls + self.rewrites, self.unpriced) {
            (0, _) => "nothing to pay".to_owned(),
            (_, 0) if self.cost == Usd::ZERO => "free of charge".to_owned(),
            (_, 0) => format!("about {}", self.cost),
            (all, unpriced) if unpriced == all => "cost unknown".to_owned(),
            (_, unpriced) => {
                let calls = counted(unpriced, "call");
                let cost = if unpriced == 1 { "costs" } else { "cost" };
                format!("about {} and what {calls} without a known price {cost}", self.cost)
            }
        }
    }

    fn time_text(&self) -> String {
        let Some(Limits { requests_per_minute, tokens_per_minute, concurrent }) = self.limits else {
            return String::new();
        };
        let rates = [(requests_per_minute, "requests", "--rpm"), (tokens_per_minute, "tokens", "--tpm")];
        let rates: Vec<String> = rates
            .into_iter()
            .filter_map(|(rate, what, flag)| rate.map(|rate| format!("{rate} {what} a minute ({flag})")))
            .chain([format!("{concurrent} at a time (--concurrency)")])
            .collect();
        let rates = rates.join(", ");
        match self.least_time() {
            Some(time) => format!("at least {} at the configured limits: {rates}", human(time)),
            None => format!("no limit a minute is configured; {rates}"),
        }
    }

    fn done_text(&self) -> String {
        let are = if self.done == 1 { "is" } else { "are" };
        format!("{} {are} there already", counted(self.done, "image"))
    }

    /// One line for people.
    pub(crate) fn sentence(&self) -> String {
        let rewrites = match self.rewrites {
            0 => String::new(),
            n => format!(" and {} to rewrite", counted(n, "prompt")),
        };
        format!("{}{rewrites}, {}; {}", counted(self.calls, "call"), self.cost_text(), self.done_text())
    }

    pub(crate) fn render_text(&self) -> String {
        let mut text = format!("calls    {}\n", self.calls);
        if self.rewrites > 0 {
            text.push_str(&format!("rewrites {}\n", self.rewrites));
        }
        text.push_str(&format!("done     {}\n", self.done_text()));
        text.push_str(&format!("cost     {}\n", self.cost_text()));
        for (basis, calls) in &self.bases {
            text.push_str(&format!("         {}: {basis}\n", counted(*calls, "call")));
        }
        if self.unpriced > 0 {
            let mend = "add the model's prices to a catalogue of your own (--catalogue)";
            text.push_str(&format!(
                "         {}: no price is known; {mend}\n",
                counted(self.unpriced, "call")
            ));
        }
        text.push_str(&format!("time     {}\n", self.time_text()));
        text
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "calls": self.calls,
            "rewrites": self.rewrites,
            "done": self.done,
            "cost_usd": (self.unpriced == 0).then(|| self.cost.dollars()),
            "cost_of_priced_calls_usd": (self.unpriced == 0 || self.cost > Usd::ZERO).then(|| self.cost.dollars()),
            "calls_without_price": self.unpriced,
            "basis": self.bases,
            "least_seconds": self.least_time().map(|time| time.as_secs_f64()),
            "concurrency": self.limits.as_ref().map(|limits| limits.concurrent.get()),
        })
    }
}

fn human(time: Duration) -> String {
    match time.as_secs() {
        0..120 => format!("{} s", time.as_secs()),
        120..7_200 => format!("{} min", time.as_secs().div_ceil(60)),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}
