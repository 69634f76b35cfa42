//! A score board laid out: published rows by group, then the runs, then what must be known to read them.

use std::collections::BTreeMap;

use super::{
    TableOptions,
    sheet::{Entry, Row, Section, Sheet, ended, sentence},
    terminal::Column,
};
use crate::{
    model::{Board, BoardRow, Cell, RowSource},
    number::decimal,
};

const BEST_RULE: &str = "best of its column, including ties; published rows and runs without a note are compared at printed precision.";

/// A column of the board by index; at 80 columns, only the name and the overall score remain.
pub(super) fn column(board: &Board, place: usize, title: &str) -> Column {
    match place.checked_sub(1) {
        None => Column::text(title).shortened(),
        Some(of) if of == board.overall => Column::number(title),
        // After the scores come what is missing and the bounds.
        Some(of) if of > board.columns.len() => Column::number(title).wide_only(),
        Some(_) => Column::number(title).normal(),
    }
}

pub(super) fn lay_out(board: &Board, options: TableOptions) -> Sheet {
    let is_anything_missing = board.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.n_missing > 0);
    let mut sheet = Sheet { title: board.title.clone(), ..Sheet::default() };
    sheet.header = ["model".to_owned()].into_iter().chain(board.columns.iter().cloned()).collect();
    if is_anything_missing {
        sheet.header.extend(["missing".to_owned(), "bounds".to_owned()]);
    }
    for (heading, rows) in grouped(board) {
        let rows = rows
            .into_iter()
            .map(|row| lay_out_row(&mut sheet, board, row, options, is_anything_missing))
            .collect();
        sheet.sections.push(Section { heading: heading.to_owned(), rows });
    }
    if board.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.is_best) {
        sheet.best_rule = BEST_RULE;
    }
    sheet.below = lines_below(board, options, is_anything_missing);
    sheet
}

/// Groups in order of their first row, those of published rows first.
pub(super) fn grouped(board: &Board) -> Vec<(&str, Vec<&BoardRow>)> {
    let mut groups: Vec<(&str, bool, Vec<&BoardRow>)> = Vec::new();
    for row in &board.rows {
        let is_published = row.source == RowSource::Published;
        match groups.iter_mut().find(|(name, published, _)| *name == row.group && *published == is_published)
        {
            Some((.., rows)) => rows.push(row),
            None => groups.push((&row.group, is_published, vec![row])),
        }
    }
    groups.sort_by_key(|(_, is_published, _)| !is_published);
    groups.into_iter().map(|(name, _, rows)| (name, rows)).collect()
}

fn lay_out_row(
    sheet: &mut Sheet,
    board: &Board,
    row: &BoardRow,
    options: TableOptions,
    with_missing: bool,
) -> Row {
    let cell = |column: usize| row.cells.get(column);
    let mut entries: Vec<Entry> =
        (0..board.columns.len()).map(|column| entry_of(cell(column), board.decimals, options)).collect();
    if with_missing {
        let is_known = |cell: &&Cell| cell.n_images + cell.n_missing > 0;
        let overall = cell(board.overall).filter(is_known);
        entries.push(overall.map_or_else(Entry::none, |cell| Entry::of(cell.n_missing.to_string())));
        let bounds = overall
            .and_then(|cell| cell.bounds)
            .filter(|(worst, best)| worst.is_finite() && best.is_finite());
        entries.push(
            bounds.map_or_else(Entry::none, |(worst, best)| Entry::of(range(worst, best, board.decimals))),
        );
    }
    let mut footnotes = Vec::new();
    for note in [row.note.clone(), missing_by_column(board, row)] {
        if !note.is_empty() {
            footnotes.push(sheet.footnote(&sentence(&note)));
        }
    }
    Row { name: row.name.clone(), footnotes, has_note: !row.note.is_empty(), entries }
}

fn entry_of(cell: Option<&Cell>, decimals: usize, options: TableOptions) -> Entry {
    let Some((cell, value)) =
        cell.and_then(|cell| Some((cell, cell.value.filter(|value| value.is_finite())?)))
    else {
        return Entry::none();
    };
    let interval =
        cell.interval.as_ref().filter(|of| options.intervals && of.low.is_finite() && of.high.is_finite());
    Entry {
        value: decimal(value, decimals),
        is_best: cell.is_best,
        interval: interval.map(|of| (decimal(of.low, decimals), decimal(of.high, decimals))),
        rank: cell.rank,
        ..Entry::default()
    }
}

/// What each column but the overall one lacks, in words.
fn missing_by_column(board: &Board, row: &BoardRow) -> String {
    let parts: Vec<String> = board
        .columns
        .iter()
        .zip(&row.cells)
        .enumerate()
        .filter(|(column, (_, cell))| *column != board.overall && cell.n_missing > 0)
        .map(|(_, (name, cell))| {
            let of = cell.n_missing + cell.n_images;
            let bounds =
                cell.bounds.map(|(worst, best)| format!(" ({})", range(worst, best, board.decimals)));
            format!("{name} {} of {of}{}", cell.n_missing, bounds.unwrap_or_default())
        })
        .collect();
    if parts.is_empty() { String::new() } else { format!("missing by column: {}", parts.join(", ")) }
}

fn range(low: f64, high: f64, decimals: usize) -> String {
    format!("{} to {}", decimal(low, decimals), decimal(high, decimals))
}

fn lines_below(board: &Board, options: TableOptions, is_anything_missing: bool) -> Vec<String> {
    let cells = || board.rows.iter().flat_map(|row| &row.cells);
    let mut lines = Vec::new();
    if options.intervals {
        let methods: BTreeMap<&str, ()> = cells()
            .filter_map(|cell| cell.interval.as_ref())
            .map(|interval| (interval.method.as_str(), ()))
            .collect();
        if !methods.is_empty() {
            let methods: Vec<&str> = methods.into_keys().collect();
            lines.push(format!("Brackets: 95 % intervals ({}).", methods.join("; ")));
        }
    }
    if cells().any(|cell| cell.rank.is_some()) {
        lines.push(
            "#: rank among the runs compared here, as a range where the order is within noise.".to_owned(),
        );
    }
    if is_anything_missing {
        lines.push(
            "Missing: images without a score, overall, which are not counted; bounds: the overall score if all of them were incorrect, or correct."
                .to_owned(),
        );
    }
    lines.extend(protocols(board));
    if !board.published_source.is_empty() {
        lines.push(format!("Published rows: {}", ended(&board.published_source)));
    }
    if !board.published_unknown.is_empty() {
        lines.push(sentence(&format!("unknown for published rows: {}", board.published_unknown)));
    }
    lines
}

/// One line for each protocol, in the order of its first run.
fn protocols(board: &Board) -> Vec<String> {
    let mut protocols: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in board.rows.iter().filter(|row| !row.fingerprint.is_empty()) {
        match protocols.iter_mut().find(|(fingerprint, _)| *fingerprint == row.fingerprint) {
            Some((_, names)) => names.push(&row.name),
            None => protocols.push((&row.fingerprint, vec![&row.name])),
        }
    }
    protocols
        .into_iter()
        .map(|(fingerprint, names)| format!("Protocol {fingerprint}: {}.", names.join(", ")))
        .collect()
}
