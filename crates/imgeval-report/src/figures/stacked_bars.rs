//! Stacked bars.

use super::{
    Figure,
    axis::Scale,
    canvas::{Anchor, Canvas, MARGIN, Pen, SMALL_SIZE, TEXT_SIZE, WIDTH},
    palette::{FAINT, INK, style_of},
    wrap::fit,
};
use crate::plain::plain;

const HEIGHT: f64 = 240.0;
/// Room for the name of a group below its bars.
const NAMES: f64 = 34.0;

/// Bars that stand side by side, such as the rounds of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct BarGroup {
    pub name: String,
    /// A label and a value (0 or more) for each part; `None` where it does not exist.
    pub bars: Vec<(String, Vec<Option<f64>>)>,
}

/// A bar for each label, its parts on one another in the order of `parts`; groups side by side. Parts without a value are left
/// out, and said in words.
#[must_use]
pub fn stacked_bars(name: &str, title: &str, y_label: &str, parts: &[&str], groups: &[BarGroup]) -> Figure {
    let mut canvas = Canvas::new(name, title);
    canvas.legend(parts.iter().enumerate().map(|(place, name)| (*name, style_of(place))), false);
    let (top, bottom) = (canvas.y + 6.0, canvas.y + 6.0 + HEIGHT);
    let bars = || groups.iter().flat_map(|group| &group.bars);
    let finite = |value: &Option<f64>| value.filter(|value| value.is_finite()).map(|value| value.max(0.0));
    let sum = |values: &[Option<f64>]| values.iter().filter_map(finite).sum::<f64>();
    let heights = bars().map(|(_, values)| sum(values)).chain([0.0]);
    let (vertical, ticks) = Scale::around(heights, bottom, top);
    let left = MARGIN + 58.0;
    let right = WIDTH - MARGIN;
    for tick in &ticks.values {
        let y = vertical.place(*tick);
        canvas.line((left, y), (right, y), Pen::RULE);
        canvas.text((left - 6.0, y + 3.5), SMALL_SIZE, Anchor::End, FAINT, &ticks.label(*tick));
    }
    let slots = bars().count() + groups.len().saturating_sub(1);
    let slot = (right - left) / slots.max(1) as f64;
    let thickness = (0.7 * slot).min(44.0);
    let zero = vertical.place(0.0);
    let mut x = left;
    let mut has_gap = false;
    for group in groups {
        let start = x;
        for (label, values) in &group.bars {
            let middle = x + slot / 2.0;
            let mut below = 0.0;
            for (place, value) in values.iter().enumerate() {
                has_gap |= value.is_none();
                let Some(value) = finite(value) else { continue };
                let (low, high) = (vertical.place(below), vertical.place(below + value));
                let fill = canvas.fill_of(style_of(place));
                let pen = Some(Pen { width: 0.75, ..Pen::INK });
                canvas.rectangle((middle - thickness / 2.0, high), thickness, low - high, &fill, pen);
                below += value;
            }
            let label = fit(label, SMALL_SIZE, slot.max(18.0));
            canvas.text((middle, bottom + 14.0), SMALL_SIZE, Anchor::Middle, FAINT, &label);
            x += slot;
        }
        let name = fit(&group.name, TEXT_SIZE, (x - start).max(60.0));
        canvas.text(((start + x) / 2.0, bottom + 30.0), TEXT_SIZE, Anchor::Middle, INK, &name);
        x += slot;
    }
    canvas.line((left, zero), (right, zero), Pen::INK);
    let upward = fit(y_label, TEXT_SIZE, HEIGHT);
    canvas.upward_text((MARGIN + 10.0, (top + bottom) / 2.0), TEXT_SIZE, Anchor::Middle, INK, &upward);
    canvas.y = bottom + NAMES + 4.0;
    if has_gap {
        canvas.notes(&["A part that could not be measured is omitted from its bar.".to_owned()]);
    }
    canvas.finish(told(title, parts, groups))
}

fn told(title: &str, parts: &[&str], groups: &[BarGroup]) -> String {
    let bar = |(label, values): &(String, Vec<Option<f64>>)| {
        let parts = parts.iter().zip(values);
        let parts = parts.map(|(part, value)| match value {
            Some(value) => format!("{part} {value:.2}"),
            None => format!("{part} not measured"),
        });
        format!("{label}: {}", parts.collect::<Vec<_>>().join(", "))
    };
    let group = |group: &BarGroup| {
        format!("{}: {}.", group.name, group.bars.iter().map(bar).collect::<Vec<_>>().join("; "))
    };
    plain(&format!("{title}. {}", groups.iter().map(group).collect::<Vec<_>>().join(" ")))
}
