//! How blurred edges are, without a reference.

use super::{Gray, Measured, NotMeasurable, numbers::median_of_few, smooth::smooth};

/// Standard deviation of the second blur, and where its kernel is cut.
const SECOND_SIGMA: f64 = 2.0;
const CUT: f64 = 6.0;
/// Gradients of the twice blurred image must exceed this, in gray levels per pixel.
const MIN_GRADIENT: f64 = 2.0;
/// Pixels at the border that hold no edge points.
const MARGIN: usize = 4;
const MIN_POINTS: usize = 20;
/// Gradients must fall by more than this share, or the edge is as wide as can be told.
const MIN_RATIO: f64 = 1.0005;
const WIDEST: f64 = 31.6;
/// The variance that central differences over two pixels add to an edge.
const DIFFERENCE_VARIANCE: f64 = 1.0 / 3.0;

/// The median standard deviation in pixels of the blur of the clearest edges.
///
/// After Zhuo and Sim 2011 with own details: an edge blurred once more by `s1` loses gradient by a factor that depends on its own blur `s`
/// alone, R^2 = (s^2 + s1^2) / s^2. Photographs have a blur of their own, about 0.3 to 0.7 pixels.
///
/// # Errors
/// If a side has fewer than 16 pixels, all pixels are alike, or there are fewer than 20 clear edge points.
pub fn edge_sigma(gray: &Gray) -> Measured<f64> {
    gray.check(16)?;
    let (width, height) = (gray.width(), gray.height());
    let strengths = gradient_lengths(&smooth(gray, SECOND_SIGMA, CUT), width);
    let mut points: Vec<(f64, f64)> = Vec::new();
    for y in MARGIN..height - MARGIN {
        let rows = [y - 1, y, y + 1].map(|y| &strengths[y * width..(y + 1) * width]);
        for x in MARGIN..width - MARGIN {
            let strength = rows[1][x];
            if strength > MIN_GRADIENT && is_largest(&rows, x) {
                points.push((strength, gradient_length(gray, x, y)));
            }
        }
    }
    if points.len() < MIN_POINTS {
        return Err(NotMeasurable::TooFewEdges { found: points.len(), needed: MIN_POINTS });
    }
    points.sort_by(|one, other| other.0.total_cmp(&one.0));
    points.truncate((width * height).isqrt().max(MIN_POINTS));
    let sigma = median_of_few(points.iter().map(|(twice, once)| own_sigma(*once, *twice)).collect());
    Ok((sigma * sigma - DIFFERENCE_VARIANCE).max(0.0).sqrt())
}

fn own_sigma(once: f64, twice: f64) -> f64 {
    let ratio = once / twice;
    if ratio <= MIN_RATIO { WIDEST } else { SECOND_SIGMA / (ratio * ratio - 1.0).sqrt() }
}

fn is_largest(rows: &[&[f64]; 3], x: usize) -> bool {
    let strength = rows[1][x];
    rows.iter().all(|row| row[x - 1..=x + 1].iter().all(|neighbor| *neighbor <= strength))
}

/// Of central differences; zero at the outermost pixels, which hold no edge points.
fn gradient_lengths(values: &[f64], width: usize) -> Vec<f64> {
    let height = values.len() / width;
    let mut lengths = vec![0.0; values.len()];
    let n = width - 2;
    for y in 1..height - 1 {
        let row = |y: usize| &values[y * width..(y + 1) * width];
        let (above, here, below) = (&row(y - 1)[1..=n], row(y), &row(y + 1)[1..=n]);
        let (left, right) = (&here[..n], &here[2..n + 2]);
        let line = &mut lengths[y * width + 1..][..n];
        for x in 0..n {
            line[x] = half_length(right[x] - left[x], below[x] - above[x]);
        }
    }
    lengths
}

fn gradient_length(gray: &Gray, x: usize, y: usize) -> f64 {
    let [above, here, below] = [y - 1, y, y + 1].map(|y| gray.row_of_levels(y));
    half_length(here[x + 1] - here[x - 1], below[x] - above[x])
}

fn half_length(along: f64, down: f64) -> f64 {
    0.5 * (along * along + down * down).sqrt()
}
