//! Sessions of edits as strips: a row for each model, a column for each round.

use super::{
    Figure,
    canvas::{Anchor, Canvas, MARGIN, Pen, SMALL_SIZE, TEXT_SIZE, WIDTH},
    grid::media_type_of,
    palette::{FAINT, INK, RULE, hex, style_of},
    wrap::{fit, one_line, wrap},
};
use crate::plain::plain;

const GAP: f64 = 10.0;
const MAX_INSTRUCTION_LINES: usize = 4;
const MAX_NOTES: usize = 5;
/// With more rounds the strip goes on in a second block.
const MOST_COLUMNS: usize = 6;

/// A session by several models.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Strip {
    pub title: String,
    /// What was asked in each round.
    pub instructions: Vec<String>,
    /// The image that the session began with.
    pub source: StripImage,
    pub rows: Vec<StripRow>,
    /// What must be known to read it.
    pub notes: Vec<String>,
}

/// The rounds of one model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StripRow {
    pub model: String,
    pub rounds: Vec<StripImage>,
}

/// One image of a strip.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StripImage {
    /// A PNG or JPEG file in the size in which it is shown; `None` if the round has no image.
    pub image: Option<Vec<u8>>,
    /// Width over height; 0 if not known.
    pub shape: f64,
    /// Whether the round holds; `None` if nobody can tell.
    pub holds: Option<bool>,
    /// Left, top, right and bottom of what was edited, in shares of the image.
    pub regions: Vec<[f64; 4]>,
    /// Numbers and reasons, one a line.
    pub notes: Vec<String>,
}

/// Instructions above, a frame around each image that says whether the round holds (and a tick or a cross), the edited region in
/// a dashed outline, numbers below.
#[must_use]
pub fn session_strip(name: &str, strip: &Strip) -> Figure {
    let mut canvas = Canvas::new(name, &strip.title);
    let n_rounds = strip.rows.iter().map(|row| row.rounds.len()).max().unwrap_or(0);
    let n_rounds = n_rounds.max(strip.instructions.len());
    let rounds: Vec<usize> = (0..n_rounds).collect();
    for (block, rounds) in rounds.chunks(MOST_COLUMNS - 1).enumerate() {
        draw_block(&mut canvas, strip, rounds, block == 0);
    }
    canvas.notes(&strip.notes);
    canvas.finish(told(strip))
}

fn draw_block(canvas: &mut Canvas, strip: &Strip, rounds: &[usize], has_source: bool) {
    let columns = rounds.len() + usize::from(has_source);
    let width = (WIDTH - 2.0 * MARGIN - GAP * (columns.max(4) - 1) as f64) / columns.max(4) as f64;
    let left = |column: usize| MARGIN + (width + GAP) * column as f64;
    let first = usize::from(has_source);
    let top = canvas.y + 12.0;
    let mut bottom = top;
    if has_source {
        canvas.text((left(0), top), TEXT_SIZE, Anchor::Start, INK, "source");
    }
    for (place, round) in rounds.iter().enumerate() {
        let (x, mut y) = (left(place + first), top);
        canvas.text((x, y), TEXT_SIZE, Anchor::Start, INK, &format!("round {}", round + 1));
        let instruction = strip.instructions.get(*round).map_or("", String::as_str);
        for line in wrap(instruction, SMALL_SIZE, width, MAX_INSTRUCTION_LINES) {
            y += 13.0;
            canvas.text((x, y), SMALL_SIZE, Anchor::Start, FAINT, &line);
        }
        bottom = bottom.max(y);
    }
    canvas.y = bottom + 8.0;
    for (number, row) in strip.rows.iter().enumerate() {
        canvas.y += 14.0;
        let model = fit(&row.model, TEXT_SIZE, WIDTH - 2.0 * MARGIN);
        canvas.text((MARGIN, canvas.y), TEXT_SIZE, Anchor::Start, INK, &model);
        canvas.y += 6.0;
        let top = canvas.y;
        let shapes = rounds.iter().filter_map(|round| row.rounds.get(*round)).chain([&strip.source]);
        let heights = shapes.filter(|image| image.shape > 0.0).map(|image| width / image.shape);
        let height = heights.fold(width * 0.4, f64::max).min(1.4 * width);
        let mut bottom = top + height;
        // All models begin with the same image.
        if has_source && number == 0 {
            bottom = bottom.max(draw_image(canvas, &strip.source, (left(0), top), (width, height)));
        }
        for (place, round) in rounds.iter().enumerate() {
            let absent = StripImage { notes: vec!["no such round".to_owned()], ..StripImage::default() };
            let image = row.rounds.get(*round).unwrap_or(&absent);
            let end = draw_image(canvas, image, (left(place + first), top), (width, height));
            bottom = bottom.max(end);
        }
        canvas.y = bottom + 6.0;
    }
    canvas.y += 6.0;
}

