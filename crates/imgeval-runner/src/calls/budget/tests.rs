use proptest::prelude::*;

use super::*;

fn cents(n: u64) -> Usd {
    Usd::from_dollars(0.01).unwrap().times(n)
}

fn cost(amount: Usd) -> Option<Cost> {
    Some(Cost { amount, basis: String::new() })
}

fn told(n: u64) -> Charge {
    compute_charge(None, cost(cents(n)), None, true, 1, 0)
}

fn once(estimate: Usd) -> Reserved {
    Reserved { estimate: Some(estimate), tries: 1, wasted: Usd::ZERO }
}

fn budget(limit: u64, spent: u64) -> Budget {
    Budget::new(Some(cents(limit)), Spend { known: cents(spent), ..Spend::default() })
}

impl Budget {
    /// The last call of a run.
    fn admit_last(&mut self, estimate: u64) -> Admission {
        self.admit(Some(cents(estimate)), Usd::ZERO)
    }

    fn spent(&self) -> Usd {
        self.spend.total()
    }
}

/// A budget that has seen enough free calls for many to be under way.
fn experienced(limit: u64, spent: u64) -> Budget {
    let mut budget = budget(limit, spent);
    for _ in 0..4 {
        assert_eq!(budget.admit_last(0), Admission::Go);
        budget.settle(once(Usd::ZERO), &told(0), true);
    }
    budget
}

fn shortage(needed: u64, left: u64, kept_back: u64, enough: u64) -> Admission {
    let [needed, left, kept_back, enough] = [needed, left, kept_back, enough].map(cents);
    Admission::Exhausted(Shortage { needed, left, kept_back, enough })
}

#[test]
fn the_number_under_way_doubles_and_is_halved_by_a_call_that_was_too_dear() {
    let mut budget = budget(100_000, 0);
    let begin = |budget: &mut Budget| {
        let admitted = (0..100).take_while(|_| budget.admit_last(2) == Admission::Go);
        admitted.count()
    };
    assert_eq!(begin(&mut budget), 1, "its cost is not known yet");
    budget.settle(once(cents(2)), &told(2), true);
    assert_eq!(begin(&mut budget), 2);
    budget.settle(once(cents(2)), &told(2), true);
    assert_eq!((begin(&mut budget), budget.in_flight), (3, 4));
    budget.settle(once(cents(2)), &told(1), true);
    assert_eq!(begin(&mut budget), 5, "eight, of which three were under way");
    budget.settle(once(cents(2)), &told(3), true);
    assert_eq!((begin(&mut budget), budget.width), (0, 4));
    (0..4).for_each(|_| budget.settle(once(cents(2)), &told(3), true));
    assert_eq!(budget.width, 64, "what costs as much as the dearest so far was reserved");
}

#[test]
fn calls_go_side_by_side_only_if_each_could_cost_far_more() {
    let mut budget = experienced(100, 0);
    assert_eq!(budget.admit_last(3), Admission::Go);
    assert_eq!(budget.admit_last(3), Admission::Go, "96 cents for both");
    assert_eq!(budget.admit_last(1), Admission::Wait);
    budget.settle(once(cents(3)), &told(6), true);
    assert_eq!(budget.admit_last(1), Admission::Wait, "the other one may cost 96 cents now");
    budget.settle(once(cents(3)), &told(6), true);
    assert_eq!(budget.admit_last(44), Admission::Go, "one goes alone as long as there is money for it");
}

#[test]
fn a_limit_that_covers_the_rest_is_used_up_and_another_keeps_money_back() {
    let end = |limit, n| {
        let mut budget = budget(limit, 0);
        for left in (0..n).rev() {
            match budget.admit(Some(cents(3)), cents(3 * left)) {
                Admission::Go => budget.settle(once(cents(3)), &told(2), true),
                end => return (budget.spent(), end),
            }
        }
        (budget.spent(), Admission::Go)
    };
    assert_eq!(end(21, 10), (cents(20), Admission::Go));
    assert_eq!(end(20, 10), (cents(18), shortage(3, 2, 0, 21)), "the last one may cost three cents");
    assert_eq!(end(10, 9), (cents(6), shortage(3, 4, 3, 24)), "seven are for calls, three are kept back");
    assert_eq!(end(3, 9).0, cents(2), "the first call begins if its estimate fits");
    assert_eq!(end(2_000, 2_000), (cents(1_998), shortage(3, 2, 0, 5_001)), "150 are less than a tenth");
}

