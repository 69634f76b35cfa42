//! Paid calls: asks generators, judges and rewriters for what a run does not hold yet, resumable, metered, within a budget.
//!
//! ```text
//!               plan minus store
//!                      |
//! coordinator: conversations, budget, stops     one task, holds all state
//!        |  prepare, call, check  ^
//!        v                        |
//! tasks, at most as many as `concurrency`       read inputs, ask, hash, decode, store the image file
//!        |  begun, attempt        ^ committed
//!        v                        |
//! writer thread, owns the run                   whatever is queued is one transaction
//! ```
//!
//! A call is on record before it is sent and its end is on record before anybody is told, so a killed process costs
//! at most the calls that were under way, and these are known.

mod answer;
mod budget;
mod call;
mod images;
mod judging;
mod permit;
mod plan;
mod replies;
mod reread;
mod rewriting;
mod talk;
mod types;
mod writer;

pub use budget::Shortage;
pub use images::generate_images;
pub use judging::{
    ItemHistory, JudgeEvent, JudgeSettings, JudgeStep, JudgeSummary, MakeQuestion, judge_images,
    judgment_histories, plan_judgment,
};
pub use plan::{Conversation, Step, plan_generation};
pub use reread::{RereadImages, RereadSummary, RereadWords, reread_images, reread_judgments};
pub use rewriting::{rewrite_prompts, rewrite_stands};
pub use talk::sketch_request;
pub use types::{
    Broken, CallError, Decode, GenerateEvent, GenerateSettings, GenerateSummary, GenerationCase,
    RewriteEvent, RewriteSettings, RewriteSummary, RoundInput, StopSignal, Stopped,
};
