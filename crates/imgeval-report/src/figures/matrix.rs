//! A matrix with its numbers in shaded cells.

use super::{
    Figure,
    axis::shown,
    canvas::{Anchor, Canvas, MARGIN, Pen, SMALL_SIZE, WIDTH},
    font::width_of,
    palette::{FAINT, INK, PAPER, contrast_to, hex, shade, style_of},
    wrap::fit,
};
use crate::plain::plain;

const MAX_LABEL_WIDTH: f64 = 150.0;
const MAX_CELL: f64 = 56.0;
const DECIMALS: usize = 2;

/// A square matrix: a row and a column for each label, shaded from the smallest value (white) to the largest (dark).
/// A cell without a value (`None`, not finite, or a row too short) is hatched and has an em dash.
#[must_use]
pub fn matrix(title: &str, labels: &[String], values: &[Vec<Option<f64>>]) -> Figure {
    let mut canvas = Canvas::new(title, title);
    let value_at = |row: usize, column: usize| {
        values.get(row)?.get(column).copied().flatten().filter(|value: &f64| value.is_finite())
    };
    let n = labels.len();
    let cells = || (0..n).flat_map(|row| (0..n).map(move |column| (row, column)));
    let known: Vec<f64> = cells().filter_map(|(row, column)| value_at(row, column)).collect();
    let (low, high) = known
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    let label_width = labels
        .iter()
        .map(|label| width_of(&fit(label, SMALL_SIZE, MAX_LABEL_WIDTH), SMALL_SIZE))
        .fold(20.0, f64::max);
    let left = MARGIN + label_width + 8.0;
    let cell = ((WIDTH - MARGIN - left) / n.max(1) as f64).min(MAX_CELL);
    let widest = known.iter().map(|value| width_of(&shown(*value, DECIMALS), 1.0)).fold(1.0, f64::max);
    let size = (0.88 * cell / widest).min(11.0);
    let top = canvas.y + label_width + 8.0;
    for (place, label) in labels.iter().enumerate() {
        let label = fit(label, SMALL_SIZE, MAX_LABEL_WIDTH);
        let middle = cell * (place as f64 + 0.5) + 3.5;
        canvas.text((left - 6.0, top + middle), SMALL_SIZE, Anchor::End, INK, &label);
        canvas.upward_text((left + middle, top - 6.0), SMALL_SIZE, Anchor::Start, INK, &label);
    }
    for (row, column) in cells() {
        let corner = (left + cell * column as f64, top + cell * row as f64);
        let center = (corner.0 + cell / 2.0, corner.1 + cell / 2.0 + 0.35 * size);
        let pen = Some(Pen { color: PAPER, width: 1.0, dash: "" });
        match value_at(row, column) {
            Some(value) => {
                let color = shade(if high > low { (value - low) / (high - low) } else { 0.5 });
                canvas.rectangle(corner, cell, cell, &hex(color), pen);
                canvas.text(center, size, Anchor::Middle, contrast_to(color), &shown(value, DECIMALS));
            }
            None => {
                let fill = canvas.fill_of(super::palette::Style { color: [238, 238, 238], ..style_of(1) });
                canvas.rectangle(corner, cell, cell, &fill, pen);
                let ground = 0.6 * cell;
                canvas.rectangle(
                    (corner.0 + (cell - ground) / 2.0, corner.1 + (cell - ground) / 2.0),
                    ground,
                    ground,
                    PAPER,
                    None,
                );
                canvas.text(center, size, Anchor::Middle, INK, "\u{2014}");
            }
        }
    }
    let end = left + cell * n as f64;
    canvas.path(
        &[(left, top), (end, top), (end, top + cell * n as f64), (left, top + cell * n as f64)],
        true,
        "none",
        Some(Pen { color: FAINT, width: 0.75, dash: "" }),
    );
    canvas.y = top + cell * n as f64 + 14.0;
    if !known.is_empty() {
        draw_key(&mut canvas, low, high);
    }
    let rows: Vec<String> = (0..n)
        .map(|row| {
            let numbers: Vec<String> = (0..n)
                .map(|column| {
                    value_at(row, column)
                        .map_or_else(|| "no value".to_owned(), |value| shown(value, DECIMALS))
                })
                .collect();
            format!("{}: {}", labels[row], numbers.join(", "))
        })
        .collect();
    let alternative =
        plain(&format!("{title}. Rows, with the columns in the same order. {}.", rows.join("; ")));
    canvas.finish(alternative)
}

/// From white to dark with the values at its ends.
fn draw_key(canvas: &mut Canvas, low: f64, high: f64) {
    const STEPS: usize = 10;
    const STEP_WIDTH: f64 = 16.0;
    let from = shown(low, DECIMALS);
    let mut x = MARGIN + width_of(&from, SMALL_SIZE) + 6.0;
    canvas.text((MARGIN, canvas.y + 9.0), SMALL_SIZE, Anchor::Start, FAINT, &from);
    for step in 0..STEPS {
        let color = hex(shade((step as f64 + 0.5) / STEPS as f64));
        canvas.rectangle(
            (x, canvas.y),
            STEP_WIDTH,
            11.0,
            &color,
            Some(Pen { color: FAINT, width: 0.5, dash: "" }),
        );
        x += STEP_WIDTH;
    }
    canvas.text((x + 6.0, canvas.y + 9.0), SMALL_SIZE, Anchor::Start, FAINT, &shown(high, DECIMALS));
    canvas.y += 14.0;
}
