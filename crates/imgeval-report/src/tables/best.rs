//! Which value of a column is the best.

use crate::{
    model::{Board, BoardRow, RowSource},
    number::decimal,
};

/// Sets [`is_best`](crate::model::Cell::is_best) in every cell of the board.
///
/// The best is the largest value of its column among the rows whose scores may stand side by side: all published rows,
/// and the runs that carry no note. A note says why a run is not comparable, so that one never takes part. Values are
/// compared as printed, with the board's decimals, because published ones are known no better; equal ones are all best.
/// A column in which fewer than two such rows have a value has no best.
pub fn mark_best(board: &mut Board) {
    let decimals = board.decimals;
    for column in 0..board.columns.len() {
        let printed = |row: &BoardRow| {
            let value = row.cells.get(column)?.value.filter(|value| value.is_finite())?;
            may_stand_beside_others(row).then(|| decimal(value, decimals).parse::<f64>().ok())?
        };
        let values: Vec<Option<f64>> = board.rows.iter().map(printed).collect();
        let known = || values.iter().flatten();
        let largest = known().copied().reduce(f64::max).filter(|_| known().count() > 1);
        for (row, value) in board.rows.iter_mut().zip(values) {
            if let Some(cell) = row.cells.get_mut(column) {
                cell.is_best = value.is_some() && value == largest;
            }
        }
    }
}

fn may_stand_beside_others(row: &BoardRow) -> bool {
    match row.source {
        RowSource::Published => true,
        RowSource::Run { .. } => row.note.is_empty(),
    }
}
