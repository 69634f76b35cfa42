//! `imgeval runs`: lists the runs in a folder.

use std::path::Path;

use anyhow::Result;
use imgeval_core::{Usd, sentence_of, visible};
use imgeval_report::{
    schema::Schema,
    tables::terminal::{CellText, Column, Row, Table, Tone},
};
use imgeval_scoring::{ListedRun, list_runs};
use imgeval_store::{Label, RunWriter};
use serde_json::{Value, json};

use super::holder;
use crate::{args::reporting::RunsArgs, exit_code::Exit, failure::CommandError, printer::Printer};

pub(super) fn runs(args: &RunsArgs, printer: Printer) -> Result<Exit> {
    if let Some(label) = &args.label {
        set_label(&args.folder, label)?;
    }
    let found = list_runs(&args.folder);
    if found.is_empty() {
        let message = format!("no runs in `{}`", args.folder.display());
        return Err(CommandError::nothing(message)
            .with_hint("pass the folder that contains the run directories")
            .into());
    }
    let mut table = Table::new([
        Column::text("run"),
        Column::text("suite"),
        Column::text("model"),
        Column::number("images"),
        Column::number("score"),
        Column::number("cost"),
        Column::text("state"),
    ]);
    let (mut rows, mut is_broken) = (Vec::new(), false);
    for (directory, run) in &found {
        let name = directory.strip_prefix(&args.folder).unwrap_or(directory);
        let name = if name.as_os_str().is_empty() { directory.as_path() } else { name };
        let name = visible(&name.to_string_lossy());
        match run {
            Ok(run) => {
                table.push(row(&name, run));
                rows.push(run_json(run));
            }
            Err(error) => {
                is_broken = true;
                table.push(Row::new([
                    name.as_str().into(),
                    "".into(),
                    "".into(),
                    "".into(),
                    "".into(),
                    "".into(),
                    CellText::from("cannot be read").with_tone(Tone::Worse),
                ]));
                table.below.push(format!("{name}: {}", visible(&sentence_of(error))));
                rows.push(json!({"run": directory.to_string_lossy(), "error": sentence_of(error)}));
            }
        }
    }
    match args.json {
        true => printer.data(format_args!("{:#}\n", Schema::Runs.stamp(json!({"runs": rows}))))?,
        false => printer.table(&table)?,
    }
    Ok(if is_broken { Exit::Partial } else { Exit::Ok })
}

/// Gives the run in `directory` another label; an empty one removes it.
fn set_label(directory: &Path, text: &str) -> Result<()> {
    let label = match text.trim() {
        "" => None,
        text => Some(Label::parse(text).map_err(|error| CommandError::usage(sentence_of(&error)))?),
    };
    Ok(RunWriter::open(directory, &holder("runs"))?.set_label(label)?)
}

fn row(name: &str, run: &ListedRun) -> Row {
    Row::new([
        name.to_owned(),
        run.suite.to_string(),
        visible(run.called()),
        run.n_images.to_string(),
        run.score_text(),
        run.cost_text(),
        run.state(),
    ])
}

fn run_json(run: &ListedRun) -> Value {
    let scores = run.scores.iter();
    let scores = scores.map(
        |of| json!({"evaluator": of.evaluator, "overall": of.overall, "images_without_score": of.n_unscored}),
    );
    json!({
        "run": run.directory.to_string_lossy(),
        "suite": run.suite,
        "model": run.model,
        "label": run.label.as_ref().map(Label::as_str),
        "images": run.n_images,
        "failed": run.n_failed,
        "scores": scores.collect::<Vec<_>>(),
        "cost_usd": run.cost.map(Usd::dollars),
        "state": run.state(),
    })
}
