//! Position of an edited image relative to its source, and what it means for the frame.

/// Maps the edited frame to the source frame, per axis x and y: `source = b + a * edited`.
///
/// Both frames run from 0 at the left or top edge to 1 at the right or bottom edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alignment {
    /// Sizes of the edited frame in source frames; positive.
    pub a: [f64; 2],
    /// The edited frame's left and top edge in the source frame.
    pub b: [f64; 2],
}

/// What an alignment does to the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Framing {
    /// Share of the source frame that the edited image does not show, in [0, 1].
    pub cut_off: f64,
    /// Share of the edited frame outside the source, in [0, 1].
    pub new_share: f64,
    /// Shares of the source's width or height that are cut off at its edges: left, top, right, bottom.
    pub cut: [f64; 4],
    /// How much larger things appear in the edited frame: the root of 1 / (a_x a_y).
    pub zoom: f64,
    /// 1 where square pixels stay square; above 1 things became narrower.
    pub stretch: f64,
    /// Aspect ratio (width / height) of the edited image over that of the source.
    pub aspect_change: f64,
}

impl Alignment {
    /// Both frames coincide.
    pub const IDENTITY: Self = Self { a: [1.0; 2], b: [0.0; 2] };

    /// From (width, height) of both images in pixels.
    #[must_use]
    pub fn framing(&self, source: (u32, u32), edited: (u32, u32)) -> Framing {
        let [cut_left, cut_top] = self.b.map(|start| start.clamp(0.0, 1.0));
        let [cut_right, cut_bottom] = [0, 1].map(|axis| (1.0 - self.b[axis] - self.a[axis]).clamp(0.0, 1.0));
        let visible = [1.0 - cut_left - cut_right, 1.0 - cut_top - cut_bottom].map(|share| share.max(0.0));
        let shown = [0, 1].map(|axis| (visible[axis] / self.a[axis]).min(1.0));
        let [source, edited] = [source, edited].map(|(width, height)| [width, height].map(f64::from));
        let pitch = [0, 1].map(|axis| self.a[axis] * source[axis] / edited[axis]);
        Framing {
            cut_off: 1.0 - visible[0] * visible[1],
            new_share: 1.0 - shown[0] * shown[1],
            cut: [cut_left, cut_top, cut_right, cut_bottom],
            zoom: 1.0 / (self.a[0] * self.a[1]).sqrt(),
            stretch: pitch[0] / pitch[1],
            aspect_change: (edited[0] / edited[1]) / (source[0] / source[1]),
        }
    }

    /// The largest distance between where two alignments put the corners of the edited frame, in long sides of a source
    /// of this (width, height).
    #[must_use]
    pub fn corner_distance(&self, other: &Self, source: (u32, u32)) -> f64 {
        let sides = [source.0, source.1].map(f64::from);
        // Corners are combinations of both axes, so the largest distance is made of the largest on each.
        let [x, y] = [0, 1].map(|axis| {
            let start = self.b[axis] - other.b[axis];
            let end = start + self.a[axis] - other.a[axis];
            start.abs().max(end.abs()) * sides[axis]
        });
        x.hypot(y) / sides[0].max(sides[1])
    }

    /// The sum over both axes of the differences in log size and in offset.
    pub(super) fn difference(&self, other: &Self) -> f64 {
        let axis =
            |axis: usize| (self.a[axis] / other.a[axis]).ln().abs() + (self.b[axis] - other.b[axis]).abs();
        axis(0) + axis(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_is_cut_off_and_a_wider_frame_is_new() {
        let crop = Alignment { a: [0.8, 0.9], b: [0.1, 0.0] }.framing((100, 100), (80, 90));
        assert!((crop.cut_off - 0.28).abs() < 1e-12 && crop.new_share.abs() < 1e-12, "{crop:?}");
        assert!((crop.cut[2] - 0.1).abs() < 1e-12 && (crop.cut[3] - 0.1).abs() < 1e-12, "{crop:?}");
        assert!((crop.stretch - 1.0).abs() < 1e-12 && (crop.aspect_change - 8.0 / 9.0).abs() < 1e-12);
        let wider = Alignment { a: [1.25, 1.0], b: [-0.125, 0.0] }.framing((100, 100), (125, 100));
        assert!(wider.cut_off.abs() < 1e-12 && (wider.new_share - 0.2).abs() < 1e-12, "{wider:?}");
    }

    #[test]
    fn the_farthest_corner_counts() {
        let other = Alignment { a: [1.03, 1.0], b: [0.0, 0.02] };
        let found = Alignment::IDENTITY.corner_distance(&other, (200, 100));
        assert!((found - 0.03_f64.hypot(0.01)).abs() < 1e-12, "{found}");
    }
}
