//! The comparison of two runs laid out: a row for each part, the overall difference last.

use super::{
    sheet::{Entry, NO_VALUE, Row, Section, Sheet, sentence},
    terminal::{Column, Tone},
};
use crate::{
    model::{ComparisonView, DifferenceLine},
    number::{decimal, signed},
};

/// Decimals of differences.
const DECIMALS: usize = 3;

const HEADER: [&str; 9] = [
    "part",
    "difference",
    "95 % interval",
    "won/tied/lost",
    "prompts",
    "p",
    "p (Holm)",
    "detectable",
    "needed",
];

/// The column at a place of [`HEADER`].
pub(super) fn column(place: usize, title: &str) -> Column {
    match title {
        _ if place == 0 => Column::text(title).shortened(),
        "difference" | "95 % interval" | "prompts" | "p (Holm)" => Column::number(title),
        "won/tied/lost" | "p" => Column::number(title).normal(),
        _ => Column::number(title).wide_only(),
    }
}

pub(super) fn lay_out(comparison: &ComparisonView) -> Sheet {
    let mut sheet = Sheet {
        title: format!("{}: {}", comparison.suite, comparison.title),
        header: HEADER.map(str::to_owned).to_vec(),
        ..Sheet::default()
    };
    let (parts, overall) = comparison.lines.split_at(comparison.lines.len().saturating_sub(1));
    for lines in [parts, overall] {
        if !lines.is_empty() {
            let rows = lines.iter().map(|line| lay_out_row(&mut sheet, line)).collect();
            sheet.sections.push(Section { heading: String::new(), rows });
        }
    }
    sheet.below = lines_below(comparison);
    sheet
}

fn lay_out_row(sheet: &mut Sheet, line: &DifferenceLine) -> Row {
    let number = |value: Option<f64>, show: &dyn Fn(f64) -> String| {
        value.filter(|value| value.is_finite()).map_or_else(|| NO_VALUE.to_owned(), show)
    };
    let interval = line.interval.as_ref().filter(|of| of.low.is_finite() && of.high.is_finite());
    let count = |count: Option<String>| count.unwrap_or_else(|| NO_VALUE.to_owned());
    let texts = [
        number(line.difference, &|value| signed(value, DECIMALS)),
        count(interval.map(|of| format!("{} to {}", signed(of.low, DECIMALS), signed(of.high, DECIMALS)))),
        count(line.won_tied_lost.map(|(won, tied, lost)| format!("{won}/{tied}/{lost}"))),
        line.n_prompts.to_string(),
        number(line.p_value, &probability),
        number(line.p_adjusted, &probability),
        number(line.detectable, &|value| decimal(value, DECIMALS)),
        count(line.prompts_needed.map(|needed| needed.to_string())),
    ];
    let footnotes = match line.test.is_empty() {
        true => Vec::new(),
        false => vec![sheet.footnote(&sentence(&format!("test: {}", line.test)))],
    };
    let mut entries = texts.map(Entry::of).to_vec();
    for entry in entries.iter_mut().take(2) {
        entry.tone = tone_of(line);
    }
    Row { name: line.part.clone(), footnotes, has_note: false, entries }
}

/// A difference is better or worse only if its interval leaves no doubt.
fn tone_of(line: &DifferenceLine) -> Tone {
    match &line.interval {
        Some(interval) if interval.low > 0.0 => Tone::Better,
        Some(interval) if interval.high < 0.0 => Tone::Worse,
        _ => Tone::Neutral,
    }
}

/// As journals print it.
fn probability(value: f64) -> String {
    if value < 0.001 { "< 0.001".to_owned() } else { decimal(value, 3) }
}

fn lines_below(comparison: &ComparisonView) -> Vec<String> {
    let mut lines = vec![sentence(&comparison.conclusion)];
    lines.extend(comparison.notes.iter().map(|note| sentence(note)));
    if comparison.lines.iter().any(|line| line.p_adjusted.is_some()) {
        lines.push(
            "p (Holm): corrected for testing every part; the overall difference is not one of them."
                .to_owned(),
        );
    }
    if comparison.lines.iter().any(|line| line.detectable.is_some() || line.prompts_needed.is_some()) {
        lines.push(
            "Detectable: minimum detectable difference with 80 % power; needed: number of prompts to detect the observed difference with 80 % power."
                .to_owned(),
        );
    }
    lines.retain(|line| !line.is_empty());
    lines
}
