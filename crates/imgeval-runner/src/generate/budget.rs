//! Keeps spending below a limit. Pure.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imgeval_core::{Cost, Usd};
use imgeval_store::{Charge, Spend};

/// What was spent and what calls under way may cost at most.
#[derive(Debug)]
pub(super) struct Budget {
    limit: Option<Usd>,
    spent: Usd,
    /// The sum of the estimates of tries under way.
    reserved: Usd,
    in_flight: usize,
    /// How many times its estimate a call has cost at most, never below 1: estimates that prove too low are not
    /// believed any longer. `None` until a call has given a result and told its cost.
    excess: Option<f64>,
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

/// Whether a call may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Its estimate is reserved, for one try, until [`Budget::settle`].
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

    /// What so much of estimates may really cost.
    fn scaled(&self, amount: Usd) -> Usd {
        Usd::from_nanos((amount.nanos() as f64 * self.excess.unwrap_or(1.0)).ceil() as i64)
    }

    fn fits(&self, more: Usd) -> bool {
        self.limit.is_none_or(|limit| self.spent + self.scaled(self.reserved + more) <= limit)
    }

    pub(super) fn admit(&mut self, estimate: Option<Usd>) -> Admission {
        if let Some(limit) = self.limit {
            let Some(needed) = estimate else {
                return Admission::PriceUnknown;
            };
            if self.excess.is_none() && self.in_flight > 0 {
                // Calls go one by one until one has taught what they really cost.
                return Admission::Wait;
            }
            if !self.fits(needed) {
                let left = (limit - self.spent).max(Usd::ZERO);
                return if self.in_flight > 0 {
                    Admission::Wait
                } else {
                    Admission::Exhausted { needed: self.scaled(needed), left }
                };
            }
        }
        self.reserved += estimate.unwrap_or_default();
        self.in_flight += 1;
        Admission::Go
    }

    /// Reserves the estimate of an admitted call once more, for a further try; says whether that fits.
    pub(super) fn reserve_try(&mut self, estimate: Option<Usd>) -> bool {
        let more = estimate.unwrap_or_default();
        let fits = self.fits(more);
        if fits {
            self.reserved += more;
        }
        fits
    }

    /// Counts what a reply that cannot be used is known to have cost, while its call goes on.
    pub(super) fn add_wasted(&mut self, amount: Usd) {
        self.spent += amount;
    }

    /// Whether an admitted call with this estimate may still be sent after [`Self::add_wasted`].
    pub(super) fn still_fits(&self, estimate: Option<Usd>) -> Admission {
        if self.fits(Usd::ZERO) {
            return Admission::Go;
        }
        if self.in_flight > 1 {
            return Admission::Wait;
        }
        let left = (self.limit.unwrap_or_default() - self.spent).max(Usd::ZERO);
        Admission::Exhausted { needed: self.scaled(estimate.unwrap_or_default()), left }
    }

    /// Ends an admitted call: what it cost takes the place of what was reserved for it. Without a result it teaches
    /// nothing: a refusal is billed otherwise than an image.
    pub(super) fn settle(&mut self, reserved: Reserved, charge: &Charge, has_result: bool) {
        self.reserved = self.reserved - reserved.amount();
        self.in_flight = self.in_flight.saturating_sub(1);
        if let (true, Some(estimate), Some(cost)) = (has_result, reserved.estimate, &charge.cost) {
            let ratio = match estimate {
                Usd::ZERO => 1.0,
                estimate => cost.amount.nanos() as f64 / estimate.nanos() as f64,
            };
            self.excess = Some(self.excess.unwrap_or(1.0).max(ratio));
        }
        let charged = charge.cost.as_ref().map_or(Usd::ZERO, |cost| cost.amount) + charge.possible;
        self.spent = self.spent + charged - reserved.wasted;
    }
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cents(n: u64) -> Usd {
        Usd::from_dollars(0.01).unwrap().times(n)
    }

    fn told(n: u64) -> Charge {
        let cost = Cost { amount: cents(n), basis: String::new() };
        compute_charge(None, Some(cost), None, true, 1, 0)
    }

    fn once(estimate: Usd) -> Reserved {
        Reserved { estimate: Some(estimate), tries: 1, wasted: Usd::ZERO }
    }

    fn budget(limit: u64, spent: u64) -> Budget {
        Budget::new(Some(cents(limit)), &Spend { known: cents(spent), ..Spend::default() })
    }

