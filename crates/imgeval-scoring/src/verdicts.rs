//! What every image was given, as tables show it.

use imgeval_report::verdicts::{JudgmentView, ReadingView, VerdictView, VerdictsView};
use imgeval_suites::geneval::ResultRow;

use crate::{Evaluator, NOT_OBSERVED, Reading, SampleResult, SampleState};

/// Adds what the evaluator says of an image.
pub fn add_verdict(view: &mut VerdictsView, evaluator: &Evaluator, result: &SampleResult<'_>) {
    let sample = &result.observed.sample;
    if let (SampleState::Detected(verdict), Some(case)) = (&result.state, result.case) {
        let score = verdict.score();
        view.verdicts.push(VerdictView {
            sample: sample.id.to_string(),
            file: sample.source.clone(),
            tag: case.tag.clone(),
            prompt: case.prompt().to_owned(),
            is_correct: score.is_correct,
            reasons: score.reasons,
        });
    }
    if matches!(evaluator, Evaluator::Checks { .. }) {
        view.judgments.extend(checked_view(evaluator, result));
        return;
    }
    let Some(judge) = evaluator.judge() else { return };
    let Some(replies) = judge.samples.get(&sample.id) else { return };
    view.judgments.push(JudgmentView {
        judge: judge.id.clone(),
        title: judge.short_title(),
        sample: sample.id.to_string(),
        case: sample.id.case.as_str().to_owned(),
        ordinal: sample.id.ordinal,
        value: replies.value(),
        scores: replies.readings().map(scores_text).collect(),
        readings: replies.readings().map(reading_view).collect(),
        failure: replies.failure().map(|failure| (failure.kind.code().to_owned(), failure.detail.clone())),
    });
}

/// By the checks of its case: each with its value, beside what the judge said.
fn checked_view(evaluator: &Evaluator, result: &SampleResult<'_>) -> Option<JudgmentView> {
    let sample = &result.observed.sample;
    let (scores, failure) = match &result.state {
        SampleState::Checked(checked) => (vec![checked.reasons().replace('\n', ", ")], None),
        SampleState::Failed(failure) => {
            (Vec::new(), Some((failure.kind.code().to_owned(), failure.detail.clone())))
        }
        SampleState::Incomplete(reason) => (Vec::new(), Some((NOT_OBSERVED.to_owned(), reason.clone()))),
        _ => return None,
    };
    let replies = evaluator.judge().and_then(|judge| judge.samples.get(&sample.id));
    Some(JudgmentView {
        judge: evaluator.id(),
        title: evaluator.title(),
        sample: sample.id.to_string(),
        case: sample.id.case.as_str().to_owned(),
        ordinal: sample.id.ordinal,
        value: result.state.value(),
        scores,
        readings: replies.into_iter().flat_map(|of| of.readings()).map(reading_view).collect(),
        failure,
    })
}

fn scores_text(reading: &Reading) -> String {
    let text = |(name, value): &(&str, f64)| format!("{name} {value}");
    reading.scores.values.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn reading_view(Reading { scores, reply, .. }: &Reading) -> ReadingView {
    ReadingView {
        scores: scores.values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        value: scores.value,
        notes: scores.notes.clone(),
        reply: reply.clone(),
    }
}

/// The official result row of a verdict, with a note where the scores are not official; `None` for what has no verdict.
///
/// # Errors
/// If a number of it cannot be written as JSON.
pub fn official_row(result: &SampleResult<'_>, note: &str) -> Result<Option<String>, serde_json::Error> {
    let (SampleState::Detected(verdict), Some(metadata)) =
        (&result.state, result.case.and_then(|case| case.objects.as_ref()))
    else {
        return Ok(None);
    };
    let source = result.observed.sample.source.clone();
    let row = ResultRow::new(source, metadata, &metadata.to_value(), verdict);
    let mut value = serde_json::to_value(row)?;
    if let (false, Some(map)) = (note.is_empty(), value.as_object_mut()) {
        map.insert("note".to_owned(), note.into());
    }
    Ok(Some(value.to_string()))
}
