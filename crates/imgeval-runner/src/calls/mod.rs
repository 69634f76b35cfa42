//! Paid calls: asks generators, judges and rewriters for what a run does not hold yet, resumable, metered, within a budget.
//!
//! ```text
//!               plan minus store
//!                      |
//! coordinator: jobs, budget, stops              one task, holds all state
//!        |  prepare, call, check  ^
//!        v                        |
//! tasks, at most as many as `concurrency`       read inputs, ask, hash, decode, store the image file
//!        |  begun, attempt        ^ committed
//!        v                        |
//! writer thread, owns the run                   whatever is queued is one transaction
//! ```
//!
//! Images, judgments and rewritten prompts are each a [`work::Work`]: what is left of it, how its calls are prepared and
//! recorded, and what becomes of their answers. The rest is the same for all.
//!
//! A call is on record before it is sent and its end is on record before anybody is told, so a killed process costs
//! at most the calls that were under way, and these are known.

mod answer;
mod budget;
mod call;
mod coordinator;
mod images;
mod judging;
mod judgment_plan;
mod permit;
mod plan;
mod replies;
mod reread;
mod rewriting;
mod talk;
mod types;
mod work;
mod writer;

pub use budget::Shortage;
pub use images::generate_images;
pub use judging::judge_images;
pub use judgment_plan::{
    ItemHistory, JudgeSettings, JudgeStep, MakeQuestion, judgment_histories, plan_judgment,
};
pub use plan::{Conversation, Step, plan_generation};
pub use reread::{RereadImages, RereadSummary, RereadWords, reread_images, reread_judgments};
pub use rewriting::{rewrite_prompts, rewrite_stands};
pub use talk::sketch_request;
pub use types::{
    Broken, CallError, CallEvent, CallSummary, Decode, GenerateSettings, GenerationCase, RewriteSettings,
    RewriteSummary, RoundInput, StopSignal, Stopped,
};
