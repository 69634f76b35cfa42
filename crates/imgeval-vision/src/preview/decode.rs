//! From raw predictions to detections on the image.
//!
//! Follows Darknet's `get_yolo_detections` (`src/yolo_layer.c`) and `do_nms_sort` (`src/box.c`): an anchor counts if
//! its objectness is above the floor, a category of it if objectness times category probability is; within a
//! category the best box suppresses those that overlap it by more than 0.45. One deviation: the letterbox is undone
//! with the whole-pixel margins that the image really had, where Darknet uses half pixels if a margin is odd.

use imgeval_core::{BoundingBox, Category, Detection};

use super::{
    letterbox::{INPUT_SIDE, Placement},
    network::{ANCHORS_PER_HEAD, HeadOutputs, NUMBERS_PER_ANCHOR, RawHead},
};

/// Objectness and score must exceed this.
pub(super) const FLOOR: f32 = 0.05;
/// Boxes of one category that overlap a better one by more than this intersection over union are dropped.
pub(super) const SUPPRESSION_IOU: f32 = 0.45;

/// Widths and heights in input pixels.
const ANCHORS: [(f32, f32); 6] =
    [(10.0, 14.0), (23.0, 27.0), (37.0, 58.0), (81.0, 82.0), (135.0, 169.0), (344.0, 319.0)];
/// The coarse head's anchors are those of `mask = 3,4,5`.
const COARSE_MASK: [usize; ANCHORS_PER_HEAD] = [3, 4, 5];
/// The fine head's. `yolov3-tiny.cfg` says 0,1,2 today, but the published weights were trained with 1,2,3: on mosaics
/// of scaled-down images, 1,2,3 gives boxes of the size that the coarse head gives on the whole image, 0,1,2 boxes
/// whose sides are 45 to 70 % of it.
const FINE_MASK: [usize; ANCHORS_PER_HEAD] = [1, 2, 3];

/// One box with one category, in pixels of the image but not yet clipped to it.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    category: usize,
    score: f32,
    /// Position in the network's output; settles ties.
    order: usize,
    corners: [f32; 4],
}

/// Detections on an image of the given size, best first; equal scores go by category, then by place in the output.
/// Boxes are clipped to the image; those that lie wholly in the gray margin are dropped.
#[must_use]
pub(super) fn decode(
    outputs: &HeadOutputs,
    placement: Placement,
    image_width: u32,
    image_height: u32,
) -> Vec<Detection> {
    let geometry = Geometry { placement, width: image_width as f32, height: image_height as f32 };
    let mut candidates = Vec::new();
    collect_candidates(&outputs.coarse, COARSE_MASK, geometry, &mut candidates);
    collect_candidates(&outputs.fine, FINE_MASK, geometry, &mut candidates);
    candidates.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then(a.category.cmp(&b.category)).then(a.order.cmp(&b.order))
    });
    let kept = suppress(candidates);
    kept.into_iter().filter_map(|candidate| geometry.detection(candidate)).collect()
}

#[derive(Debug, Clone, Copy)]
struct Geometry {
    placement: Placement,
    width: f32,
    height: f32,
}

impl Geometry {
    /// Corners on the image of a box given by center and size in input pixels.
    fn corners(self, center_x: f32, center_y: f32, width: f32, height: f32) -> [f32; 4] {
        let scale_x = self.width / self.placement.width as f32;
        let scale_y = self.height / self.placement.height as f32;
        let (left, top) = (self.placement.left as f32, self.placement.top as f32);
        [
            (center_x - width / 2.0 - left) * scale_x,
            (center_y - height / 2.0 - top) * scale_y,
            (center_x + width / 2.0 - left) * scale_x,
            (center_y + height / 2.0 - top) * scale_y,
        ]
    }

    fn detection(self, candidate: Candidate) -> Option<Detection> {
        let [x1, y1, x2, y2] = candidate.corners;
        let bounding_box = BoundingBox {
            x1: x1.clamp(0.0, self.width),
            y1: y1.clamp(0.0, self.height),
            x2: x2.clamp(0.0, self.width),
            y2: y2.clamp(0.0, self.height),
        };
        let has_area = bounding_box.x2 > bounding_box.x1 && bounding_box.y2 > bounding_box.y1;
        let category = Category::from_index(candidate.category)?;
        has_area.then_some(Detection {
            category,
            score: candidate.score,
            bounding_box,
            mask: None,
            colors: None,
        })
    }
}

fn collect_candidates(
    head: &RawHead,
    mask: [usize; ANCHORS_PER_HEAD],
    geometry: Geometry,
    candidates: &mut Vec<Candidate>,
) {
    let cells = head.side * head.side;
    let stride = (INPUT_SIDE / head.side) as f32;
    for (numbers, anchor) in head.values.chunks_exact(NUMBERS_PER_ANCHOR * cells).zip(mask) {
        let (anchor_width, anchor_height) = ANCHORS[anchor];
        for cell in 0..cells {
            let number = |index: usize| numbers[index * cells + cell];
            let objectness = sigmoid(number(4));
            if objectness <= FLOOR {
                continue;
            }
            let corners = geometry.corners(
                ((cell % head.side) as f32 + sigmoid(number(0))) * stride,
                ((cell / head.side) as f32 + sigmoid(number(1))) * stride,
                number(2).exp() * anchor_width,
                number(3).exp() * anchor_height,
            );
            for category in 0..NUMBERS_PER_ANCHOR - 5 {
                let score = objectness * sigmoid(number(5 + category));
                if score > FLOOR {
                    candidates.push(Candidate { category, score, order: candidates.len(), corners });
                }
            }
        }
    }
}

