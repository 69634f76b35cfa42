//! Tokens of a vision transformer, and how alike those of two images are.

use super::{Background, NotMeasurable};

/// A token needs this share of background to count.
const LEAST_SHARE: f64 = 0.5;

/// Added to the sum of weights, as in EdiVal.
const WEIGHT_FLOOR: f64 = 1e-6;

/// The tokens of one image: the class token, then the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tokens<'a> {
    numbers: &'a [f32],
    width: usize,
}

impl<'a> Tokens<'a> {
    /// Of rows of `width` numbers; `None` unless there are two whole rows at least.
    #[must_use]
    pub fn new(numbers: &'a [f32], width: usize) -> Option<Self> {
        let is_whole = width > 0 && numbers.len().is_multiple_of(width) && numbers.len() / width >= 2;
        is_whole.then_some(Self { numbers, width })
    }

    #[must_use]
    pub fn class_token(&self) -> &'a [f32] {
        &self.numbers[..self.width]
    }

    /// All tokens after the class token. Of networks with register tokens those come first: EdiVal's code takes them for patches.
    pub fn others(&self) -> impl ExactSizeIterator<Item = &'a [f32]> + use<'a> {
        self.numbers[self.width..].chunks_exact(self.width)
    }

    /// The same without so many tokens after the class token, in EdiVal's DINOv3 the four registers; `None` if none would be left.
    #[must_use]
    pub fn without_registers(&self, count: usize) -> Option<Vec<f32>> {
        let rest = self.numbers.get((1 + count).checked_mul(self.width)?..)?;
        (!rest.is_empty()).then(|| [self.class_token(), rest].concat())
    }

    fn mean_of_others(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.width];
        for token in self.others() {
            for (sum, &number) in sums.iter_mut().zip(token) {
                *sum += f64::from(number);
            }
        }
        let count = self.others().len() as f64;
        sums.into_iter().map(|sum| sum / count).collect()
    }

    fn check_like(&self, other: &Self) -> Result<(), NotMeasurable> {
        if self.width != other.width {
            return Err(NotMeasurable::OtherLength(self.width, other.width));
        }
        if self.numbers.len() != other.numbers.len() {
            return Err(NotMeasurable::OtherLength(self.numbers.len(), other.numbers.len()));
        }
        Ok(())
    }
}

/// The cosine of two features, from -1 to 1.
///
/// # Errors
/// If they are of different lengths, or one is zero or not finite.
pub fn cosine(first: &[f32], second: &[f32]) -> Result<f64, NotMeasurable> {
    if first.len() != second.len() {
        return Err(NotMeasurable::OtherLength(first.len(), second.len()));
    }
    let wide = |feature: &[f32]| feature.iter().copied().map(f64::from).collect::<Vec<_>>();
    cosine_of(&wide(first), &wide(second))
}

fn cosine_of(first: &[f64], second: &[f64]) -> Result<f64, NotMeasurable> {
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let cosine = product(first, second) / (product(first, first).sqrt() * product(second, second).sqrt());
    if cosine.is_finite() { Ok(cosine.clamp(-1.0, 1.0)) } else { Err(NotMeasurable::NoDirection) }
}

/// How alike two crops of an object are: half the cosine of the class tokens and half that of the means of all other tokens.
///
/// # Errors
/// If the tokens are not of the same network, or a feature is zero or not finite.
pub fn object_similarity(first: &Tokens<'_>, second: &Tokens<'_>) -> Result<f64, NotMeasurable> {
    first.check_like(second)?;
    let of_class = cosine(first.class_token(), second.class_token())?;
    Ok(0.5 * of_class + 0.5 * cosine_of(&first.mean_of_others(), &second.mean_of_others())?)
}

/// How alike the backgrounds of two images are: the cosine of the weighted means of the tokens after the class token, each of
/// length 1. A token's weight is the share of background in its part of the frame ([`Background::patch_shares`] with the side of the
/// network's square input, 224 for DINO ViT-S/16 and EdiVal's DINOv3), 0 where that is below one half; the tokens lie on
/// [`patch_grid`].
///
/// # Errors
/// If the tokens are not of the same network, or [`NotMeasurable::NoBackground`] if no token has a weight. EdiVal's code gives 0 there.
pub fn background_similarity(
    first: &Tokens<'_>,
    second: &Tokens<'_>,
    background: &Background,
    input: usize,
) -> Result<f64, NotMeasurable> {
    first.check_like(second)?;
    let grid = patch_grid(first.others().len(), background.width(), background.height());
    let weights: Vec<f64> = background
        .patch_shares(grid, input)
        .into_iter()
        .map(|share| if share < LEAST_SHARE { 0.0 } else { share })
        .collect();
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return Err(NotMeasurable::NoBackground);
    }
    let mean = |tokens: &Tokens<'_>| {
        let mut sums = vec![0.0; tokens.width];
        for (token, weight) in tokens.others().zip(&weights) {
            let length = token.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt().max(1e-12);
            for (sum, &number) in sums.iter_mut().zip(token) {
                *sum += weight * f64::from(number) / length;
            }
        }
        sums.into_iter().map(|sum| sum / (total + WEIGHT_FLOOR)).collect::<Vec<_>>()
    };
    cosine_of(&mean(first), &mean(second))
}

/// Rows and columns in which EdiVal's code lays `count` tokens: the pair of factors whose quotient is nearest to height over width. The
/// 196 patches of a square image make 14 x 14; with 4 registers taken for patches, 200 make 10 x 20.
#[must_use]
pub fn patch_grid(count: usize, width: usize, height: usize) -> (usize, usize) {
    let aspect = height as f64 / width as f64;
    let distance = |rows: usize| (rows as f64 / (count / rows) as f64 - aspect).abs();
    let factors = (1..=count).filter(|&rows| count.is_multiple_of(rows));
    let rows = factors.min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap_or(1);
    (rows, count / rows)
}
