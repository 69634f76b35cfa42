//! How images drift over the rounds of an editing session.
//!
//! - [`RoundImage`] holds one image of a session with its own numbers, which are computed once.
//! - [`compare`] measures a round against a reference, the source or the previous round: [`RoundMeasures`], whose [`Decomposition`] splits the
//!   drift into geometry, tone, sharpness, content and what is left.
//! - [`measure_round`] measures a round with the survival of earlier edits and what changed outside all edits so far; [`measure_session`] does
//!   it for a whole session: [`SessionMeasures`] with trends and the first round that failed.
//! - [`drift_curve`] summarizes many sessions; [`compare_slopes`] compares two models over the same sessions.
//!
//! Nothing that compares pixel by pixel after registration has a value unless the registration is `ok`; the reason stands in its place.
//! Definitions are in docs/methods.md, rounds.

mod components;
mod curve;
mod failure;
mod floor;
#[cfg(test)]
mod golden_tests;
mod image;
mod measures;
mod names;
mod reframe;
mod session;
mod survival;
#[cfg(test)]
mod tests;
mod trend;

pub use components::{Decomposition, Geometry, Tone};
pub use curve::{CurvePoint, SlopeComparison, compare_slopes, drift_curve};
pub use failure::{
    FailureReason, LEAST_SURVIVAL, MOST_CONTENT_DE, MOST_TONE_DE, SHARPNESS_RANGE, failures_of,
};
pub use floor::{Component, Floor};
pub use image::{Detail, RoundImage, SESSION_SIDE, session_side};
pub use measures::{NotCompared, PixelMeasures, RoundMeasures, SharpnessRatios, compare};
pub use session::{RoundTrace, SessionMeasures, SessionRound, measure_round, measure_session};
pub use survival::{EditSurvival, edit_box, edit_survival};
pub use trend::{Trends, slope_of};
