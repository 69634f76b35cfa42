//! Which images are left to ask for. A pure function.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_core::{FailureKind, Outcome, SampleId};
use imgeval_store::GeneratedSample;

use super::GenerationCase;

/// One sample of a case with something left to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Place of its case.
    pub case: usize,
    pub ordinal: u32,
    /// The unfinished rounds, oldest first, up to one with a permanent failure.
    pub rounds: Vec<(u32, Step)>,
}

/// What is to be done for one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Ask the generator.
    Ask,
    /// Look again at the image that is stored though it failed; free.
    Reuse,
}

/// One conversation for each case and sample of which something is left: first the first samples of all cases, so that
/// a run that has to stop has seen as many cases as possible. A case that is named twice counts once.
///
/// Failures are asked for again unless they are answers; answers only if `retry` names them.
#[must_use]
pub fn plan_generation(
    cases: &[GenerationCase],
    samples: u32,
    have: &BTreeMap<SampleId, GeneratedSample>,
    retry: &BTreeSet<FailureKind>,
    any_size: bool,
) -> Vec<Conversation> {
    let mut seen = BTreeSet::new();
    let cases: Vec<_> = cases.iter().enumerate().filter(|(_, case)| seen.insert(&case.id)).collect();
    let mut conversations = Vec::new();
    for ordinal in 0..samples {
        for (place, case) in &cases {
            let mut rounds = Vec::new();
            for round in (1..).take(case.rounds.len()) {
                let id = SampleId { case: case.id.clone(), ordinal, round };
                match plan_sample(have.get(&id), retry, any_size) {
                    SampleWork::Nothing => {}
                    SampleWork::Do(step) => rounds.push((round, step)),
                    SampleWork::FailureStands => break,
                }
            }
            if !rounds.is_empty() {
                conversations.push(Conversation { case: *place, ordinal, rounds });
            }
        }
    }
    conversations
}

/// Whether a failure is not asked about again: it is an answer, and `retry` does not name it.
pub(super) fn failure_stands(kind: FailureKind, retry: &BTreeSet<FailureKind>) -> bool {
    FailureKind::ANSWERS.contains(&kind) && !retry.contains(&kind)
}

enum SampleWork {
    Nothing,
    Do(Step),
    FailureStands,
}

fn plan_sample(
    sample: Option<&GeneratedSample>,
    retry: &BTreeSet<FailureKind>,
    any_size: bool,
) -> SampleWork {
    let Some(sample) = sample else {
        return SampleWork::Do(Step::Ask);
    };
    let kind = match &sample.outcome {
        Outcome::Done(_) => return SampleWork::Nothing,
        Outcome::Failed(failure) => failure.kind,
    };
    // Which pixels are too many, and how much memory there is, is the user's choice, and another one may let the paid image pass.
    let may_pass = match kind {
        FailureKind::WrongSize => any_size,
        FailureKind::TooManyPixels | FailureKind::NotEnoughMemory => !retry.contains(&kind),
        _ => false,
    };
    if may_pass && sample.kept_image.is_some() {
        SampleWork::Do(Step::Reuse)
    } else if !failure_stands(kind, retry) {
        SampleWork::Do(Step::Ask)
    } else {
        SampleWork::FailureStands
    }
}

#[cfg(test)]
mod tests {
    use imgeval_core::{CaseId, ContentHash, Failure, ImageFormat, ImageRecord, ImageRef, WorkKey};
    use proptest::prelude::*;

    use super::*;
    use crate::calls::RoundInput;

    fn case(number: usize, rounds: usize) -> GenerationCase {
        let round = RoundInput { prompt: String::new(), images: vec![], mask: None };
        GenerationCase { id: CaseId::new(format!("{number:05}")), rounds: vec![round; rounds] }
    }

    fn sample(failure: Option<FailureKind>, is_kept: bool) -> GeneratedSample {
        let (hash, format) = (ContentHash::of(b"x"), ImageFormat::Png);
        let record = ImageRecord { hash: hash.clone(), format, width: 1, height: 1, notes: vec![] };
        let outcome = match failure {
            None => Outcome::Done(record),
            Some(kind) => Outcome::Failed(Failure { kind, detail: String::new() }),
        };
        let kept_image = is_kept.then_some(ImageRef { hash, format });
        GeneratedSample {
            outcome,
            kept_image,
            state: None,
            prompt: String::new(),
            work_key: WorkKey::new("k"),
        }
    }

