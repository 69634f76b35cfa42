//! What an answer is worth: the evaluation on unseen groups, the controls, and the signatures of the generators.

mod controls;
mod evaluation;
mod signatures;

pub(crate) use controls::shuffled_labels;
pub use controls::{Controls, DecoderControl, LeaveOneOut, RobustnessPoint, ShuffleControl};
pub use evaluation::{Evaluation, Separation};
pub(crate) use evaluation::{answer_of, bootstrap, evaluate_outputs, predictions, separation};
pub use signatures::{DecoderSignature, LatticePeak};
pub(crate) use signatures::{signature_of, similarities};
