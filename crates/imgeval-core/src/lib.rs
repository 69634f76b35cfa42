//! What imgeval talks about: cases, samples, evidence, scores and estimates, and the ports through which
//! detectors, generators and judges are reached. No network, clock or disk here.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

pub mod categories;
mod counted;
mod durations;
mod estimate;
mod evidence;
mod facts;
mod generation;
mod ids;
pub mod json;
mod judging;
mod mask;
pub mod memory;
mod memory_size;
mod money;
mod natural;
mod outcome;
mod pixels;
mod ports;
mod protocol;
mod reasoning;
mod sample;
mod shard;
mod text;
mod whole_reply;

pub use categories::{Category, Color};
pub use counted::counted;
pub use durations::human_duration;
pub use estimate::{Estimate, Interval, IntervalMethod};
pub use evidence::{BoundingBox, ColorRule, ColorScores, Detection, Evidence};
pub use facts::{Fact, facts_of};
pub use generation::{
    Always, Answer, Capabilities, Cost, EndpointMeta, Generator, ImageParameters, ImageRequest, InputImage,
    Permit, ProviderDown, RequestPart, Rewriter, RoundContext, SizeRequest, TextAnswer, Turn, Usage,
};
pub use ids::{CaseId, ContentHash, ObserverId, SampleId, WorkKey, to_hex};
pub use judging::{Decoding, Judge, JudgeIdentity, JudgeQuestion, JudgeTurn, QuestionPart, ReplySchema};
pub use mask::{Mask, MaskError};
pub use memory_size::parse_memory;
pub use money::Usd;
pub use natural::natural_order;
pub use outcome::{Failure, FailureKind, Outcome};
pub use pixels::{GrayPixels, Pixels, SharedBytes};
pub use ports::{
    ColorNamer, ColorScope, DetectError, Detector, InputSize, ObserverMeta, ReadError, TextLine, TextReader,
};
pub use protocol::Protocol;
pub use reasoning::answer_of;
pub use sample::{Case, ImageFormat, ImageNote, ImageRecord, ImageRef, Sample, Score};
pub use shard::{Shard, ShardError};
pub use text::{is_steering, sentence_of, visible, visible_lines};
pub use whole_reply::{ReadImage, Reading, WholeReply};
