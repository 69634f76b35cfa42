//! Counts at one threshold.

use super::{Defined, ScoredImage, Undefined, check_both};

/// How many real and fake images are called real and fake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Confusion {
    /// Real images that are called real.
    pub true_negatives: usize,
    /// Real images that are called fake.
    pub false_positives: usize,
    /// Fake images that are called real.
    pub false_negatives: usize,
    /// Fake images that are called fake.
    pub true_positives: usize,
}

impl Confusion {
    /// Calls an image fake where its score is above `threshold`, strictly.
    #[must_use]
    pub fn at(images: &[ScoredImage], threshold: f64) -> Self {
        let mut counts = Self::default();
        for image in images {
            let count = match (image.is_fake, image.score > threshold) {
                (false, false) => &mut counts.true_negatives,
                (false, true) => &mut counts.false_positives,
                (true, false) => &mut counts.false_negatives,
                (true, true) => &mut counts.true_positives,
            };
            *count += 1;
        }
        counts
    }

    #[must_use]
    pub fn n_real(self) -> usize {
        self.true_negatives + self.false_positives
    }

    #[must_use]
    pub fn n_fake(self) -> usize {
        self.false_negatives + self.true_positives
    }

    fn n_called_fake(self) -> usize {
        self.false_positives + self.true_positives
    }

    /// The share of images that are called what they are; of one class only it is that class's own accuracy.
    ///
    /// # Errors
    /// If there is no image.
    pub fn accuracy(self) -> Defined<f64> {
        let n = self.n_real() + self.n_fake();
        if n == 0 {
            return Err(Undefined::NoFakes);
        }
        Ok((self.true_negatives + self.true_positives) as f64 / n as f64)
    }

    /// The share of real images that are called real (true negative rate).
    ///
    /// # Errors
    /// If there is no real image.
    pub fn real_accuracy(self) -> Defined<f64> {
        share(self.true_negatives, self.n_real()).ok_or(Undefined::NoReals)
    }

    /// The share of fake images that are called fake (true positive rate).
    ///
    /// # Errors
    /// If there is no fake image.
    pub fn fake_accuracy(self) -> Defined<f64> {
        share(self.true_positives, self.n_fake()).ok_or(Undefined::NoFakes)
    }

    /// The mean of [`Self::real_accuracy`] and [`Self::fake_accuracy`].
    ///
    /// # Errors
    /// If a class has no image.
    pub fn balanced_accuracy(self) -> Defined<f64> {
        Ok(f64::midpoint(self.real_accuracy()?, self.fake_accuracy()?))
    }

    /// The share of fakes among the images that are called fake.
    ///
    /// # Errors
    /// If no image is called fake.
    pub fn precision(self) -> Defined<f64> {
        share(self.true_positives, self.n_called_fake()).ok_or(Undefined::NothingCalledFake)
    }

    /// The same number as [`Self::fake_accuracy`].
    ///
    /// # Errors
    /// If there is no fake image.
    pub fn recall(self) -> Defined<f64> {
        self.fake_accuracy()
    }

    /// The harmonic mean of precision and recall, `2 TP / (2 TP + FP + FN)`.
    ///
    /// # Errors
    /// If no image is fake and none is called fake.
    pub fn f1(self) -> Defined<f64> {
        let twice = 2 * self.true_positives;
        share(twice, twice + self.false_positives + self.false_negatives).ok_or(Undefined::NoFakes)
    }

    /// Matthews' correlation coefficient of truth and verdict, in [-1, 1] (Matthews 1975).
    ///
    /// # Errors
    /// If a class has no image, or all images are called the same.
    pub fn mcc(self) -> Defined<f64> {
        check_both(self.n_real(), self.n_fake())?;
        let n_called_real = self.true_negatives + self.false_negatives;
        if n_called_real == 0 || self.n_called_fake() == 0 {
            return Err(Undefined::AllCalledTheSame);
        }
        let product = |left: usize, right: usize| left as f64 * right as f64;
        let covariance = product(self.true_positives, self.true_negatives)
            - product(self.false_positives, self.false_negatives);
        let spread = product(self.n_real(), self.n_fake()) * product(n_called_real, self.n_called_fake());
        Ok(covariance / spread.sqrt())
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