/// Greedy suppression within each category; `candidates` come best first and leave in the same order.
fn suppress(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let is_covered = kept.iter().any(|better| {
            better.category == candidate.category
                && intersection_over_union(better.corners, candidate.corners) > SUPPRESSION_IOU
        });
        if !is_covered {
            kept.push(candidate);
        }
    }
    kept
}

fn intersection_over_union(a: [f32; 4], b: [f32; 4]) -> f32 {
    let width = a[2].min(b[2]) - a[0].max(b[0]);
    let height = a[3].min(b[3]) - a[1].max(b[1]);
    if width <= 0.0 || height <= 0.0 {
        return 0.0;
    }
    let intersection = width * height;
    let area = |corners: [f32; 4]| (corners[2] - corners[0]) * (corners[3] - corners[1]);
    intersection / (area(a) + area(b) - intersection)
}

fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Heads in which nothing is seen, to be filled in by tests.
    fn nothing() -> HeadOutputs {
        let head = |side: usize| RawHead { side, values: vec![-20.0; 255 * side * side] };
        HeadOutputs { coarse: head(13), fine: head(26) }
    }

    /// An object of one category at the middle of a cell, as large as the anchor.
    fn put(head: &mut RawHead, anchor: usize, column: usize, row: usize, category: usize, logit: f32) {
        let cells = head.side * head.side;
        let cell = row * head.side + column;
        let mut set = |number: usize, value: f32| {
            head.values[(anchor * NUMBERS_PER_ANCHOR + number) * cells + cell] = value;
        };
        for number in 0..4 {
            set(number, 0.0);
        }
        set(4, 20.0); // objectness 1
        set(5 + category, logit);
    }

    fn decode_square(outputs: &HeadOutputs) -> Vec<Detection> {
        decode(outputs, Placement::of(416, 416), 416, 416)
    }

    fn assert_near(found: [f32; 4], expected: [f32; 4]) {
        let is_near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.01);
        assert!(is_near, "{found:?}, expected {expected:?}");
    }

    #[test]
    fn boxes_are_centered_on_their_cell() {
        let mut outputs = nothing();
        put(&mut outputs.coarse, 0, 6, 6, 11, 20.0);
        let found = decode_square(&outputs);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].category.name(), found[0].score), ("stop sign", 1.0));
        // The middle of cell 6 of 13 is 208; the anchor is 81 by 82.
        assert_near(found[0].bounding_box.to_array(), [167.5, 167.0, 248.5, 249.0]);
    }

    #[test]
    fn the_fine_head_has_the_smaller_anchors() {
        let mut outputs = nothing();
        put(&mut outputs.fine, 0, 12, 12, 0, 20.0);
        assert_near(decode_square(&outputs)[0].bounding_box.to_array(), [188.5, 186.5, 211.5, 213.5]);
    }

    #[test]
    fn letterbox_is_undone_and_boxes_are_clipped() {
        let mut outputs = nothing();
        put(&mut outputs.coarse, 2, 6, 6, 0, 20.0);
        // Twice as wide as high: 416x208 in the square, at half size.
        let found = decode(&outputs, Placement::of(832, 416), 832, 416);
        assert_near(found[0].bounding_box.to_array(), [416.0 - 344.0, 0.0, 416.0 + 344.0, 416.0]);
    }

    #[test]
    fn boxes_in_the_margin_are_dropped() {
        let mut outputs = nothing();
        put(&mut outputs.fine, 0, 12, 0, 0, 20.0);
        assert_eq!(decode_square(&outputs).len(), 1);
        assert_eq!(decode(&outputs, Placement::of(832, 416), 832, 416), []);
    }

    #[test]
    fn scores_at_the_floor_do_not_count() {
        let logit = |probability: f32| (probability / (1.0 - probability)).ln();
        for (probability, count) in [(0.049, 0), (0.051, 1)] {
            let mut outputs = nothing();
            put(&mut outputs.coarse, 0, 6, 6, 0, logit(probability));
            assert_eq!(decode_square(&outputs).len(), count, "{probability}");
        }
    }

    #[test]
    fn suppression_stays_within_a_category() {
        let mut outputs = nothing();
        put(&mut outputs.coarse, 0, 6, 6, 3, 2.0);
        put(&mut outputs.coarse, 0, 7, 6, 3, 1.0); // 32 px to the right: IoU 0.434, kept
        put(&mut outputs.fine, 2, 12, 12, 3, 0.5); // same anchor, 8 px away: suppressed
        put(&mut outputs.coarse, 0, 6, 7, 5, 1.5);
        let found: Vec<(usize, f32)> =
            decode_square(&outputs).iter().map(|found| (found.category.index(), found.score)).collect();
        let expected = [(3, sigmoid(2.0)), (5, sigmoid(1.5)), (3, sigmoid(1.0))];
        assert_eq!(found, expected);
    }

    #[test]
    fn equal_scores_are_ordered_by_category_then_place() {
        let mut outputs = nothing();
        put(&mut outputs.coarse, 0, 2, 2, 9, 1.0);
        put(&mut outputs.coarse, 0, 10, 10, 4, 1.0);
        put(&mut outputs.coarse, 0, 6, 2, 4, 1.0);
        let found: Vec<(usize, f32)> = decode_square(&outputs)
            .iter()
            .map(|found| (found.category.index(), found.bounding_box.x1))
            .collect();
        assert_eq!(found.iter().map(|(category, _)| *category).collect::<Vec<_>>(), [4, 4, 9]);
        assert!(found[0].1 < found[1].1, "{found:?}");
    }
}
