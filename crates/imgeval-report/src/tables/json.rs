//! JSON of a stable shape.

use serde_json::{Value, json};

use crate::{
    model::{Board, BoardRow, Cell, ComparisonView, DifferenceLine, IntervalView, RowSource},
    schema::Schema,
};

/// All boards in one document:
///
/// ```json
/// {"schema": "imgeval/tables/1", "format": "imgeval-tables", "version": 1, "tables": [{
///   "suite": "geneval", "title": "…", "columns": ["overall", "…"], "overall": "overall", "decimals": 2,
///   "published": {"source": "…", "unknown": "…"},
///   "rows": [{"name": "…", "group": "…", "kind": "published|run", "note": "…", "fingerprint": "…",
///     "cells": [{"column": "overall", "score": 0.84,
///       "interval": {"low": 0.8, "high": 0.88, "level": 0.95, "method": "…"},
///       "images": 4, "prompts": 1, "missing": 0, "bounds": {"worst": 0.8, "best": 0.9},
///       "rank": {"first": 1, "last": 2}, "best": true}]}]}]}
/// ```
///
/// Scores are fractions in [0, 1]. What does not exist is `null`: `published` without published rows, `fingerprint`,
/// `images`, `prompts` and `missing` of published rows, `bounds` where nothing is missing. Texts are as they came and
/// may hold any character.
#[must_use]
pub fn render_board_json(boards: &[Board]) -> String {
    let tables: Vec<Value> = boards.iter().map(board_json).collect();
    document(Schema::Tables, "tables", tables)
}

/// All comparisons in one document:
///
/// ```json
/// {"schema": "imgeval/comparisons/1", "format": "imgeval-comparisons", "version": 1, "comparisons": [{
///   "suite": "geneval", "a": "…", "b": "…", "title": "…", "paired": true,
///   "lines": [{"part": "counting", "difference": -0.012,
///     "interval": {"low": -0.05, "high": 0.03, "level": 0.95, "method": "…"}, "prompts": 80,
///     "won": 3, "tied": 70, "lost": 7, "p": 0.34, "p_holm": 1.0, "test": "…", "detectable": 0.06,
///     "prompts_needed": 2000}],
///   "conclusion": "…", "notes": ["…"]}]}
/// ```
///
/// A difference is a minus b; the overall one is the last line. What does not exist is `null`.
#[must_use]
pub fn render_comparison_json(comparisons: &[ComparisonView]) -> String {
    let comparisons: Vec<Value> = comparisons.iter().map(comparison_json).collect();
    document(Schema::Comparisons, "comparisons", comparisons)
}

/// `format` and `version` say the same as the schema; they were there before it.
fn document(schema: Schema, key: &str, items: Vec<Value>) -> String {
    let (name, version) = schema.name_and_version();
    let document = json!({"format": format!("imgeval-{name}"), "version": version, key: items});
    format!("{:#}\n", schema.stamp(document))
}

fn board_json(board: &Board) -> Value {
    let has_published = board.rows.iter().any(|row| row.source == RowSource::Published);
    let published =
        has_published.then(|| json!({"source": board.published_source, "unknown": board.published_unknown}));
    json!({
        "suite": board.suite,
        "title": board.title,
        "columns": board.columns,
        "overall": board.columns.get(board.overall),
        "decimals": board.decimals,
        "published": published,
        "rows": board.rows.iter().map(|row| row_json(board, row)).collect::<Vec<_>>(),
    })
}

fn row_json(board: &Board, row: &BoardRow) -> Value {
    let is_run = row.source != RowSource::Published;
    let cells = board.columns.iter().zip(&row.cells);
    json!({
        "name": row.name,
        "group": row.group,
        "kind": if is_run { "run" } else { "published" },
        "note": row.note,
        "fingerprint": (!row.fingerprint.is_empty()).then_some(&row.fingerprint),
        "cells": cells.map(|(column, cell)| cell_json(column, cell, is_run)).collect::<Vec<_>>(),
    })
}

fn cell_json(column: &str, cell: &Cell, is_run: bool) -> Value {
    let count = |count: usize| is_run.then_some(count);
    json!({
        "column": column,
        "score": cell.value,
        "interval": cell.interval.as_ref().map(interval_json),
        "images": count(cell.n_images),
        "prompts": count(cell.n_prompts),
        "missing": count(cell.n_missing),
        "bounds": cell.bounds.map(|(worst, best)| json!({"worst": worst, "best": best})),
        "rank": cell.rank.map(|(first, last)| json!({"first": first, "last": last})),
        "best": cell.is_best,
    })
}

fn interval_json(interval: &IntervalView) -> Value {
    json!({"low": interval.low, "high": interval.high, "level": 0.95, "method": interval.method})
}

/// One comparison as a value, for a document of another kind.
#[must_use]
pub fn comparison_json(comparison: &ComparisonView) -> Value {
    json!({
        "suite": comparison.suite,
        "a": comparison.a,
        "b": comparison.b,
        "title": comparison.title,
        "paired": comparison.is_paired,
        "lines": comparison.lines.iter().map(line_json).collect::<Vec<_>>(),
        "conclusion": comparison.conclusion,
        "notes": comparison.notes,
    })
}

fn line_json(line: &DifferenceLine) -> Value {
    let counts = line.won_tied_lost;
    json!({
        "part": line.part,
        "difference": line.difference,
        "interval": line.interval.as_ref().map(interval_json),
        "prompts": line.n_prompts,
        "won": counts.map(|(won, ..)| won),
        "tied": counts.map(|(_, tied, _)| tied),
        "lost": counts.map(|(.., lost)| lost),
        "p": line.p_value,
        "p_holm": line.p_adjusted,
        "test": line.test,
        "detectable": line.detectable,
        "prompts_needed": line.prompts_needed,
    })
}
