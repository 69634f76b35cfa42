//! Why an image has no value of a measure.

/// A value, or the reason why there is none.
pub type Measured<T> = Result<T, NotMeasurable>;

/// Why a measure has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotMeasurable {
    #[error("the image has {width}x{height} pixels; this measure needs at least {needed} on each side")]
    TooSmall { width: usize, height: usize, needed: usize },
    #[error("the image has only one level of gray")]
    OneGray,
    #[error("the image has only one level of gray along this axis")]
    OneGrayAlongAxis,
    #[error("the image has too little color")]
    NoColor,
    #[error("every value of a channel is nearly 0 or nearly 255")]
    ExtremesOnly,
    #[error("the image has no detail at the finest scale")]
    NoFineDetail,
    #[error("the image has {found} clear edge points; this measure needs at least {needed}")]
    TooFewEdges { found: usize, needed: usize },
    #[error("{found} frequencies are above the rounding noise; this measure needs at least {needed}")]
    TooFewFrequencies { found: usize, needed: usize },
    #[error("spectra of {first} and {second} pixels cannot be compared; resize the images first")]
    OtherSize { first: usize, second: usize },
}

/// Checks that both sides have at least `needed` pixels.
pub(super) fn check_sides(width: usize, height: usize, needed: usize) -> Measured<()> {
    if width.min(height) < needed {
        return Err(NotMeasurable::TooSmall { width, height, needed });
    }
    Ok(())
}
