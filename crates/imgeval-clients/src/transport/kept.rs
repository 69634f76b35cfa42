//! What is stored of the replies to one call: the last one in full, an earlier one that may have been billed, and the
//! reported costs of unusable ones.

use imgeval_core::{Cost, Usage, WholeReply};

use super::{
    budget::{Budget, Held},
    raw::{MAX_RAW_BYTES, redact_whole},
};
use crate::Redactor;

/// What a reply tells of its cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) usage: Usage,
    /// What the provider says that it bills.
    pub(crate) billed: Option<Cost>,
}

/// What one call leaves behind, whatever its outcome.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The last reply's text, images cut out, of limited length.
    pub(crate) raw: String,
    /// The last reply in full, if the last try brought one.
    pub(crate) whole: Option<WholeReply>,
    /// Of the replies before it one that reported success, or else the last.
    pub(crate) unused: Option<WholeReply>,
    /// What all replies that could not be used counted.
    pub(crate) usage: Usage,
    /// What they cost, as far as that is known.
    pub(crate) wasted: Option<Cost>,
}

impl Kept {
    /// Takes in a reply that arrived.
    pub(super) fn add_reply(&mut self, status: u16, body: String, redactor: &Redactor, held: Option<Held>) {
        let redactor = redactor.clone();
        let whole = WholeReply::new(status, body).redacted_by(move |text| redact_whole(text, &redactor));
        self.whole = Some(whole.holding(held));
    }

    /// Adds the reported cost of an unusable reply.
    pub(super) fn add_wasted(&mut self, told: Told, cost: Option<Cost>) {
        self.usage = self.usage.plus(told.usage);
        // Most errors report no usage; they say nothing about the cost.
        if let Some(cost) = cost.filter(|cost| cost.amount > imgeval_core::Usd::ZERO) {
            self.wasted = Some(match self.wasted.take() {
                Some(before) => before.plus(cost),
                None => cost,
            });
        }
    }

    /// Before another try: the reply that there is becomes one that was not used.
    pub(super) fn set_aside(&mut self, budget: &Budget) {
        let Some(whole) = self.whole.take() else { return };
        let is_better_kept = self.unused.as_ref().is_some_and(WholeReply::is_success) && !whole.is_success();
        if !is_better_kept {
            self.unused = Some(linger(whole, budget));
        }
    }
}

/// Gives a reply's share of the memory back, so that what comes next finds room and no two calls wait for each other. Few long
/// texts may stay all the same; of more than these only the beginning stays.
pub(super) fn linger(whole: WholeReply, budget: &Budget) -> WholeReply {
    let whole = whole.holding(None::<Held>);
    if whole.n_bytes() <= MAX_RAW_BYTES {
        return whole;
    }
    match budget.linger(whole.n_bytes()) {
        Some(place) => whole.holding(Some(place)),
        None => whole.cut_to(MAX_RAW_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use imgeval_core::Usd;

    use super::*;

    fn cost(cents: i64) -> Option<Cost> {
        Some(Cost { amount: Usd::from_nanos(cents * 10_000_000), basis: "told".to_owned() })
    }

    #[test]
    fn of_the_replies_before_the_last_one_that_reported_success_is_kept() {
        let (budget, redactor) = (Budget::default(), Redactor::default());
        let mut kept = Kept::default();
        for (status, expected) in [(500, 500), (429, 429), (200, 200), (200, 200), (500, 200)] {
            kept.add_reply(status, format!("{status}"), &redactor, None);
            kept.set_aside(&budget);
            assert_eq!(kept.unused.as_ref().map(|reply| reply.status), Some(expected));
        }
        assert!(kept.whole.is_none());
    }

    #[test]
    fn costs_of_unusable_replies_add_up_and_nothing_told_is_nothing_known() {
        let mut kept = Kept::default();
        kept.add_wasted(Told::default(), None);
        kept.add_wasted(Told::default(), cost(0));
        assert_eq!(kept.wasted, None);
        let usage = Usage { text_output: Some(3), ..Usage::default() };
        kept.add_wasted(Told { usage, billed: None }, cost(4));
        kept.add_wasted(Told { usage, billed: None }, cost(5));
        assert_eq!((kept.usage.text_output, kept.usage.text_input), (Some(6), None));
        assert_eq!(kept.wasted, cost(9));
    }

    #[test]
    fn long_texts_beyond_what_may_stay_are_cut_and_never_waited_for() {
        let budget = Budget::default();
        let long = || WholeReply::new(200, "a".repeat(70 << 20));
        let first = linger(long(), &budget);
        let second = linger(long(), &budget);
        assert_eq!(first.n_bytes(), 70 << 20);
        assert!(second.n_bytes() < MAX_RAW_BYTES + 100);
        assert!(second.into_text().ends_with("more bytes were not kept]"));
        drop(first);
        assert_eq!(linger(long(), &budget).n_bytes(), 70 << 20);
    }
}
