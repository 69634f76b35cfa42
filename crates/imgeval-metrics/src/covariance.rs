//! Covariance matrices and their Cholesky factors, as lower triangles: row by row 1, 2, 3 ... numbers.

use rayon::prelude::*;

/// Rows whose products are summed together; few enough to stay in the processor's cache.
const BLOCK_ROWS: usize = 128;

/// The mean of the products of every two numbers of a row, over rows whose means are zero. `row` gives each of `n_rows`.
pub(crate) fn covariance_of(n_rows: usize, n_features: usize, row: impl Fn(usize) -> Vec<f64>) -> Vec<f64> {
    let mut triangles: Vec<Vec<f64>> = (1..=n_features).map(|length| vec![0.0; length]).collect();
    for first in (0..n_rows).step_by(BLOCK_ROWS) {
        // Feature by feature, so that products run along memory.
        let mut columns = vec![0.0; n_features * BLOCK_ROWS];
        for (place, index) in (first..n_rows.min(first + BLOCK_ROWS)).enumerate() {
            for (feature, value) in row(index).into_iter().enumerate() {
                columns[feature * BLOCK_ROWS + place] = value;
            }
        }
        let column = |feature: usize| &columns[feature * BLOCK_ROWS..(feature + 1) * BLOCK_ROWS];
        triangles.par_iter_mut().enumerate().for_each(|(feature, sums)| {
            for (other, sum) in sums.iter_mut().enumerate() {
                *sum += dot(column(feature), column(other));
            }
        });
    }
    let mut covariance = triangles.concat();
    covariance.iter_mut().for_each(|sum| *sum /= n_rows as f64);
    covariance
}

/// The sum of products, in eight parts at a time so that the compiler can use wide registers; the order never varies.
pub(crate) fn dot<T: Copy + Into<f64>>(left: &[T], right: &[f64]) -> f64 {
    let (left_blocks, left_rest) = left.as_chunks::<8>();
    let (right_blocks, right_rest) = right.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (left, right) in left_blocks.iter().zip(right_blocks) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += (*left).into() * right;
        }
    }
    let rest: f64 = left_rest.iter().zip(right_rest).map(|(left, right)| (*left).into() * right).sum();
    sums.iter().sum::<f64>() + rest
}

/// Numbers in a lower triangle of `n` rows; where row `n` begins.
pub(crate) fn triangle(n: usize) -> usize {
    n * (n + 1) / 2
}

/// Index of the last number of a row, which is on the diagonal.
pub(crate) fn diagonal(row: usize) -> usize {
    triangle(row + 1) - 1
}

/// The lower triangle whose product with its own transpose is the matrix; `None` if the matrix is not positive definite.
pub(crate) fn cholesky(mut matrix: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    for row in 0..n {
        let (above, own) = matrix.split_at_mut(triangle(row));
        for column in 0..row {
            let other = &above[triangle(column)..triangle(column + 1)];
            own[column] = (own[column] - dot(&own[..column], &other[..column])) / other[column];
        }
        let rest = own[row] - dot(&own[..row], &own[..row]);
        if rest <= 0.0 || rest.is_nan() {
            return None;
        }
        own[row] = rest.sqrt();
    }
    Some(matrix)
}

/// x with `factor` x = `values`.
pub(crate) fn solve_lower(factor: &[f64], values: &[f64]) -> Vec<f64> {
    let mut solution: Vec<f64> = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        let (known, last) = (&factor[triangle(row)..diagonal(row)], factor[diagonal(row)]);
        solution.push((value - dot(known, &solution)) / last);
    }
    solution
}

/// x with `factor` transposed x = `values`.
pub(crate) fn solve_upper(factor: &[f64], mut values: Vec<f64>) -> Vec<f64> {
    for row in (0..values.len()).rev() {
        let solved = values[row] / factor[diagonal(row)];
        for (value, entry) in values.iter_mut().zip(&factor[triangle(row)..diagonal(row)]) {
            *value -= entry * solved;
        }
        values[row] = solved;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_solve_what_they_were_made_of() {
        // [[4, 2, 0], [2, 5, 2], [0, 2, 5]] = L L^T with L = [[2], [1, 2], [0, 1, 2]].
        let factor = cholesky(vec![4.0, 2.0, 5.0, 0.0, 2.0, 5.0], 3).unwrap();
        assert_eq!(factor, [2.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
        assert_eq!(solve_lower(&factor, &[2.0, 5.0, 8.0]), [1.0, 2.0, 3.0]);
        assert_eq!(solve_upper(&factor, vec![4.0, 7.0, 6.0]), [1.0, 2.0, 3.0]);
        assert_eq!(cholesky(vec![1.0, 2.0, 1.0], 2), None);
    }

    #[test]
    fn covariance_is_the_mean_of_products_whatever_the_blocks() {
        let row = |index: usize| vec![if index.is_multiple_of(2) { 1.0 } else { -1.0 }, index as f64 - 149.5];
        let covariance = covariance_of(300, 2, row);
        assert!((covariance[0] - 1.0).abs() < 1e-12);
        assert!((covariance[1] + 0.5).abs() < 1e-9, "{covariance:?}");
        assert!((covariance[2] - (300.0 * 300.0 - 1.0) / 12.0).abs() < 1e-6);
    }
}
