//! How numbers change from round to round.

/// The slope of the least-squares line through (round, value), per round; `None` with fewer than 2 rounds that have a value.
#[must_use]
pub fn slope_of(points: &[(u32, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let mean_round = points.iter().map(|(round, _)| f64::from(*round)).sum::<f64>() / n;
    let mean = points.iter().map(|(_, value)| value).sum::<f64>() / n;
    let (mut joint, mut own) = (0.0, 0.0);
    for (round, value) in points {
        let away = f64::from(*round) - mean_round;
        joint += away * (value - mean);
        own += away * away;
    }
    (own > 0.0).then(|| joint / own)
}

/// Slopes per round against the source, over the rounds that have a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trends {
    /// Of the shift of the mean color, in CIE76.
    pub mean_delta_e: Option<f64>,
    /// Of the shift toward yellow.
    pub b: Option<f64>,
    /// Of the binary logarithm of the ratio of the variances of the Laplacian at the side of the session.
    pub log2_lap_var: Option<f64>,
    /// The same of Immerkaer's noise.
    pub log2_noise: Option<f64>,
    /// Of the share of tiles that survive.
    pub survival: Option<f64>,
    /// Of the share of the source's frame that is cut off.
    pub cut_off: Option<f64>,
    /// Of the content that changed outside the region found against the source, in CIE76.
    pub unedited_content: Option<f64>,
}