#[test]
fn nothing_is_kept_back_while_every_call_costs_its_estimate() {
    let mut budget = budget(30, 0);
    for _ in 0..7 {
        assert_eq!(budget.admit(Some(cents(4)), cents(100)), Admission::Go);
        budget.settle(once(cents(4)), &told(4), true);
    }
    assert_eq!(budget.admit(Some(cents(4)), cents(100)), shortage(4, 2, 0, 132));
}

#[test]
fn a_resumed_run_knows_what_calls_cost_before() {
    let mut budget = budget(100, 60);
    budget.remember(cents(2), cents(12));
    budget.remember(cents(2), cents(2));
    assert_eq!(budget.admit_last(7), shortage(42, 40, 30, 102));
    assert_eq!(budget.admit(Some(cents(2)), cents(10)), shortage(12, 40, 30, 132));
}

#[test]
fn calls_under_way_count_with_their_estimate_until_they_end() {
    let mut budget = experienced(200, 1);
    assert_eq!(budget.admit_last(4), Admission::Go);
    assert_eq!(budget.admit_last(5), Admission::Go);
    assert_eq!(budget.admit_last(4), Admission::Wait);
    budget.settle(once(cents(4)), &told(2), true);
    assert_eq!(budget.admit_last(4), Admission::Go, "cheaper than thought");
    budget.settle(once(cents(5)), &told(5), true);
    budget.settle(once(cents(4)), &told(2), true);
    assert_eq!(budget.spent(), cents(10));
    assert_eq!(budget.admit_last(191), shortage(191, 190, 60, 201));
    assert_eq!(budget.admit_last(190), Admission::Go);
}

#[test]
fn a_call_that_was_not_billed_gives_back_what_was_reserved() {
    let mut budget = budget(5, 0);
    assert_eq!(budget.admit_last(5), Admission::Go);
    budget.settle(once(cents(5)), &compute_charge(Some(cents(5)), None, None, false, 3, 0), false);
    assert_eq!((budget.spent(), budget.admit_last(5)), (Usd::ZERO, Admission::Go));
}

#[test]
fn what_gives_no_result_teaches_only_what_is_dearer() {
    let mut budget = budget(100, 0);
    let refuse = |budget: &mut Budget, told: Option<u64>| {
        assert_eq!(budget.admit_last(2), Admission::Go);
        let told = told.and_then(|n| cost(cents(n)));
        budget.settle(once(cents(2)), &compute_charge(Some(cents(2)), told, None, false, 1, 0), false);
        (budget.dearest, budget.width)
    };
    assert_eq!(refuse(&mut budget, None), (None, 1));
    assert_eq!(refuse(&mut budget, Some(1)), (None, 1));
    assert_eq!(refuse(&mut budget, Some(6)), (Some(3.0), 1));
}

#[test]
fn what_no_reply_told_costs_as_much_as_the_dearest() {
    let mut budget = budget(20, 0);
    assert_eq!(budget.admit_last(2), Admission::Go);
    assert!(budget.reserve_try(Some(cents(2))) && budget.reserve_try(Some(cents(2))));
    let lost = compute_charge(Some(cents(2)), cost(cents(6)), None, true, 3, 2);
    budget.settle(Reserved { tries: 3, ..once(cents(2)) }, &lost, true);
    assert_eq!((budget.spent(), budget.committed()), (cents(10), cents(18)));
    assert_eq!(budget.admit_last(1), shortage(3, 2, 2, 21));
}

