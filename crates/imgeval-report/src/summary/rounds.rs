//! Models over sessions of edits: SR@k, the share of sessions in which rounds 1 to k all hold.

use super::{
    SummaryGroup, SummaryLine,
    wording::{Against, Range, Unit, order_sentences, rank_among, rank_text, value_text},
};
use crate::rounds::{RoundsComparison, RoundsModel, RoundsView, SuccessLine};

/// The models of a view, ranked at the last round that all of them have.
#[must_use]
pub fn summarize_rounds(view: &RoundsView) -> SummaryGroup {
    // Models are compared at the last round that all of them have.
    let last = view.models.iter().map(|model| last_round(&model.success)).min().unwrap_or(0);
    let mut lines: Vec<(f64, (usize, usize), SummaryLine)> =
        view.models.iter().map(|model| line_of(view, model, last)).collect();
    lines.sort_by(|(a, of_a, _), (b, of_b, _)| of_a.cmp(of_b).then(b.total_cmp(a)));
    SummaryGroup {
        title: "Sessions of edits: share of sessions in which all rounds hold".to_owned(),
        lines: lines.into_iter().map(|(_, _, line)| line).collect(),
    }
}

fn last_round(success: &[SuccessLine]) -> u32 {
    success.iter().map(|line| line.round).max().unwrap_or(0)
}

