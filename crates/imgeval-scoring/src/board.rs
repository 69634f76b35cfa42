//! Score tables in the paper's layout: published rows, then the runs.

use imgeval_report::model::{Board, BoardRow, Cell, RowSource};
use imgeval_suites::{
    suite::{Published, PublishedRow, SuiteRef},
    summary::Scheme,
};

use crate::OpenedRun;

/// The table of one suite with those runs that are of it; published rows only if asked for.
pub(crate) fn board_of(suite: SuiteRef, scheme: &Scheme, runs: &[OpenedRun], with_published: bool) -> Board {
    let published = suite.published().filter(|_| with_published).unwrap_or_default();
    let mut board = empty_board(suite, scheme, &published);
    board.rows = published_rows(&published);
    // The parts of one's own cases are those of their file.
    let is_of = |(_, run): &(usize, &OpenedRun)| run.run.suite() == suite && run.run.scheme() == scheme;
    for (index, run) in runs.iter().enumerate().filter(is_of) {
        if run.scored.is_empty() {
            board.rows.push(BoardRow {
                name: run.view.name.clone(),
                group: OWN_GROUP.to_owned(),
                source: RowSource::Run { run: index, observer: 0 },
                cells: vec![Cell::default(); board.columns.len()],
                note: "not evaluated yet".to_owned(),
                fingerprint: String::new(),
            });
        }
        for (observer, scored) in run.scored.iter().enumerate() {
            let view = &run.view.observers[observer];
            let name = match run.scored.len() {
                1 => run.view.name.clone(),
                _ => format!("{}, by {}", run.view.name, view.title),
            };
            board.rows.push(BoardRow {
                name,
                group: OWN_GROUP.to_owned(),
                source: RowSource::Run { run: index, observer },
                cells: scored.cells.clone(),
                note: view.note.clone(),
                fingerprint: view.protocol.fingerprint.clone(),
            });
        }
    }
    board
}

/// Heading of our own rows.
const OWN_GROUP: &str = "These runs";

fn empty_board(suite: SuiteRef, scheme: &Scheme, published: &Published) -> Board {
    let columns = columns_of(suite, scheme);
    let facts = suite.facts();
    Board {
        suite: suite.id().to_owned(),
        title: facts.title.to_owned(),
        overall: if facts.is_overall_first { 0 } else { columns.len().saturating_sub(1) },
        parts: (0..columns.len())
            .filter(|place| matches!(columns[*place].place, ColumnPlace::Part(_)))
            .collect(),
        columns: columns.into_iter().map(|column| column.title).collect(),
        decimals: facts.decimals,
        rows: Vec::new(),
        published_source: published.source.to_owned(),
        published_unknown: published.unknown.to_owned(),
    }
}

/// A column of a board.
pub(crate) struct Column {
    pub(crate) title: String,
    /// The name of its part or total, as comparisons know it.
    pub(crate) name: String,
    pub(crate) place: ColumnPlace,
}

/// Where a column's numbers stand in a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnPlace {
    Part(usize),
    Total(usize),
}

/// Parts, then the totals that have a column; the overall score first where its paper has it there.
pub(crate) fn columns_of(suite: SuiteRef, scheme: &Scheme) -> Vec<Column> {
    let parts = scheme.parts.iter().enumerate().map(|(place, part)| Column {
        title: part.column.clone(),
        name: part.name.clone(),
        place: ColumnPlace::Part(place),
    });
    let totals = scheme.totals.iter().enumerate().filter(|(_, total)| total.has_column);
    let totals = totals.map(|(place, total)| Column {
        title: total.name.clone(),
        name: total.name.clone(),
        place: ColumnPlace::Total(place),
    });
    let mut columns: Vec<Column> = parts.chain(totals).collect();
    if suite.facts().is_overall_first {
        columns.rotate_right(1);
    }
    columns
}

fn published_rows(published: &Published) -> Vec<BoardRow> {
    let row = |row: &PublishedRow| BoardRow {
        name: row.model.to_owned(),
        group: row.group.to_owned(),
        source: RowSource::Published,
        cells: row.values.iter().map(|value| Cell { value: *value, ..Cell::default() }).collect(),
        note: String::new(),
        fingerprint: String::new(),
    };
    published.rows.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use imgeval_suites::registry;

    use super::*;

    #[test]
    fn every_row_has_a_cell_for_each_column() {
        for suite in registry::all() {
            let board = board_of(suite, &suite.scheme(&BTreeMap::new()), &[], true);
            assert!(board.rows.iter().all(|row| row.cells.len() == board.columns.len()), "{suite:?}");
            assert!(board.rows.iter().all(|row| row.cells[board.overall].value.is_some()), "{suite:?}");
            assert_eq!(board.columns[board.overall], "overall");
        }
    }
}
