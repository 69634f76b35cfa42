//! Images with what was asked, what was found and why.

use super::{
    Figure,
    canvas::{Anchor, Canvas, MARGIN, Pen, SMALL_SIZE, TEXT_SIZE, WIDTH},
    palette::{FAINT, INK, RULE, hex, style_of},
    wrap::{fit, one_line, wrap},
};
use crate::plain::plain;

const GAP: f64 = 14.0;
const MAX_PROMPT_LINES: usize = 4;
const MAX_REASON_LINES: usize = 3;

/// The alternative text tells at most so many characters of a prompt or reason.
const MAX_TOLD_CHARACTERS: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridItem {
    /// A PNG or JPEG file, already in its final size; `None` if there is no image.
    pub image: Option<Vec<u8>>,
    pub prompt: String,
    /// In words, such as `correct` or `0.85`.
    pub verdict: String,
    /// For suites with verdicts: shows a tick or a cross next to the verdict.
    pub is_correct: Option<bool>,
    /// Why; empty if there is nothing to say.
    pub reason: String,
}

/// Images in so many columns (1 to 8), each with its verdict, prompt and reason below. Long texts end with an ellipsis.
/// Characters outside the embedded font (Chinese, Japanese, Korean, Arabic, Hebrew, emoji ...) are shown by the reader's
/// own fonts in the SVG, and as boxes in a PNG.
#[must_use]
pub fn qualitative_grid(items: &[GridItem], columns: usize) -> Figure {
    let columns = columns.clamp(1, 8);
    let mut canvas = Canvas::new("examples", "Examples");
    let width = (WIDTH - 2.0 * MARGIN - GAP * (columns - 1) as f64) / columns as f64;
    for row in items.chunks(columns) {
        let top = canvas.y;
        let mut bottom = top;
        for (place, item) in row.iter().enumerate() {
            canvas.y = top;
            draw_item(&mut canvas, item, MARGIN + (width + GAP) * place as f64, width);
            bottom = bottom.max(canvas.y);
        }
        canvas.y = bottom + GAP;
    }
    if items.is_empty() {
        canvas.notes(&["There are no examples.".to_owned()]);
    }
    let told: Vec<String> = items.iter().enumerate().map(|(place, item)| told(place + 1, item)).collect();
    canvas.finish(format!("{} images. {}", items.len(), told.join(" ")).trim().to_owned())
}

fn draw_item(canvas: &mut Canvas, item: &GridItem, x: f64, width: f64) {
    let frame = Some(Pen { color: RULE, width: 1.0, dash: "" });
    canvas.rectangle((x, canvas.y), width, width, "#f4f4f4", frame);
    match item.image.as_deref().and_then(|bytes| Some((media_type_of(bytes)?, bytes))) {
        Some((media_type, bytes)) => canvas.image((x, canvas.y), width, width, media_type, bytes),
        None => {
            let middle = (x + width / 2.0, canvas.y + width / 2.0);
            canvas.text(middle, SMALL_SIZE, Anchor::Middle, FAINT, &fit("no image", SMALL_SIZE, width));
        }
    }
    canvas.y += width + 16.0;
    let (mark, style) = match item.is_correct {
        Some(true) => ("\u{2713} ", style_of(0)),
        Some(false) => ("\u{2717} ", style_of(2)),
        None => ("", style_of(4)),
    };
    let verdict = fit(&format!("{mark}{}", item.verdict), TEXT_SIZE, width);
    canvas.text((x, canvas.y), TEXT_SIZE, Anchor::Start, &hex(style.color), &verdict);
    for (text, color, max_lines) in
        [(&item.prompt, INK, MAX_PROMPT_LINES), (&item.reason, FAINT, MAX_REASON_LINES)]
    {
        for line in wrap(text, SMALL_SIZE, width, max_lines).iter().filter(|line| !line.is_empty()) {
            canvas.y += 13.0;
            canvas.text((x, canvas.y), SMALL_SIZE, Anchor::Start, color, line);
        }
    }
}

/// By the first bytes; `None` for what a figure cannot hold.
pub(super) fn media_type_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        _ => None,
    }
}

fn told(number: usize, item: &GridItem) -> String {
    let short = |text: &str| -> String {
        let text = one_line(text);
        match text.char_indices().nth(MAX_TOLD_CHARACTERS) {
            Some((end, _)) => format!("{}\u{2026}", &text[..end]),
            None => text,
        }
    };
    let reason = if item.reason.is_empty() { String::new() } else { format!(" ({})", short(&item.reason)) };
    let lack = if item.image.is_none() { ", without an image" } else { "" };
    format!("{number}: \u{201c}{}\u{201d}{lack}, {}{reason}.", short(&item.prompt), plain(&item.verdict))
}
