//! How the colors of an edited image differ from those of its source, regardless of position.

use super::{ColorStatistics, Measured, NotMeasurable, color::trim};

/// Differences are of the edited image minus the source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorShift {
    /// Of the means of L, a and b.
    pub lab: [f64; 3],
    /// The length of `lab`: CIE76 of the mean colors.
    pub mean_delta_e: f64,
    /// The length of the shift in a and b.
    pub ab: f64,
    pub chroma: f64,
    pub saturation: f64,
    /// Of the standard deviations of gray: edited over source.
    pub contrast_ratio: Measured<f64>,
    pub l_range: f64,
    /// Of ECHO's trimmed channel means. Fails under a cast on white, whose pixels move into the values that count.
    pub echo_rgb: Measured<[f64; 3]>,
    /// The mean over the channels of the summed differences of ECHO's trimmed, normalized histograms: 0 to 2.
    pub histogram_distance: Measured<f64>,
}

impl ColorShift {
    #[must_use]
    pub fn between(source: &ColorStatistics, edited: &ColorStatistics) -> Self {
        let lab: [f64; 3] = std::array::from_fn(|at| edited.mean_lab[at] - source.mean_lab[at]);
        let echo = |source: [f64; 3], edited: [f64; 3]| std::array::from_fn(|at| edited[at] - source[at]);
        let (source_echo, edited_echo) = (source.echo_mean_rgb(), edited.echo_mean_rgb());
        Self {
            lab,
            mean_delta_e: lab[0].hypot(lab[1]).hypot(lab[2]),
            ab: lab[1].hypot(lab[2]),
            chroma: edited.chroma - source.chroma,
            saturation: edited.saturation - source.saturation,
            contrast_ratio: if source.rms_contrast > 0.0 {
                Ok(edited.rms_contrast / source.rms_contrast)
            } else {
                Err(NotMeasurable::OneGray)
            },
            l_range: edited.l_range - source.l_range,
            echo_rgb: source_echo.and_then(|source| edited_echo.map(|edited| echo(source, edited))),
            histogram_distance: histogram_distance(source, edited),
        }
    }

    /// ECHO's magnitude: the mean of the absolute shifts of the channels.
    ///
    /// # Errors
    /// If a channel of an image has nothing but values near 0 and 255.
    pub fn echo_magnitude(&self) -> Measured<f64> {
        self.echo_rgb.map(|shift| shift.iter().map(|channel| channel.abs()).sum::<f64>() / 3.0)
    }
}

fn histogram_distance(source: &ColorStatistics, edited: &ColorStatistics) -> Measured<f64> {
    let mut sum = 0.0;
    for (source, edited) in source.histograms.iter().zip(edited.histograms.iter()) {
        let (source, edited) = (shares(source)?, shares(edited)?);
        sum += source.iter().zip(edited).map(|(source, edited)| (source - edited).abs()).sum::<f64>();
    }
    Ok(sum / 3.0)
}

fn shares(histogram: &[u32; 256]) -> Measured<[f64; 256]> {
    let trimmed = trim(histogram);
    let n: u64 = trimmed.iter().map(|count| u64::from(*count)).sum();
    if n == 0 {
        Err(NotMeasurable::ExtremesOnly)
    } else {
        Ok(trimmed.map(|count| f64::from(count) / n as f64))
    }
}