    /// A budget that has seen a free call, which cost what was thought.
    fn experienced(limit: u64, spent: u64) -> Budget {
        let mut budget = budget(limit, spent);
        assert_eq!(budget.admit(Some(Usd::ZERO)), Admission::Go);
        budget.settle(once(Usd::ZERO), &told(0), true);
        budget
    }

    #[test]
    fn the_first_call_goes_alone_and_teaches_what_calls_cost() {
        let mut budget = budget(100, 0);
        assert_eq!(budget.admit(Some(cents(2))), Admission::Go);
        assert_eq!(budget.admit(Some(cents(2))), Admission::Wait, "its cost is not known yet");
        budget.settle(once(cents(2)), &told(60), true);
        assert_eq!(budget.admit(Some(cents(1))), Admission::Go, "30 cents are left for it");
        assert_eq!(budget.admit(Some(cents(1))), Admission::Wait, "30 and 30 do not fit");
        budget.settle(once(cents(1)), &told(1), true);
        let exhausted = Admission::Exhausted { needed: cents(60), left: cents(39) };
        assert_eq!(budget.admit(Some(cents(2))), exhausted);
    }

    #[test]
    fn calls_under_way_count_with_their_estimate_until_they_end() {
        let mut budget = experienced(10, 1);
        assert_eq!(budget.admit(Some(cents(4))), Admission::Go);
        assert_eq!(budget.admit(Some(cents(5))), Admission::Go);
        assert_eq!(budget.admit(Some(cents(1))), Admission::Wait);
        budget.settle(once(cents(4)), &told(2), true);
        assert_eq!(budget.admit(Some(cents(2))), Admission::Go, "cheaper than thought");
        assert_eq!(budget.admit(Some(cents(1))), Admission::Wait);
        budget.settle(once(cents(5)), &told(5), true);
        budget.settle(once(cents(2)), &told(2), true);
        assert_eq!(budget.spent(), cents(10));
        assert_eq!(budget.admit(Some(cents(1))), Admission::Exhausted { needed: cents(1), left: Usd::ZERO });
        assert_eq!(budget.admit(Some(Usd::ZERO)), Admission::Go, "what is free fits");
    }

    #[test]
    fn a_call_that_was_not_billed_gives_back_what_was_reserved() {
        let mut budget = budget(5, 0);
        assert_eq!(budget.admit(Some(cents(5))), Admission::Go);
        budget.settle(once(cents(5)), &compute_charge(Some(cents(5)), None, None, false, 3, 0), false);
        assert_eq!((budget.spent(), budget.admit(Some(cents(5)))), (Usd::ZERO, Admission::Go));
    }

    #[test]
    fn what_gives_no_result_teaches_nothing() {
        let mut budget = budget(100, 0);
        for has_cost in [false, true] {
            assert_eq!(budget.admit(Some(cents(2))), Admission::Go);
            let cost = has_cost.then(|| Cost { amount: cents(1), basis: String::new() });
            budget.settle(once(cents(2)), &compute_charge(Some(cents(2)), cost, None, false, 1, 0), false);
            assert_eq!(budget.excess, None);
        }
        assert_eq!(budget.admit(Some(cents(2))), Admission::Go);
        assert_eq!(budget.admit(Some(cents(2))), Admission::Wait, "still nobody knows what a call costs");
        budget.settle(once(cents(2)), &told(2), true);
        assert_eq!([(); 3].map(|()| budget.admit(Some(cents(2)))), [Admission::Go; 3]);
    }

    #[test]
    fn a_lost_try_is_made_again_only_if_another_estimate_fits() {
        let mut budget = experienced(10, 0);
        assert_eq!(budget.admit(Some(cents(4))), Admission::Go);
        assert!(budget.reserve_try(Some(cents(4))));
        assert!(!budget.reserve_try(Some(cents(4))), "twelve cents are too many");
        let charge = compute_charge(Some(cents(4)), None, None, false, 2, 2);
        budget.settle(Reserved { tries: 2, ..once(cents(4)) }, &charge, false);
        assert_eq!((budget.spent(), budget.reserved), (cents(8), Usd::ZERO));
    }

    /// What a simulated call does next.
    #[derive(Debug, Clone, Copy)]
    enum Next {
        Begin,
        /// The try of a call is lost; it is made again if that is allowed.
        Lose(usize),
        Answer(usize),
        Refuse(usize, bool),
    }

