//! A trained probe: making it with all controls, and asking it about images.

mod apply;
mod card;
mod cross_fit;
mod train;
mod trained;

pub use apply::{AppliedImages, AppliedSummary, apply_to, compare_signature};
pub use card::{GeneratorCard, ProbeCard};
pub(crate) use cross_fit::{CrossFitTask, cross_fit};
pub use train::{Trained, TrainingRequest, train};
pub use trained::{Answer, Probe};
