//! What every image was given, as tables show it.

use imgeval_report::verdicts::{JudgmentView, ReadingView, VerdictView, VerdictsView};

use crate::{Evaluator, Reading, SampleResult, SampleState};

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
    let Some(judge) = evaluator.judge() else { return };
    let Some(replies) = judge.samples.get(&sample.id) else { return };
    view.judgments.push(JudgmentView {
        judge: judge.id.clone(),
        title: judge.short_title(),
        sample: sample.id.to_string(),
        case: sample.id.case.as_str().to_owned(),
        ordinal: sample.id.ordinal,
        value: replies.value(),
        readings: replies.readings().map(reading_view).collect(),
        failure: replies.failure().map(|failure| (failure.kind.code().to_owned(), failure.detail.clone())),
    });
}

fn reading_view(Reading { scores, reply }: &Reading) -> ReadingView {
    ReadingView {
        scores: scores.values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        value: scores.value,
        notes: scores.notes.clone(),
        reply: reply.clone(),
    }
}
