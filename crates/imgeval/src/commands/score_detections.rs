//! `imgeval score-detections`: verdicts on detections that another detector made.

use std::{
    collections::BTreeSet,
    io::{BufReader, Seek, Write},
};

use anyhow::{Context as _, Result};
use imgeval_core::{Protocol, counted};
use imgeval_files::{Unsuitable, open_regular};
use imgeval_report::{
    schema::Schema,
    scores::ScoreView,
    tables::{
        published_json, published_table, render_scores_csv, scores_csv_header, scores_json, scores_table,
    },
};
use imgeval_scoring::{plain_view, published_view, with_verdict_facts};
use imgeval_suites::{
    geneval::{self, LinesError, ScoredLine, ScoredLines, VerdictOptions},
    registry,
    summary::{Summary, SummaryBuilder},
};
use serde_json::Value;
use tempfile::SpooledTempFile;

use crate::{
    advice::NO_PIPES,
    args::scoring::{ScoreDetectionsArgs, TableArgs},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};
use imgeval_files::OutputFile;

/// Stands beside scores of detections that were made elsewhere.
const FOREIGN_NOTE: &str = "external detections";

/// Rows are kept in memory up to this size before they spill to a temporary file.
const SPOOL_BYTES: usize = 16 << 20;

pub(super) fn score_detections(args: &ScoreDetectionsArgs, printer: Printer) -> Result<Exit> {
    args.table.check_without_run()?;
    args.verdict.check()?;
    let options = args.verdict.options();
    let wants_table = args.table.json || args.table.csv || args.table.with_published;
    if args.out.is_none() && wants_table {
        let message = "without --out, the rows go to standard output, which leaves no place for a table";
        return Err(CommandError::usage(message).into());
    }
    let mut builder = SummaryBuilder::new(geneval::scheme());
    let summary = match &args.out {
        Some(path) => {
            let mut file = OutputFile::create(path)?;
            score_lines(args, &options, &mut builder, &mut file, printer)?;
            file.publish()?;
            let summary = builder.summarise(args.table.settings());
            print_table(&summary, &options, &args.table, printer)?;
            summary
        }
        None => {
            let mut rows = SpooledTempFile::new(SPOOL_BYTES);
            score_lines(args, &options, &mut builder, &mut rows, printer)?;
            rows.rewind()?;
            printer.data_from(BufReader::new(rows))?;
            builder.summarise(args.table.settings())
        }
    };
    let passes =
        summary.overall().estimate.is_none_or(|overall| args.table.passes_gate(overall.value, printer));
    Ok(if passes { Exit::Ok } else { Exit::GateFailed })
}

fn print_table(
    summary: &Summary,
    options: &VerdictOptions,
    args: &TableArgs,
    printer: Printer,
) -> Result<()> {
    let suite = registry::default_suite();
    let protocol = Protocol::default().with("suite", suite.id()).with("detector", "external");
    let protocol = with_verdict_facts(protocol, options, suite.facts());
    let view = ScoreView { note: FOREIGN_NOTE.to_owned(), ..plain_view(suite, summary, &protocol) };
    let published = |with_own| published_view(suite, summary, with_own).filter(|_| args.with_published);
    if args.json {
        let mut map = scores_json(&view);
        map.extend(published(false).map(|view| ("published".to_owned(), published_json(&view))));
        return printer.data(format_args!("{:#}\n", Schema::Score.stamp(Value::Object(map))));
    }
    if args.csv {
        return printer.data(format_args!("{}{}", scores_csv_header(true), render_scores_csv(&view)));
    }
    let scores = std::iter::once(scores_table(&view, false));
    printer.tables(scores.chain(published(true).map(|view| published_table(&view))))
}

/// Scores line by line, in order; stops at the first bad line.
fn score_lines(
    args: &ScoreDetectionsArgs,
    options: &VerdictOptions,
    builder: &mut SummaryBuilder,
    output: &mut impl Write,
    printer: Printer,
) -> Result<()> {
    let name = args.file.display();
    let file = open_regular(&args.file).map_err(|error| {
        let refused = CommandError::usage(format!("could not read `{name}`: {error}"));
        match Unsuitable::of(&error) {
            Some(Unsuitable::Pipe) => refused.with_hint(NO_PIPES),
            _ => refused,
        }
    })?;
    let semantics = args.semantics.map(Into::into);
    let mut n_rows = 0;
    let mut further_keys = BTreeSet::new();
    for scored in ScoredLines::new(BufReader::new(file), *options, semantics) {
        let ScoredLine { line, scored } = scored.map_err(|error| match error {
            LinesError::Read(error) => anyhow::Error::from(error).context(format!("could not read `{name}`")),
            LinesError::Line { number, source } => {
                CommandError::usage(format!("line {number} of `{name}`: {source}")).into()
            }
        })?;
        further_keys.extend(line.further_keys.iter().cloned());
        let row = &scored.row;
        builder.add_score(line.metadata.tag as usize, &row.metadata, f64::from(u8::from(row.correct)));
        let row = serde_json::to_string(&scored)?;
        writeln!(output, "{row}").context("could not write the result rows")?;
        n_rows += 1;
    }
    if n_rows == 0 {
        return Err(CommandError::nothing(format!("`{name}` contains no detections")).into());
    }
    if !further_keys.is_empty() {
        let names = further_keys.iter().take(5).map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        printer.warn(format_args!("score: ignored keys in `metadata` that GenEval does not know: {names}"));
    }
    printer.talk(format_args!("score: {}", counted(n_rows, "row")));
    Ok(())
}
