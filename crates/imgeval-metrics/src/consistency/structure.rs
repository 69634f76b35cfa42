//! How differently two images are laid out, by which of their parts look alike.

use super::{NotMeasurable, Tokens};

/// How alike every token of an image is to every other: the cosines of their keys. Computed once an image; see
/// [`Self::distance`].
#[derive(Debug, Clone, PartialEq)]
pub struct SelfSimilarity {
    /// The number of tokens.
    side: usize,
    /// Row by row.
    cosines: Vec<f32>,
}

impl SelfSimilarity {
    /// Of the keys of a network's last block, the heads side by side, for all tokens with the class token. ECHO takes DINO ViT-S/16's
    /// of the image squashed to 224 x 224.
    ///
    /// # Errors
    /// If a key is zero or not finite.
    pub fn of(keys: &Tokens<'_>) -> Result<Self, NotMeasurable> {
        let rows = std::iter::once(keys.class_token()).chain(keys.others());
        let rows: Option<Vec<Vec<f32>>> = rows.map(of_length_1).collect();
        let rows = rows.ok_or(NotMeasurable::NoDirection)?;
        let side = rows.len();
        let mut cosines = vec![0.0; side * side];
        for (a, first) in rows.iter().enumerate() {
            for (b, second) in rows.iter().enumerate().skip(a) {
                let cosine = product(first, second);
                cosines[a * side + b] = cosine;
                cosines[b * side + a] = cosine;
            }
        }
        Ok(Self { side, cosines })
    }

    /// The mean squared difference of the two images' cosines, from 0 to 4. The paper writes a Frobenius norm, its code takes the mean;
    /// and it takes the largest distance over several inputs and drops zeros, which is not copied.
    ///
    /// # Errors
    /// If the images have different numbers of tokens.
    pub fn distance(&self, other: &Self) -> Result<f64, NotMeasurable> {
        if self.side != other.side {
            return Err(NotMeasurable::OtherLength(self.side, other.side));
        }
        let squares = self.cosines.iter().zip(&other.cosines).map(|(a, b)| f64::from(a - b).powi(2));
        Ok(squares.sum::<f64>() / self.cosines.len() as f64)
    }

    /// The mean cosine.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.cosines.iter().copied().map(f64::from).sum::<f64>() / self.cosines.len() as f64
    }
}

/// In 16 running sums, which the compiler keeps in vectors.
fn product(first: &[f32], second: &[f32]) -> f32 {
    let (first, first_rest) = first.as_chunks::<16>();
    let (second, second_rest) = second.as_chunks::<16>();
    let mut sums = [0.0_f32; 16];
    for (a, b) in first.iter().zip(second) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = first_rest.iter().zip(second_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

fn of_length_1(row: &[f32]) -> Option<Vec<f32>> {
    let length = product(row, row).sqrt();
    (length.is_finite() && length > 0.0).then(|| row.iter().map(|x| x / length).collect())
}
