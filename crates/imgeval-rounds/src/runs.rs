//! Sessions in runs: cases of several rounds that begin with an image.

use std::{collections::BTreeMap, path::Path};

use imgeval_core::{Failure, FailureKind, Outcome, SampleId};
use imgeval_scoring::{Evaluator, Run};
use imgeval_suites::{
    rounds::own::{CONTROL, REPEAT, UNCHANGED},
    suite::SuiteCase,
};

use crate::{Delivered, ImagePlace, RoundsError, Session};

/// All sessions of a run; empty if its cases have one round or no source. Without a name the model is called as the run says.
///
/// # Errors
/// If the run cannot be read.
pub fn sessions_of(run: &Run, name: Option<&str>) -> Result<Vec<Session>, RoundsError> {
    sessions_where(run, name, |case| case.rounds.len() > 1 || case.fact(CONTROL) == REPEAT)
}

/// As [`sessions_of`], with cases of one round, which benchmarks have as well.
pub(crate) fn edits_of(run: &Run, name: Option<&str>) -> Result<Vec<Session>, RoundsError> {
    sessions_where(run, name, |_| true)
}

fn sessions_where(
    run: &Run,
    name: Option<&str>,
    is_session: impl Fn(&SuiteCase) -> bool,
) -> Result<Vec<Session>, RoundsError> {
    let directory = run.directory();
    let mut outcomes = BTreeMap::new();
    run.reader().for_each_sample(None, |observed| {
        outcomes.insert(observed.sample.id, observed.sample.outcome);
    })?;
    let folder = directory.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into());
    let label = run.manifest().label.as_ref().map(ToString::to_string);
    let model = name.map(str::to_owned).or(label).or_else(|| run.model()).unwrap_or(folder);
    let judged = judged_rounds(run)?;
    let mut sessions = Vec::new();
    for case in run.cases().values().filter(|case| is_session(case)) {
        let Some(source) = case.source() else { continue };
        let source = ImagePlace::Run { directory: directory.to_owned(), image: source.clone() };
        let of_case = outcomes.keys().filter(|id| id.case == case.id);
        let mut ordinals: Vec<u32> = of_case.map(|id| id.ordinal).collect();
        ordinals.dedup();
        for ordinal in ordinals {
            let delivered = |round: u32| delivered(directory, outcomes.get(&id_in(case, ordinal, round)));
            sessions.push(Session {
                id: id_of(case, ordinal),
                model: model.clone(),
                instructions: case.rounds.iter().map(|round| round.prompt.clone()).collect(),
                captions: Vec::new(),
                source: source.clone(),
                rounds: (1..).take(case.rounds.len()).map(delivered).collect(),
                is_control: case.fact(CONTROL) == UNCHANGED,
                judged: judged.as_ref().filter(|_| case.fact(CONTROL).is_empty()).map(|judged| {
                    let of_round = |round| judged.get(&id_in(case, ordinal, round)).copied().flatten();
                    (1..).take(case.rounds.len()).map(of_round).collect()
                }),
                repeats: (case.fact(CONTROL) == REPEAT).then(|| repeated(case)),
            });
        }
    }
    Ok(sessions)
}

fn id_in(case: &SuiteCase, ordinal: u32, round: u32) -> SampleId {
    SampleId { round, ..SampleId::new(case.id.clone(), ordinal) }
}

/// Whether each round succeeds by the first judge of a run whose suite scores rounds; `None` if nobody was asked.
fn judged_rounds(run: &Run) -> Result<Option<BTreeMap<SampleId, Option<bool>>>, RoundsError> {
    let is_judge = |evaluator: &&Evaluator| matches!(evaluator, Evaluator::Judge(_));
    let judge = run.evaluators().iter().find(is_judge).filter(|_| run.suite().facts().has_controls);
    let Some(judge) = judge else { return Ok(None) };
    let mut judged = BTreeMap::new();
    run.for_each_sample(Some(judge), |result| {
        let value = result.state.value().map(|value| value >= 1.0);
        judged.insert(result.observed.sample.id.clone(), value);
        Ok::<_, RoundsError>(())
    })?;
    Ok(Some(judged))
}

/// The session whose first round this case asks for once more.
fn repeated(case: &SuiteCase) -> String {
    let id = case.id.as_str();
    id.strip_suffix(REPEAT).and_then(|id| id.strip_suffix('-')).unwrap_or(id).to_owned()
}

fn id_of(case: &SuiteCase, ordinal: u32) -> String {
    match ordinal {
        0 => case.id.to_string(),
        ordinal => format!("{}/{ordinal}", case.id),
    }
}

type ImageOutcome = Outcome<imgeval_core::ImageRecord>;

fn delivered(directory: &Path, outcome: Option<&ImageOutcome>) -> Delivered {
    match outcome {
        Some(Outcome::Done(record)) => {
            Delivered::Image(ImagePlace::Run { directory: directory.to_owned(), image: record.image() })
        }
        Some(Outcome::Failed(Failure { kind: FailureKind::Moderated, detail })) => {
            Delivered::Refused(told(FailureKind::Moderated, detail))
        }
        Some(Outcome::Failed(Failure { kind, detail })) => Delivered::Missing(told(*kind, detail)),
        None => Delivered::Missing("it was not requested".to_owned()),
    }
}

fn told(kind: FailureKind, detail: &str) -> String {
    if detail.is_empty() { kind.code().to_owned() } else { format!("{}: {detail}", kind.code()) }
}
