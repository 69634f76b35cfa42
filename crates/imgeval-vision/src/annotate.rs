//! Masks, boxes and labels on a copy of an image.
//!
//! Colors are those of M. Okabe and K. Ito ("Color Universal Design", 2008), told apart by readers with any color
//! vision.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use imgeval_core::{BoundingBox, Category, Detection, Mask, Pixels};

use crate::canvas::{Canvas, line_height, readable_ink, text_width};

/// Vermilion, sky blue, yellow, bluish green, reddish purple, orange, blue, black.
const PALETTE: [[u8; 3]; 8] = [
    [213, 94, 0],
    [86, 180, 233],
    [240, 228, 66],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [0, 114, 178],
    [0, 0, 0],
];

/// How much of a mask's color covers the image.
const MASK_COVERAGE: f32 = 0.4;

/// One object to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxLabel {
    pub bounding_box: BoundingBox,
    /// Drawn if it has the image's size: a veil with a contour, beneath all boxes.
    pub mask: Option<Mask>,
    /// Printable ASCII; anything else shows as an empty box.
    pub text: String,
    /// Of line and label, RGB.
    pub color: [u8; 3],
}

/// The image could not be written as PNG.
#[derive(Debug, thiserror::Error)]
#[error("could not encode the image as PNG")]
pub struct EncodeError(#[source] pub(crate) image::ImageError);

/// Labels such as `stop sign 0.97`, one color for each category in order of appearance; with more categories than
/// colors they repeat.
#[must_use]
pub fn label_detections(detections: &[Detection]) -> Vec<BoxLabel> {
    let mut seen: Vec<Category> = Vec::new();
    let label = |detection: &Detection| {
        let place = seen.iter().position(|category| *category == detection.category).unwrap_or_else(|| {
            seen.push(detection.category);
            seen.len() - 1
        });
        BoxLabel {
            bounding_box: detection.bounding_box,
            mask: detection.mask.clone(),
            text: format!("{} {:.2}", detection.category, detection.score),
            color: PALETTE[place % PALETTE.len()],
        }
    };
    detections.iter().map(label).collect()
}

/// Draws masks, boxes and labels on a copy; the first lies on top. Lines and text grow with the image.
#[must_use]
pub fn annotate(pixels: &Pixels, labels: &[BoxLabel]) -> Pixels {
    let shorter = pixels.width().min(pixels.height()) as f32;
    let line = (shorter / 200.0).round().max(2.0);
    let mut canvas = Canvas::of(pixels);
    let mut is_covered = vec![false; pixels.rgb().len() / 3];
    for label in labels {
        if let Some(mask) = &label.mask {
            draw_mask(&mut canvas, mask, (line / 2.0) as usize, label.color, &mut is_covered);
        }
    }
    for label in labels.iter().rev() {
        canvas.frame(label.bounding_box, line, label.color);
    }
    let height = (shorter / 30.0).round().max(11.0);
    for label in labels.iter().rev() {
        draw_label(&mut canvas, height, label);
    }
    canvas.into_pixels()
}

/// The bytes of a PNG file.
///
/// # Errors
/// If the encoder fails; with a valid image it has no reason to.
pub fn encode_png(pixels: &Pixels) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(pixels.rgb(), pixels.width(), pixels.height(), ExtendedColorType::Rgb8)
        .map_err(EncodeError)?;
    Ok(bytes)
}

/// A veil over the mask's pixels, and a contour of the given width along its inner side; both only where no other mask lies yet,
/// so that veils do not add up until nothing shines through.
fn draw_mask(canvas: &mut Canvas, mask: &Mask, line: usize, color: [u8; 3], is_covered: &mut [bool]) {
    let (width, height) = (canvas.width(), canvas.height());
    if (mask.width() as usize, mask.height() as usize) != (width, height) {
        return;
    }
    let rows = mask.to_rows();
    let is_inside = |x: usize, y: usize| x < width && y < height && rows[y * width + x];
    for place in (0..rows.len()).filter(|place| rows[*place]) {
        if std::mem::replace(&mut is_covered[place], true) {
            continue;
        }
        let (x, y) = (place % width, place / width);
        // Left of or above the image the place wraps round to a huge one, which is outside as well.
        let is_contour = !(is_inside(x.wrapping_sub(line), y)
            && is_inside(x + line, y)
            && is_inside(x, y.wrapping_sub(line))
            && is_inside(x, y + line));
        let coverage = if is_contour { 1.0 } else { MASK_COVERAGE };
        canvas.blend(x as f32, y as f32, color, coverage);
    }
}

