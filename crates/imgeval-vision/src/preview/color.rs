//! The preview's color namer: a plain heuristic, not comparable with the official evaluator's (which crops masked
//! objects and asks CLIP).
//!
//! The rule, for each detected box:
//!
//! 1. Pixels inside the ellipse inscribed in the box are read, on a regular grid of at most 10,000 pixels a box. A
//!    pixel at normalized distance r from the center (1 on the ellipse) weighs 1 - r², because corners and edges of a
//!    box mostly show what is behind the object.
//! 2. Each pixel is converted to CIELAB (see `cielab`) and votes for the nearest prototype by Euclidean
//!    distance. The prototypes are colors that CSS names (W3C, CSS Color Module Level 4), sorted under the ten names,
//!    with a few grays that vote for nobody.
//! 3. A color's score is its share of all weights, so scores sum to at most 1. The name is the largest.
//!
//! Known weaknesses: cyan and beige have no name of their own and vote for a neighbor; lighting is not discounted;
//! a box filled by something else than its object is named after that.

use imgeval_core::{
    BoundingBox, ColorNamer, ColorRule, ColorScope, ColorScores, DetectError, Detection, ObserverMeta, Pixels,
};

use super::cielab::{Lab, LabConverter};

/// At most so many pixels of a box are read.
const MAX_PIXELS_PER_BOX: u64 = 10_000;

/// CSS colors under the ten names, which are in the order of `imgeval_core::categories::COLOR_NAMES`.
const PROTOTYPES: [&[[u8; 3]]; 10] = [
    // red: red, crimson, firebrick, darkred
    &[[255, 0, 0], [220, 20, 60], [178, 34, 34], [139, 0, 0]],
    // orange: orange, darkorange
    &[[255, 165, 0], [255, 140, 0]],
    // yellow: yellow, gold, khaki
    &[[255, 255, 0], [255, 215, 0], [240, 230, 140]],
    // green: green, lime, darkgreen, forestgreen, limegreen, seagreen, olivedrab, yellowgreen, lightgreen
    &[
        [0, 128, 0],
        [0, 255, 0],
        [0, 100, 0],
        [34, 139, 34],
        [50, 205, 50],
        [46, 139, 87],
        [107, 142, 35],
        [154, 205, 50],
        [144, 238, 144],
    ],
    // blue: blue, navy, royalblue, dodgerblue, deepskyblue, steelblue, skyblue
    &[
        [0, 0, 255],
        [0, 0, 128],
        [65, 105, 225],
        [30, 144, 255],
        [0, 191, 255],
        [70, 130, 180],
        [135, 206, 235],
    ],
    // purple: purple, indigo, rebeccapurple, darkviolet, blueviolet, mediumpurple, orchid
    &[
        [128, 0, 128],
        [75, 0, 130],
        [102, 51, 153],
        [148, 0, 211],
        [138, 43, 226],
        [147, 112, 219],
        [218, 112, 214],
    ],
    // pink: pink, lightpink, hotpink, deeppink, palevioletred
    &[[255, 192, 203], [255, 182, 193], [255, 105, 180], [255, 20, 147], [219, 112, 147]],
    // brown: saddlebrown, sienna, chocolate, peru, and saddlebrown at half its light
    &[[139, 69, 19], [160, 82, 45], [210, 105, 30], [205, 133, 63], [70, 35, 10]],
    // black: black, and a gray that still passes for it
    &[[0, 0, 0], [32, 32, 32]],
    // white: white, whitesmoke, ivory
    &[[255, 255, 255], [245, 245, 245], [255, 255, 240]],
];

/// Grays vote for nobody: dimgrey, gray, darkgrey, silver, lightgrey and a dark one.
const GREYS: [[u8; 3]; 6] =
    [[72, 72, 72], [105, 105, 105], [128, 128, 128], [169, 169, 169], [192, 192, 192], [211, 211, 211]];

/// Names the color of boxes by votes of their pixels.
#[derive(Debug)]
pub struct PreviewColorNamer {
    meta: ObserverMeta,
    converter: LabConverter,
    /// Color index, or `None` for a gray, and where it lies.
    prototypes: Vec<(Option<usize>, Lab)>,
}