/// Returns where it ends.
fn draw_image(
    canvas: &mut Canvas,
    image: &StripImage,
    (x, y): (f64, f64),
    (room_x, room_y): (f64, f64),
) -> f64 {
    let shape = if image.shape > 0.0 { image.shape } else { room_x / room_y };
    let (width, height) =
        if room_x / shape <= room_y { (room_x, room_x / shape) } else { (room_y * shape, room_y) };
    let (color, mark, line) = match image.holds {
        Some(true) => (hex(style_of(5).color), "\u{2713}", 2.5),
        Some(false) => (hex(style_of(2).color), "\u{2717}", 2.5),
        None => (RULE.to_owned(), "", 1.0),
    };
    let frame = Some(Pen { color: &color, width: line, dash: "" });
    match image.image.as_deref().and_then(|bytes| Some((media_type_of(bytes)?, bytes))) {
        Some((media_type, bytes)) => {
            canvas.image((x, y), width, height, media_type, bytes);
            canvas.rectangle((x, y), width, height, "none", frame);
        }
        None => {
            canvas.rectangle((x, y), width, height, "#f4f4f4", frame);
            let middle = (x + width / 2.0, y + height / 2.0);
            canvas.text(middle, SMALL_SIZE, Anchor::Middle, FAINT, &fit("no image", SMALL_SIZE, width));
        }
    }
    for [x0, y0, x1, y1] in &image.regions {
        let at = (x + x0 * width, y + y0 * height);
        let size = ((x1 - x0) * width, (y1 - y0) * height);
        canvas.rectangle(at, size.0, size.1, "none", Some(Pen { color: "#ffffff", width: 2.5, dash: "" }));
        canvas.rectangle(at, size.0, size.1, "none", Some(Pen { color: INK, width: 1.25, dash: "4 3" }));
    }
    let mut end = y + height;
    let marked = (!mark.is_empty()).then(|| (format!("{mark} {}", holds_word(image.holds)), color.as_str()));
    let notes = image.notes.iter().flat_map(|note| wrap(note, SMALL_SIZE, room_x, 3));
    let notes = notes.take(MAX_NOTES).map(|note| (note, FAINT));
    for (line, color) in marked.into_iter().chain(notes) {
        end += 13.0;
        canvas.text((x, end), SMALL_SIZE, Anchor::Start, color, &line);
    }
    end
}

fn holds_word(holds: Option<bool>) -> &'static str {
    match holds {
        Some(true) => "holds",
        Some(false) => "fails",
        None => "",
    }
}

fn told(strip: &Strip) -> String {
    let asked = strip.instructions.iter().enumerate();
    let asked: Vec<String> =
        asked.map(|(place, text)| format!("{}: \u{201c}{}\u{201d}", place + 1, one_line(text))).collect();
    let row = |row: &StripRow| {
        let rounds = row.rounds.iter().enumerate().map(|(place, image)| {
            let verdict = image.holds.map(|_| holds_word(image.holds).to_owned());
            let parts = verdict.into_iter().chain(image.notes.iter().map(|note| one_line(note)));
            format!("round {}: {}", place + 1, parts.collect::<Vec<_>>().join(", "))
        });
        format!("{}: {}.", row.model, rounds.collect::<Vec<_>>().join("; "))
    };
    let rows: Vec<String> = strip.rows.iter().map(row).collect();
    plain(&format!("Instructions {}. {}", asked.join(" "), rows.join(" ")))
}
