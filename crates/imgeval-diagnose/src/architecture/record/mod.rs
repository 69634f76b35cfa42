//! What is written: the probe file and the values of reports, in forms of their own, so that the program's types may change while
//! files of a version stay what they are.

mod answer;
mod card;
mod held;
mod probe_file;

pub use answer::{CandidateRecord, SummaryRecord};
pub use card::{PlanRecord, ProbeCardRecord, SignatureRecord};
#[cfg(test)]
pub(crate) use probe_file::probe_to_bytes;
pub use probe_file::{ProbeFileError, load_probe, save_probe};
