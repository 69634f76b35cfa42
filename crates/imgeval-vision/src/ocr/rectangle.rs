//! The smallest rectangle around points.
//!
//! Corners are cut to whole numbers later, so the last bit decides about a pixel: everything is computed in 32 bits and in the order
//! of OpenCV 5.0 (`rotatingCalipers`, `minAreaRect`, `boxPoints`).

use super::geometry::{Point, Quad, convex_hull};

/// A point or direction.
type Vector = [f32; 2];

/// The rectangle of the smallest area around points, and its shorter side; of equal areas the last one found counts.
/// `None` if all points lie on a line.
pub(super) fn smallest_rectangle(points: &[Point]) -> Option<(Quad, f64)> {
    let mut hull: Vec<Vector> =
        convex_hull(points).iter().map(|point| point.map(|value| value as f32)).collect();
    if hull.len() < 3 {
        return None;
    }
    // From the rightmost corner, of several the lowest one.
    let start = (0..hull.len()).max_by(|a, b| {
        let (a, b) = (hull[*a], hull[*b]);
        a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]))
    })?;
    hull.rotate_left(start);
    let best = turn_calipers(&hull)?;
    let sides = [best.along, best.across].map(length);
    let center = [0, 1].map(|axis| best.corner[axis] + (best.along[axis] + best.across[axis]) * 0.5);
    let radians = f64::from(degrees_of(best.along)) * std::f64::consts::PI / 180.0;
    let (sine, cosine) = (radians.sin() as f32 * 0.5, radians.cos() as f32 * 0.5);
    let [width, height] = sides;
    let [x, y] = center;
    let first = [x - sine * height - cosine * width, y + cosine * height - sine * width];
    let second = [x + sine * height - cosine * width, y - cosine * height - sine * width];
    let opposite = |corner: Vector| [2.0 * x - corner[0], 2.0 * y - corner[1]];
    let corners = [first, second, opposite(first), opposite(second)];
    Some((corners.map(|corner| corner.map(f64::from)), f64::from(width.min(height))))
}

/// The angle in degrees, as OpenCV keeps it.
fn degrees_of(along: Vector) -> f32 {
    let radians = f64::from(along[1]).atan2(f64::from(along[0])) as f32;
    (f64::from(radians) * 180.0 / std::f64::consts::PI) as f32
}

fn length(vector: Vector) -> f32 {
    let [x, y] = vector.map(f64::from);
    (x * x + y * y).sqrt() as f32
}

/// A corner and the two sides that leave it.
struct Rectangle {
    corner: Vector,
    along: Vector,
    across: Vector,
}

/// Four calipers at right angles around the hull, turned from edge to edge; the smallest rectangle on the way.
fn turn_calipers(hull: &[Vector]) -> Option<Rectangle> {
    let edges: Vec<Vector> = (0..hull.len())
        .map(|index| {
            let (from, to) = (hull[index], hull[(index + 1) % hull.len()]);
            [to[0] - from[0], to[1] - from[1]]
        })
        .collect();
    // The first of the outermost corners below (least y), right, above and left.
    let outermost = |is_further: fn(Vector, Vector) -> bool| {
        (1..hull.len()).fold(0, |best, index| if is_further(hull[index], hull[best]) { index } else { best })
    };
    let mut touched = [
        outermost(|a, b| a[1] < b[1]),
        outermost(|a, b| a[0] > b[0]),
        outermost(|a, b| a[1] > b[1]),
        outermost(|a, b| a[0] < b[0]),
    ];
    let mut best: Option<(f32, Rectangle)> = None;
    for _ in 0..hull.len() {
        let lead = nearest_caliper(&touched, &edges);
        let edge = edges[touched[lead]];
        let [x, y] = edge.map(f64::from);
        let inverse = (1.0 / (x * x + y * y).sqrt()) as f32;
        let [x, y] = edge.map(|value| value * inverse);
        let [a, b] = [[x, y], [y, -x], [-x, -y], [-y, x]][lead];
        touched[lead] = (touched[lead] + 1) % hull.len();
        let between = |from: usize, to: usize| {
            let (from, to) = (hull[touched[from]], hull[touched[to]]);
            [to[0] - from[0], to[1] - from[1]]
        };
        let (across_x, upward) = (between(3, 1), between(0, 2));
        let width = across_x[0] * a + across_x[1] * b;
        let height = -upward[0] * b + upward[1] * a;
        let area = width * height;
        if best.as_ref().is_none_or(|(smallest, _)| area <= *smallest) {
            let (left, below) = (hull[touched[3]], hull[touched[0]]);
            let first = a * left[0] + left[1] * b;
            let second = -b * below[0] + below[1] * a;
            let scale = 1.0 / (a * a + b * b);
            let corner = [(first * a - second * b) * scale, (a * second + b * first) * scale];
            best = Some((
                area,
                Rectangle { corner, along: [a * width, b * width], across: [-b * height, a * height] },
            ));
        }
    }
    best.map(|(_, rectangle)| rectangle)
}

/// Which of the calipers has to turn least to lie on the edge that follows its corner.
fn nearest_caliper(touched: &[usize; 4], edges: &[Vector]) -> usize {
    let [below, right, above, left] = touched.map(|corner| edges[corner]);
    let turned = [below, [right[1], -right[0]], [-above[0], -above[1]], [-left[1], left[0]]];
    (1..4).fold(0, |nearest, caliper| {
        let (one, other) = (turned[caliper], turned[nearest]);
        if one[1] * other[0] - one[0] * other[1] < 0.0 { caliper } else { nearest }
    })
}
