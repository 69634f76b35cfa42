//! Drives the stages of a run: the work to do is the plan minus what the store contains, done by a bounded number of
//! threads, and each result is stored when it arrives. Knows no suite, file format, detector or provider; prints
//! nothing, but emits events.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

mod calls;
mod colors;
mod import;
mod observe;
mod observer;
mod plan;
mod progress;

pub use calls::{
    Broken, CallError, CallEvent, CallSummary, Conversation, Decode, GenerateSettings, GenerationCase,
    ItemHistory, JudgeSettings, JudgeStep, MakeQuestion, RereadImages, RereadSummary, RereadWords,
    RewriteSettings, RewriteSummary, RoundInput, Shortage, Step, StopSignal, Stopped, generate_images,
    judge_images, judgment_histories, plan_generation, plan_judgment, reread_images, reread_judgments,
    rewrite_prompts, rewrite_stands, sketch_request,
};
pub use colors::{ColorsThere, ImageWork, NamingLimits, detections_to_name, plan_image};
pub use import::{CandidateFile, ImageFacts, ImportSettings, ImportSummary, import_files};
pub use observe::{ObserveError, ObserveSettings, ObserveSummary, observe_images};
pub use observer::{Conditions, EVIDENCE_FLOOR, Observer};
pub use plan::{FileWork, plan_import};
pub use progress::Progress;
