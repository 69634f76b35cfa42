//! One line of CSV for each line of a score table, groups first.

use crate::{
    model::IntervalView,
    scores::{EvaluatorView, LineView, ScoreView},
};

const OF_VERDICTS: &str = "tag,score,interval_low,interval_high,interval_method,images_correct,images_scored,\
                           images_missing,prompts,prompts_scored,prompts_any_correct,score_if_missing_wrong,\
                           score_if_missing_right,with_missing_low,with_missing_high,note\n";
const OF_JUDGES: &str = "judge,score,value,interval_low,interval_high,interval_method,images_scored,images_missing,\
                         prompts,prompts_scored,score_if_missing_worst,score_if_missing_best,with_missing_low,\
                         with_missing_high,note\n";

/// The header of [`render_scores_csv`], which several evaluators of one kind share.
#[must_use]
pub fn scores_csv_header(has_verdicts: bool) -> &'static str {
    if has_verdicts { OF_VERDICTS } else { OF_JUDGES }
}

/// Lines without the header.
#[must_use]
pub fn render_scores_csv(view: &ScoreView) -> String {
    let lines = view.groups.iter().chain(&view.lines);
    match &view.evaluator {
        EvaluatorView::Judge { title, .. } => lines.map(|line| of_judge(line, title, &view.note)).collect(),
        EvaluatorView::Detector { .. } | EvaluatorView::Foreign => {
            view.lines.iter().map(|line| of_verdicts(line, &view.note)).collect()
        }
    }
}

fn of_verdicts(line: &LineView, note: &str) -> String {
    let counts = [
        line.n_correct,
        line.n_scored,
        line.n_missing,
        line.n_prompts,
        line.n_prompts_scored,
        line.n_prompts_any_correct,
    ];
    let (worst, best) = line.bounds;
    let with_missing = two_fields(line.with_missing.as_ref());
    let (estimate, counts, name) = (estimate(line), numbers(&counts), &line.name);
    format!("{name},{estimate},{counts},{worst},{best},{with_missing},{}\n", quoted(note))
}

fn of_judge(line: &LineView, judge: &str, note: &str) -> String {
    let counts = numbers(&[line.n_scored, line.n_missing, line.n_prompts, line.n_prompts_scored]);
    let (worst, best) = line.bounds;
    let with_missing = two_fields(line.with_missing.as_ref());
    let (judge, name, note) = (quoted(judge), quoted(&line.name), quoted(note));
    format!("{judge},{name},{},{counts},{worst},{best},{with_missing},{note}\n", estimate(line))
}

fn numbers(counts: &[usize]) -> String {
    counts.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn estimate(line: &LineView) -> String {
    match (line.value, &line.interval) {
        (Some(value), Some(interval)) => {
            format!("{value},{},{},{}", interval.low, interval.high, interval.method)
        }
        _ => ",,,".to_owned(),
    }
}

fn two_fields(interval: Option<&IntervalView>) -> String {
    interval.map_or(",".to_owned(), |interval| format!("{},{}", interval.low, interval.high))
}