    fn next() -> impl Strategy<Value = Next> {
        prop_oneof![
            3 => Just(Next::Begin),
            1 => any::<usize>().prop_map(Next::Lose),
            2 => any::<usize>().prop_map(Next::Answer),
            1 => any::<(usize, bool)>().prop_map(|(place, is_billed)| Next::Refuse(place, is_billed)),
        ]
    }

    proptest! {
        /// Whatever happens, the limit is passed at most by what a call that went alone cost more than was thought.
        #[test]
        fn the_limit_is_kept(
            limit in 0_u64..200, estimate in 1_u64..20, tenths in 0_u64..60,
            events in prop::collection::vec(next(), 0..200),
        ) {
            let estimate = cents(estimate);
            let cost = Usd::from_nanos(estimate.times(tenths).nanos() / 10);
            let mut budget = budget(limit, 0);
            // Lost tries of each call under way; one more is reserved.
            let mut calls: Vec<u32> = Vec::new();
            for event in events {
                let (place, lost, has_result, is_billed) = match event {
                    Next::Begin => {
                        if budget.admit(Some(estimate)) == Admission::Go {
                            calls.push(0);
                        }
                        continue;
                    }
                    Next::Lose(place) if !calls.is_empty() => {
                        let place = place % calls.len();
                        if budget.reserve_try(Some(estimate)) {
                            calls[place] += 1;
                            continue;
                        }
                        (place, 1, false, false)
                    }
                    Next::Answer(place) if !calls.is_empty() => (place % calls.len(), 0, true, true),
                    Next::Refuse(place, is_billed) if !calls.is_empty() => {
                        (place % calls.len(), 0, false, is_billed)
                    }
                    _ => continue,
                };
                let before = calls.swap_remove(place);
                let told = is_billed.then(|| Cost { amount: cost, basis: String::new() });
                let charge = compute_charge(Some(estimate), told, None, has_result, before + 1, before + lost);
                let reserved = Reserved { tries: before + 1, ..once(estimate) };
                budget.settle(reserved, &charge, has_result);
                let excess = (cost - estimate).max(Usd::ZERO);
                prop_assert!(budget.spent() <= cents(limit) + excess, "{} of {}", budget.spent(), cents(limit));
                if calls.is_empty() {
                    prop_assert_eq!(budget.reserved, Usd::ZERO);
                }
            }
        }
    }

    #[test]
    fn what_unusable_replies_cost_counts_before_the_call_is_sent_again() {
        let mut budget = budget(10, 0);
        assert_eq!(budget.admit(Some(cents(4))), Admission::Go);
        budget.add_wasted(cents(4));
        assert_eq!(budget.still_fits(Some(cents(4))), Admission::Go);
        budget.add_wasted(cents(3));
        let exhausted = Admission::Exhausted { needed: cents(4), left: cents(3) };
        assert_eq!(budget.still_fits(Some(cents(4))), exhausted);
        let wasted = Some(Cost { amount: cents(7), basis: String::new() });
        let charge = compute_charge(Some(cents(4)), None, wasted, false, 2, 0);
        budget.settle(Reserved { wasted: cents(7), ..once(cents(4)) }, &charge, false);
        assert_eq!((budget.spent(), budget.reserved), (cents(7), Usd::ZERO), "counted once");
    }

    #[test]
    fn what_was_wasted_adds_to_the_answers_cost_and_hides_no_unknown_one() {
        let cost = |n| Some(Cost { amount: cents(n), basis: "told".to_owned() });
        let charge = |cost, wasted| compute_charge(Some(cents(3)), cost, wasted, true, 2, 0);
        assert_eq!(charge(cost(2), cost(4)).cost, cost(6));
        let untold = charge(None, cost(4));
        assert_eq!((untold.cost, untold.possible), (cost(4), cents(3)));
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
        let possible =
            |cost, has_result, lost| compute_charge(estimate, cost, None, has_result, 4, lost).possible;
        assert_eq!(possible(None, true, 0), cents(3));
        assert_eq!(possible(None, true, 2), cents(9));
        assert_eq!(possible(None, false, 2), cents(6));
        assert_eq!(possible(cost(), true, 1), cents(3));
        assert_eq!(possible(cost(), false, 0), Usd::ZERO);
        let is_unpriced =
            |has_result, lost| compute_charge(None, None, None, has_result, 1, lost).is_unpriced;
        assert!(is_unpriced(true, 0) && is_unpriced(false, 1) && !is_unpriced(false, 0));
    }
}
