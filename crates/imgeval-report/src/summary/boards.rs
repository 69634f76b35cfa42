//! The runs of one suite.

use super::{
    SummaryGroup, SummaryLine,
    wording::{
        Against, Measured, Range, Unit, listed_all, missing_sentence, order_sentences, part_sentence,
        rank_text, value_text,
    },
};
use crate::{
    model::{Board, BoardRow, Cell, ComparisonView, IntervalView, Report, RowSource, RunView},
    tables::sentence,
};

/// Of the runs alone: published rows have no interval, so that nothing can be said of a difference to them.
pub(super) fn summarize_board(report: &Report, board: &Board) -> SummaryGroup {
    let mut rows: Vec<(&BoardRow, &RunView)> = board
        .rows
        .iter()
        .filter_map(|row| match row.source {
            RowSource::Run { run, .. } => Some((row, report.runs.get(run)?)),
            RowSource::Published => None,
        })
        .collect();
    rows.sort_by(|(a, _), (b, _)| {
        place_of(board, a).partial_cmp(&place_of(board, b)).unwrap_or(std::cmp::Ordering::Equal)
    });
    let lines = rows.into_iter().map(|(row, run)| line_of(report, board, row, run));
    SummaryGroup { title: board.title.clone(), lines: lines.collect() }
}

/// Ranked ones first, then by score; those without one last.
fn place_of(board: &Board, row: &BoardRow) -> (usize, usize, f64) {
    let cell = row.cells.get(board.overall);
    let (first, last) = cell.and_then(|cell| cell.rank).unwrap_or((usize::MAX, usize::MAX));
    (first, last, -cell.and_then(value_of).unwrap_or(-1.0))
}

fn line_of(report: &Report, board: &Board, row: &BoardRow, run: &RunView) -> SummaryLine {
    let overall = row.cells.get(board.overall);
    let mut sentences = Vec::new();
    let mut rank = String::new();
    match overall.and_then(|cell| Some((cell, value_of(cell)?))) {
        Some((cell, value)) => {
            let score = value_text(value, range_of(cell.interval.as_ref()), Unit::Score);
            sentences.push(format!("Scores {score}."));
            rank = cell.rank.map(rank_text).unwrap_or_default();
            sentences.extend(order_sentences(&opponents(report, board, row), Unit::Score));
        }
        None => sentences.push(without_score(board, row)),
    }
    let parts = parts_of(board, row);
    sentences.extend(part_sentence(&parts, Unit::Score));
    if let Some(cell) = overall {
        let n_all = cell.n_images + cell.n_missing;
        sentences.extend(missing_sentence(cell.n_missing, n_all, cell.bounds, Unit::Score));
    }
    if run.n_prompts_with_image < run.n_prompts {
        sentences.push(format!("{} of {} prompts have an image.", run.n_prompts_with_image, run.n_prompts));
    }
    if !row.note.is_empty() {
        sentences.push(sentence(&row.note));
    }
    SummaryLine { rank, name: row.name.clone(), sentences }
}

fn without_score(board: &Board, row: &BoardRow) -> String {
    let is_open = |place: &&usize| row.cells.get(**place).and_then(value_of).is_none();
    let open: Vec<String> =
        board.parts.iter().filter(is_open).filter_map(|place| board.columns.get(*place).cloned()).collect();
    match open.len() {
        0 => "No overall score.".to_owned(),
        n if n == board.parts.len() => "No score yet.".to_owned(),
        _ => format!("No overall score: nothing scored of {}.", listed_all(&open)),
    }
}

fn parts_of(board: &Board, row: &BoardRow) -> Vec<Measured> {
    let part = |place: &usize| {
        let (name, cell) = (board.columns.get(*place)?, row.cells.get(*place)?);
        // What is missing of a part could have been anything.
        let interval = match cell.n_missing {
            0 => cell.interval.as_ref(),
            _ => cell.with_missing.as_ref(),
        };
        Some(Measured { name: name.clone(), value: value_of(cell)?, range: range_of(interval) })
    };
    board.parts.iter().filter_map(part).collect()
}

/// The other runs of the board that the row was compared with, overall.
fn opponents(report: &Report, board: &Board, row: &BoardRow) -> Vec<Against> {
    let is_of_board = |name: &str| board.rows.iter().any(|row| row.name == name);
    let against = |comparison: &ComparisonView| {
        let line = comparison.lines.last()?;
        let (sign, name) = if comparison.a == row.name {
            (1.0, &comparison.b)
        } else if comparison.b == row.name {
            (-1.0, &comparison.a)
        } else {
            return None;
        };
        if !is_of_board(name) {
            return None;
        }
        let range = line.interval.as_ref().and_then(|interval| {
            let ends = (sign * interval.low, sign * interval.high);
            Range::new(ends.0.min(ends.1), ends.0.max(ends.1))
        });
        Some(Against { name: name.clone(), difference: sign * line.difference?, range })
    };
    report.comparisons.iter().filter(|of| of.suite == board.suite).filter_map(against).collect()
}

fn value_of(cell: &Cell) -> Option<f64> {
    cell.value.filter(|value| value.is_finite())
}

fn range_of(interval: Option<&IntervalView>) -> Option<Range> {
    interval.and_then(|interval| Range::new(interval.low, interval.high))
}

#[cfg(test)]
mod tests;
