//! Keeps the cost below a limit. Pure.
//!
//! A limited run starts with one call; the number of concurrent calls doubles with every result, as long as the money
//! covers [`SIDE_BY_SIDE`] times their highest cost so far, and a call that costs more than was reserved for it
//! halves the number again. A limit that covers everything left to do is used up to the last call. Any other limit
//! cuts the run short anyway, so [`KEPT_BACK`] times the cost of a call, at most [`KEPT_BACK_PERCENT`] of the limit,
//! is held back: a call that costs so much more than any before it exceeds the limit by at most [`EXCESS_PERCENT`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imgeval_core::{Cost, Usd};
use imgeval_store::{Charge, Spend};

/// Calls begin side by side only if each may cost so many times the dearest so far. The dearest quality that catalogs
/// list costs about this much more than the cheapest.
const SIDE_BY_SIDE: f64 = 16.0;

/// So many times the dearest cost of a call so far is kept back.
const KEPT_BACK: f64 = 50.0;

/// No more of the limit is ever kept back.
const KEPT_BACK_PERCENT: i64 = 40;

/// What one call may add to a limit that cuts the run short.
const EXCESS_PERCENT: i64 = 10;

/// What a run has cost, and what calls under way may cost at most.
#[derive(Debug)]
pub(super) struct Budget {
    limit: Option<Usd>,
    spend: Spend,
    /// The sum of the estimates of tries under way.
    reserved: Usd,
    /// The estimates of everything that waits to begin.
    waiting: Usd,
    /// The largest estimate so far.
    largest: Usd,
    in_flight: usize,
    /// So many calls may be under way.
    width: usize,
    /// How many times its estimate a call has cost at most; `None` until a call has given a result and told its cost.
    dearest: Option<f64>,
    /// Whether every cost that was told was the estimate, as where images have a fixed price.
    is_exact: bool,
}

/// The coordinator admits and settles calls; a call itself asks before it sends again what was lost.
pub(super) type SharedBudget = Arc<Mutex<Budget>>;

/// What is set aside for a call: its estimate for each of so many tries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reserved {
    pub(super) estimate: Option<Usd>,
    pub(super) tries: u32,
    /// What replies that could not be used are known to have cost, which counts as spent already.
    pub(super) wasted: Usd,
}

impl Reserved {
    fn amount(self) -> Usd {
        self.estimate.unwrap_or_default().times(u64::from(self.tries))
    }
}

/// Why a limit ends a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// What the next call may cost.
    pub needed: Usd,
    /// Remaining part of the limit.
    pub left: Usd,
    /// How much of that is kept back for calls that cost more than they should.
    pub kept_back: Usd,
    /// A limit that covers the rest, if no call costs more than the most expensive so far.
    pub enough: Usd,
}

impl Shortage {
    /// In words, with what the limit is called.
    #[must_use]
    pub fn describe(&self, limit: &str) -> String {
        let Self { needed, left, kept_back, enough } = *self;
        let kept_back = match kept_back {
            Usd::ZERO => String::new(),
            kept_back if kept_back == left => {
                ", held back in case a call costs far more than the others".to_owned()
            }
            kept_back => {
                format!(", {kept_back} of it held back in case a call costs far more than the others")
            }
        };
        let cents = (enough.dollars() * 100.0).ceil() / 100.0;
        format!(
            "the next call may cost {needed}, and {left} of {limit} are left{kept_back}; {limit} {cents:.2} covers the rest"
        )
    }
}

/// Whether a call may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Its estimate is reserved, for one try, until [`Budget::settle`].
    Go,
    /// Calls under way may turn out cheaper than thought: ask again when one has ended.
    Wait,
    Exhausted(Shortage),
    /// There is a limit, and no estimate to hold against it.
    PriceUnknown,
}

impl Budget {
    pub(super) fn new(limit: Option<Usd>, spend: Spend) -> Self {
        Self {
            limit,
            spend,
            reserved: Usd::ZERO,
            waiting: Usd::ZERO,
            largest: Usd::ZERO,
            in_flight: 0,
            width: 1,
            dearest: None,
            is_exact: true,
        }
    }

    /// What the run has cost so far, without the calls under way.
    pub(super) fn spend(&self) -> Spend {
        self.spend
    }

    pub(super) fn has_limit(&self) -> bool {
        self.limit.is_some()
    }

    /// Learns what a call of an earlier process cost.
    pub(super) fn remember(&mut self, estimate: Usd, cost: Usd) {
        self.learn(estimate, cost, true);
    }

    /// What so much of estimates costs if the calls cost `factor` times the dearest so far. Estimates that proved too low
    /// are not believed any longer, and those that proved too high still are.
    fn at_dearest(&self, amount: Usd, factor: f64) -> Usd {
        scaled(amount, self.dearest.unwrap_or(1.0).max(1.0) * factor)
    }

    /// What was spent, at most: what no reply told costs no less than the dearest that was told.
    fn committed(&self) -> Usd {
        self.spend.known + self.at_dearest(self.spend.possible, 1.0)
    }

    /// How much may be spent by calls as dear as any before, with these estimates under way.
    fn ceiling(&self, limit: Usd, under_way: Usd) -> Usd {
        let Some(dearest) = self.dearest.filter(|_| !self.is_exact) else {
            return limit;
        };
        if self.committed() + scaled(under_way + self.waiting, dearest) <= limit {
            return limit;
        }
        let kept_back = self.at_dearest(self.largest, KEPT_BACK).min(percent(limit, KEPT_BACK_PERCENT));
        limit.min(limit + percent(limit, EXCESS_PERCENT) - kept_back)
    }