fn line_of(view: &RoundsView, model: &RoundsModel, last: u32) -> (f64, (usize, usize), SummaryLine) {
    let mut sentences = Vec::new();
    let others: Vec<Against> =
        view.comparisons.iter().filter_map(|comparison| against(comparison, &model.name, last)).collect();
    let rank = rank_among(&others);
    let held = model.success.iter().find(|line| line.round == last);
    match held {
        Some(line) => sentences.push(format!(
            "All rounds up to {last} hold in {} of {}.",
            value_text(line.rate, Range::new(line.interval.0, line.interval.1), Unit::Percent),
            sessions(line.sessions)
        )),
        None => sentences.push(format!("No round of {} was measured.", sessions(model.n_sessions))),
    }
    sentences.extend(order_sentences(&others, Unit::Percent));
    if let Some(line) = model.judged.iter().find(|line| line.round == last) {
        sentences.push(format!(
            "By the judge, all rounds up to {last} succeed in {} of {}.",
            value_text(line.rate, Range::new(line.interval.0, line.interval.1), Unit::Percent),
            sessions(line.sessions)
        ));
    }
    sentences.extend(median_sentence(model));
    let count = |of: fn(&crate::rounds::RoundLine) -> usize| model.rounds.iter().map(of).sum::<usize>();
    let absent: Vec<String> =
        [(count(|round| round.refused), "refused"), (count(|round| round.missing), "missing")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
    if !absent.is_empty() {
        sentences.push(format!("Rounds without an image count as failures: {}.", absent.join(", ")));
    }
    let rank_text = if others.is_empty() { String::new() } else { rank_text(rank) };
    let line = SummaryLine { rank: rank_text, name: model.name.clone(), sentences };
    (held.map_or(-1.0, |line| line.rate), rank, line)
}

/// Fewer observations have no 95 % interval of their median: that of all of them holds it with 1 - 2 / 2^n.
const MIN_SESSIONS_FOR_MEDIAN: usize = 6;

fn median_sentence(model: &RoundsModel) -> Option<String> {
    if model.n_sessions < MIN_SESSIONS_FOR_MEDIAN {
        return None;
    }
    let median = model.median?;
    let interval = match model.median_interval {
        (Some(low), Some(high)) => format!("95 % CI {low} to {high}"),
        (Some(low), None) => format!("95 % CI from {low} to later than any round seen"),
        (None, _) => return None,
    };
    Some(format!("Half of the sessions have failed by round {median} ({interval})."))
}

fn sessions(n: usize) -> String {
    if n == 1 { "1 session".to_owned() } else { format!("{n} sessions") }
}

/// The difference of `name` to the other model of a comparison, which gives b minus a.
fn against(comparison: &RoundsComparison, name: &str, round: u32) -> Option<Against> {
    let (sign, other) = if comparison.b == name {
        (1.0, &comparison.a)
    } else if comparison.a == name {
        (-1.0, &comparison.b)
    } else {
        return None;
    };
    let line = comparison.success.iter().find(|line| line.round == round)?;
    let range = line.interval.and_then(|(low, high)| {
        let ends = (sign * low, sign * high);
        Range::new(ends.0.min(ends.1), ends.0.max(ends.1))
    });
    Some(Against { name: other.clone(), difference: sign * line.difference, range })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::{RoundLine, SuccessDifference};

    fn model(name: &str, rate: f64, rounds: u32) -> RoundsModel {
        let success = |round| SuccessLine {
            round,
            sessions: 20,
            count: (20.0 * rate) as usize,
            rate,
            interval: (rate - 0.1, rate + 0.1),
        };
        RoundsModel {
            name: name.to_owned(),
            n_sessions: 20,
            success: (1..=rounds).map(success).collect(),
            median: Some(3),
            median_interval: (Some(2), None),
            rounds: vec![RoundLine { refused: 2, missing: 1, ..RoundLine::default() }],
            ..RoundsModel::default()
        }
    }

    fn view(interval: (f64, f64)) -> RoundsView {
        let difference = |round, interval| SuccessDifference {
            round,
            sessions: 20,
            rates: [0.4, 0.6],
            a_only: 1,
            b_only: 5,
            difference: 0.2,
            interval: Some(interval),
            p: 0.03,
            p_adjusted: 0.06,
        };
        RoundsView {
            models: vec![model("a", 0.4, 4), model("b", 0.6, 3)],
            comparisons: vec![RoundsComparison {
                a: "a".to_owned(),
                b: "b".to_owned(),
                n_sessions: 20,
                success: vec![difference(1, (0.1, 0.3)), difference(3, interval)],
                judged: Vec::new(),
                slopes: Vec::new(),
                conclusion: String::new(),
            }],
            ..RoundsView::default()
        }
    }

    #[test]
    fn models_are_ranked_at_the_last_round_that_all_have() {
        let group = summarize_rounds(&view((0.05, 0.35)));
        let ranks: Vec<(&str, &str)> =
            group.lines.iter().map(|line| (line.rank.as_str(), line.name.as_str())).collect();
        assert_eq!(ranks, [("1", "b"), ("2", "a")]);
        assert_eq!(
            group.lines[0].sentences.join(" "),
            "All rounds up to 3 hold in 60 % (95 % CI 50 to 70) of 20 sessions. Scores higher than a (by 20 percentage points, \
             95 % CI 5 to 35). Half of the sessions have failed by round 3 (95 % CI from 2 to later than any round seen). Rounds \
             without an image count as failures: 2 refused, 1 missing."
        );
        assert!(group.lines[1].sentences[1].starts_with("Scores lower than b (by 20"));
    }

    #[test]
    fn few_sessions_have_no_median() {
        let mut few = view((0.05, 0.35));
        few.models[1].n_sessions = 5;
        let group = summarize_rounds(&few);
        assert!(group.lines[0].sentences.iter().all(|sentence| !sentence.contains("Half of")));
        assert!(group.lines[1].sentences.iter().any(|sentence| sentence.contains("Half of")));
    }

    #[test]
    fn an_interval_with_zero_gives_one_rank_to_both() {
        // Round 1 differs; what is compared is the last one.
        let group = summarize_rounds(&view((-0.05, 0.4)));
        assert!(group.lines.iter().all(|line| line.rank == "1-2"));
        assert_eq!(group.lines[0].name, "b", "the higher rate first");
        assert!(
            group.lines.iter().all(|line| line.sentences[1].starts_with("No significant difference from"))
        );
    }

    #[test]
    fn without_a_session_nothing_is_compared() {
        assert!(summarize_rounds(&RoundsView::default()).lines.is_empty());
        let alone = RoundsView { models: vec![RoundsModel::default()], ..RoundsView::default() };
        assert_eq!(summarize_rounds(&alone).lines[0].sentences, ["No round of 0 sessions was measured."]);
    }
}
