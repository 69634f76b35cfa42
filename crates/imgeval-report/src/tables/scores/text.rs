//! Score tables for a terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::{
    model::IntervalView,
    plain::plain,
    scores::{CoverageView, EvaluatorView, LineView, PublishedView, ScoreView},
};

const NO_VALUE: &str = "-";

/// The table with the sentences that belong right under it; with finer groups on request.
#[must_use]
pub fn render_scores_text(view: &ScoreView, with_groups: bool) -> String {
    let has_verdicts = view.has_verdicts();
    let has_missing = view.overall().is_some_and(|overall| overall.n_missing > 0);
    let has_note = has_verdicts && !view.note.is_empty();
    let mut header = match has_verdicts {
        true => vec!["tag", "score", "95 % interval", "correct/images", "prompts", "any correct"],
        false => vec!["score", "value", "95 % interval", "images", "prompts"],
    };
    header.extend(["missing", "bounds"]);
    header.extend(has_missing.then_some("interval with missing"));
    let n_numbers = header.len() - 1;
    header.extend(has_note.then_some("note"));
    let mut table = right_aligned(&header, 1, n_numbers);
    let groups = if with_groups { view.groups.as_slice() } else { &[] };
    for line in groups.iter().chain(&view.lines) {
        let mut cells = vec![plain(&line.name)];
        cells.extend(cells_of(line, has_verdicts));
        cells.extend(has_missing.then(|| interval_text(line.with_missing.as_ref())));
        cells.extend(has_note.then(|| view.note.clone()));
        table.add_row(cells);
    }
    format!("{}\n{}", table.trim_fmt(), sentences(view))
}

fn cells_of(line: &LineView, has_verdicts: bool) -> Vec<String> {
    let score = line.value.map_or(NO_VALUE.to_owned(), |value| format!("{value:.3}"));
    let mut cells = vec![score, interval_text(line.interval.as_ref())];
    cells.push(match has_verdicts {
        true => format!("{}/{}", line.n_correct, line.n_scored),
        false => line.n_scored.to_string(),
    });
    cells.push(format!("{}/{}", line.n_prompts_scored, line.n_prompts));
    if has_verdicts {
        cells.push(match line.n_prompts_scored {
            0 => NO_VALUE.to_owned(),
            n => format!("{:.1}%", 100.0 * line.n_prompts_any_correct as f64 / n as f64),
        });
    }
    cells.push(line.n_missing.to_string());
    cells.push(match line.n_missing {
        0 => NO_VALUE.to_owned(),
        _ => format!("{:.3} to {:.3}", line.bounds.0, line.bounds.1),
    });
    cells
}

fn interval_text(interval: Option<&IntervalView>) -> String {
    interval.map_or(NO_VALUE.to_owned(), |interval| format!("{:.3} to {:.3}", interval.low, interval.high))
}

/// What must be known to read the table.
fn sentences(view: &ScoreView) -> String {
    let mut text = String::new();
    let Some((overall, parts)) = view.lines.split_last() else { return text };
    if view.has_verdicts() {
        let n_scored = parts.iter().filter(|line| line.value.is_some()).count();
        if n_scored < parts.len() {
            text.push_str(&format!(
                "Overall is the mean over the tags that have images: {n_scored} of {}.\n",
                parts.len()
            ));
        }
    }
    text.push_str(&render_withheld_text(&view.without_score));
    if overall.n_missing > 0 {
        text.push_str(match view.has_verdicts() {
            true => {
                "Bounds: the score if every missing image were wrong, or right; missing images are in no score. The interval with \
                 missing holds the true score whatever they would have shown.\n"
            }
            false => {
                "Bounds: the score if every missing image had 0, or the best; missing ones are in no score. The interval with \
                 missing holds the true score whatever they would have had.\n"
            }
        });
    }
    if view.has_verdicts() && overall.n_scored > 0 {
        text.push_str(&format!(
            "{:.2}% of {} images are correct; {:.2}% of {} prompts have a correct image.\n",
            100.0 * overall.n_correct as f64 / overall.n_scored as f64,
            overall.n_scored,
            100.0 * overall.n_prompts_any_correct as f64 / overall.n_prompts_scored as f64,
            overall.n_prompts_scored,
        ));
    }
    if view.n_official_only > 0 {
        text.push_str(&format!(
            "{} scores were read as the official parser reads them, though a strict reader would refuse; see \
             docs/judge-replies.md.\n",
            view.n_official_only
        ));
    }
    if view.n_unread > 0 {
        text.push_str(&format!(
            "{} repeats could not be read though others of their images could.\n",
            view.n_unread
        ));
    }
    if let EvaluatorView::Judge { id, title, retired, .. } = &view.evaluator {
        text.push_str(&format!("judge: {} [{id}]\n", plain(title)));
        if !view.note.is_empty() {
            text.push_str(&format!("note: {}\n", plain(&view.note)));
        }
        if let Some(retired) = retired {
            text.push_str(&format!("note: {}\n", plain(retired)));
        }
        text.push_str(&format!("protocol: {}\n", view.protocol.fingerprint));
    }
    text
}

/// Why there is no overall score, in a line; empty if there is one.
#[must_use]
pub fn render_withheld_text(without_score: &[String]) -> String {
    if without_score.is_empty() {
        return String::new();
    }
    format!(
        "No overall score: it weighs all categories, and these have none: {}.\n",
        without_score.join(", ")
    )
}

/// What was used, what was not and why, with the first examples of each kind.
#[must_use]
pub fn render_coverage_text(view: &CoverageView) -> String {
    let mut table = right_aligned(&["coverage", "count", "meaning"], 1, 1);
    let usable = view.usable.to_string();
    table.add_row(["usable", &usable, "images in the run that can be scored"]);
    for line in &view.lines {
        table.add_row([line.kind.as_str(), &line.count.to_string(), &line.meaning]);
    }
    let mut text = format!("{}\n", table.trim_fmt());
    text.push_str(&format!("{} of {} prompts have a usable image.\n", view.prompts_with_image, view.prompts));
    for line in &view.lines {
        for example in &line.examples {
            text.push_str(&format!("  {}: {example}\n", line.kind));
        }
        let more = line.count - line.examples.len();
        if more > 0 {
            text.push_str(&format!("  {}: and {more} more\n", line.kind));
        }
    }
    text
}

/// Published rows, those of a run last.
#[must_use]
pub fn render_published_text(view: &PublishedView) -> String {
    let header: Vec<&str> =
        std::iter::once("published").chain(view.columns.iter().map(String::as_str)).collect();
    let mut table = right_aligned(&header, 1, view.columns.len());
    for (name, values) in &view.rows {
        let value = |value: &Option<f64>| match value {
            Some(value) => format!("{value:.0$}", view.decimals),
            None => NO_VALUE.to_owned(),
        };
        table.add_row(std::iter::once(plain(name)).chain(values.iter().map(value)));
    }
    format!(
        "{}\nPublished scores: {}.\nNot known of them: {}.\n",
        table.trim_fmt(),
        view.source,
        view.unknown
    )
}

/// A table without lines whose columns from `first` on hold numbers, so many of them.
fn right_aligned(header: &[&str], first: usize, count: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().copied());
    for column in table.column_iter_mut().skip(first).take(count) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
