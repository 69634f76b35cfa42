//! `imgeval metrics text`: the text in images against the lines that were asked for.

use anyhow::Result;
use imgeval_core::{Pixels, TextLine, visible};
use imgeval_metrics::text::{TextMeasures, WordSpaces};
use imgeval_observe::{TextMeasurement, load_reader, measure_image_text};
use imgeval_report::{
    schema::Schema,
    tables::terminal::{Column, Row, Table},
};
use imgeval_vision::image_file::{DecodeLimits, load_image};
use serde_json::{Value, json};

use crate::{
    args::metrics::TextMetricsArgs,
    commands::read::{exit_after, failure_of, lines_json, reader_json},
    exit_code::Exit,
    printer::Printer,
};

pub(super) fn text(args: &TextMetricsArgs, printer: Printer) -> Result<Exit> {
    let reader = load_reader(&args.models.places())?;
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let by_characters = || WordSpaces::of_texts(&args.targets);
    let spaces = args.language.as_deref().map_or_else(by_characters, WordSpaces::of_language);
    let mut table = new_table();
    let (mut n_failed, mut n_unmeasured) = (0, 0);
    for path in &args.images {
        let measured = load_image(path, &limits).map_err(|error| error.failure()).and_then(|image| {
            let found = measure_image_text(reader.as_ref(), &image.pixels, &args.targets, spaces);
            Ok((found.map_err(|error| failure_of(&error))?, image.pixels))
        });
        let (found, pixels) = match measured {
            Ok(measured) => measured,
            Err(failure) => {
                printer.unusable(path, &failure);
                n_failed += 1;
                continue;
            }
        };
        let name = path.to_string_lossy();
        if let Err(reason) = &found.measured {
            printer.insist(format_args!("`{}` is not measurable: {reason}", visible(&name)));
            n_unmeasured += 1;
        }
        if args.json {
            let mut document = to_json(&name, &pixels, args, spaces, &found);
            document["reader"] = reader_json(reader.meta());
            printer.data(format_args!("{}\n", Schema::TextMetrics.stamp(document)))?;
        } else {
            table.push(to_row(&name, &found));
        }
    }
    if !args.json && n_failed < args.images.len() {
        printer.table(&table)?;
        let meta = reader.meta();
        printer.talk(format_args!("read by {} (evaluator {})", meta.title, meta.observer_id().as_str()));
    }
    let exit = exit_after(n_failed, args.images.len());
    Ok(if exit == Exit::Ok && n_unmeasured > 0 { Exit::Partial } else { exit })
}

fn to_json(
    name: &str,
    pixels: &Pixels,
    args: &TextMetricsArgs,
    spaces: WordSpaces,
    found: &TextMeasurement,
) -> Value {
    json!({
        "image": name,
        "width": pixels.width(),
        "height": pixels.height(),
        "reader": null,
        "targets": args.targets,
        "spaces": match spaces {
            WordSpaces::Kept => "kept",
            WordSpaces::Removed => "removed",
        },
        "dictionary_coverage": found.dictionary_coverage,
        "not_measurable": found.measured.as_ref().err().map(ToString::to_string),
        "metrics": found.measured.as_ref().ok().map(|measures| measures_json(measures, &found.lines)),
        "lines": lines_json(&found.lines),
    })
}

fn measures_json(measures: &TextMeasures, lines: &[TextLine]) -> Value {
    let rows = measures.rows.iter();
    let rows: Vec<Vec<&str>> =
        rows.map(|row| row.iter().map(|index| lines[*index].text.as_str()).collect()).collect();
    json!({
        "rows": rows,
        "match": measures.matches,
        "line_ned": measures.line_ned,
        "ned_mean": measures.ned_mean,
        "exact_lines": measures.exact_lines,
        "missing_lines": measures.missing_lines,
        "cer": measures.cer,
        "char_accuracy": measures.char_accuracy,
        "word_accuracy": measures.word_accuracy,
        "words": measures.words,
        "extra_chars": measures.extra_chars,
        "exact_image": measures.exact_image,
    })
}

fn new_table() -> Table {
    Table::new([
        Column::text("image").wrapped(),
        Column::number("chars"),
        Column::number("words"),
        Column::number("lines"),
        Column::number("missing"),
        Column::number("extra"),
        Column::text("exact"),
        Column::number("coverage"),
    ])
}

fn to_row(name: &str, found: &TextMeasurement) -> Row {
    let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    let measures = found.measured.as_ref().ok();
    let count = |value: Option<usize>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let is_exact = measures.map(|measures| if measures.exact_image { "yes" } else { "no" });
    Row::new([
        name,
        &share(measures.map(|measures| measures.char_accuracy)),
        &share(measures.and_then(|measures| measures.word_accuracy)),
        &share(measures.map(|measures| measures.exact_lines)),
        &count(measures.map(|measures| measures.missing_lines)),
        &count(measures.map(|measures| measures.extra_chars)),
        is_exact.unwrap_or("-"),
        &share(found.dictionary_coverage),
    ])
}
