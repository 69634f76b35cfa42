//! A color for a share: dark violet, red, orange, pale yellow, in even steps of CIELAB.

use std::sync::LazyLock;

use imgeval_metrics::plane::lab::{Lab, delta_e, lab_of_8_bit, rgb_of_lab};

/// Lightness grows from each to the next, so that gray copies can be read as well.
const STOPS: [[u8; 3]; 5] = [[11, 7, 32], [90, 26, 122], [184, 58, 94], [240, 138, 44], [251, 243, 176]];
const STEPS: usize = 256;

static COLORS: LazyLock<[[u8; 3]; STEPS]> = LazyLock::new(|| {
    let stops = STOPS.map(lab_of_8_bit);
    let lengths: Vec<f32> = stops.windows(2).map(|two| delta_e(two[0], two[1])).collect();
    let total: f32 = lengths.iter().sum();
    std::array::from_fn(|step| {
        let mut way = total * step as f32 / (STEPS - 1) as f32;
        let last = lengths.len() - 1;
        let mut place = 0;
        while place < last && way > lengths[place] {
            way -= lengths[place];
            place += 1;
        }
        let part = way / lengths[place];
        let lab: Lab = std::array::from_fn(|axis| {
            stops[place][axis] + part * (stops[place + 1][axis] - stops[place][axis])
        });
        rgb_of_lab(lab)
    })
});

/// The color of a share in [0, 1]; what lies outside has the color of the nearer end.
#[must_use]
pub fn heat(share: f64) -> [u8; 3] {
    COLORS[(share * (STEPS - 1) as f64).round().clamp(0.0, (STEPS - 1) as f64) as usize]
}

/// Right, and lines that are no finding. All named colors are of M. Okabe and K. Ito ("Color Universal Design", 2008).
pub(super) const GREEN: [u8; 3] = [0, 158, 115];
/// Wrong, and what went where it should not.
pub(super) const VERMILION: [u8; 3] = [213, 94, 0];
/// Too much.
pub(super) const BLUE: [u8; 3] = [0, 114, 178];
/// What was found where it may be.
pub(super) const YELLOW: [u8; 3] = [240, 228, 66];
pub(super) const INK: [u8; 3] = [34, 34, 34];
pub(super) const PAPER: [u8; 3] = [255; 3];
/// Where there is nothing to show.
pub(super) const NOTHING: [u8; 3] = [222; 3];
