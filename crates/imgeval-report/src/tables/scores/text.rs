//! Score tables for a terminal: part, score, interval and number of images are always shown, the rest as there is room.

use crate::{
    model::IntervalView,
    scores::{CoverageView, EvaluatorView, LineView, PublishedView, ScoreView},
    tables::terminal::{Column, Row, Table, sort_ids},
};

const NO_VALUE: &str = "-";
/// Missing cases are counted; so many are named where nobody asked for the list.
const MISSING_CASES: &str = "missing-prompt";

/// The additional tables.
pub fn slice_tables(view: &ScoreView) -> impl Iterator<Item = Table> {
    let table = |(name, lines): &(String, Vec<LineView>)| {
        let mut table = Table::new([
            Column::text(name),
            Column::number("value"),
            Column::number("95 % interval"),
            Column::number("images"),
            Column::number("missing").normal(),
        ]);
        for line in lines {
            let value = line.value.map_or(NO_VALUE.to_owned(), |value| format!("{value:.3}"));
            let interval = interval_text(line.interval.as_ref());
            let counts = [line.n_scored, line.n_missing].map(|count| count.to_string());
            table.push(Row::new([line.name.clone(), value, interval].into_iter().chain(counts)));
        }
        table
    };
    view.slices.iter().map(table)
}

/// The table with the sentences that belong right under it; with finer groups on request.
#[must_use]
pub fn scores_table(view: &ScoreView, with_groups: bool) -> Table {
    let has_verdicts = view.has_verdicts();
    let has_missing = view.overall().is_some_and(|overall| overall.n_missing > 0);
    let mut columns = match has_verdicts {
        true => vec![
            Column::text("tag"),
            Column::number("score"),
            Column::number("95 % interval"),
            Column::number("correct/images"),
            Column::number("prompts").normal(),
            Column::number("any correct").wide_only(),
        ],
        false => vec![
            Column::text("score"),
            Column::number("value"),
            Column::number("95 % interval"),
            Column::number("images"),
            Column::number("prompts").normal(),
        ],
    };
    columns.push(Column::number("missing").normal());
    columns.push(Column::number("bounds").wide_only());
    columns.extend(has_missing.then(|| Column::number("interval with missing").wide_only()));
    let mut table = Table::new(columns);
    let groups = if with_groups { view.groups.as_slice() } else { &[] };
    for line in groups.iter().chain(&view.lines) {
        let mut cells = vec![line.name.clone()];
        cells.extend(cells_of(line, has_verdicts));
        cells.extend(has_missing.then(|| interval_text(line.with_missing.as_ref())));
        table.push(Row::new(cells).with_note(view.note.as_str()));
    }
    table.below = sentences(view);
    table
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
fn sentences(view: &ScoreView) -> Vec<String> {
    let mut below = Vec::new();
    let Some((overall, parts)) = view.lines.split_last() else { return below };
    if view.has_verdicts() {
        let n_scored = parts.iter().filter(|line| line.value.is_some()).count();
        if n_scored < parts.len() {
            let n_parts = parts.len();
            below.push(format!(
                "Overall is the mean over the tags that have images: {n_scored} of {n_parts}."
            ));
        }
    }
    below.extend(withheld_text(&view.without_score));
    if overall.n_missing > 0 {
        below.push(match view.has_verdicts() {
            true => {
                "Bounds: the score if every missing image were incorrect, or correct; missing images are not counted. The interval with missing contains the true score whatever they would have shown."
                    .to_owned()
            }
            false => {
                "Bounds: the score if every missing image had 0, or the maximum; missing images are not counted. The interval with missing contains the true score whatever they would have had."
                    .to_owned()
            }
        });
    }
    if view.has_verdicts() && overall.n_scored > 0 {
        below.push(format!(
            "{:.2}% of {} images are correct; {:.2}% of {} prompts have a correct image.",
            100.0 * overall.n_correct as f64 / overall.n_scored as f64,
            overall.n_scored,
            100.0 * overall.n_prompts_any_correct as f64 / overall.n_prompts_scored as f64,
            overall.n_prompts_scored,
        ));
    }
    if view.n_official_only > 0 {
        below.push(format!(
            "{} scores were read as the official parser reads them, though a strict reader would reject them; see docs/judge-replies.md.",
            view.n_official_only
        ));
    }
    if view.n_unread > 0 {
        let n_unread = view.n_unread;
        below.push(format!("{n_unread} repeats could not be read, unlike others of the same images."));
    }
    if let EvaluatorView::Judge { id, title, retired, .. } = &view.evaluator {
        below.push(format!("judge: {title} [{id}]"));
        below.extend(retired.as_ref().map(|retired| format!("note: {retired}")));
        below.push(format!("protocol: {}", view.protocol.fingerprint));
    }
    below
}

/// Why there is no overall score; `None` if there is one.
#[must_use]
pub fn withheld_text(without_score: &[String]) -> Option<String> {
    (!without_score.is_empty()).then(|| {
        let names = without_score.join(", ");
        format!("No overall score: it weights all categories, and these have none: {names}.")
    })
}

/// What was used, what was not and why, with the first examples of each kind. Cases without an image are named only on
/// request.
#[must_use]
pub fn coverage_table(view: &CoverageView, is_verbose: bool) -> Table {
    let mut table =
        Table::new([Column::text("coverage"), Column::number("count"), Column::text("meaning").wrapped()]);
    let usable = view.usable.to_string();
    table.push(Row::new(["usable", usable.as_str(), "images in the run that can be scored"]));
    for line in &view.lines {
        let count = line.count.to_string();
        table.push(Row::new([line.kind.as_str(), count.as_str(), line.meaning.as_str()]));
    }
    let (with_image, prompts) = (view.prompts_with_image, view.prompts);
    table.below.push(format!("{with_image} of {prompts} prompts have a usable image."));
    for line in &view.lines {
        let is_missing = line.kind == MISSING_CASES;
        if is_missing && is_verbose {
            let mut missing = view.missing.clone();
            sort_ids(&mut missing, |id| id);
            table.below.push(format!("  {}: {}", line.kind, missing.join(", ")));
        }
        if is_missing {
            continue;
        }
        table.below.extend(line.examples.iter().map(|example| format!("  {}: {example}", line.kind)));
        let more = line.count - line.examples.len();
        if more > 0 {
            table.below.push(format!("  {}: and {more} more", line.kind));
        }
    }
    table
}

/// Published rows, those of a run last. Columns of which nothing was published are left out.
#[must_use]
pub fn published_table(view: &PublishedView) -> Table {
    let n_published = view.rows.len() - usize::from(view.has_own);
    let is_published =
        |place: &usize| view.rows[..n_published].iter().any(|(_, values)| values[*place].is_some());
    let places: Vec<usize> = (0..view.columns.len()).filter(is_published).collect();
    let column = |place: &usize| {
        let column = Column::number(view.columns[*place].as_str());
        if *place == view.overall { column } else { column.normal() }
    };
    let columns = places.iter().map(column);
    let mut table = Table::new(std::iter::once(Column::text("published")).chain(columns));
    for (name, values) in &view.rows {
        let value = |place: &usize| match values[*place] {
            Some(value) => format!("{value:.0$}", view.decimals),
            None => NO_VALUE.to_owned(),
        };
        table.push(Row::new(std::iter::once(name.clone()).chain(places.iter().map(value))));
    }
    table.below.push(format!("Published scores: {}.", view.source));
    table.below.push(format!("Unknown for them: {}.", view.unknown));
    table
}
