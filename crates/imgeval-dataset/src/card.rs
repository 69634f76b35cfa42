//! The card: a README with the front matter that Hugging Face's hub and `datasets` read.

use std::fmt::Write as _;

use imgeval_core::{counted, visible};
use imgeval_metrics::BootstrapSettings;
use imgeval_report::model::ObserverView;
use imgeval_scoring::{Evaluator, OpenedRun};
use serde_json::Value;

use crate::{DatasetError, ExportSummary, description::TABLES};

pub(crate) const CARD: &str = "README.md";

/// What the card speaks of.
pub(crate) struct Card<'a> {
    pub(crate) opened: &'a OpenedRun,
    pub(crate) summary: ExportSummary,
    pub(crate) with_images: bool,
    pub(crate) bootstrap: BootstrapSettings,
}

pub(crate) fn render_card(card: &Card<'_>) -> Result<String, DatasetError> {
    let run = &card.opened.run;
    let view = &card.opened.view;
    let mut text = front_matter(&format!("{} on {}", view.name, view.suite));
    let name = plain(&view.name);
    let parts = [
        format!("# {name} on {}\n", plain(&view.suite)),
        format!(
            "An evaluation of an image generator, exported by imgeval {}: {} of {}, by {}.\n",
            env!("CARGO_PKG_VERSION"),
            counted(view.n_images, "image"),
            counted(view.n_prompts, "prompt"),
            counted(run.evaluators().len(), "evaluator"),
        ),
        "## What was evaluated\n".to_owned(),
        facts_of(card),
        "## Scores\n".to_owned(),
        scores_of(card)?,
        "## Tables\n".to_owned(),
        tables_of(card),
        "## License\n".to_owned(),
        LICENSE.to_owned(),
    ];
    for part in parts {
        // Writing to a string cannot fail.
        writeln!(text, "{part}").ok();
    }
    Ok(text)
}

const LICENSE: &str = "Unknown. The images belong to whoever made them, under the terms of the model that generated them; prompts and questions are those of the \
benchmark, under its license. imgeval knows neither, so set `license` above before you share this data set.";

/// JSON texts are YAML texts too.
fn front_matter(title: &str) -> String {
    let mut text = format!(
        "---\npretty_name: {}\nlicense: unknown\ntags:\n- imgeval\nconfigs:\n",
        Value::from(visible(title))
    );
    for table in TABLES {
        let default = if table == "samples" { "  default: true\n" } else { "" };
        // Writing to a string cannot fail.
        write!(
            text,
            "- config_name: {table}\n{default}  data_files:\n  - split: test\n    path: {table}/*.parquet\n"
        )
        .ok();
    }
    text + "---\n\n"
}

fn facts_of(card: &Card<'_>) -> String {
    let manifest = card.opened.run.manifest();
    let mut rows = vec![("suite".to_owned(), format!("{}, {}", manifest.suite, card.opened.view.prompts))];
    rows.extend(manifest.parameters.iter().map(|(name, value)| (name.clone(), value.clone())));
    if manifest.generation.is_empty() {
        rows.push(("images".to_owned(), "imported".to_owned()));
    }
    rows.extend(manifest.generation.iter().map(|(name, value)| (name.clone(), value.clone())));
    let failed = card.opened.view.n_failed;
    rows.push(("samples without a usable image".to_owned(), failed.to_string()));
    let rows: String =
        rows.iter().map(|(name, value)| format!("| {} | {} |\n", plain(name), plain(value))).collect();
    format!("| | |\n|---|---|\n{rows}")
}

fn scores_of(card: &Card<'_>) -> Result<String, DatasetError> {
    let run = &card.opened.run;
    if run.evaluators().is_empty() {
        return Ok("Nothing is scored yet.\n".to_owned());
    }
    let mut text = "| evaluator | overall | 95 % interval | images scored | protocol | remark |\n|---|---|---|---|---|---|\n".to_owned();
    for (evaluator, observer) in run.evaluators().iter().zip(&card.opened.view.observers) {
        text.push_str(&score_row(card, evaluator, observer)?);
    }
    text.push_str(
        "\nScores of two runs may be compared if their protocols (fingerprints of everything that can change a score but the model) \
        are equal. Images that are missing or failed are not counted as incorrect; they are rows with an `outcome` other than `ok`.\n",
    );
    Ok(text)
}

fn score_row(
    card: &Card<'_>,
    evaluator: &Evaluator,
    observer: &ObserverView,
) -> Result<String, DatasetError> {
    let run = &card.opened.run;
    let (mut overall, mut interval, mut scored) = ("-".to_owned(), "-".to_owned(), "-".to_owned());
    if run.has_rules() {
        let (summary, _) = run.summarise(evaluator, card.bootstrap)?;
        let line = summary.overall();
        scored = line.n_scored.to_string();
        if let Some(estimate) = line.estimate {
            overall = format!("{:.4}", estimate.value);
            interval = format!("{:.4} to {:.4}", estimate.interval.low, estimate.interval.high);
        }
    }
    Ok(format!(
        "| {} | {overall} | {interval} | {scored} | `{}` | {} |\n",
        plain(&observer.title),
        observer.protocol.fingerprint,
        plain(&observer.note)
    ))
}

fn tables_of(card: &Card<'_>) -> String {
    let ExportSummary { samples, scores, evidence } = card.summary;
    let images = match card.with_images {
        true => "the column `image` holds their files as they came",
        false => "images are left out; `file_name` and `image_sha256` name them",
    };
    format!(
        "- `samples` ({}): what was asked and what became of it; {images}.\n\
         - `scores` ({}): the score of each sample by each evaluator.\n\
         - `evidence` ({}): detections, judgments word for word, and measurements, from which scores are computed.\n\n\
         Rows belong together by `case_id`, `sample` and `round`.\n",
        counted(samples, "row"),
        counted(scores, "row"),
        counted(evidence, "row"),
    )
}

/// A text in Markdown that formats nothing, whoever wrote it.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '!' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(character);
            }
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_text() {
        assert_eq!(plain("a|b\n<script>[x](y)"), "a\\|b\\\\n&lt;script>\\[x\\](y)");
        let front = front_matter("x\"\nlicense: mit");
        assert!(front.contains("pretty_name: \"x\\\"\\\\nlicense: mit\"\n"), "{front}");
    }
}
