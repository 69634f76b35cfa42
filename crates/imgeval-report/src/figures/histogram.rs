//! How often a classifier was how sure.

use super::{
    Figure,
    axis::{Scale, shown},
    canvas::{Anchor, Canvas, MARGIN, Pen, SMALL_SIZE, TEXT_SIZE, WIDTH},
    palette::{FAINT, INK, style_of},
    wrap::fit,
};
use crate::plain::plain;

const HEIGHT: f64 = 240.0;

/// Counts of confidences in ten bins of equal width from 0 to 1; the labels say what 0 and 1 mean.
#[must_use]
pub fn confidence_histogram(title: &str, counts: [u64; 10], left_label: &str, right_label: &str) -> Figure {
    let mut canvas = Canvas::new(title, title);
    let total: u64 = counts.iter().fold(0, |sum, count| sum.saturating_add(*count));
    let (top, bottom) = (canvas.y + 14.0, canvas.y + 14.0 + HEIGHT);
    let largest = counts.iter().copied().max().unwrap_or(0).max(1);
    let (scale, ticks) = Scale::around([0.0, largest as f64].into_iter(), bottom, top);
    let (left, right) = (MARGIN + 64.0, WIDTH - MARGIN);
    let width = (right - left) / counts.len() as f64;
    for tick in &ticks.values {
        let y = scale.place(*tick);
        canvas.line((left, y), (right, y), Pen::RULE);
        canvas.text((left - 6.0, y + 3.5), SMALL_SIZE, Anchor::End, FAINT, &ticks.label(*tick));
    }
    let fill = canvas.fill_of(style_of(0));
    for (place, count) in counts.iter().enumerate() {
        let x = left + width * place as f64;
        let y = scale.place(*count as f64);
        if *count > 0 {
            canvas.rectangle(
                (x + 2.0, y),
                width - 4.0,
                bottom - y,
                &fill,
                Some(Pen { width: 0.75, ..Pen::INK }),
            );
        }
        let text = fit(&count.to_string(), SMALL_SIZE, width);
        canvas.text((x + width / 2.0, y - 4.0), SMALL_SIZE, Anchor::Middle, INK, &text);
    }
    canvas.line((left, bottom), (right, bottom), Pen::INK);
    for edge in 0..=counts.len() {
        let x = left + width * edge as f64;
        canvas.line((x, bottom), (x, bottom + 4.0), Pen::INK);
        canvas.text((x, bottom + 16.0), SMALL_SIZE, Anchor::Middle, FAINT, &shown(edge as f64 / 10.0, 1));
    }
    canvas.upward_text((MARGIN + 10.0, (top + bottom) / 2.0), TEXT_SIZE, Anchor::Middle, INK, "count");
    canvas.y = bottom + 36.0;
    let room = (right - left) / 2.0 - 50.0;
    canvas.text(
        (left, canvas.y),
        TEXT_SIZE,
        Anchor::Start,
        INK,
        &fit(&format!("0: {left_label}"), TEXT_SIZE, room),
    );
    canvas.text(((left + right) / 2.0, canvas.y), TEXT_SIZE, Anchor::Middle, INK, "confidence");
    canvas.text(
        (right, canvas.y),
        TEXT_SIZE,
        Anchor::End,
        INK,
        &fit(&format!("1: {right_label}"), TEXT_SIZE, room),
    );
    canvas.y += 8.0;
    canvas.notes(&[format!("{total} in total.")]);
    let bins: Vec<String> = counts
        .iter()
        .enumerate()
        .map(|(place, count)| {
            format!("{} to {}: {count}", shown(place as f64 / 10.0, 1), shown((place + 1) as f64 / 10.0, 1))
        })
        .collect();
    let alternative = plain(&format!(
        "{title}. Confidence from 0 ({left_label}) to 1 ({right_label}), {total} in total. {}.",
        bins.join(", ")
    ));
    canvas.finish(alternative)
}
