//! Curves with intervals.

use super::{
    Figure,
    axis::{Scale, shown},
    canvas::{Anchor, Canvas, MARGIN, Pen, SMALL_SIZE, TEXT_SIZE, WIDTH},
    font::width_of,
    palette::{FAINT, INK, PAPER, hex, style_of},
    wrap::fit,
};
use crate::plain::plain;

const HEIGHT: f64 = 300.0;

/// A curve with more points has a band and no markers.
const MAX_MARKED_POINTS: usize = 24;

/// The alternative text tells at most so many points of a curve.
const MAX_TOLD_POINTS: usize = 24;

#[derive(Debug, Clone, PartialEq)]
pub struct LineSeries {
    pub name: String,
    /// In order of `x`.
    pub points: Vec<LinePoint>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinePoint {
    pub x: f64,
    /// `None` leaves a gap.
    pub y: Option<f64>,
    /// Low and high.
    pub interval: Option<(f64, f64)>,
}

impl LinePoint {
    /// Both coordinates, if there are any.
    fn place(&self) -> Option<(f64, f64)> {
        Some((self.x, self.y?)).filter(|(x, y)| x.is_finite() && y.is_finite())
    }

    fn range(&self) -> Option<(f64, f64)> {
        self.place()?;
        self.interval.filter(|(low, high)| low.is_finite() && high.is_finite())
    }
}

/// A line for each series over straight axes: intervals as whiskers, or as a band where there are many points. Points
/// without a value leave a gap.
#[must_use]
pub fn lines(title: &str, x_label: &str, y_label: &str, series: &[LineSeries]) -> Figure {
    let mut canvas = Canvas::new(title, title);
    canvas.legend(series.iter().enumerate().map(|(place, of)| (of.name.as_str(), style_of(place))), true);
    let points = || series.iter().flat_map(|of| &of.points);
    let (top, bottom) = (canvas.y + 6.0, canvas.y + 6.0 + HEIGHT);
    let ys = points().flat_map(|point| {
        let range = point.range();
        [point.place().map(|(_, y)| y), range.map(|(low, _)| low), range.map(|(_, high)| high)]
            .into_iter()
            .flatten()
    });
    let (vertical, y_ticks) = Scale::around(ys, bottom, top);
    let y_labels: Vec<String> = y_ticks.values.iter().map(|tick| y_ticks.label(*tick)).collect();
    let left = MARGIN + 30.0 + y_labels.iter().map(|label| width_of(label, SMALL_SIZE)).fold(0.0, f64::max);
    let right = WIDTH - MARGIN - 12.0;
    let xs: Vec<f64> = points().filter_map(LinePoint::place).map(|(x, _)| x).collect();
    let (horizontal, x_ticks) = Scale::around_whole(&xs, left, right);
    for (tick, label) in y_ticks.values.iter().zip(&y_labels) {
        let y = vertical.place(*tick);
        canvas.line((left, y), (right, y), Pen::RULE);
        canvas.text((left - 6.0, y + 3.5), SMALL_SIZE, Anchor::End, FAINT, label);
    }
    for tick in &x_ticks.values {
        let x = horizontal.place(*tick);
        canvas.line((x, bottom), (x, bottom + 4.0), Pen::INK);
        canvas.text((x, bottom + 16.0), SMALL_SIZE, Anchor::Middle, FAINT, &x_ticks.label(*tick));
    }
    canvas.line((left, bottom), (right, bottom), Pen::INK);
    let place_of = |(x, y): (f64, f64)| (horizontal.place(x), vertical.place(y));
    for (number, of) in series.iter().enumerate() {
        let style = style_of(number);
        let color = hex(style.color);
        let is_marked = of.points.len() <= MAX_MARKED_POINTS;
        // Several series side by side would hide each other's whiskers.
        let shift = if is_marked {
            2.0 * (number as f64 - (series.len() as f64 - 1.0) / 2.0).clamp(-4.0, 4.0)
        } else {
            0.0
        };
        for run in of.points.split(|point| point.place().is_none()) {
            if !is_marked {
                draw_band(&mut canvas, run, &place_of, &color);
            }
            let path: Vec<(f64, f64)> = run.iter().filter_map(LinePoint::place).map(place_of).collect();
            if path.len() > 1 {
                let width = if is_marked { 1.75 } else { 1.5 };
                canvas.path(&path, false, "none", Some(Pen { color: &color, width, dash: style.dash }));
            }
            if path.len() == 1 && !is_marked {
                canvas.marker(path[0], 3.0, style, PAPER);
            }
        }
        for point in of.points.iter().filter(|_| is_marked) {
            let Some((x, y)) = point.place().map(place_of) else { continue };
            if let Some((low, high)) = point.range() {
                let (x, low, high) = (x + shift, vertical.place(low), vertical.place(high));
                let pen = Pen { color: &color, width: 1.25, dash: "" };
                canvas.line((x, low), (x, high), pen);
                canvas.line((x - 3.0, low), (x + 3.0, low), pen);
                canvas.line((x - 3.0, high), (x + 3.0, high), pen);
            }
            canvas.marker((x, y), 4.0, style, PAPER);
        }
    }
    canvas.y = bottom + 34.0;
    let x_label = fit(x_label, TEXT_SIZE, right - left);
    canvas.text(((left + right) / 2.0, canvas.y), TEXT_SIZE, Anchor::Middle, INK, &x_label);
    let upward = fit(y_label, TEXT_SIZE, HEIGHT);
    canvas.upward_text((MARGIN + 10.0, (top + bottom) / 2.0), TEXT_SIZE, Anchor::Middle, INK, &upward);
    canvas.y += 8.0;
    let mut notes = Vec::new();
    if points().any(|point| point.range().is_some()) {
        notes.push("Whiskers and bands are 95 % intervals.".to_owned());
    }
    if points().any(|point| point.place().is_none()) {
        notes.push("A gap in a line is an undefined value.".to_owned());
    }
    canvas.notes(&notes);
    let told: Vec<String> = series.iter().map(told).collect();
    let alternative = plain(&format!("{title}. {y_label} over {x_label}. {}", told.join(" ")));
    canvas.finish(alternative)
}

fn draw_band(
    canvas: &mut Canvas,
    run: &[LinePoint],
    place_of: &impl Fn((f64, f64)) -> (f64, f64),
    color: &str,
) {
    let side = |pick: fn((f64, f64)) -> f64| {
        run.iter().filter_map(move |point| Some((point.x, pick(point.range()?)))).map(place_of)
    };
    let mut outline: Vec<(f64, f64)> = side(|(low, _)| low).collect();
    let back: Vec<(f64, f64)> = side(|(_, high)| high).collect();
    outline.extend(back.into_iter().rev());
    if outline.len() > 3 {
        // A fifth of the color lets other bands through.
        canvas.path(&outline, true, &format!("{color}33"), None);
    }
}

/// The points of a curve in words, evenly chosen where there are many.
fn told(series: &LineSeries) -> String {
    let step = series.points.len().div_ceil(MAX_TOLD_POINTS).max(1);
    let points: Vec<String> = series
        .points
        .iter()
        .step_by(step)
        .map(|point| match (point.place(), point.range()) {
            (Some((x, y)), Some((low, high))) => {
                format!("{} at {} ({} to {})", shown(y, 3), shown(x, 3), shown(low, 3), shown(high, 3))
            }
            (Some((x, y)), None) => format!("{} at {}", shown(y, 3), shown(x, 3)),
            (None, _) => format!("no value at {}", shown(point.x, 3)),
        })
        .collect();
    let which = if step > 1 { format!(", every {step}th point") } else { String::new() };
    format!("{}{which}: {}.", series.name, points.join(", "))
}
