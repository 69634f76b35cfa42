//! `imgeval score geneval --detections`: verdicts on detections that another detector made.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use anyhow::{Context as _, Result};
use imgeval_core::Protocol;
use imgeval_suites::geneval::{
    DetectionsLine, ResultRow, SummaryBuilder, VerdictOptions, compute_verdict, parse_detections_line,
};
use serde_json::Value;
use tempfile::SpooledTempFile;

use crate::{
    args::ScoreArgs,
    exit_code::Exit,
    failure::CommandError,
    output_file::OutputFile,
    printer::Printer,
    scored_run::with_verdict_facts,
    table::{ScoreTable, published_json, render_published},
};

/// A line longer than this is no detections line (a thousand masks' worth of boxes is far shorter).
const MAX_LINE_BYTES: u64 = 64 << 20;

/// Rows are kept in memory up to this size before they spill to a temporary file.
const SPOOL_BYTES: usize = 16 << 20;

pub(super) fn score_detections(args: &ScoreArgs, detections: &Path, printer: Printer) -> Result<Exit> {
    let options = args.verdict.options();
    let wants_table = args.table.json || args.table.csv || args.table.with_published;
    if args.out.is_none() && wants_table {
        let message = "without --out the rows go to standard output, where there is no place for a table";
        return Err(CommandError::usage(message).into());
    }
    if !detections.exists() || detections.is_dir() {
        return Err(CommandError::usage(format!("`{}` is no file to read", detections.display())).into());
    }
    let mut builder = SummaryBuilder::default();
    let n_rows = match &args.out {
        Some(path) => {
            let mut file = OutputFile::create(path)?;
            let n_rows = score_lines(detections, &options, &mut builder, &mut file)?;
            refuse_empty(n_rows, detections)?;
            file.publish()?;
            print_summary(args, &options, &builder, printer)?;
            n_rows
        }
        None => {
            let mut rows = SpooledTempFile::new(SPOOL_BYTES);
            let n_rows = score_lines(detections, &options, &mut builder, &mut rows)?;
            refuse_empty(n_rows, detections)?;
            io::Seek::rewind(&mut rows)?;
            copy_to_stdout(&mut rows)?;
            n_rows
        }
    };
    printer.talk(format_args!("score: {n_rows} rows"));
    let overall = builder.summarise(args.table.settings()).overall.estimate;
    let passes = overall.is_none_or(|overall| args.table.passes_gate(overall.value, printer));
    Ok(if passes { Exit::Ok } else { Exit::GateFailed })
}

fn refuse_empty(n_rows: usize, detections: &Path) -> Result<(), CommandError> {
    if n_rows == 0 {
        return Err(CommandError::nothing(format!("`{}` holds no detections", detections.display())));
    }
    Ok(())
}

/// A closed pipe (`| head`) is not an error.
fn copy_to_stdout(rows: &mut impl io::Read) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match io::copy(rows, &mut stdout).and_then(|_| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("could not write to standard output"),
    }
}

/// Scores line by line, in order; stops at the first bad line. Returns the number of rows.
fn score_lines(
    detections: &Path,
    options: &VerdictOptions,
    builder: &mut SummaryBuilder,
    output: &mut impl Write,
) -> Result<usize> {
    let name = detections.display();
    let file = File::open(detections)
        .map_err(|error| CommandError::usage(format!("could not read `{name}`: {error}")))?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let (mut number, mut n_rows) = (0_usize, 0);
    loop {
        line.clear();
        let mut limited = io::Read::take(&mut reader, MAX_LINE_BYTES);
        let n_bytes =
            limited.read_until(b'\n', &mut line).with_context(|| format!("could not read `{name}`"))?;
        if n_bytes == 0 {
            return Ok(n_rows);
        }
        number += 1;
        let bad = |reason: String| CommandError::usage(format!("line {number} of `{name}`: {reason}"));
        if n_bytes as u64 == MAX_LINE_BYTES {
            return Err(bad(format!("longer than {MAX_LINE_BYTES} bytes")).into());
        }
        let text = std::str::from_utf8(&line).map_err(|error| bad(error.to_string()))?;
        let text = if number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        if text.trim().is_empty() {
            continue;
        }
        let parsed = parse_detections_line(text, options).map_err(|error| bad(error.to_string()))?;
        let row = score_line(&parsed).map_err(|error| bad(error.to_string()))?;
        builder.add_verdict(parsed.metadata.tag, &row.metadata, row.correct);
        let row = serde_json::to_string(&row)?;
        writeln!(output, "{row}").context("could not write the result rows")?;
        n_rows += 1;
    }
}

fn score_line(line: &DetectionsLine) -> Result<ResultRow> {
    let verdict = compute_verdict(&line.metadata, &line.objects, &line.options)?;
    Ok(ResultRow::new(line.filename.clone(), &line.metadata, &line.raw_metadata, &verdict))
}

fn print_summary(
    args: &ScoreArgs,
    options: &VerdictOptions,
    builder: &SummaryBuilder,
    printer: Printer,
) -> Result<()> {
    let summary = builder.summarise(args.table.settings());
    let protocol = Protocol::default().with("suite", "geneval").with("detector", "from elsewhere");
    let protocol = with_verdict_facts(protocol, options);
    let table = ScoreTable { summary: &summary, protocol: &protocol, is_comparable: None };
    if args.table.json {
        let mut map = table.to_json();
        if args.table.with_published {
            map.insert("published".to_owned(), published_json());
        }
        return printer.data(format_args!("{:#}\n", Value::Object(map)));
    }
    if args.table.csv {
        return printer.data(table.render_csv());
    }
    let mut text = table.render_text();
    if args.table.with_published {
        text.push_str(&format!("\n{}", render_published(&summary, None)));
    }
    printer.data(text)
}