    /// Whether there is money for the calls under way and so much more, at `factor` times the dearest cost so far.
    fn fits(&self, more: Usd, factor: f64) -> bool {
        let under_way = self.reserved + more;
        self.limit.is_none_or(|limit| {
            self.committed() + self.at_dearest(under_way, factor) <= self.ceiling(limit, under_way)
        })
    }

    /// Admits a call with this estimate, while calls with estimates of `waiting` wait behind it.
    pub(super) fn admit(&mut self, estimate: Option<Usd>, waiting: Usd) -> Admission {
        if self.limit.is_some() {
            let Some(needed) = estimate else {
                return Admission::PriceUnknown;
            };
            (self.waiting, self.largest) = (waiting, self.largest.max(needed));
            let is_alone = self.in_flight == 0;
            let has_place = is_alone || (self.in_flight < self.width && self.fits(needed, SIDE_BY_SIDE));
            if !has_place || !self.fits(needed, 1.0) {
                return if is_alone { Admission::Exhausted(self.shortage(needed)) } else { Admission::Wait };
            }
        }
        self.reserved += estimate.unwrap_or_default();
        self.in_flight += 1;
        Admission::Go
    }

    fn shortage(&self, needed: Usd) -> Shortage {
        let limit = self.limit.unwrap_or_default();
        let left = (limit - self.committed()).max(Usd::ZERO);
        let kept_back = limit - self.ceiling(limit, self.reserved + needed);
        let enough = self.committed() + self.at_dearest(self.reserved + needed + self.waiting, 1.0);
        Shortage { needed: self.at_dearest(needed, 1.0), left, kept_back: kept_back.min(left), enough }
    }

    /// Reserves the estimate of an admitted call once more, for a further try; says whether that fits.
    pub(super) fn reserve_try(&mut self, estimate: Option<Usd>) -> bool {
        let more = estimate.unwrap_or_default();
        let fits = self.fits(more, 1.0);
        if fits {
            self.reserved += more;
        }
        fits
    }

    /// Adds the known cost of an unusable reply while its call continues.
    pub(super) fn add_wasted(&mut self, amount: Usd) {
        self.spend.known += amount;
    }

    /// Whether an admitted call with this estimate may still be sent after [`Self::add_wasted`].
    pub(super) fn still_fits(&self, estimate: Option<Usd>) -> Admission {
        if self.fits(Usd::ZERO, 1.0) {
            return Admission::Go;
        }
        if self.in_flight > 1 {
            return Admission::Wait;
        }
        // Its estimate is reserved already.
        let needed = self.at_dearest(estimate.unwrap_or_default(), 1.0);
        Admission::Exhausted(Shortage { needed, ..self.shortage(Usd::ZERO) })
    }

    /// Ends an admitted call: what it cost takes the place of what was reserved for it.
    pub(super) fn settle(&mut self, reserved: Reserved, charge: &Charge, has_result: bool) {
        let was_reserved = self.at_dearest(reserved.amount(), 1.0);
        self.reserved = self.reserved - reserved.amount();
        self.in_flight = self.in_flight.saturating_sub(1);
        self.spend.add(charge);
        self.spend.known = self.spend.known - reserved.wasted;
        if let (Some(estimate), Some(cost)) = (reserved.estimate, &charge.cost) {
            if cost.amount > was_reserved {
                self.width = (self.width / 2).max(1);
            } else if has_result {
                self.width = self.width.saturating_mul(2);
            }
            self.learn(estimate, cost.amount, has_result);
        }
    }

    /// Without a result only a cost above all others teaches something: a refusal is billed otherwise than an image.
    fn learn(&mut self, estimate: Usd, cost: Usd, has_result: bool) {
        let ratio = match estimate {
            Usd::ZERO => 1.0,
            estimate => cost.nanos() as f64 / estimate.nanos() as f64,
        };
        if has_result || ratio > self.dearest.unwrap_or(1.0) {
            self.dearest = Some(self.dearest.map_or(ratio, |dearest| dearest.max(ratio)));
            self.is_exact &= cost == estimate;
        }
    }
}

/// Rounded up to a billionth of a dollar.
fn scaled(amount: Usd, factor: f64) -> Usd {
    Usd::from_nanos((amount.nanos() as f64 * factor).ceil() as i64)
}

fn percent(amount: Usd, percent: i64) -> Usd {
    Usd::from_nanos(amount.nanos() / 100 * percent)
}

/// Nothing that is done under these locks can break off half way.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a call is held to have cost, `wasted` for replies that could not be used. One that failed without a cost and lost no
/// try was not billed.
pub(super) fn compute_charge(
    estimate: Option<Usd>,
    cost: Option<Cost>,
    wasted: Option<Cost>,
    has_result: bool,
    tries: u32,
    lost_tries: u32,
) -> Charge {
    let untold = u64::from(lost_tries) + u64::from(cost.is_none() && has_result);
    let possible = estimate.unwrap_or_default().times(untold);
    let cost = match (cost, wasted) {
        (Some(cost), Some(wasted)) => Some(cost.plus(wasted)),
        (cost, wasted) => cost.or(wasted),
    };
    Charge { cost, possible, is_unpriced: estimate.is_none() && untold > 0, tries, lost_tries }
}

#[cfg(test)]
mod tests;