    fn check(
        failure: FailureKind,
        is_kept: bool,
        retry: &[FailureKind],
        any_size: bool,
        expected: Option<Step>,
    ) {
        let id = SampleId::new(CaseId::new("00000"), 0);
        let have = BTreeMap::from([(id, sample(Some(failure), is_kept))]);
        let retry = retry.iter().copied().collect();
        let plan = plan_generation(&[case(0, 1)], 1, &have, &retry, any_size);
        assert_eq!(plan.first().map(|conversation| conversation.rounds[0].1), expected, "{failure:?}");
    }

    #[test]
    fn answers_stand_unless_named_and_everything_else_is_asked_again() {
        for kind in FailureKind::ALL {
            let expected = if FailureKind::ANSWERS.contains(kind) { None } else { Some(Step::Ask) };
            check(*kind, false, &[], false, expected);
            check(*kind, false, &[*kind], false, Some(Step::Ask));
        }
        check(FailureKind::WrongSize, true, &[], false, None);
        check(FailureKind::WrongSize, true, &[], true, Some(Step::Reuse));
        check(FailureKind::WrongSize, true, &[FailureKind::WrongSize], true, Some(Step::Reuse));
        check(FailureKind::WrongSize, false, &[], true, None);
        check(FailureKind::TooManyPixels, true, &[], false, Some(Step::Reuse));
        check(FailureKind::NotEnoughMemory, true, &[], false, Some(Step::Reuse));
        check(FailureKind::TooManyPixels, true, &[FailureKind::TooManyPixels], false, Some(Step::Ask));
    }

    #[test]
    fn a_conversation_goes_on_at_its_first_round_that_is_not_done() {
        let id = |round| SampleId { case: CaseId::new("00000"), ordinal: 0, round };
        let mut have = BTreeMap::from([(id(1), sample(None, false))]);
        let rounds = |have: &BTreeMap<_, _>| {
            let plan = plan_generation(&[case(0, 3)], 1, have, &BTreeSet::new(), false);
            plan.first().map(|conversation| conversation.rounds.clone())
        };
        assert_eq!(rounds(&have), Some(vec![(2, Step::Ask), (3, Step::Ask)]));
        have.insert(id(2), sample(Some(FailureKind::Refused), false));
        assert_eq!(rounds(&have), None);
        have.insert(id(2), sample(Some(FailureKind::TimedOut), false));
        assert_eq!(rounds(&have), Some(vec![(2, Step::Ask), (3, Step::Ask)]));
    }

    #[test]
    fn all_cases_come_before_a_second_sample() {
        let plan = plan_generation(
            &[case(0, 1), case(1, 1), case(0, 1)],
            2,
            &BTreeMap::new(),
            &BTreeSet::new(),
            false,
        );
        let order: Vec<_> = plan.iter().map(|item| (item.ordinal, item.case)).collect();
        assert_eq!(order, [(0, 0), (0, 1), (1, 0), (1, 1)]);
    }

    proptest! {
        /// Whatever the store holds: nothing that is done is asked for, everything else is unless an answer stands in
        /// its conversation, and an image is planned at most once.
        #[test]
        fn done_is_never_planned_and_missing_always(
            n_cases in 1_usize..6, n_rounds in 1_usize..4, samples in 1_u32..4,
            states in prop::collection::vec(0_usize..FailureKind::ALL.len() + 2, 0..72),
        ) {
            let cases: Vec<_> = (0..n_cases).map(|number| case(number, n_rounds)).collect();
            let mut ids = Vec::new();
            for case in &cases {
                for ordinal in 0..samples {
                    ids.extend((1..).take(n_rounds).map(|round| SampleId { case: case.id.clone(), ordinal, round }));
                }
            }
            let mut have = BTreeMap::new();
            for (id, state) in ids.iter().zip(states) {
                match state {
                    0 => {}
                    1 => drop(have.insert(id.clone(), sample(None, false))),
                    place => drop(have.insert(id.clone(), sample(Some(FailureKind::ALL[place - 2]), false))),
                }
            }
            let plan = plan_generation(&cases, samples, &have, &BTreeSet::new(), false);
            let mut planned = BTreeSet::new();
            for Conversation { case, ordinal, rounds } in &plan {
                for (round, _) in rounds {
                    let id = SampleId { case: cases[*case].id.clone(), ordinal: *ordinal, round: *round };
                    prop_assert!(planned.insert(id));
                }
            }
            let stands = |id: &SampleId| match have.get(id).map(|sample| &sample.outcome) {
                Some(Outcome::Failed(failure)) => FailureKind::ANSWERS.contains(&failure.kind),
                _ => false,
            };
            for id in &ids {
                let is_done = have.get(id).is_some_and(|sample| sample.outcome.done().is_some());
                let is_behind = (1..=id.round).any(|round| stands(&SampleId { round, ..id.clone() }));
                prop_assert_eq!(planned.contains(id), !is_done && !is_behind, "{}", id);
            }
        }
    }
}
