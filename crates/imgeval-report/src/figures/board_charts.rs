//! Charts of a score board: bars of the overall score, bars or a radar of the parts.

use super::{
    Figure,
    axis::{Scale, Ticks, shown},
    canvas::{Anchor, Canvas, MARGIN, Pen, SMALL_SIZE, TEXT_SIZE, WIDTH},
    font::width_of,
    palette::{FAINT, Hatch, INK, PAPER, RULE, Style, hex, style_of},
    wrap::{fit, wrap},
};
use crate::{
    model::{Board, BoardRow, Cell, RowSource},
    plain::plain,
};

/// Room for names at the left.
const MAX_LABEL_WIDTH: f64 = 240.0;

/// Most rows that a radar can show.
const MAX_RADAR_ROWS: usize = 4;

/// Overall scores as bars, the highest first: published rows in one look, runs in another and with their 95 % intervals.
/// Rows without a score stand last, with an em dash.
///
/// In the manner of GPT-ImgEval's figure of Reason-Edit's GPT scores; for any suite.
#[must_use]
pub fn overall_bars(board: &Board) -> Figure {
    let title = format!("{}: {}", board.title, name_of_column(board, board.overall));
    let mut canvas = Canvas::new(&format!("{}-overall", board.suite), &title);
    let mut rows: Vec<&BoardRow> = board.rows.iter().collect();
    let value = |row: &BoardRow| score_of(row, board.overall);
    rows.sort_by(|a, b| value(b).unwrap_or(-1.0).total_cmp(&value(a).unwrap_or(-1.0)));
    let (published, runs) = (Style { hatch: Hatch::None, ..style_of(3) }, style_of(2));
    let has = |wanted: bool| board.rows.iter().any(|row| (row.source == RowSource::Published) == wanted);
    let entries =
        [(has(true), "published", published), (has(false), "these runs, with 95 % intervals", runs)];
    canvas.legend(
        entries.iter().filter(|(is_there, ..)| *is_there).map(|(_, name, style)| (*name, *style)),
        false,
    );
    let notes = Notes::of(&rows);
    let names: Vec<String> = rows.iter().map(|row| notes.marked(row)).collect();
    let left = MARGIN + label_width(names.iter().map(String::as_str)) + 8.0;
    let (scale, ticks) = Scale::of_scores(left, WIDTH - MARGIN - 46.0);
    let top = canvas.y;
    let heights: Vec<f64> = names.iter().map(|name| 8.0 + 13.0 * label_lines(name).len() as f64).collect();
    grid_lines(&mut canvas, &scale, &ticks, top, top + heights.iter().sum::<f64>());
    for ((row, name), height) in rows.iter().zip(&names).zip(heights) {
        let middle = canvas.y + height / 2.0;
        label(&mut canvas, name, left - 8.0, middle);
        let style = if row.source == RowSource::Published { published } else { runs };
        bar(&mut canvas, &scale, row.cells.get(board.overall), board.decimals, style, (middle, 13.0));
        canvas.y += height;
    }
    canvas.line((left, top), (left, canvas.y), Pen::INK);
    tick_labels(&mut canvas, &scale, &ticks);
    canvas.notes(&notes.lines());
    source_lines(&mut canvas, board, &rows);
    let alternative = alternative_of(board, &rows, &[board.overall]);
    canvas.finish(alternative)
}

/// A group of bars for each column of the board, a bar for each of the rows (indices into the board's).
#[must_use]
pub fn part_bars(board: &Board, rows: &[usize]) -> Figure {
    let rows: Vec<&BoardRow> = rows.iter().filter_map(|row| board.rows.get(*row)).collect();
    let mut canvas = Canvas::new(&format!("{}-parts", board.suite), &board.title);
    let notes = Notes::of(&rows);
    let names: Vec<String> = rows.iter().map(|row| notes.marked(row)).collect();
    canvas.legend(names.iter().enumerate().map(|(place, name)| (name.as_str(), style_of(place))), false);
    let left = MARGIN + label_width(board.columns.iter().map(String::as_str)) + 8.0;
    let (scale, ticks) = Scale::of_scores(left, WIDTH - MARGIN - 46.0);
    let thickness = match rows.len() {
        0..=4 => 14.0,
        5..=10 => 12.0,
        _ => 10.0,
    };
    let group_of =
        |name: &str| (thickness * rows.len() as f64).max(13.0 * label_lines(name).len() as f64) + 10.0;
    let top = canvas.y;
    grid_lines(
        &mut canvas,
        &scale,
        &ticks,
        top,
        top + board.columns.iter().map(|name| group_of(name)).sum::<f64>(),
    );
    for (column, name) in board.columns.iter().enumerate() {
        let height = group_of(name);
        let middle = canvas.y + height / 2.0;
        label(&mut canvas, name, left - 8.0, middle);
        let first = canvas.y + (height - thickness * rows.len() as f64) / 2.0;
        for (place, row) in rows.iter().enumerate() {
            let middle = first + thickness * (place as f64 + 0.5);
            bar(
                &mut canvas,
                &scale,
                row.cells.get(column),
                board.decimals,
                style_of(place),
                (middle, thickness - 1.0),
            );
        }
        canvas.y += height;
        canvas.line((left, canvas.y), (scale.to, canvas.y), Pen { color: RULE, width: 0.5, dash: "" });
    }
    canvas.line((left, top), (left, canvas.y), Pen::INK);
    tick_labels(&mut canvas, &scale, &ticks);
    canvas.notes(&notes.lines());
    let columns: Vec<usize> = (0..board.columns.len()).collect();
    source_lines(&mut canvas, board, &rows);
    let alternative = alternative_of(board, &rows, &columns);
    canvas.finish(alternative)
}

