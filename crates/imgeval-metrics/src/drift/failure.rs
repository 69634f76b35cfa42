//! Failure criteria of a round. The thresholds are this project's own and are printed with every number that depends
//! on them.

use super::RoundMeasures;
use crate::registration::Status;

/// Fewer tiles of the source surviving than this share is a failure.
pub const LEAST_SURVIVAL: f64 = 0.5;
/// More content outside the edit than this, in CIE76, is one.
pub const MOST_CONTENT_DE: f64 = 6.0;
/// More tone than this, in CIE76, is one.
pub const MOST_TONE_DE: f64 = 5.0;
/// A ratio of the variances of the Laplacian outside this is one.
pub const SHARPNESS_RANGE: (f64, f64) = (0.5, 2.0);

/// Why a round failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureReason {
    /// The registration is `coarse` or `failed`.
    Geometry(Status),
    /// The images cannot be registered at all.
    NotRegistrable,
    Survival,
    Content,
    Tone,
    Sharpness,
}

impl FailureReason {
    /// `geometry failed`, `survival`, `content` and so on.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Geometry(Status::Ok) => "geometry ok",
            Self::Geometry(Status::Coarse) => "geometry coarse",
            Self::Geometry(Status::Failed) => "geometry failed",
            Self::NotRegistrable => "geometry not registrable",
            Self::Survival => "survival",
            Self::Content => "content",
            Self::Tone => "tone",
            Self::Sharpness => "sharpness",
        }
    }
}

/// Why a round failed against this reference; empty if it did not. What could not be measured is no failure but geometry.
#[must_use]
pub fn failures_of(round: &RoundMeasures) -> Vec<FailureReason> {
    let geometry = match &round.registration {
        Err(_) => Some(FailureReason::NotRegistrable),
        Ok(registration) if registration.status != Status::Ok => {
            Some(FailureReason::Geometry(registration.status))
        }
        Ok(_) => None,
    };
    let when = |reason: FailureReason, is_failed: bool| is_failed.then_some(reason);
    let unedited = round.unedited.as_ref().ok();
    let (low, high) = SHARPNESS_RANGE;
    let reasons = [
        geometry,
        when(FailureReason::Survival, round.tiles.survival.is_some_and(|share| share < LEAST_SURVIVAL)),
        when(FailureReason::Content, unedited.is_some_and(|found| found.content_de > MOST_CONTENT_DE)),
        when(FailureReason::Tone, unedited.is_some_and(|found| found.tone_de > MOST_TONE_DE)),
        when(
            FailureReason::Sharpness,
            round.sharpness.lap_var.is_ok_and(|ratio| !(low..=high).contains(&ratio)),
        ),
    ];
    reasons.into_iter().flatten().collect()
}
