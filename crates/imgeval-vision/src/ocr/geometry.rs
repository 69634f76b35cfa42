//! Points in the plane, polygons and convex hulls.

/// x and y in pixels.
pub(super) type Point = [f64; 2];

/// Four corners, one after the other around the rectangle.
pub(super) type Quad = [Point; 4];

pub(super) fn distance(a: Point, b: Point) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The area of a simple polygon.
pub(super) fn area(polygon: &[Point]) -> f64 {
    let next = polygon.iter().cycle().skip(1);
    polygon.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>().abs() / 2.0
}

pub(super) fn perimeter(polygon: &[Point]) -> f64 {
    polygon.iter().zip(polygon.iter().cycle().skip(1)).map(|(a, b)| distance(*a, *b)).sum()
}

/// The corners of the convex hull in one direction around, without points on its edges; fewer than three where all points lie on
/// a line.
pub(super) fn convex_hull(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }
    let turn = |a: Point, b: Point, c: Point| (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
    let chain = |points: &mut dyn Iterator<Item = Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for point in points {
            while let [.., a, b] = chain.as_slice()
                && turn(*a, *b, point) <= 0.0
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut hull = chain(&mut sorted.iter().copied());
    hull.extend(chain(&mut sorted.iter().rev().copied()));
    hull
}

/// Top left, top right, bottom right, bottom left: the two with the least x are the left ones.
pub(super) fn clockwise_from_top_left(quad: Quad) -> Quad {
    let mut by_x = quad;
    by_x.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let ordered = |a: Point, b: Point| if b[1] < a[1] { (b, a) } else { (a, b) };
    let (top_left, bottom_left) = ordered(by_x[0], by_x[1]);
    let (top_right, bottom_right) = ordered(by_x[2], by_x[3]);
    [top_left, top_right, bottom_right, bottom_left]
}
