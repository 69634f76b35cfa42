//! Polygons grown outwards, with round corners.

use std::f64::consts::TAU;

use super::geometry::{Point, area};

/// How far an arc may lie from its chords, in pixels; Clipper's default.
const ARC_TOLERANCE: f64 = 0.25;

/// The corners of a convex polygon after each edge moved outwards by `by` pixels, with arcs between the edges. The corners given
/// are cut to whole numbers and those returned rounded half away from zero. Without an area: nothing.
///
/// Source: Clipper 6.4, `ClipperOffset` with round joins, as pyclipper calls it.
pub(super) fn grow(polygon: &[Point], by: f64) -> Vec<Point> {
    let mut corners: Vec<Point> = polygon.iter().map(|corner| corner.map(f64::trunc)).collect();
    corners.dedup();
    if corners.len() > 1 && corners.first() == corners.last() {
        corners.pop();
    }
    if corners.len() < 3 || area(&corners) == 0.0 {
        return Vec::new();
    }
    if is_reversed(&corners) {
        corners.reverse();
    }
    let steps = (TAU / 2.0 / (1.0 - ARC_TOLERANCE / by).acos()).min(by * TAU / 2.0);
    let (sine, cosine) = (TAU / steps).sin_cos();
    let normals: Vec<Point> = corners
        .iter()
        .zip(corners.iter().cycle().skip(1))
        .map(|(a, b)| {
            let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
            let length = dx.hypot(dy);
            [dy / length, -dx / length]
        })
        .collect();
    let mut grown = Vec::new();
    for (index, corner) in corners.iter().enumerate() {
        let before = normals[(index + normals.len() - 1) % normals.len()];
        let after = normals[index];
        let moved = |normal: Point| [corner[0] + normal[0] * by, corner[1] + normal[1] * by].map(f64::round);
        let turn_sine = before[0] * after[1] - after[0] * before[1];
        let turn_cosine = before[0] * after[0] + before[1] * after[1];
        if (turn_sine * by).abs() < 1.0 && turn_cosine > 0.0 {
            grown.push(moved(before));
            continue;
        }
        let angle = turn_sine.clamp(-1.0, 1.0).atan2(turn_cosine).abs();
        let n_steps = (steps / TAU * angle).round().max(1.0) as usize;
        let mut direction = before;
        for _ in 0..n_steps {
            grown.push(moved(direction));
            let [x, y] = direction;
            direction = [x * cosine - sine * y, x * sine + y * cosine];
        }
        grown.push(moved(after));
    }
    grown
}

fn is_reversed(corners: &[Point]) -> bool {
    let next = corners.iter().cycle().skip(1);
    corners.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>() < 0.0
}
