//! What may be said: rules that turn measurements into reasons and a claim, and what speaks for each candidate.

mod claim;
mod evidence;
mod reason;
mod verdict;

pub use claim::Claim;
pub use evidence::{CandidateSheet, evidence_sheet};
pub use reason::{AnswerReason, Compression, DecoderAnswer, ProbeReason};
pub use verdict::{Verdict, judge_answer, judge_probe};
