//! Which kind of decoder drew these images?
//!
//! A classifier is trained on images of known generators and asked about unknown ones, as in GPT-ImgEval (arXiv 2504.02782, section 3),
//! with the controls whose absence made that answer attackable. The flow:
//!
//!     items -> examine -> groups -> profile -> plan -> split -> model -> evaluation, controls -> probe -> file
//!     file -> probe -> apply -> verdict, evidence
//!
//! Images are found and examined by [`crate::collect`], made alike by [`crate::alike`]. The rooms of this module, each over those
//! before it:
//!
//! - `data`: what differed between the classes; which images train, choose and judge.
//! - `learn`: features, models, and the workbench that fits them.
//! - `trust`: evaluation, controls, signatures.
//! - `probe`: training with all controls, the trained probe, its answers.
//! - `say`: what may be claimed, and what speaks for each candidate.
//! - `record`: the probe file and the values of reports.

mod data;
mod error;
mod learn;
mod probe;
mod record;
mod say;
#[cfg(test)]
mod tests;
mod trust;

pub(crate) use data::{Dataset, DatasetRequest, Part, compute_profile, shares_of};
pub use data::{Fact, FactProfile, MIN_GROUPS, Profile, Shares, Source, SplitError, ValueShare};
pub use error::DiagnoseError;
pub use learn::{EmbedderCard, ProbeKind, WorkbenchSettings, load_embedder};
pub(crate) use learn::{Workbench, WorkbenchRequest};
pub use probe::{
    Answer, AppliedImages, AppliedSummary, GeneratorCard, Probe, ProbeCard, Trained, TrainingRequest,
    apply_to, compare_signature, train,
};
pub(crate) use probe::{CrossFitTask, cross_fit};
pub use record::{
    CandidateRecord, PlanRecord, ProbeCardRecord, ProbeFileError, SignatureRecord, SummaryRecord, load_probe,
    save_probe,
};
pub use say::{
    AnswerReason, CandidateSheet, Claim, Compression, DecoderAnswer, ProbeReason, Verdict, evidence_sheet,
    judge_answer, judge_probe,
};
pub use trust::{
    Controls, DecoderControl, DecoderSignature, Evaluation, LatticePeak, LeaveOneOut, RobustnessPoint,
    Separation, ShuffleControl,
};
pub(crate) use trust::{separation, shuffled_labels};
