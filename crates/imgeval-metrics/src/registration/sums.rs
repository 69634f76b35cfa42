//! The normal equations of one step of refinement.

/// Sums over one row of pixels, all with Tukey's weight: products of gradients (x and y) with each other and with the residual,
/// some of them times the column's distance from the middle of the frame.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct RowSums {
    xx: [f64; 3],
    xy: [f64; 2],
    yy: f64,
    xr: [f64; 2],
    yr: f64,
}

/// Of this many pixels, one after the other, sums are kept apart, so that a processor can add them at once.
const LANES: usize = 8;

impl RowSums {
    /// `here` has one pixel more on either side than there are residuals; `beside` are the rows above and below. `columns` is
    /// where the first column lies, and the distance to the next, in frames from the middle.
    pub(super) fn of(
        residuals: &[f32],
        here: &[f32],
        beside: [&[f32]; 2],
        limit: f32,
        columns: (f32, f32),
    ) -> Self {
        let inverse = 1.0 / limit;
        let mut sums = [[0.0_f32; LANES]; 9];
        let n = residuals.len();
        let (left, right) = (&here[..n], &here[2..n + 2]);
        let [above, below] = [&beside[0][..n], &beside[1][..n]];
        let mut add = |lane: usize, i: usize| {
            let residual = residuals[i];
            let part = residual * inverse;
            let kept = (1.0 - part * part).max(0.0);
            let weight = kept * kept;
            let (x, y) = (0.5 * (right[i] - left[i]), 0.5 * (below[i] - above[i]));
            let column = columns.0 + columns.1 * i as f32;
            let (wx, wy) = (weight * x, weight * y);
            let (xx, xy, xr) = (wx * x, wx * y, wx * residual);
            let terms = [
                xx,
                xx * column,
                xx * column * column,
                xy,
                xy * column,
                wy * y,
                xr,
                xr * column,
                wy * residual,
            ];
            for (sum, term) in sums.iter_mut().zip(terms) {
                sum[lane] += term;
            }
        };
        let whole = n - n % LANES;
        for start in (0..whole).step_by(LANES) {
            for lane in 0..LANES {
                add(lane, start + lane);
            }
        }
        for i in whole..n {
            add(0, i);
        }
        let [xx, xx1, xx2, xy, xy1, yy, xr, xr1, yr] =
            sums.map(|lanes| lanes.iter().map(|sum| f64::from(*sum)).sum::<f64>());
        Self { xx: [xx, xx1, xx2], xy: [xy, xy1], yy, xr: [xr, xr1], yr }
    }
}

/// The matrix and right side of the normal equations; unknowns are shift and growth along x, then along y.
#[derive(Debug, Default)]
pub(super) struct Sums {
    matrix: [[f64; 4]; 4],
    right: [f64; 4],
}

impl Sums {
    /// `row` is the row's distance from the middle of the frame.
    pub(super) fn add(&mut self, sums: &RowSums, row: f64) {
        let [xx, xx1, xx2] = sums.xx;
        let [xy, xy1] = sums.xy;
        let yy = sums.yy;
        let terms = [
            [xx, xx1, xy, xy * row],
            [xx1, xx2, xy1, xy1 * row],
            [xy, xy1, yy, yy * row],
            [xy * row, xy1 * row, yy * row, yy * row * row],
        ];
        for (sums, terms) in self.matrix.iter_mut().zip(terms) {
            for (sum, term) in sums.iter_mut().zip(terms) {
                *sum += term;
            }
        }
        let right = [sums.xr[0], sums.xr[1], sums.yr, sums.yr * row];
        for (sum, term) in self.right.iter_mut().zip(right) {
            *sum += term;
        }
    }

    /// In frames of this many pixels along x and y; `None` if the equations have no single solution.
    pub(super) fn solve(&self, frame: [f64; 2]) -> Option<[f64; 4]> {
        let pixels = solve(self.matrix, self.right)?;
        let [x, grow_x, y, grow_y] = pixels;
        Some([x / frame[0], grow_x / frame[0], y / frame[1], grow_y / frame[1]])
    }
}

/// Gauss's elimination with pivots; `None` for a matrix that is singular within rounding.
pub(crate) fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> Option<[f64; N]> {
    const SINGULAR: f64 = 1e-12;
    let largest = matrix.iter().flatten().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for column in 0..N {
        let pivot = (column..N)
            .max_by(|one, other| matrix[*one][column].abs().total_cmp(&matrix[*other][column].abs()))?;
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        let divisor = matrix[column][column];
        if divisor.abs() <= SINGULAR * largest || !divisor.is_finite() {
            return None;
        }
        for row in column + 1..N {
            let factor = matrix[row][column] / divisor;
            let (upper, lower) = matrix.split_at_mut(row);
            for (value, above) in lower[0].iter_mut().zip(&upper[column]).skip(column) {
                *value -= factor * above;
            }
            right[row] -= factor * right[column];
        }
    }
    let mut solution = [0.0; N];
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|column| matrix[row][column] * solution[column]).sum();
        solution[row] = (right[row] - known) / matrix[row][row];
    }
    Some(solution)
}
