//! The mean of a map inside a polygon.

use super::geometry::Quad;

/// The mean of `map` over the pixels in or on the quadrilateral whose corners are cut to whole numbers; pixels outside the map
/// do not count. Without a pixel: 0.
pub(super) fn mean_inside(map: &[f32], width: usize, quad: &Quad) -> f64 {
    let height = map.len() / width;
    let bound = |axis: usize, side: usize| {
        let values = quad.iter().map(|corner| corner[axis]);
        let low = values.clone().fold(f64::INFINITY, f64::min).floor().clamp(0.0, side as f64 - 1.0);
        let high = values.fold(f64::NEG_INFINITY, f64::max).ceil().clamp(0.0, side as f64 - 1.0);
        (low as i64, high as i64)
    };
    let ((left, right), (top, bottom)) = (bound(0, width), bound(1, height));
    let corners = quad.map(|[x, y]| [(x - left as f64).trunc() as i64, (y - top as f64).trunc() as i64]);
    let (columns, rows) = (right - left + 1, bottom - top + 1);
    // Leftmost and rightmost covered column of each row: a convex shape needs no more.
    let mut spans = vec![(i64::MAX, i64::MIN); rows as usize];
    for (a, b) in corners.iter().zip(corners.iter().cycle().skip(1)) {
        for [x, y] in line(*a, *b) {
            if let Some(span) = usize::try_from(y).ok().and_then(|y| spans.get_mut(y)) {
                *span = (span.0.min(x), span.1.max(x));
            }
        }
    }
    let (mut sum, mut count) = (0.0, 0_u64);
    for (row, (from, to)) in spans.into_iter().enumerate() {
        let (from, to) = (from.max(0), to.min(columns - 1));
        if from > to {
            continue;
        }
        let start = (top as usize + row) * width + left as usize;
        let values = &map[start + from as usize..=start + to as usize];
        sum += values.iter().copied().map(f64::from).sum::<f64>();
        count += values.len() as u64;
    }
    if count == 0 { 0.0 } else { sum / count as f64 }
}

/// The pixels of an 8-connected line, both ends included.
fn line([x0, y0]: [i64; 2], [x1, y1]: [i64; 2]) -> impl Iterator<Item = [i64; 2]> {
    let steps = (x1 - x0).abs().max((y1 - y0).abs());
    let along = move |from: i64, to: i64, step: i64| {
        let exact = (to - from) as f64 * step as f64 / steps.max(1) as f64;
        from + exact.round() as i64
    };
    (0..=steps).map(move |step| [along(x0, x1, step), along(y0, y1, step)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(quad: Quad, expected: f64) {
        // A 4x4 map of 0 to 15.
        let map: Vec<f32> = (0..16_u8).map(f32::from).collect();
        let found = mean_inside(&map, 4, &quad);
        assert!((found - expected).abs() < 1e-9, "{quad:?}: {found}");
    }

    #[test]
    fn borders_belong_to_the_inside_and_what_lies_outside_does_not_count() {
        check([[1.0, 1.0], [2.9, 1.0], [2.9, 2.0], [1.0, 2.0]], 7.5);
        check([[0.0, 0.0], [3.0, 0.0], [3.0, 3.0], [0.0, 3.0]], 7.5);
        check([[2.0, 2.0], [9.0, 2.0], [9.0, 9.0], [2.0, 9.0]], 12.5);
    }
}
