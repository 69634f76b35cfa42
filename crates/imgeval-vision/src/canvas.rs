//! An image to draw on: rectangles, frames, lines, other images and text.
//!
//! The font is DejaVu Sans cut down to printable ASCII (`pyftsubset --unicodes=U+0020-007E --no-hinting --layout-features=`); its
//! license lies beside it in `assets/`.

use ab_glyph::{Font, FontRef, PxScale, PxScaleFont, ScaleFont, point};
use imgeval_core::{BoundingBox, Pixels};

const FONT: &[u8] = include_bytes!("../assets/DejaVuSans-ascii.ttf");

/// An image while it is drawn. Places are in pixels from the left and top edges; what lies outside is not drawn.
#[derive(Debug, Clone)]
pub struct Canvas {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Canvas {
    /// Of one color; at least one pixel wide and high.
    #[must_use]
    pub fn new(width: u32, height: u32, color: [u8; 3]) -> Self {
        let (width, height) = (width.max(1) as usize, height.max(1) as usize);
        Self { width, height, rgb: color.repeat(width * height) }
    }

    /// A copy of an image.
    #[must_use]
    pub fn of(pixels: &Pixels) -> Self {
        let (width, height) = (pixels.width() as usize, pixels.height() as usize);
        Self { width, height, rgb: pixels.rgb().to_vec() }
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The finished image.
    #[must_use]
    pub fn into_pixels(self) -> Pixels {
        let black = || Self::new(1, 1, [0; 3]).into_pixels();
        // There are as many bytes as the size says since the canvas was made.
        Pixels::new(self.width as u32, self.height as u32, self.rgb).unwrap_or_else(black)
    }

    /// Fills the pixels whose centers lie in the rectangle; float to integer casts saturate, so any rectangle will do.
    pub fn fill(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, color: [u8; 3]) {
        let end_x = (x2.round() as usize).min(self.width);
        for y in y1.round() as usize..(y2.round() as usize).min(self.height) {
            for x in x1.round() as usize..end_x {
                self.rgb[(y * self.width + x) * 3..][..3].copy_from_slice(&color);
            }
        }
    }

    /// A frame of the given width inside the box.
    pub fn frame(&mut self, bounding_box: BoundingBox, line: f32, color: [u8; 3]) {
        let BoundingBox { x1, y1, x2, y2 } = bounding_box;
        self.fill(x1, y1, x2, y1 + line, color);
        self.fill(x1, y2 - line, x2, y2, color);
        self.fill(x1, y1, x1 + line, y2, color);
        self.fill(x2 - line, y1, x2, y2, color);
    }

    /// Covers a pixel in part; 1 is wholly.
    pub fn blend(&mut self, x: f32, y: f32, color: [u8; 3], coverage: f32) {
        if x < 0.0 || y < 0.0 || x >= self.width as f32 || y >= self.height as f32 {
            return;
        }
        let start = (y as usize * self.width + x as usize) * 3;
        for (under, over) in self.rgb[start..start + 3].iter_mut().zip(color) {
            let mixed = f32::from(*under) + (f32::from(over) - f32::from(*under)) * coverage.clamp(0.0, 1.0);
            *under = mixed.round() as u8;
        }
    }

    /// Pastes an image with its top left corner here, over the existing content; what does not fit is cropped.
    pub fn paste(&mut self, pixels: &Pixels, left: usize, top: usize) {
        let width = (pixels.width() as usize).min(self.width.saturating_sub(left));
        if width == 0 {
            return;
        }
        let rows = pixels.rgb().chunks_exact(pixels.width() as usize * 3);
        for (y, row) in (top..self.height).zip(rows) {
            let start = (y * self.width + left) * 3;
            self.rgb[start..start + width * 3].copy_from_slice(&row[..width * 3]);
        }
    }

    /// Writes a line of text with its upper left corner here; `height` is the font's size in pixels.
    pub fn text(&mut self, text: &str, left: f32, top: f32, height: f32, color: [u8; 3]) {
        let Some(font) = font() else { return };
        let scaled = scaled(&font, height);
        let mut pen = left;
        for letter in text.chars() {
            let id = scaled.glyph_id(letter);
            let glyph = id.with_scale_and_position(scaled.scale(), point(pen, top + scaled.ascent()));
            pen += scaled.h_advance(id);
            let Some(outline) = scaled.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|x, y, coverage| {
                self.blend(corner.x + x as f32, corner.y + y as f32, color, coverage);
            });
        }
    }
}

/// How wide a line of text is at this size, in pixels.
#[must_use]
pub fn text_width(text: &str, height: f32) -> f32 {
    let Some(font) = font() else { return 0.0 };
    let scaled = scaled(&font, height);
    text.chars().map(|letter| scaled.h_advance(scaled.glyph_id(letter))).sum()
}

/// From the top of the highest letter to the bottom of the lowest, in pixels.
#[must_use]
pub fn line_height(height: f32) -> f32 {
    font().map_or(height, |font| scaled(&font, height).height())
}

/// Black on light colors, white on dark ones, by Rec. 709 luma.
#[must_use]
pub fn readable_ink([red, green, blue]: [u8; 3]) -> [u8; 3] {
    let luma = 0.2126 * f32::from(red) + 0.7152 * f32::from(green) + 0.0722 * f32::from(blue);
    if luma > 125.0 { [0; 3] } else { [255; 3] }
}

fn font() -> Option<FontRef<'static>> {
    FontRef::try_from_slice(FONT).ok()
}

fn scaled<'a>(font: &'a FontRef<'static>, height: f32) -> PxScaleFont<&'a FontRef<'static>> {
    font.as_scaled(PxScale::from(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_cut_at_the_border_and_text_is_as_wide_as_it_says() {
        let mut canvas = Canvas::new(40, 20, [255; 3]);
        let dark = Pixels::new(30, 4, vec![9; 360]).unwrap();
        canvas.paste(&dark, 30, 18);
        canvas.paste(&dark, 400, 400);
        canvas.text("IIII", 2.0, 1.0, 12.0, [0; 3]);
        let drawn = canvas.into_pixels();
        assert_eq!((drawn.at(30, 18), drawn.at(39, 19), drawn.at(29, 19)), ([9; 3], [9; 3], [255; 3]));
        let end = 2 + text_width("IIII", 12.0).ceil() as u32;
        let has_ink = |x: u32| (0..18).any(|y| drawn.at(x, y)[0] < 200);
        assert!((2..end).any(has_ink) && !(end..30).any(has_ink));
    }
}
