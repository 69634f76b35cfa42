//! Keeps spending below a limit. Pure.

use imgeval_core::{Cost, Usd};
use imgeval_store::{Charge, Spend};

/// What was spent and what calls under way may cost at most.
#[derive(Debug)]
pub(super) struct Budget {
    limit: Option<Usd>,
    spent: Usd,
    /// The sum of the estimates of calls under way.
    reserved: Usd,
    in_flight: usize,
    /// How many times its estimate a call has cost at most, never below 1: estimates that prove too low are not
    /// believed any longer. `None` until a call has ended.
    excess: Option<f64>,
}

/// Whether a call may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Its estimate is reserved until [`Budget::settle`].
    Go,
    /// Calls under way may turn out cheaper than thought: ask again when one has ended.
    Wait,
    Exhausted {
        needed: Usd,
        left: Usd,
    },
    /// There is a limit, and no estimate to hold against it.
    PriceUnknown,
}

impl Budget {
    pub(super) fn new(limit: Option<Usd>, spend: &Spend) -> Self {
        Self { limit, spent: spend.total(), reserved: Usd::ZERO, in_flight: 0, excess: None }
    }

    /// What may have been spent so far, without the calls under way.
    pub(super) fn spent(&self) -> Usd {
        self.spent
    }

    pub(super) fn has_limit(&self) -> bool {
        self.limit.is_some()
    }

    pub(super) fn admit(&mut self, estimate: Option<Usd>) -> Admission {
        if let Some(limit) = self.limit {
            let Some(needed) = estimate else {
                return Admission::PriceUnknown;
            };
            if self.excess.is_none() && self.in_flight > 0 {
                // The first call goes alone, to learn what calls really cost.
                return Admission::Wait;
            }
            let excess = self.excess.unwrap_or(1.0);
            let scaled = |amount: Usd| Usd::from_nanos((amount.nanos() as f64 * excess).ceil() as i64);
            let needed = scaled(needed);
            if self.spent + scaled(self.reserved) + needed > limit {
                let left = (limit - self.spent).max(Usd::ZERO);
                return if self.in_flight > 0 {
                    Admission::Wait
                } else {
                    Admission::Exhausted { needed, left }
                };
            }
        }
        self.reserved += estimate.unwrap_or_default();
        self.in_flight += 1;
        Admission::Go
    }

    /// Ends an admitted call: what it cost takes the place of what was reserved for it.
    pub(super) fn settle(&mut self, estimate: Option<Usd>, charge: &Charge) {
        self.reserved = self.reserved - estimate.unwrap_or_default();
        self.in_flight = self.in_flight.saturating_sub(1);
        let ratio = match (estimate, &charge.cost) {
            (Some(estimate), Some(cost)) if estimate > Usd::ZERO => {
                cost.amount.nanos() as f64 / estimate.nanos() as f64
            }
            _ => 1.0,
        };
        self.excess = Some(self.excess.unwrap_or(1.0).max(ratio));
        self.spent += charge.cost.as_ref().map_or(Usd::ZERO, |cost| cost.amount) + charge.possible;
    }
}

