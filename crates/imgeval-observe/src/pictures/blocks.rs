//! Small images of which sheets are put together: text, stacks, scales.

use imgeval_core::Pixels;
use imgeval_vision::{
    canvas::{Canvas, line_height, text_width},
    resample::pillow::resize_bicubic,
};

use super::{
    Scale,
    color_map::{INK, PAPER, heat},
};

/// Nothing longer is written: prompts may be of any length.
const MOST_LINES: usize = 6;
const SCALE_WIDTH: u32 = 420;
const SCALE_HEIGHT: u32 = 14;
const TICKS: u32 = 4;

/// Lines of at most this width in pixels; words that are longer are cut.
pub(super) fn text(text: &str, size: f32, width: u32) -> Pixels {
    let lines = wrap(&printable(text), size, width as f32);
    let line = line_height(size).ceil();
    let widest = lines.iter().map(|line| text_width(line, size)).fold(1.0, f32::max).ceil() as u32;
    let mut canvas = Canvas::new(widest.min(width), line as u32 * lines.len().max(1) as u32, PAPER);
    for (number, text) in lines.iter().enumerate() {
        canvas.text(text, 0.0, number as f32 * line, size, INK);
    }
    canvas.into_pixels()
}

/// What the font has; for the rest, how many characters there are.
pub(super) fn printable(text: &str) -> String {
    let mut printed = String::new();
    let mut n_others = 0;
    for character in text.chars().map(Some).chain([None]) {
        let known = character.map(|character| match character {
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            '\u{2013}' | '\u{2014}' | '\u{2212}' => '-',
            other if other.is_whitespace() => ' ',
            other => other,
        });
        match known {
            Some(character) if !(' '..='~').contains(&character) => n_others += 1,
            _ => {
                if n_others > 0 {
                    let name = if n_others == 1 { "character" } else { "characters" };
                    printed.push_str(&format!("[{n_others} {name}]"));
                    n_others = 0;
                }
                printed.extend(known);
            }
        }
    }
    printed
}

fn wrap(text: &str, size: f32, width: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word = shortened(word, size, width);
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), size) <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        if let Some(last) = lines.last_mut() {
            *last = shortened(&format!("{last} ..."), size, width);
        }
    }
    lines
}

fn shortened(word: &str, size: f32, width: f32) -> String {
    let mut word = word.to_owned();
    if text_width(&word, size) <= width {
        return word;
    }
    while !word.is_empty() && text_width(&format!("{word}..."), size) > width {
        word.pop();
    }
    word + "..."
}

/// One below the other, left edges in one line.
pub(super) fn down(blocks: &[Pixels], gap: u32) -> Pixels {
    let height: u32 =
        blocks.iter().map(Pixels::height).sum::<u32>() + gap * blocks.len().saturating_sub(1) as u32;
    let mut canvas = Canvas::new(blocks.iter().map(Pixels::width).max().unwrap_or(1), height, PAPER);
    let mut top = 0;
    for block in blocks {
        canvas.paste(block, 0, top as usize);
        top += block.height() + gap;
    }
    canvas.into_pixels()
}

/// Places blocks side by side, aligned at the top.
pub(super) fn across(blocks: &[Pixels], gap: u32) -> Pixels {
    let width: u32 =
        blocks.iter().map(Pixels::width).sum::<u32>() + gap * blocks.len().saturating_sub(1) as u32;
    let mut canvas = Canvas::new(width, blocks.iter().map(Pixels::height).max().unwrap_or(1), PAPER);
    let mut left = 0;
    for block in blocks {
        canvas.paste(block, left as usize, 0);
        left += block.width() + gap;
    }
    canvas.into_pixels()
}

/// With paper to the right and below until it is as large as this.
pub(super) fn padded(block: &Pixels, width: u32, height: u32) -> Pixels {
    let mut canvas = Canvas::new(block.width().max(width), block.height().max(height), PAPER);
    canvas.paste(block, 0, 0);
    canvas.into_pixels()
}

/// With paper all around.
pub(super) fn matted(block: &Pixels, margin: u32) -> Pixels {
    let mut canvas = Canvas::new(block.width() + 2 * margin, block.height() + 2 * margin, PAPER);
    canvas.paste(block, margin as usize, margin as usize);
    canvas.into_pixels()
}

/// Reduced until it fits; nothing is enlarged.
pub(super) fn fitted(pixels: &Pixels, width: u32, height: u32) -> Pixels {
    let scale =
        (f64::from(width) / f64::from(pixels.width())).min(f64::from(height) / f64::from(pixels.height()));
    if scale >= 1.0 {
        return pixels.clone();
    }
    let [width, height] =
        [pixels.width(), pixels.height()].map(|side| (f64::from(side) * scale).round() as u32);
    resize_bicubic(pixels, width, height)
}

/// A bar of all colors with numbers beneath it, and below them what they mean.
pub(super) fn scale(scale: &Scale, size: f32) -> Pixels {
    // Room for half a number at both ends.
    let margin = text_width("00.0", size).ceil() as u32;
    let line = line_height(size).ceil() as u32;
    let mut canvas = Canvas::new(SCALE_WIDTH + 2 * margin, SCALE_HEIGHT + 6 + line, PAPER);
    for x in 0..SCALE_WIDTH {
        let left = (margin + x) as f32;
        let color = heat(f64::from(x) / f64::from(SCALE_WIDTH - 1));
        canvas.fill(left, 0.0, left + 1.0, SCALE_HEIGHT as f32, color);
    }
    for tick in 0..=TICKS {
        let number = scale.max * f64::from(tick) / f64::from(TICKS);
        let more = if tick == TICKS { "+" } else { "" };
        let text = format!("{number}{more}");
        let place = (margin + (SCALE_WIDTH - 1) * tick / TICKS) as f32;
        canvas.fill(place, SCALE_HEIGHT as f32, place + 1.0, SCALE_HEIGHT as f32 + 4.0, INK);
        canvas.text(
            &text,
            place - text_width(&number.to_string(), size) / 2.0,
            SCALE_HEIGHT as f32 + 5.0,
            size,
            INK,
        );
    }
    let label = self::text(&scale.label, size, 700);
    down(&[canvas.into_pixels(), label], 2)
}
