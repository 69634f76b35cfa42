//! Colors, hatches, dashes and markers that tell series apart, in gray and for every color vision.
//!
//! Colors are those of M. Okabe and K. Ito ("Color Universal Design", 2008), in an order in which neighbors differ by at
//! least `MIN_LIGHTNESS_STEP` in CIELAB lightness. Color is never alone: a series also has a hatch, a dash and a marker.

/// Blue, orange, vermilion, sky blue, black, bluish green, yellow, reddish purple.
const COLORS: [[u8; 3]; 8] = [
    [0, 114, 178],
    [230, 159, 0],
    [213, 94, 0],
    [86, 180, 233],
    [0, 0, 0],
    [0, 158, 115],
    [240, 228, 66],
    [204, 121, 167],
];

/// Of CIELAB's 100 between black and white.
#[cfg(test)]
const MIN_LIGHTNESS_STEP: f64 = 15.0;

pub(super) const INK: &str = "#222222";
pub(super) const FAINT: &str = "#6b6b6b";
pub(super) const RULE: &str = "#d0d0d0";
pub(super) const PAPER: &str = "#ffffff";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hatch {
    None,
    Rising,
    Dots,
    Falling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    TriangleDown,
    Plus,
}

/// How a series looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) color: [u8; 3],
    pub(super) hatch: Hatch,
    /// Of SVG's `stroke-dasharray`.
    pub(super) dash: &'static str,
    pub(super) marker: Marker,
}

/// The first 32 all differ in color or hatch.
pub(super) fn style_of(series: usize) -> Style {
    const HATCHES: [Hatch; 4] = [Hatch::None, Hatch::Rising, Hatch::Dots, Hatch::Falling];
    const DASHES: [&str; 5] = ["", "6 3", "2 2", "8 3 2 3", "12 4"];
    const MARKERS: [Marker; 6] = [
        Marker::Circle,
        Marker::Square,
        Marker::Triangle,
        Marker::Diamond,
        Marker::TriangleDown,
        Marker::Plus,
    ];
    Style {
        color: COLORS[series % COLORS.len()],
        hatch: HATCHES[(series + series / COLORS.len()) % HATCHES.len()],
        dash: DASHES[series % DASHES.len()],
        marker: MARKERS[series % MARKERS.len()],
    }
}

pub(super) fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Black or white, whichever is easier to see on the color.
pub(super) fn contrast_to(color: [u8; 3]) -> &'static str {
    if lightness(color) > 55.0 { "#000000" } else { "#ffffff" }
}

/// CIELAB's L* of an sRGB color, in [0, 100].
pub(super) fn lightness(color: [u8; 3]) -> f64 {
    let linear = |channel: u8| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let luminance =
        0.212_639 * linear(color[0]) + 0.715_169 * linear(color[1]) + 0.072_192 * linear(color[2]);
    if luminance <= 216.0 / 24389.0 { luminance * 24389.0 / 27.0 } else { 116.0 * luminance.cbrt() - 16.0 }
}

/// From white to dark blue, the share in [0, 1]; lightness falls all the way.
pub(super) fn shade(share: f64) -> [u8; 3] {
    const STOPS: [[f64; 3]; 3] = [[255.0, 255.0, 255.0], [86.0, 180.0, 233.0], [0.0, 50.0, 90.0]];
    let (from, part) = if share < 0.5 { (0, 2.0 * share) } else { (1, 2.0 * share - 1.0) };
    let mix =
        |channel: usize| STOPS[from][channel] + (STOPS[from + 1][channel] - STOPS[from][channel]) * part;
    [0, 1, 2].map(|channel| mix(channel).round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: scripts/reference/figures.py (coloraide 8.13.1).
    #[test]
    fn lightness_is_that_of_cielab() {
        assert!((lightness([255, 255, 255]) - 100.0).abs() < 1e-3);
        assert!((lightness([0, 114, 178]) - 45.972).abs() < 1e-3);
        assert!((lightness([204, 121, 167]) - 61.049).abs() < 1e-3);
    }

    #[test]
    fn neighbours_differ_in_grey() {
        for place in 0..COLORS.len() {
            let (a, b) = (lightness(style_of(place).color), lightness(style_of(place + 1).color));
            assert!((a - b).abs() >= MIN_LIGHTNESS_STEP, "{place}: {a} and {b}");
        }
    }

    #[test]
    fn thirty_two_fills_all_differ() {
        for series in 0..32 {
            for other in 0..series {
                let (a, b) = (style_of(series), style_of(other));
                assert!((a.color, a.hatch) != (b.color, b.hatch), "{series} and {other}");
            }
        }
    }

    #[test]
    fn shades_only_darken() {
        let steps: Vec<f64> = (0..=10).map(|step| lightness(shade(f64::from(step) / 10.0))).collect();
        assert!(steps.windows(2).all(|pair| pair[0] - pair[1] > 3.0), "{steps:?}");
    }
}
