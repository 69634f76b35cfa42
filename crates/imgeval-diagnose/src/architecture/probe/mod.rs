//! A trained probe: making it with all controls, and asking it about pictures.

mod apply;
mod card;
mod train;
mod trained;

pub use apply::{AppliedImages, AppliedSummary, apply_to, compare_signature};
pub use card::{GeneratorCard, ProbeCard};
pub use train::{Trained, TrainingRequest, train};
pub use trained::{Answer, Probe};