/// The parts as axes of a radar, without the overall column; `None` for more than four rows or fewer than three axes,
/// which nobody could read. A missing score leaves a gap in the line. Intervals do not fit in a radar.
#[must_use]
pub fn part_radar(board: &Board, rows: &[usize]) -> Option<Figure> {
    const RADIUS: f64 = 170.0;
    let columns: Vec<usize> = (0..board.columns.len()).filter(|column| *column != board.overall).collect();
    if rows.len() > MAX_RADAR_ROWS || columns.len() < 3 {
        return None;
    }
    let rows: Vec<&BoardRow> = rows.iter().filter_map(|row| board.rows.get(*row)).collect();
    let mut canvas = Canvas::new(&format!("{}-radar", board.suite), &board.title);
    let notes = Notes::of(&rows);
    let names: Vec<String> = rows.iter().map(|row| notes.marked(row)).collect();
    canvas.legend(names.iter().enumerate().map(|(place, name)| (name.as_str(), style_of(place))), true);
    let center = (WIDTH / 2.0, canvas.y + RADIUS + 34.0);
    let spoke = |place: usize, share: f64| {
        let angle = std::f64::consts::TAU * place as f64 / columns.len() as f64;
        (center.0 + RADIUS * share * angle.sin(), center.1 - RADIUS * share * angle.cos())
    };
    for fifth in 1..=5 {
        let share = f64::from(fifth) / 5.0;
        let ring: Vec<(f64, f64)> = (0..columns.len()).map(|place| spoke(place, share)).collect();
        canvas.path(&ring, true, "none", Some(Pen::RULE));
    }
    for (place, column) in columns.iter().enumerate() {
        canvas.line(center, spoke(place, 1.0), Pen::RULE);
        let (x, y) = spoke(place, 1.07);
        let (anchor, room) = match x - center.0 {
            offset if offset.abs() < 1.0 => (Anchor::Middle, 300.0),
            offset if offset > 0.0 => (Anchor::Start, WIDTH - MARGIN - x),
            _ => (Anchor::End, x - MARGIN),
        };
        let lines = wrap(&board.columns[*column], TEXT_SIZE, room, 2);
        let first = y + 4.0 - 7.0 * (lines.len() - 1) as f64;
        for (number, line) in lines.iter().enumerate() {
            canvas.text((x, first + 14.0 * number as f64), TEXT_SIZE, anchor, INK, line);
        }
    }
    for (number, row) in rows.iter().enumerate() {
        let style = style_of(number);
        let color = hex(style.color);
        let pen = Pen { color: &color, width: 2.0, dash: style.dash };
        let points: Vec<Option<(f64, f64)>> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| Some(spoke(place, score_of(row, *column)?.min(1.0))))
            .collect();
        for place in 0..points.len() {
            if let (Some(from), Some(to)) = (points[place], points[(place + 1) % points.len()]) {
                canvas.line(from, to, pen);
            }
        }
        for point in points.into_iter().flatten() {
            canvas.marker(point, 4.0, style, PAPER);
        }
    }
    for fifth in 1..=5 {
        let share = f64::from(fifth) / 5.0;
        let (x, y) = spoke(0, share);
        canvas.text((x - 5.0, y + 10.0), SMALL_SIZE, Anchor::End, FAINT, &shown(share, 1));
    }
    canvas.y = center.1 + RADIUS + 40.0;
    canvas.notes(&notes.lines());
    let is_gap = |row: &&BoardRow| columns.iter().any(|column| score_of(row, *column).is_none());
    if rows.iter().any(is_gap) {
        canvas.notes(&["A gap in a line is a part without a score.".to_owned()]);
    }
    source_lines(&mut canvas, board, &rows);
    let alternative = alternative_of(board, &rows, &columns);
    Some(canvas.finish(alternative))
}

fn score_of(row: &BoardRow, column: usize) -> Option<f64> {
    row.cells.get(column)?.value.filter(|value| value.is_finite())
}

fn name_of_column(board: &Board, column: usize) -> &str {
    board.columns.get(column).map_or("", String::as_str)
}

