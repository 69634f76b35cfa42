//! Geometry of detections, in 32-bit floats like the official code's tensors.

/// The side that both images are squeezed to.
pub(super) const SIDE: f32 = 512.0;
/// Boxes that overlap more are counted as one.
const SAME_OBJECT: f32 = 0.8;

/// A detection: center and size in units of the frame, and its best token score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectedBox {
    pub center: [f32; 2],
    pub size: [f32; 2],
    pub score: f32,
}

/// Left, top, right and bottom in units of the frame.
pub(super) type Corners = [f32; 4];

impl DetectedBox {
    pub(super) fn corners(&self) -> Corners {
        let [x, y] = self.center.map(|value| value * SIDE);
        let [width, height] = self.size.map(|value| value * SIDE);
        [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0].map(|value| value / SIDE)
    }

    /// The center in whole pixels of the squeezed image.
    pub(super) fn center_pixel(&self) -> [i32; 2] {
        // Centers lie within a few frames of the image.
        self.center.map(|value| (value * SIDE) as i32)
    }

    /// Whether both sides are longer than this share of the frame.
    pub(super) fn exceeds(&self, share: f32) -> bool {
        let [left, top, right, bottom] = self.corners();
        (left - right).abs() > share && (top - bottom).abs() > share
    }

    /// The pixels of the squeezed image that it covers, cut toward zero and clamped; right and bottom are exclusive.
    pub(super) fn pixels(&self) -> [u32; 4] {
        self.corners().map(|value| (value * SIDE).clamp(0.0, SIDE) as u32)
    }
}

/// The first of those with the best score.
pub(super) fn best(boxes: &[DetectedBox]) -> Option<&DetectedBox> {
    boxes.iter().reduce(|best, next| if next.score > best.score { next } else { best })
}

pub(super) fn overlap(a: Corners, b: Corners) -> f32 {
    let (width, height) = (a[2].min(b[2]) - a[0].max(b[0]), a[3].min(b[3]) - a[1].max(b[1]));
    let intersection = if width <= 0.0 || height <= 0.0 { 0.0 } else { width * height };
    let area = |corners: Corners| (corners[2] - corners[0]) * (corners[3] - corners[1]);
    let union = area(a) + area(b) - intersection;
    if union == 0.0 { 0.0 } else { intersection / union }
}

pub(super) fn contains(a: Corners, b: Corners) -> bool {
    a[0] <= b[0] && a[1] <= b[1] && a[2] >= b[2] && a[3] >= b[3]
}

/// How many objects there are: in order, every box drops the later ones that overlap it by more than 0.8.
pub(super) fn count(boxes: &[DetectedBox]) -> usize {
    let mut kept: Vec<Corners> = Vec::new();
    for corners in boxes.iter().map(DetectedBox::corners) {
        if !kept.iter().any(|before| overlap(*before, corners) > SAME_OBJECT) {
            kept.push(corners);
        }
    }
    kept.len()
}
