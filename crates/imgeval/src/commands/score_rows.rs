//! `imgeval score-rows`, the table of official score files: of suites whose own script writes scores row by row.

use std::{collections::BTreeSet, path::Path};

use anyhow::Result;
use imgeval_core::{Protocol, visible};
use imgeval_report::{
    schema::Schema,
    scores::LineView,
    tables::{
        line_json, published_table, render_scores_csv, scores_csv_header,
        terminal::{Column, Row, Table},
        withheld_text,
    },
};
use imgeval_scoring::{plain_view, published_view};
use imgeval_suites::{
    registry,
    suite::{OfficialRows, SuiteRef},
    summary::SummaryBuilder,
};
use serde_json::{Value, json};

use crate::{args::scoring::ScoreRowsArgs, exit_code::Exit, failure::CommandError, printer::Printer};

/// Official files of scores are no longer than this.
const MAX_ROWS_BYTES: u64 = 64 << 20;
/// More notes on one file are only counted.
const MAX_ROW_NOTES: usize = 5;

pub(super) fn score_rows(args: &ScoreRowsArgs, printer: Printer) -> Result<Exit> {
    args.table.check_without_run()?;
    let name = &args.suite;
    let suite = registry::find(name).filter(|suite| suite.facts().has_official_rows).ok_or_else(|| {
        let known = registry::all().filter(|suite| suite.facts().has_official_rows).map(SuiteRef::id);
        let hint = format!("imgeval score-rows SUITE FILE..., of {}", known.collect::<Vec<_>>().join(", "));
        CommandError::usage(format!("`{name}` is not a suite with official score files")).with_hint(hint)
    })?;
    let mut builder = SummaryBuilder::new(suite.scheme(&Default::default()));
    let (mut n_failed, mut n_skipped) = (0, 0);
    let mut seen = BTreeSet::new();
    for path in &args.files {
        let text = imgeval_files::read_hand_written(path, MAX_ROWS_BYTES, "the scores")?;
        let read = suite.read_official_rows(&text);
        let OfficialRows { rows, notes, n_skipped: skipped } =
            read.map_err(|error| CommandError::usage(format!("`{}`: {error}", path.display())))?;
        n_skipped += skipped;
        tell_row_notes(path, &notes, printer);
        for row in rows {
            if !seen.insert(row.id.clone()) {
                let message = format!("`{}`: prompt {} already has a score", path.display(), row.id);
                return Err(CommandError::usage(message).into());
            }
            let group = row.group.as_deref().map(|group| if group.is_empty() { "(none)" } else { group });
            builder.add_case(row.part, &row.id, group);
            match row.value {
                Some(value) => builder.add_score(row.part, &row.id, value),
                None => {
                    n_failed += 1;
                    builder.add_failed(row.part, &row.id);
                }
            }
        }
    }
    if seen.is_empty() {
        return Err(CommandError::nothing("the files contain no scores").into());
    }
    let summary = builder.summarise(args.table.settings());
    let view = plain_view(suite, &summary, &Protocol::default());
    if args.table.json {
        let lines = |lines: &[LineView]| lines.iter().map(line_json).collect::<Value>();
        let value = json!({
            "suite": suite.id(), "scores": lines(&view.lines), "subcategories": lines(&view.groups),
            "failed_rows": n_failed, "skipped_lines": n_skipped,
        });
        printer.data(format_args!("{:#}\n", Schema::ScoreRows.stamp(value)))?;
    } else if args.table.csv {
        let view = view.by_nobody();
        printer.data(format_args!("{}{}", scores_csv_header(false), render_scores_csv(&view)))?;
    } else {
        let mut table = Table::new([
            Column::text("score"),
            Column::number("value"),
            Column::number("images"),
            Column::number("failed"),
        ]);
        let groups = view.groups.iter().filter(|_| args.by_subcategory);
        for line in groups.chain(&view.lines) {
            let value = line.value.map_or("-".to_owned(), |value| format!("{value:.4}"));
            let counts = [line.n_scored, line.n_missing].map(|count| count.to_string());
            table.push(Row::new([line.name.clone(), value].into_iter().chain(counts)));
        }
        table.below.extend(withheld_text(&view.without_score));
        let published = published_view(suite, &summary, true).filter(|_| args.table.with_published);
        printer.tables([Some(table), published.map(|view| published_table(&view))].into_iter().flatten())?;
    }
    let overall = summary.overall().estimate.map(|overall| overall.value);
    match args.table.needs_score_above_gate(overall, printer)? {
        Exit::Ok if n_failed + n_skipped > 0 => Ok(Exit::Partial),
        exit => Ok(exit),
    }
}

/// Says what the official calculator skips or counts against better knowledge.
fn tell_row_notes(path: &Path, notes: &[String], printer: Printer) {
    for note in notes.iter().take(MAX_ROW_NOTES) {
        printer.warn(format_args!("score: `{}`: {}", path.display(), visible(note)));
    }
    if notes.len() > MAX_ROW_NOTES {
        let n_more = notes.len() - MAX_ROW_NOTES;
        printer.warn(format_args!("score: `{}`: {n_more} more such lines", path.display()));
    }
}