/// Above the box's upper left corner where there is room, otherwise inside it; never beyond the right border if the text fits at
/// all.
fn draw_label(canvas: &mut Canvas, height: f32, label: &BoxLabel) {
    let padding = (height / 6.0).round();
    let (width, line) = (text_width(&label.text, height) + 2.0 * padding, line_height(height) + padding);
    let BoundingBox { x1, y1, .. } = label.bounding_box;
    let left = x1.min(canvas.width() as f32 - width).max(0.0).round();
    let top = if y1 >= line { y1 - line } else { y1.max(0.0) }.round();
    canvas.fill(left, top, left + width, top + line, label.color);
    canvas.text(&label.text, left + padding, top + padding / 2.0, height, readable_ink(label.color));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Pixels {
        Pixels::new(width, height, vec![200; (width * height * 3) as usize]).unwrap()
    }

    fn label(corners: [f32; 4], color: [u8; 3]) -> BoxLabel {
        let bounding_box = BoundingBox::from_array(corners);
        BoxLabel { bounding_box, mask: None, text: "stop sign 0.97".into(), color }
    }

    #[test]
    fn frames_leave_the_inside_alone() {
        let annotated = annotate(&picture(200, 200), &[label([50.0, 60.0, 150.0, 160.0], [1, 2, 3])]);
        assert_eq!(annotated.at(50, 100), [1, 2, 3]);
        assert_eq!(annotated.at(149, 100), [1, 2, 3]);
        assert_eq!(annotated.at(100, 159), [1, 2, 3]);
        assert_eq!(annotated.at(100, 110), [200; 3]);
        assert_eq!(annotated.at(49, 100), [200; 3]);
    }

    #[test]
    fn labels_show_ink_on_their_color() {
        let annotated = annotate(&picture(600, 600), &[label([20.0, 60.0, 150.0, 160.0], [0, 114, 178])]);
        let strip = (38..59).flat_map(|y| (20..160).map(move |x| (x, y)));
        let colors: Vec<[u8; 3]> = strip.map(|(x, y)| annotated.at(x, y)).collect();
        let ink = colors.iter().filter(|color| color.iter().all(|value| *value > 220)).count();
        let ground = colors.iter().filter(|color| **color == [0, 114, 178]).count();
        assert!(ink > 100 && ground > 1000, "{ink} {ground}");
    }

    #[test]
    fn masks_are_veiled_and_contoured_within_their_pixels() {
        let bits: Vec<bool> = (0..200 * 200)
            .map(|place| (50..150).contains(&(place % 200)) && (60..160).contains(&(place / 200)))
            .collect();
        let mut masked = label([0.0, 0.0, 10.0, 10.0], [0, 100, 200]);
        masked.mask = Mask::from_bits(200, 200, &bits);
        let annotated = annotate(&picture(200, 200), &[masked.clone()]);
        assert_eq!(annotated.at(100, 110), [120, 160, 200], "two fifths of the colour");
        assert_eq!(annotated.at(50, 100), [0, 100, 200]);
        assert_eq!(annotated.at(100, 159), [0, 100, 200]);
        assert_eq!(annotated.at(49, 100), [200; 3]);
        assert_eq!(annotated.at(100, 160), [200; 3]);
        assert_eq!(annotate(&picture(200, 200), &vec![masked.clone(); 9]), annotated, "veils do not add up");
        // A mask of another image is not drawn, one that covers everything is.
        masked.mask = Mask::from_bits(20, 20, &[true; 400]);
        assert_eq!(annotate(&picture(200, 200), &[masked.clone()]).at(100, 110), [200; 3]);
        masked.mask = Mask::from_bits(3, 1, &[true; 3]);
        assert_eq!(annotate(&picture(3, 1), &[masked]).at(2, 0), [0, 100, 200]);
    }

    #[test]
    fn anything_can_be_drawn() {
        let boxes = [
            [-50.0, -50.0, 500.0, 500.0],
            [f32::NAN, 0.0, f32::INFINITY, f32::NEG_INFINITY],
            [9.0, 9.0, 1.0, 1.0],
            [299.0, 0.0, 300.0, 2.0],
        ];
        for (width, height) in [(1, 1), (300, 40), (7, 900)] {
            let labels: Vec<BoxLabel> = boxes.map(|corners| label(corners, [9; 3])).to_vec();
            let annotated = annotate(&picture(width, height), &labels);
            assert_eq!((annotated.width(), annotated.height()), (width, height));
        }
    }

    #[test]
    fn categories_get_colors_of_their_own() {
        let detection = |index: usize, score: f32| Detection {
            category: Category::from_index(index).unwrap(),
            score,
            bounding_box: BoundingBox::from_array([0.0, 0.0, 1.0, 1.0]),
            mask: None,
            colors: None,
        };
        let labels = label_detections(&[detection(11, 0.974), detection(19, 0.8), detection(11, 0.5)]);
        assert_eq!(labels[0].text, "stop sign 0.97");
        assert_eq!(labels[0].color, labels[2].color);
        assert_ne!(labels[0].color, labels[1].color);
    }

    #[test]
    fn png_keeps_every_pixel() {
        let pixels = Pixels::new(3, 2, (0..18).collect()).unwrap();
        let bytes = encode_png(&pixels).unwrap();
        let limits = crate::image_file::DecodeLimits::default();
        assert_eq!(crate::image_file::inspect_and_decode(&bytes, &limits).unwrap().pixels, pixels);
    }
}
