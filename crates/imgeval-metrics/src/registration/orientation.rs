//! Directions of edges, which tone and contrast hardly change.

use realfft::num_complex::Complex;

use crate::plane::{Border, Plane, gaussian};

const BLUR: f64 = 0.8;
/// The least gradient, in gray levels per pixel, that counts as an edge in part.
const LEAST_GRADIENT: f32 = 0.5;

/// `g / (|g| + c)` at every pixel: `g` is the Sobel gradient as a complex number, `c` its median magnitude.
pub(super) struct Orientation {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Row by row; zero in the outermost ring.
    pub(super) values: Vec<Complex<f32>>,
    /// Sums of squared magnitudes over all pixels above and to the left; one column and row more than the image.
    sums: Vec<f64>,
}

impl Orientation {
    pub(super) fn of(gray: &Plane) -> Self {
        let (width, height) = (gray.width(), gray.height());
        let mut values = gradients(&gaussian(gray, BLUR, 4.0, Border::Reflect));
        let mut magnitudes: Vec<f32> = values.iter().map(|gradient| gradient.norm_sqr()).collect();
        let middle = magnitudes.len() / 2;
        let median = magnitudes.select_nth_unstable_by(middle, f32::total_cmp).1.sqrt();
        let least = median.max(LEAST_GRADIENT);
        for gradient in &mut values {
            *gradient /= gradient.norm_sqr().sqrt() + least;
        }
        let sums = running_sums(&values, width);
        Self { width, height, values, sums }
    }

    /// Of these rows.
    pub(super) fn row_sums(&self, rows: (usize, usize)) -> RowSums<'_> {
        let stride = self.width + 1;
        let row = |y: usize| &self.sums[y * stride..(y + 1) * stride];
        RowSums { upper: row(rows.0), lower: row(rows.1) }
    }

    pub(super) fn total_energy(&self) -> f64 {
        self.row_sums((0, self.height)).between((0, self.width))
    }
}

/// Energies within some rows.
pub(super) struct RowSums<'a> {
    upper: &'a [f64],
    lower: &'a [f64],
}

impl RowSums<'_> {
    /// The energy within columns `start..end`.
    pub(super) fn between(&self, (start, end): (usize, usize)) -> f64 {
        (self.lower[end] - self.upper[end]) - (self.lower[start] - self.upper[start])
    }
}

fn gradients(plane: &Plane) -> Vec<Complex<f32>> {
    let (width, height) = (plane.width(), plane.height());
    let mut gradients = vec![Complex::new(0.0, 0.0); width * height];
    let rows: Vec<&[f32]> = plane.rows().collect();
    for (y, three) in rows.windows(3).enumerate() {
        let (above, here, below) = (three[0], three[1], three[2]);
        let target = &mut gradients[(y + 1) * width..(y + 2) * width];
        for x in 1..width.saturating_sub(1) {
            let column = |x: usize| above[x] + 2.0 * here[x] + below[x];
            let row = |row: &[f32]| row[x - 1] + 2.0 * row[x] + row[x + 1];
            target[x] = Complex::new(column(x + 1) - column(x - 1), row(below) - row(above)) / 8.0;
        }
    }
    gradients
}

fn running_sums(values: &[Complex<f32>], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; width + 1];
    for row in values.chunks_exact(width) {
        let above = sums.len() - width - 1;
        let mut along = 0.0;
        sums.push(0.0);
        for (x, value) in row.iter().enumerate() {
            along += f64::from(value.norm_sqr());
            sums.push(sums[above + x + 1] + along);
        }
    }
    sums
}
