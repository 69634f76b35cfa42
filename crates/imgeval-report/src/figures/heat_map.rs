//! Square fields of numbers as shaded images.

use super::{
    Figure, FigureError,
    axis::shown,
    canvas::{Anchor, Canvas, MARGIN, Pen, SMALL_SIZE, TEXT_SIZE, WIDTH},
    palette::{FAINT, INK, RULE, shade},
    png_file::encode_rgb,
    wrap::{fit, wrap},
};
use crate::plain::plain;

const GAP: f64 = 14.0;
/// Small fields are enlarged, pixel by pixel, to at least so many pixels: nothing smooths them then.
const LEAST_SIDE: usize = 220;
const MAX_NOTE_LINES: usize = 3;

/// A square field of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    pub label: String,
    /// Explains what is shown and what the center means.
    pub note: String,
    /// Row by row; as many as a whole number squared, or nothing is drawn.
    pub values: Vec<f64>,
    /// Values shown as white and as dark; values beyond them are clipped.
    pub range: (f64, f64),
}

/// Fields in two columns, from white to dark. A number that is not finite is white.
///
/// # Errors
///
/// If an image cannot be encoded.
pub fn heat_maps(title: &str, maps: &[HeatMap]) -> Result<Figure, FigureError> {
    let mut canvas = Canvas::new(title, title);
    let width = (WIDTH - 2.0 * MARGIN - GAP) / 2.0;
    for row in maps.chunks(2) {
        let top = canvas.y;
        let mut bottom = top;
        for (place, map) in row.iter().enumerate() {
            let x = MARGIN + (width + GAP) * place as f64;
            canvas.rectangle((x, top), width, width, "none", Some(Pen { color: RULE, width: 1.0, dash: "" }));
            if let Some(picture) = picture_of(map)? {
                canvas.image((x, top), width, width, "image/png", &picture);
            }
            canvas.y = top + width + 16.0;
            canvas.text((x, canvas.y), TEXT_SIZE, Anchor::Start, INK, &fit(&map.label, TEXT_SIZE, width));
            for line in wrap(&note_of(map), SMALL_SIZE, width, MAX_NOTE_LINES) {
                canvas.y += 13.0;
                canvas.text((x, canvas.y), SMALL_SIZE, Anchor::Start, FAINT, &line);
            }
            bottom = bottom.max(canvas.y);
        }
        canvas.y = bottom + GAP;
    }
    let told: Vec<String> = maps.iter().map(|map| format!("{}: {}", map.label, note_of(map))).collect();
    Ok(canvas.finish(plain(&format!("{title}. {}", told.join(" ")))))
}

fn note_of(map: &HeatMap) -> String {
    format!("{} White is {}, dark {}.", map.note, shown(map.range.0, 2), shown(map.range.1, 2))
}

fn picture_of(map: &HeatMap) -> Result<Option<Vec<u8>>, FigureError> {
    let side = map.values.len().isqrt();
    if side == 0 || side * side != map.values.len() {
        return Ok(None);
    }
    let (low, high) = map.range;
    let factor = LEAST_SIDE.div_ceil(side);
    let enlarged = side * factor;
    let shade_at = |place: usize| {
        let value = map.values[place / enlarged / factor * side + place % enlarged / factor];
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        shade(if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 })
    };
    let rgb: Vec<u8> = (0..enlarged * enlarged).flat_map(shade_at).collect();
    encode_rgb(&rgb, enlarged as u32, enlarged as u32, None).map(Some).map_err(FigureError::Encode)
}