impl Default for PreviewColorNamer {
    fn default() -> Self {
        let converter = LabConverter::default();
        let named = PROTOTYPES
            .iter()
            .enumerate()
            .flat_map(|(index, shades)| shades.iter().map(move |shade| (Some(index), *shade)));
        let prototypes = named
            .chain(GREYS.map(|grey| (None, grey)))
            .map(|(name, rgb)| (name, converter.convert(rgb)))
            .collect();
        let meta = ObserverMeta {
            id: "cielab-heuristic".to_owned(),
            title: "CIELAB heuristic, not CLIP".to_owned(),
            version: 1,
            weights_sha256: String::new(),
            parameters: "ellipse;pixels=10000".to_owned(),
            is_comparable: false,
        };
        Self { meta, converter, prototypes }
    }
}

impl PreviewColorNamer {
    fn scores_in(&self, pixels: &Pixels, bounding_box: BoundingBox) -> ColorScores {
        let mut votes = [0.0_f64; 10];
        let mut total = 0.0;
        for_each_pixel(pixels, bounding_box, |rgb, weight| {
            total += weight;
            if let Some(index) = self.nearest(rgb) {
                votes[index] += weight;
            }
        });
        // Without a pixel inside there is no evidence for any color.
        let values = votes.map(|vote| if total > 0.0 { (vote / total) as f32 } else { 0.0 });
        ColorScores { values, rule: ColorRule::PositiveOnly }
    }

    fn nearest(&self, rgb: [u8; 3]) -> Option<usize> {
        let lab = self.converter.convert(rgb);
        let nearest = self.prototypes.iter().min_by(|(_, one), (_, other)| {
            lab.squared_distance(*one).total_cmp(&lab.squared_distance(*other))
        });
        nearest.and_then(|(name, _)| *name)
    }
}

impl ColorNamer for PreviewColorNamer {
    fn meta(&self) -> &ObserverMeta {
        &self.meta
    }

    fn scope(&self) -> ColorScope {
        ColorScope::EveryDetection
    }

    fn color_scores(&self, batch: &[(&Pixels, &[Detection])]) -> Result<Vec<Vec<ColorScores>>, DetectError> {
        let of_image = |(pixels, detections): &(&Pixels, &[Detection])| {
            detections.iter().map(|detection| self.scores_in(pixels, detection.bounding_box)).collect()
        };
        Ok(batch.iter().map(of_image).collect())
    }
}

/// Calls `visit` with color and weight of the grid's pixels inside the ellipse.
fn for_each_pixel(pixels: &Pixels, bounding_box: BoundingBox, mut visit: impl FnMut([u8; 3], f64)) {
    let [left, top, right, bottom] = bounding_box.to_array().map(f64::from);
    let columns = covered(left, right, pixels.width());
    let rows = covered(top, bottom, pixels.height());
    let mut step = 1;
    while columns.count(step) * rows.count(step) > MAX_PIXELS_PER_BOX {
        step += 1;
    }
    let (center_x, center_y) = ((left + right) / 2.0, (top + bottom) / 2.0);
    let (radius_x, radius_y) = ((right - left) / 2.0, (bottom - top) / 2.0);
    for y in rows.every(step) {
        for x in columns.every(step) {
            let distance_x = (f64::from(x) + 0.5 - center_x) / radius_x;
            let distance_y = (f64::from(y) + 0.5 - center_y) / radius_y;
            let weight = 1.0 - distance_x * distance_x - distance_y * distance_y;
            if weight > 0.0 {
                visit(pixels.at(x, y), weight);
            }
        }
    }
}

/// Whole pixels that a stretch of the image touches.
struct Span {
    first: u32,
    len: u32,
}

impl Span {
    fn count(&self, step: u32) -> u64 {
        self.len.div_ceil(step).into()
    }

    /// Every `step`-th pixel, with equal margins at both ends.
    fn every(&self, step: u32) -> impl Iterator<Item = u32> + use<> {
        let margin = self.len.saturating_sub(1) % step / 2;
        (self.first + margin..self.first + self.len).step_by(step as usize)
    }
}