#[test]
fn a_lost_try_is_made_again_only_if_another_estimate_fits() {
    let mut budget = experienced(10, 0);
    assert_eq!(budget.admit_last(4), Admission::Go);
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

/// How the costs of a simulated run go, as multiples of what the first call cost.
#[derive(Debug, Clone, Copy)]
enum Course {
    Constant,
    /// From this call on all cost so many times as much.
    Rises(usize, f64),
    /// This call alone does.
    HasOutlier(usize, f64),
}

impl Course {
    fn factor(self, call: usize) -> f64 {
        match self {
            Self::Rises(first, factor) if call >= first => factor,
            Self::HasOutlier(outlier, factor) if call == outlier => factor,
            _ => 1.0,
        }
    }
}

fn course() -> impl Strategy<Value = Course> {
    prop_oneof![
        Just(Course::Constant),
        (1_usize..400, 1.0..SIDE_BY_SIDE).prop_map(|(first, factor)| Course::Rises(first, factor)),
        (1_usize..400, 1.0..KEPT_BACK).prop_map(|(outlier, factor)| Course::HasOutlier(outlier, factor)),
    ]
}

/// A run of calls with estimates of one to three times `estimate`, which cost `ratio` times that and `course`. Gives what
/// it cost and how many calls began. `places` says which of the calls under way ends next.
fn simulate(
    limit: Usd,
    (n_calls, concurrency): (usize, usize),
    (estimate, ratio): (Usd, f64),
    course: Course,
    places: &[usize],
) -> (Usd, usize) {
    let mut budget = Budget::new(Some(limit), Spend::default());
    let estimate_of = |call: usize| estimate.times(1 + call as u64 % 3);
    let mut waiting: Usd = (0..n_calls).map(estimate_of).sum();
    let (mut begun, mut calls) = (0, Vec::new());
    for place in places.iter().cycle() {
        while begun < n_calls && calls.len() < concurrency {
            let behind = waiting - estimate_of(begun);
            if budget.admit(Some(estimate_of(begun)), behind) != Admission::Go {
                break;
            }
            calls.push(begun);
            (begun, waiting) = (begun + 1, behind);
        }
        if calls.is_empty() {
            break;
        }
        let call = calls.swap_remove(place % calls.len());
        let amount = scaled(estimate_of(call), ratio * course.factor(call));
        let charge = compute_charge(Some(estimate_of(call)), cost(amount), None, true, 1, 0);
        budget.settle(once(estimate_of(call)), &charge, true);
    }
    (budget.spent(), begun)
}

proptest! {
    /// A limit that cuts the run short is passed by at most a tenth, whether all calls become dearer or one is, and not at
    /// all as long as calls cost what they did.
    #[test]
    fn a_limit_that_is_too_low_is_passed_by_at_most_a_tenth(
        // So many calls cost as much as the limit: no outlier costs more than is ever kept back.
        affordable in 400_u64..2_000, concurrency in 1_usize..64, ratio in 0.1..4.0_f64, course in course(),
        places in prop::collection::vec(any::<usize>(), 1..50),
    ) {
        let limit = cents(10_000);
        let estimate = scaled(limit, 1.0 / (affordable as f64 * ratio.max(1.0)));
        let (spent, begun) = simulate(limit, (25_000, concurrency), (estimate, ratio), course, &places);
        prop_assert!(begun > 1 && begun < 25_000, "{begun} calls");
        let tenth = percent(limit, EXCESS_PERCENT);
        let excess = if matches!(course, Course::Constant) { Usd::ZERO } else { tenth };
        prop_assert!(spent <= limit + excess, "{spent} of {limit}");
    }

    /// A limit that covers everything at a constant cost never stops a run.
    #[test]
    fn a_limit_that_covers_everything_lets_everything_run(
        n_calls in 1_usize..400, concurrency in 1_usize..64, estimate in 1_u64..20, ratio in 0.1..4.0_f64,
        places in prop::collection::vec(any::<usize>(), 1..50),
    ) {
        let estimate = cents(estimate);
        let total: Usd = (0..n_calls).map(|call| scaled(estimate.times(1 + call as u64 % 3), ratio)).sum();
        let limit = total + estimate.times(3);
        let (spent, begun) =
            simulate(limit, (n_calls, concurrency), (estimate, ratio), Course::Constant, &places);
        prop_assert_eq!((spent, begun), (total, n_calls));
    }

    /// Whatever happens, the limit is passed at most by what a call that went alone cost more than was thought.
    #[test]
    fn the_limit_is_kept(
        limit in 0_u64..200, estimate in 1_u64..20, tenths in 0_u64..60, waiting in 0_u64..1_000,
        events in prop::collection::vec(next(), 0..200),
    ) {
        let estimate = cents(estimate);
        let amount = Usd::from_nanos(estimate.times(tenths).nanos() / 10);
        let mut budget = budget(limit, 0);
        // Lost tries of each call under way; one more is reserved.
        let mut calls: Vec<u32> = Vec::new();
        for event in events {
            let (place, lost, has_result, is_billed) = match event {
                Next::Begin => {
                    if budget.admit(Some(estimate), cents(waiting)) == Admission::Go {
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
            let told = cost(amount).filter(|_| is_billed);
            let charge = compute_charge(Some(estimate), told, None, has_result, before + 1, before + lost);
            let reserved = Reserved { tries: before + 1, ..once(estimate) };
            budget.settle(reserved, &charge, has_result);
            let excess = (amount - estimate).max(Usd::ZERO);
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
    assert_eq!(budget.admit_last(4), Admission::Go);
    budget.add_wasted(cents(4));
    assert_eq!(budget.still_fits(Some(cents(4))), Admission::Go);
    budget.add_wasted(cents(3));
    assert_eq!(budget.still_fits(Some(cents(4))), shortage(4, 3, 0, 11));
    let charge = compute_charge(Some(cents(4)), None, cost(cents(7)), false, 2, 0);
    budget.settle(Reserved { wasted: cents(7), ..once(cents(4)) }, &charge, false);
    assert_eq!((budget.spent(), budget.reserved), (cents(7), Usd::ZERO), "counted once");
}

#[test]
fn what_was_wasted_adds_to_the_answers_cost_and_hides_no_unknown_one() {
    let charge = |told, wasted| compute_charge(Some(cents(3)), told, wasted, true, 2, 0);
    assert_eq!(charge(cost(cents(2)), cost(cents(4))).cost, cost(cents(6)));
    let untold = charge(None, cost(cents(4)));
    assert_eq!((untold.cost, untold.possible), (cost(cents(4)), cents(3)));
}

#[test]
fn nothing_begins_at_an_unknown_price_if_there_is_a_limit() {
    assert_eq!(budget(5, 0).admit(None, Usd::ZERO), Admission::PriceUnknown);
    assert_eq!(Budget::new(None, Spend::default()).admit(None, Usd::ZERO), Admission::Go);
}

#[test]
fn amounts_beyond_all_bounds_end_the_run_and_not_the_program() {
    let mut budget = budget(10, 0);
    assert_eq!(budget.admit_last(1), Admission::Go);
    let boundless = compute_charge(None, cost(Usd::from_nanos(i64::MAX)), None, true, u32::MAX, u32::MAX);
    budget.settle(once(cents(1)), &boundless, true);
    budget.spend.add(&boundless);
    assert!(matches!(budget.admit_last(1), Admission::Exhausted(_)));
    assert_eq!(budget.spent(), Usd::from_nanos(i64::MAX));
}

#[test]
fn what_is_not_told_counts_as_estimated() {
    let estimate = Some(cents(3));
    let possible = |told, has_result, lost| {
        let told = if told { cost(cents(2)) } else { None };
        compute_charge(estimate, told, None, has_result, 4, lost).possible
    };
    assert_eq!(possible(false, true, 0), cents(3));
    assert_eq!(possible(false, true, 2), cents(9));
    assert_eq!(possible(false, false, 2), cents(6));
    assert_eq!(possible(true, true, 1), cents(3));
    assert_eq!(possible(true, false, 0), Usd::ZERO);
    let is_unpriced = |has_result, lost| compute_charge(None, None, None, has_result, 1, lost).is_unpriced;
    assert!(is_unpriced(true, 0) && is_unpriced(false, 1) && !is_unpriced(false, 0));
}

#[test]
fn a_shortage_names_a_limit_that_is_enough() {
    let shortage = Shortage {
        needed: cents(4),
        left: cents(40),
        kept_back: cents(30),
        enough: Usd::from_nanos(2_449_000_001),
    };
    let expected = "the next call may cost $0.0400, and $0.4000 of --max-cost are left, $0.3000 of it held back in case a \
                    call costs far more than the others; --max-cost 2.45 covers the rest";
    assert_eq!(shortage.describe("--max-cost"), expected);
    let all = Shortage { kept_back: cents(40), ..shortage };
    assert!(all.describe("--max-cost").contains("are left, held back in case"));
    let none = Shortage { kept_back: Usd::ZERO, ..shortage };
    assert!(none.describe("--max-cost").contains("are left; --max-cost 2.45"));
}
