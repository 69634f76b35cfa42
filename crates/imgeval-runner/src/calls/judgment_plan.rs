//! Which judgments are left to ask for. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::Arc,
};

use imgeval_core::{Failure, FailureKind, JudgeQuestion, Outcome, Usd, WorkKey};
use imgeval_store::{JudgedItem, StoreError, StoredJudgment};

use super::plan::failure_stands;

/// Makes the question about an item: reads its images and prepares them. Blocking work.
pub type MakeQuestion = Arc<dyn Fn(&JudgedItem) -> Result<JudgeQuestion, Failure> + Send + Sync>;

/// How images are judged.
#[derive(Clone)]
pub struct JudgeSettings<'a> {
    /// Calls under way at the same time.
    pub concurrency: NonZeroUsize,
    /// The most that the run may ever have spent, what was possibly billed included.
    pub max_cost: Option<Usd>,
    /// Maximum number of times to ask a question whose answers cannot be read.
    pub max_tries: u32,
    /// Re-judges only these outcomes; items that were never asked about are skipped.
    pub only: Option<&'a BTreeSet<FailureKind>>,
    /// Kinds of [`FailureKind::ANSWERS`], and [`FailureKind::Unparsed`], to ask for again.
    pub retry: &'a BTreeSet<FailureKind>,
    /// Whether the words hold what the protocol asks for.
    pub is_readable: &'a (dyn Fn(&str) -> bool + Sync),
    pub question: MakeQuestion,
}

/// What is on record for one item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemHistory {
    pub has_readable: bool,
    pub n_unreadable: u32,
    /// How the last call failed, if it did.
    pub last_failure: Option<FailureKind>,
}

impl ItemHistory {
    pub fn add(&mut self, outcome: &Outcome<String>, is_readable: &(dyn Fn(&str) -> bool + Sync)) {
        self.last_failure = None;
        match outcome {
            Outcome::Done(text) if is_readable(text) => self.has_readable = true,
            Outcome::Done(_) => self.n_unreadable += 1,
            Outcome::Failed(failure) => self.last_failure = Some(failure.kind),
        }
    }

    /// Why there is no readable answer, `None` if there is one or nobody asked.
    #[must_use]
    pub fn failure(&self) -> Option<FailureKind> {
        match (self.has_readable, self.last_failure) {
            (true, _) => None,
            (false, Some(kind)) => Some(kind),
            (false, None) => (self.n_unreadable > 0).then_some(FailureKind::Unparsed),
        }
    }
}

/// What is left to do for one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgeStep {
    /// A readable answer is there.
    Done,
    /// Why there is none, and it is not asked again.
    Stands(FailureKind),
    /// Not among what was asked for.
    LeftAlone,
    /// May be asked so often.
    Ask(u32),
}

/// Plan minus store, for one item.
#[must_use]
pub fn plan_judgment(history: Option<&ItemHistory>, settings: &JudgeSettings<'_>) -> JudgeStep {
    let none = ItemHistory::default();
    let history = history.unwrap_or(&none);
    if history.has_readable {
        return JudgeStep::Done;
    }
    let failure = history.failure();
    if let Some(only) = settings.only {
        return match failure {
            Some(kind) if only.contains(&kind) => JudgeStep::Ask(settings.max_tries),
            Some(kind) => JudgeStep::Stands(kind),
            None => JudgeStep::LeftAlone,
        };
    }
    match failure {
        Some(FailureKind::Unparsed) if settings.retry.contains(&FailureKind::Unparsed) => {
            JudgeStep::Ask(settings.max_tries)
        }
        Some(FailureKind::Unparsed) if history.n_unreadable >= settings.max_tries => {
            JudgeStep::Stands(FailureKind::Unparsed)
        }
        Some(kind) if failure_stands(kind, settings.retry) => JudgeStep::Stands(kind),
        _ => JudgeStep::Ask(settings.max_tries.saturating_sub(history.n_unreadable).max(1)),
    }
}

/// The recorded answers, by item.
///
/// # Errors
/// If the run cannot be read.
pub fn judgment_histories(
    visit_all: impl FnOnce(&mut dyn FnMut(StoredJudgment)) -> Result<(), StoreError>,
    is_readable: &(dyn Fn(&str) -> bool + Sync),
) -> Result<BTreeMap<WorkKey, ItemHistory>, StoreError> {
    let mut histories: BTreeMap<WorkKey, ItemHistory> = BTreeMap::new();
    visit_all(&mut |judgment| {
        histories.entry(judgment.item.work_key).or_default().add(&judgment.outcome, is_readable);
    })?;
    Ok(histories)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        history: &[Outcome<String>],
        only: Option<&[FailureKind]>,
        retry: &[FailureKind],
        step: JudgeStep,
    ) {
        let is_readable = |text: &str| text == "good";
        let only: Option<BTreeSet<_>> = only.map(|kinds| kinds.iter().copied().collect());
        let retry: BTreeSet<_> = retry.iter().copied().collect();
        let settings = JudgeSettings {
            concurrency: NonZeroUsize::MIN,
            max_cost: None,
            max_tries: 3,
            only: only.as_ref(),
            retry: &retry,
            is_readable: &is_readable,
            question: Arc::new(|_| Err(Failure { kind: FailureKind::NotAccessible, detail: String::new() })),
        };
        let mut known = ItemHistory::default();
        history.iter().for_each(|outcome| known.add(outcome, &is_readable));
        let known = (!history.is_empty()).then_some(&known);
        assert_eq!(plan_judgment(known, &settings), step, "{history:?}");
    }

    fn said(text: &str) -> Outcome<String> {
        Outcome::Done(text.to_owned())
    }

    fn failed(kind: FailureKind) -> Outcome<String> {
        Outcome::Failed(Failure { kind, detail: String::new() })
    }

    #[test]
    fn work_to_do_is_plan_minus_store() {
        use FailureKind::{Refused, TimedOut, Unparsed};
        check(&[], None, &[], JudgeStep::Ask(3));
        check(&[said("good")], None, &[], JudgeStep::Done);
        check(&[said("bad"), said("good")], None, &[], JudgeStep::Done);
        check(&[said("good"), failed(TimedOut)], None, &[], JudgeStep::Done);
        check(&[said("bad")], None, &[], JudgeStep::Ask(2));
        check(&[said("bad"), failed(TimedOut)], None, &[], JudgeStep::Ask(2));
        check(&[said("bad"), said("bad"), said("bad")], None, &[], JudgeStep::Stands(Unparsed));
        check(&[said("bad"), said("bad"), said("bad")], None, &[Unparsed], JudgeStep::Ask(3));
        check(&[failed(TimedOut)], None, &[], JudgeStep::Ask(3));
        check(&[failed(Refused)], None, &[], JudgeStep::Stands(Refused));
        check(&[failed(Refused)], None, &[Refused], JudgeStep::Ask(3));
    }

    #[test]
    fn only_what_is_named_is_asked_again() {
        use FailureKind::{Refused, TimedOut, Unparsed};
        let only = Some(&[Unparsed, TimedOut][..]);
        check(&[], only, &[], JudgeStep::LeftAlone);
        check(&[said("good")], only, &[], JudgeStep::Done);
        check(&[said("bad"), said("bad"), said("bad")], only, &[], JudgeStep::Ask(3));
        check(&[failed(TimedOut)], only, &[], JudgeStep::Ask(3));
        check(&[failed(Refused)], only, &[], JudgeStep::Stands(Refused));
    }
}