/// Empty if the stretch is reversed, outside or not a number.
fn covered(from: f64, to: f64, limit: u32) -> Span {
    let first = from.floor().clamp(0.0, f64::from(limit)) as u32;
    let end = to.ceil().clamp(0.0, f64::from(limit)) as u32;
    Span { first, len: end.saturating_sub(first) }
}

#[cfg(test)]
mod tests {
    use imgeval_core::{Category, Color};

    use super::*;

    fn detection(corners: [f32; 4]) -> Detection {
        Detection {
            category: Category::from_index(0).unwrap(),
            score: 0.9,
            bounding_box: BoundingBox::from_array(corners),
            mask: None,
            colors: None,
        }
    }

    fn flat(width: u32, height: u32, color: [u8; 3]) -> Pixels {
        Pixels::new(width, height, color.repeat((width * height) as usize)).unwrap()
    }

    fn scores(pixels: &Pixels, corners: [f32; 4]) -> ColorScores {
        PreviewColorNamer::default().color_scores(&[(pixels, &[detection(corners)])]).unwrap()[0][0]
    }

    fn check(color: [u8; 3], name: Option<&str>) {
        let scores = scores(&flat(20, 20, color), [0.0, 0.0, 20.0, 20.0]);
        assert_eq!(scores.best().map(Color::name), name, "{color:?}");
    }

    #[test]
    fn obvious_colors_get_their_names() {
        check([255, 0, 0], Some("red"));
        check([200, 20, 30], Some("red"));
        check([255, 165, 0], Some("orange"));
        check([245, 130, 25], Some("orange"));
        check([255, 255, 0], Some("yellow"));
        check([240, 220, 60], Some("yellow"));
        check([0, 128, 0], Some("green"));
        check([40, 110, 50], Some("green"));
        check([0, 0, 255], Some("blue"));
        check([40, 80, 190], Some("blue"));
        check([128, 0, 128], Some("purple"));
        check([110, 40, 140], Some("purple"));
        check([255, 192, 203], Some("pink"));
        check([245, 150, 190], Some("pink"));
        check([139, 69, 19], Some("brown"));
        check([95, 55, 25], Some("brown"));
        check([0, 0, 0], Some("black"));
        check([22, 20, 24], Some("black"));
        check([255, 255, 255], Some("white"));
        check([244, 246, 243], Some("white"));
    }

    #[test]
    fn greys_have_no_name() {
        check([128, 128, 128], None);
        check([180, 178, 182], None);
        check([80, 80, 80], None);
    }

    #[test]
    fn the_middle_of_the_box_decides() {
        let mut rgb = [0, 0, 255].repeat(40 * 40);
        for y in 8..32 {
            for x in 8..32 {
                rgb[(y * 40 + x) * 3..][..3].copy_from_slice(&[255, 0, 0]);
            }
        }
        // Red covers 36 % of the box.
        let scores = scores(&Pixels::new(40, 40, rgb).unwrap(), [0.0, 0.0, 40.0, 40.0]);
        assert_eq!(scores.best().map(Color::name), Some("red"));
        assert!(scores.values.iter().sum::<f32>() <= 1.000_001);
    }

    #[test]
    fn large_boxes_are_sampled() {
        for (width, height) in [(3000, 2000), (1, 50_000), (101, 100)] {
            let pixels = flat(width, height, [255, 0, 0]);
            let mut count = 0;
            let whole = BoundingBox::from_array([0.0, 0.0, width as f32, height as f32]);
            for_each_pixel(&pixels, whole, |_, _| count += 1);
            assert!((1..=10_000).contains(&count), "{width}x{height}: {count}");
        }
    }

    #[test]
    fn boxes_without_pixels_have_no_colors() {
        let pixels = flat(8, 8, [255, 0, 0]);
        for corners in
            [[4.0, 4.0, 4.0, 4.0], [6.0, 6.0, 2.0, 2.0], [20.0, 20.0, 30.0, 30.0], [f32::NAN, 0.0, 8.0, 8.0]]
        {
            assert_eq!(scores(&pixels, corners).values, [0.0; 10], "{corners:?}");
        }
    }
}
