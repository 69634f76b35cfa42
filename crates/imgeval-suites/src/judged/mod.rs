//! What judged suites share: protocols as data, the wording of questions, and the reading of replies.
//!
//! A [`JudgeProtocol`] says everything that can change a judge's answer and how the answer is read. Its wording is
//! found in the files of a benchmark ([`crate::wording`]), read from a file ([`JudgeProtocol::from_toml`]) or, for
//! Reason-Edit, our own ([`JudgeProtocol::reason_edit`]). Replies are read by [`JudgeProtocol::parse_reply`], a pure
//! function: which forms it accepts stands in docs/judge-replies.md.

mod alternatives;
mod edit_rubric;
mod protocol;
mod protocol_file;
mod replies;
mod retired;
mod swapped;
mod template;

pub use alternatives::{Alternative, first_alternatives};
pub(crate) use edit_rubric::reply_schema as edit_scores_schema;
pub use protocol::{Attachment, ImagePreparation, JudgeProtocol, MessagePart, ProtocolError};
pub use protocol_file::ProtocolFileError;
pub use replies::{READING_VERSION, ReplyFormat, ReplyReader, Scores, Strictness, Unparsed};
pub use retired::{RetiredJudge, find_retired_judge};
pub use swapped::swapped;
pub use template::{Field, MissingField, Template, TemplateError};
