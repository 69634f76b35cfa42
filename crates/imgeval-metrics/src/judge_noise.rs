//! The part of a judge's noise that resampling prompts cannot see.
//!
//! A judge's noise that strikes each image by itself is already in the variance between images and prompts, and so in every
//! interval of this crate, whether the score of an image is one judgment or the mean of several: repeats make it smaller in the
//! data and in the interval alike. To add it again would count it twice. What resampling cannot see is noise that all images
//! of a run share, such as a judge that is stricter in one session than in another: it moves all scores together. Its size
//! is not in the run itself; judging anchors again in other sessions shows it ([`crate::compute_drift`]).

use imgeval_core::Interval;

use crate::intervals::Z_95;

/// Noise that all images of a run have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharedJudgeNoise {
    /// Of one judgment, in the unit of the score, whatever its cause ([`crate::compute_noise`]).
    pub standard_deviation: f64,
    /// The part of its variance that all images judged in one session share, in [0, 1]; 0 if judgments are independent.
    pub shared: f64,
    /// Sessions over which the repeats were spread evenly; repeats within one session share its noise and count as one.
    /// At least 1.
    pub n_sessions: usize,
}

/// The interval of `value`, a mean over images in [0, 1], widened for noise that they share.
///
/// Added to each side, by squares, is 1.96 times the standard deviation of the sessions' mean, `standard_deviation *
/// sqrt(shared / n_sessions)`; the result stays within [0, 1]. However many images there are, that part does not shrink. Nothing
/// is added where `shared` or `standard_deviation` is 0. A difference of two runs that were judged in the same sessions
/// needs nothing, because they share it; one of runs judged apart is within the two widened intervals' differences.
#[must_use]
pub fn widen_for_judge(value: f64, interval: Interval, noise: SharedJudgeNoise) -> Interval {
    let shared_variance = noise.standard_deviation.powi(2) * noise.shared / noise.n_sessions.max(1) as f64;
    if shared_variance <= 0.0 {
        return interval;
    }
    let widened = |side: f64| (side * side + Z_95 * Z_95 * shared_variance).sqrt();
    Interval {
        low: (value - widened(value - interval.low)).max(0.0),
        high: (value + widened(interval.high - value)).min(1.0),
        method: interval.method,
    }
}

#[cfg(test)]
mod tests {
    use imgeval_core::IntervalMethod;

    use super::*;

    const INTERVAL: Interval = Interval { low: 0.5, high: 0.7, method: IntervalMethod::PromptBootstrap };

    fn widened(standard_deviation: f64, shared: f64, n_sessions: usize) -> Interval {
        widen_for_judge(0.6, INTERVAL, SharedJudgeNoise { standard_deviation, shared, n_sessions })
    }

    #[test]
    fn independent_judgments_add_nothing() {
        assert_eq!(widened(0.3, 0.0, 1), INTERVAL);
        assert_eq!(widened(0.0, 1.0, 1), INTERVAL);
    }

    #[test]
    fn shared_noise_adds_by_squares_and_shrinks_with_sessions_alone() {
        let one = widened(0.2, 0.25, 1);
        let half_width = (0.1_f64.powi(2) + (Z_95 * 0.1).powi(2)).sqrt();
        assert!((one.high - 0.6 - half_width).abs() < 1e-12 && (0.6 - one.low - half_width).abs() < 1e-12);
        let four = widened(0.2, 0.25, 4);
        assert!((four.high - 0.6 - (0.1_f64.powi(2) + (Z_95 * 0.05).powi(2)).sqrt()).abs() < 1e-12);
        let huge = widened(5.0, 1.0, 1);
        assert_eq!((huge.low, huge.high), (0.0, 1.0));
    }
}
