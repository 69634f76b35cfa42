//! Mean squared error and what follows from it.

use super::{Background, EditMetricError};

/// The mean over pixels and channels of the squared difference of numbers in [0, 1].
///
/// # Errors
/// If the images differ in size.
pub fn mean_squared_error(first: &Background, second: &Background) -> Result<f64, EditMetricError> {
    if first.size() != second.size() {
        return Err(EditMetricError::OtherSize { first: first.size(), second: second.size() });
    }
    let squares = first.rgb().iter().zip(second.rgb()).map(|(first, second)| {
        let difference = first - second;
        f64::from(difference * difference)
    });
    Ok(squares.sum::<f64>() / first.rgb().len() as f64)
}

/// Peak signal-to-noise ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Psnr {
    /// A finite number.
    Decibels(f64),
    /// The images are equal in every pixel: there is no noise, and torchmetrics gives `inf`.
    Infinite,
}

impl Psnr {
    /// In decibels, infinity included.
    #[must_use]
    pub fn decibels(self) -> f64 {
        match self {
            Self::Decibels(decibels) => decibels,
            Self::Infinite => f64::INFINITY,
        }
    }
}

/// From the mean squared error of numbers whose range is 1.
#[must_use]
pub fn psnr_of(mean_squared_error: f64) -> Psnr {
    match mean_squared_error {
        0.0 => Psnr::Infinite,
        // `+ 0.0`, because of an error of 1 comes a zero with a minus.
        error => Psnr::Decibels(-10.0 * error.log10() + 0.0),
    }
}

/// The mean PSNR of many pairs.
///
/// torch's mean is infinite as soon as one pair is equal, and says nothing then. So equal pairs are counted beside the mean of the
/// others; the official number is [`Self::official`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PsnrMean {
    /// Over the pairs that differ, in decibels; `None` if there are none.
    pub finite: Option<f64>,
    pub n_finite: usize,
    pub n_infinite: usize,
}

impl PsnrMean {
    /// Sums in the order given.
    #[must_use]
    pub fn of(values: &[Psnr]) -> Self {
        let mut sum = 0.0;
        let mut n_finite = 0;
        for value in values {
            if let Psnr::Decibels(decibels) = value {
                sum += decibels;
                n_finite += 1;
            }
        }
        let finite = (n_finite > 0).then(|| sum / n_finite as f64);
        Self { finite, n_finite, n_infinite: values.len() - n_finite }
    }

    /// What the official evaluation would print; `None` without pairs.
    #[must_use]
    pub fn official(&self) -> Option<Psnr> {
        if self.n_infinite > 0 { Some(Psnr::Infinite) } else { self.finite.map(Psnr::Decibels) }
    }
}

#[cfg(test)]
mod tests {
    use imgeval_core::{GrayPixels, Pixels};

    use super::*;
    use crate::edit::hide_region;

    fn plain(value: u8) -> Background {
        let pixels = Pixels::new(2, 2, vec![value; 12]).unwrap();
        hide_region(&pixels, &GrayPixels::new(2, 2, vec![0, 0, 0, 255]).unwrap()).unwrap()
    }

    #[test]
    fn hidden_pixels_stay_in_the_mean() {
        // Three of four pixels differ by 1.
        assert_eq!(mean_squared_error(&plain(0), &plain(255)), Ok(0.75));
        assert_eq!(psnr_of(0.1), Psnr::Decibels(10.0));
        assert_eq!(psnr_of(1.0).decibels().to_string(), "0");
    }

    #[test]
    fn equal_pictures_are_said_to_be_equal() {
        let error = mean_squared_error(&plain(7), &plain(7)).unwrap();
        assert_eq!(psnr_of(error), Psnr::Infinite);
    }

    #[test]
    fn equal_pairs_are_counted_beside_the_mean() {
        let mean = PsnrMean::of(&[Psnr::Decibels(20.0), Psnr::Infinite, Psnr::Decibels(10.0)]);
        assert_eq!(mean, PsnrMean { finite: Some(15.0), n_finite: 2, n_infinite: 1 });
        assert_eq!(mean.official(), Some(Psnr::Infinite));
        assert_eq!(PsnrMean::of(&[Psnr::Decibels(20.0)]).official(), Some(Psnr::Decibels(20.0)));
        assert_eq!(PsnrMean::of(&[]).official(), None);
    }
}
