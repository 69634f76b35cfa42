//! CSV by RFC 4180, a record for each row, numbers whole.

use super::TableOptions;
use super::board_sheet::grouped;
use crate::{
    model::{Board, BoardRow, ComparisonView, DifferenceLine, RowSource},
    plain::plain,
};

/// A record for each row: group, model, `published` or `run`, a field for each column (with `low` and `high` after it if
/// intervals are asked for), what the overall score is made of (images, prompts, missing, bounds and ranks), the note, the
/// protocol's fingerprint, and for published rows their source and what is not known of them.
///
/// A text that a spreadsheet would take for a formula has an apostrophe before it.
#[must_use]
pub fn render_board_csv(board: &Board, options: TableOptions) -> String {
    let mut header = vec!["group".to_owned(), "model".to_owned(), "kind".to_owned()];
    for name in &board.columns {
        header.push(name.clone());
        if options.intervals {
            header.extend([format!("{name} low"), format!("{name} high")]);
        }
    }
    header.extend(
        [
            "images",
            "prompts",
            "missing",
            "score if missing wrong",
            "score if missing right",
            "first rank",
            "last rank",
            "note",
            "fingerprint",
            "published source",
            "published unknown",
        ]
        .map(str::to_owned),
    );
    let mut text = record(header.iter().map(|name| word(name)));
    for (group, rows) in grouped(board) {
        for row in rows {
            text.push_str(&record(board_fields(board, group, row, options).into_iter()));
        }
    }
    text
}

fn board_fields(board: &Board, group: &str, row: &BoardRow, options: TableOptions) -> Vec<String> {
    let is_published = row.source == RowSource::Published;
    let kind = if is_published { "published" } else { "run" };
    let mut fields = vec![word(group), word(&row.name), kind.to_owned()];
    for column in 0..board.columns.len() {
        let cell = row.cells.get(column);
        fields.push(number(cell.and_then(|cell| cell.value)));
        if options.intervals {
            let interval = cell.and_then(|cell| cell.interval.as_ref());
            fields.push(number(interval.map(|interval| interval.low)));
            fields.push(number(interval.map(|interval| interval.high)));
        }
    }
    let overall = row.cells.get(board.overall).filter(|_| !is_published);
    let count = |count: Option<usize>| count.map(|count| count.to_string()).unwrap_or_default();
    let (bounds, rank) = (overall.and_then(|cell| cell.bounds), overall.and_then(|cell| cell.rank));
    fields.extend([
        count(overall.map(|cell| cell.n_images)),
        count(overall.map(|cell| cell.n_prompts)),
        count(overall.map(|cell| cell.n_missing)),
        number(bounds.map(|(worst, _)| worst)),
        number(bounds.map(|(_, best)| best)),
        count(rank.map(|(first, _)| first)),
        count(rank.map(|(_, last)| last)),
        word(&row.note),
        word(&row.fingerprint),
        if is_published { word(&board.published_source) } else { String::new() },
        if is_published { word(&board.published_unknown) } else { String::new() },
    ]);
    fields
}

/// A record for each part, the overall difference last; conclusion and notes stand in each of them.
#[must_use]
pub fn render_comparison_csv(comparison: &ComparisonView) -> String {
    let header = [
        "suite",
        "a",
        "b",
        "paired",
        "part",
        "difference",
        "low",
        "high",
        "interval method",
        "prompts",
        "won",
        "tied",
        "lost",
        "p",
        "p Holm",
        "test",
        "detectable",
        "prompts needed",
        "conclusion",
        "notes",
    ];
    let mut text = record(header.into_iter().map(word));
    for line in &comparison.lines {
        text.push_str(&record(comparison_fields(comparison, line).into_iter()));
    }
    text
}

fn comparison_fields(comparison: &ComparisonView, line: &DifferenceLine) -> Vec<String> {
    let interval = line.interval.as_ref();
    let counts = match line.won_tied_lost {
        Some((won, tied, lost)) => [won.to_string(), tied.to_string(), lost.to_string()],
        None => [const { String::new() }; 3],
    };
    let mut fields = vec![
        word(&comparison.suite),
        word(&comparison.a),
        word(&comparison.b),
        comparison.is_paired.to_string(),
        word(&line.part),
        number(line.difference),
        number(interval.map(|interval| interval.low)),
        number(interval.map(|interval| interval.high)),
        word(interval.map_or("", |interval| &interval.method)),
        line.n_prompts.to_string(),
    ];
    fields.extend(counts);
    fields.extend([
        number(line.p_value),
        number(line.p_adjusted),
        word(&line.test),
        number(line.detectable),
        line.prompts_needed.map(|needed| needed.to_string()).unwrap_or_default(),
        word(&comparison.conclusion),
        word(&comparison.notes.join(" ")),
    ]);
    fields
}

/// Ends with CRLF, as the RFC has it.
pub(super) fn record(fields: impl Iterator<Item = String>) -> String {
    let fields: Vec<String> = fields.collect();
    fields.join(",") + "\r\n"
}

/// The shortest digits that give the number back; nothing if there is none.
fn number(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map(|value| value.to_string()).unwrap_or_default()
}

/// Quoted if need be. Spreadsheets compute what begins with one of a few signs, in their full-width forms too.
pub(super) fn word(text: &str) -> String {
    let mut text = plain(text);
    if text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        text.insert(0, '\'');
    }
    match text.contains(['"', ',']) || text.starts_with(' ') || text.ends_with(' ') {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}