/// What a call is held to have cost. One that failed without a cost and lost no try was not billed.
pub(super) fn compute_charge(
    estimate: Option<Usd>,
    cost: Option<Cost>,
    has_result: bool,
    tries: u32,
    lost_tries: u32,
) -> Charge {
    let untold = u64::from(lost_tries) + u64::from(cost.is_none() && has_result);
    let possible = estimate.unwrap_or_default().times(untold);
    Charge { cost, possible, is_unpriced: estimate.is_none() && untold > 0, tries, lost_tries }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(n: u64) -> Usd {
        Usd::from_dollars(0.01).unwrap().times(n)
    }

    fn told(n: u64) -> Charge {
        let cost = Cost { amount: cents(n), basis: String::new() };
        compute_charge(None, Some(cost), true, 1, 0)
    }

    fn budget(limit: u64, spent: u64) -> Budget {
        Budget::new(Some(cents(limit)), &Spend { known: cents(spent), ..Spend::default() })
    }

    /// A budget that has seen a free call, which cost what was thought.
    fn experienced(limit: u64, spent: u64) -> Budget {
        let mut budget = budget(limit, spent);
        assert_eq!(budget.admit(Some(Usd::ZERO)), Admission::Go);
        budget.settle(Some(Usd::ZERO), &told(0));
        budget
    }

    #[test]
    fn the_first_call_goes_alone_and_teaches_what_calls_cost() {
        let mut budget = budget(100, 0);
        assert_eq!(budget.admit(Some(cents(2))), Admission::Go);
        assert_eq!(budget.admit(Some(cents(2))), Admission::Wait, "its cost is not known yet");
        budget.settle(Some(cents(2)), &told(60));
        assert_eq!(budget.admit(Some(cents(1))), Admission::Go, "30 cents are left for it");
        assert_eq!(budget.admit(Some(cents(1))), Admission::Wait, "30 and 30 do not fit");
        budget.settle(Some(cents(1)), &told(1));
        let exhausted = Admission::Exhausted { needed: cents(60), left: cents(39) };
        assert_eq!(budget.admit(Some(cents(2))), exhausted);
    }

    #[test]
    fn calls_under_way_count_with_their_estimate_until_they_end() {
        let mut budget = experienced(10, 1);
        assert_eq!(budget.admit(Some(cents(4))), Admission::Go);
        assert_eq!(budget.admit(Some(cents(5))), Admission::Go);
        assert_eq!(budget.admit(Some(cents(1))), Admission::Wait);
        budget.settle(Some(cents(4)), &told(2));
        assert_eq!(budget.admit(Some(cents(2))), Admission::Go, "cheaper than thought");
        assert_eq!(budget.admit(Some(cents(1))), Admission::Wait);
        budget.settle(Some(cents(5)), &told(5));
        budget.settle(Some(cents(2)), &told(2));
        assert_eq!(budget.spent(), cents(10));
        assert_eq!(budget.admit(Some(cents(1))), Admission::Exhausted { needed: cents(1), left: Usd::ZERO });
        assert_eq!(budget.admit(Some(Usd::ZERO)), Admission::Go, "what is free fits");
    }

    #[test]
    fn a_call_that_was_not_billed_gives_back_what_was_reserved() {
        let mut budget = budget(5, 0);
        assert_eq!(budget.admit(Some(cents(5))), Admission::Go);
        budget.settle(Some(cents(5)), &compute_charge(Some(cents(5)), None, false, 3, 0));
        assert_eq!((budget.spent(), budget.admit(Some(cents(5)))), (Usd::ZERO, Admission::Go));
    }

    #[test]
    fn nothing_begins_at_an_unknown_price_if_there_is_a_limit() {
        assert_eq!(budget(5, 0).admit(None), Admission::PriceUnknown);
        assert_eq!(Budget::new(None, &Spend::default()).admit(None), Admission::Go);
    }

    #[test]
    fn what_is_not_told_counts_as_estimated() {
        let estimate = Some(cents(3));
        let cost = || Some(Cost { amount: cents(2), basis: String::new() });
        let possible = |cost, has_result, lost| compute_charge(estimate, cost, has_result, 4, lost).possible;
        assert_eq!(possible(None, true, 0), cents(3));
        assert_eq!(possible(None, true, 2), cents(9));
        assert_eq!(possible(None, false, 2), cents(6));
        assert_eq!(possible(cost(), true, 1), cents(3));
        assert_eq!(possible(cost(), false, 0), Usd::ZERO);
        let is_unpriced = |has_result, lost| compute_charge(None, None, has_result, 1, lost).is_unpriced;
        assert!(is_unpriced(true, 0) && is_unpriced(false, 1) && !is_unpriced(false, 0));
    }
}
