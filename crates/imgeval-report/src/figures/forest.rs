//! Paired differences with their intervals around a zero line.

use super::{
    Figure,
    axis::{Scale, shown_signed},
    canvas::{Anchor, Canvas, MARGIN, Pen, SMALL_SIZE, TEXT_SIZE, WIDTH},
    font::width_of,
    palette::{FAINT, INK, Marker, PAPER, Style, style_of},
    wrap::{fit, one_line},
};
use crate::{
    model::{ComparisonView, DifferenceLine},
    plain::plain,
};

const ROW_HEIGHT: f64 = 26.0;
const MAX_LABEL_WIDTH: f64 = 170.0;
const NUMBERS_WIDTH: f64 = 170.0;

/// Where a difference counts as found.
const LEVEL: f64 = 0.05;

/// A row for each part and the overall difference below a line: a filled diamond where the difference is significant at
/// the level 0.05 (after Holm's correction for parts), an open circle elsewhere. A part without a difference has an em dash.
#[must_use]
pub fn forest_plot(comparison: &ComparisonView) -> Figure {
    draw(comparison, &format!("{}-difference-{}-{}", comparison.suite, comparison.a, comparison.b))
}

pub(super) fn draw(comparison: &ComparisonView, name: &str) -> Figure {
    let mut canvas = Canvas::new(name, &comparison.title);
    let labels: Vec<String> =
        comparison.lines.iter().map(|line| fit(&line.part, TEXT_SIZE, MAX_LABEL_WIDTH)).collect();
    let label_width = labels.iter().map(|label| width_of(label, TEXT_SIZE)).fold(40.0, f64::max);
    let left = MARGIN + label_width + 14.0;
    let ends = comparison.lines.iter().flat_map(|line| {
        let interval = line.interval.as_ref();
        [line.difference, interval.map(|of| of.low), interval.map(|of| of.high)].into_iter().flatten()
    });
    let (scale, ticks) = Scale::around(ends.chain([0.0]), left, WIDTH - MARGIN - NUMBERS_WIDTH);
    let top = canvas.y + 16.0;
    let half = (scale.place(0.0) - left, scale.to - scale.place(0.0));
    let better = |name: &str, room: f64| fit(&format!("{name} better"), SMALL_SIZE, room.max(0.0) - 10.0);
    if half.0 > 60.0 {
        let text = format!("\u{2190} {}", better(&comparison.b, half.0 - 14.0));
        canvas.text((scale.place(0.0) - 6.0, top - 5.0), SMALL_SIZE, Anchor::End, FAINT, &text);
    }
    if half.1 > 60.0 {
        let text = format!("{} \u{2192}", better(&comparison.a, half.1 - 14.0));
        canvas.text((scale.place(0.0) + 6.0, top - 5.0), SMALL_SIZE, Anchor::Start, FAINT, &text);
    }
    let bottom = top + ROW_HEIGHT * comparison.lines.len() as f64;
    for tick in &ticks.values {
        canvas.line((scale.place(*tick), top), (scale.place(*tick), bottom), Pen::RULE);
        canvas.text(
            (scale.place(*tick), bottom + 14.0),
            SMALL_SIZE,
            Anchor::Middle,
            FAINT,
            &ticks.label(*tick),
        );
    }
    canvas.line((scale.place(0.0), top), (scale.place(0.0), bottom), Pen { width: 1.5, ..Pen::INK });
    for (place, (line, label)) in comparison.lines.iter().zip(&labels).enumerate() {
        let is_overall = place + 1 == comparison.lines.len();
        let middle = top + ROW_HEIGHT * (place as f64 + 0.5);
        if is_overall && place > 0 {
            let y = middle - ROW_HEIGHT / 2.0;
            canvas.line((MARGIN, y), (WIDTH - MARGIN, y), Pen { width: 0.75, ..Pen::INK });
        }
        canvas.text((left - 10.0, middle + 4.0), TEXT_SIZE, Anchor::End, INK, label);
        draw_difference(&mut canvas, &scale, line, middle, if is_overall { 6.0 } else { 5.0 });
        canvas.text((WIDTH - MARGIN, middle + 4.0), TEXT_SIZE - 1.0, Anchor::End, INK, &numbers_of(line));
    }
    canvas.y = bottom + 30.0;
    draw_key(&mut canvas);
    canvas.notes(&comparison.notes);
    let alternative = alternative_of(comparison);
    canvas.finish(alternative)
}

fn draw_difference(canvas: &mut Canvas, scale: &Scale, line: &DifferenceLine, middle: f64, radius: f64) {
    let Some(difference) = line.difference.filter(|value| value.is_finite()) else {
        canvas.text((scale.place(0.0) + 6.0, middle + 4.0), TEXT_SIZE, Anchor::Start, FAINT, "\u{2014}");
        return;
    };
    if let Some(interval) = line.interval.as_ref().filter(|of| of.low.is_finite() && of.high.is_finite()) {
        canvas.whisker((scale.place(interval.low), scale.place(interval.high)), middle, 5.0);
    }
    let (style, fill) = look_of(is_found(line));
    canvas.marker((scale.place(difference), middle), radius, style, &fill);
}

/// Filled diamond or open circle.
fn look_of(is_found: bool) -> (Style, String) {
    let color = style_of(0).color;
    match is_found {
        true => (Style { color, marker: Marker::Diamond, ..style_of(0) }, super::palette::hex(color)),
        false => (Style { color, marker: Marker::Circle, ..style_of(0) }, PAPER.to_owned()),
    }
}

fn is_found(line: &DifferenceLine) -> bool {
    line.p_adjusted.or(line.p_value).is_some_and(|p| p < LEVEL)
}

fn numbers_of(line: &DifferenceLine) -> String {
    let signed = |value: f64| shown_signed(value, 3);
    let Some(difference) = line.difference.filter(|value| value.is_finite()) else {
        return "\u{2014}".to_owned();
    };
    match line.interval.as_ref().filter(|of| of.low.is_finite() && of.high.is_finite()) {
        Some(of) => format!("{} [{}, {}]", signed(difference), signed(of.low), signed(of.high)),
        None => signed(difference),
    }
}

fn draw_key(canvas: &mut Canvas) {
    let keys = [
        (true, "significant at 0.05, parts after Holm's correction"),
        (false, "not significant, or not tested"),
    ];
    let mut x = MARGIN + 6.0;
    for (is_found, words) in keys {
        let (style, fill) = look_of(is_found);
        canvas.marker((x, canvas.y), 5.0, style, &fill);
        canvas.text((x + 12.0, canvas.y + 3.5), SMALL_SIZE, Anchor::Start, INK, words);
        x += 40.0 + width_of(words, SMALL_SIZE);
    }
    canvas.y += 12.0;
    canvas.notes(&["Lines are 95 % intervals.".to_owned()]);
}

fn alternative_of(comparison: &ComparisonView) -> String {
    let mut text = format!("{}.", plain(&comparison.title));
    for line in &comparison.lines {
        let finding = match (line.difference.is_some(), is_found(line)) {
            (false, _) => "",
            (true, true) => ", significant",
            (true, false) => ", not significant",
        };
        text.push_str(&format!(" {}: {}{finding}.", plain(&line.part), numbers_of(line)));
    }
    text.push_str(&format!(" {}", one_line(&comparison.conclusion)));
    text
}