/// A lying bar with its interval and its number; an em dash if there is no score.
fn bar(
    canvas: &mut Canvas,
    scale: &Scale,
    cell: Option<&Cell>,
    decimals: usize,
    style: Style,
    (middle, thickness): (f64, f64),
) {
    let size = SMALL_SIZE.min(thickness);
    let Some((cell, value)) =
        cell.and_then(|cell| Some((cell, cell.value.filter(|value| value.is_finite())?)))
    else {
        canvas.text((scale.from + 5.0, middle + 0.35 * size), size, Anchor::Start, FAINT, "\u{2014}");
        return;
    };
    let fill = canvas.fill_of(style);
    let end = scale.place(value);
    let outline = Some(Pen { width: 0.75, ..Pen::INK });
    canvas.rectangle((scale.from, middle - thickness / 2.0), end - scale.from, thickness, &fill, outline);
    let mut right = end;
    if let Some(interval) = cell.interval.as_ref().filter(|of| of.low.is_finite() && of.high.is_finite()) {
        let ends = (scale.place(interval.low), scale.place(interval.high));
        canvas.whisker(ends, middle, 0.3 * thickness);
        right = right.max(ends.1);
    }
    canvas.text((right + 5.0, middle + 0.35 * size), size, Anchor::Start, INK, &shown(value, decimals));
}

fn label_lines(name: &str) -> Vec<String> {
    wrap(name, TEXT_SIZE - 1.0, MAX_LABEL_WIDTH, 2)
}

fn label_width<'a>(names: impl Iterator<Item = &'a str>) -> f64 {
    let lines = names.flat_map(label_lines);
    lines.map(|line| width_of(&line, TEXT_SIZE - 1.0)).fold(40.0, f64::max)
}

/// Ends at `right`, centerd on `middle`.
fn label(canvas: &mut Canvas, name: &str, right: f64, middle: f64) {
    let lines = label_lines(name);
    let first = middle + 4.0 - 6.5 * (lines.len() - 1) as f64;
    for (place, line) in lines.iter().enumerate() {
        canvas.text((right, first + 13.0 * place as f64), TEXT_SIZE - 1.0, Anchor::End, INK, line);
    }
}

fn grid_lines(canvas: &mut Canvas, scale: &Scale, ticks: &Ticks, top: f64, bottom: f64) {
    for tick in &ticks.values {
        canvas.line((scale.place(*tick), top), (scale.place(*tick), bottom), Pen::RULE);
    }
}

/// Below what was drawn.
fn tick_labels(canvas: &mut Canvas, scale: &Scale, ticks: &Ticks) {
    for tick in &ticks.values {
        let position = (scale.place(*tick), canvas.y + 14.0);
        canvas.text(position, SMALL_SIZE, Anchor::Middle, FAINT, &ticks.label(*tick));
    }
    canvas.y += 22.0;
}

fn source_lines(canvas: &mut Canvas, board: &Board, rows: &[&BoardRow]) {
    if rows.iter().any(|row| row.source == RowSource::Published) && !board.published_source.is_empty() {
        let unknown = match board.published_unknown.is_empty() {
            true => String::new(),
            false => format!("; unknown for published rows: {}", board.published_unknown),
        };
        canvas.notes(&[format!("Published rows: {}{unknown}.", board.published_source)]);
    }
}

/// What must stand beside rows, numbered.
struct Notes(Vec<String>);

impl Notes {
    fn of(rows: &[&BoardRow]) -> Self {
        let mut notes: Vec<String> = Vec::new();
        for row in rows.iter().filter(|row| !row.note.is_empty()) {
            if !notes.contains(&row.note) {
                notes.push(row.note.clone());
            }
        }
        Self(notes)
    }

    fn marked(&self, row: &BoardRow) -> String {
        match self.0.iter().position(|note| *note == row.note) {
            // The mark must not fall to the ellipsis of a long name.
            Some(place) => format!("{} [{}]", fit(&row.name, TEXT_SIZE, 1.8 * MAX_LABEL_WIDTH), place + 1),
            None => row.name.clone(),
        }
    }

    fn lines(&self) -> Vec<String> {
        self.0.iter().enumerate().map(|(place, note)| format!("[{}] {note}", place + 1)).collect()
    }
}

/// All numbers of these columns in words.
fn alternative_of(board: &Board, rows: &[&BoardRow], columns: &[usize]) -> String {
    let mut text = format!("{}.", plain(&board.title));
    for row in rows {
        let numbers: Vec<String> = columns
            .iter()
            .map(|column| {
                let name = name_of_column(board, *column);
                let Some(value) = score_of(row, *column) else { return format!("{name} without a score") };
                let interval = row.cells[*column].interval.as_ref();
                let interval = interval.filter(|of| of.low.is_finite() && of.high.is_finite()).map(|of| {
                    format!(" ({} to {})", shown(of.low, board.decimals), shown(of.high, board.decimals))
                });
                format!("{name} {}{}", shown(value, board.decimals), interval.unwrap_or_default())
            })
            .collect();
        let note = if row.note.is_empty() { String::new() } else { format!(" ({})", row.note) };
        text.push_str(&plain(&format!(" {}{note}: {}.", row.name, numbers.join(", "))));
    }
    text
}
