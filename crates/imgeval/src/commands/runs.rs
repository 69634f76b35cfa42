//! `imgeval runs`: what lies in a folder of runs.

use anyhow::Result;
use imgeval_core::{Usd, sentence_of, visible};
use imgeval_report::{
    schema::Schema,
    tables::terminal::{CellText, Column, Row, Table, Tone},
};
use imgeval_scoring::{ListedRun, list_runs};
use serde_json::{Value, json};

use crate::{args::reporting::RunsArgs, exit_code::Exit, failure::CommandError, printer::Printer};

pub(super) fn runs(args: &RunsArgs, printer: Printer) -> Result<Exit> {
    let found = list_runs(&args.folder);
    if found.is_empty() {
        let message = format!("no run in `{}`", args.folder.display());
        return Err(CommandError::nothing(message)
            .with_hint("name the folder that holds the run directories")
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

fn row(name: &str, run: &ListedRun) -> Row {
    Row::new([
        name.to_owned(),
        run.suite.to_string(),
        visible(run.model.as_deref().unwrap_or_default()),
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
        "images": run.n_images,
        "failed": run.n_failed,
        "scores": scores.collect::<Vec<_>>(),
        "cost_usd": run.cost.map(Usd::dollars),
        "state": run.state(),
    })
}
