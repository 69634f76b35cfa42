//! GenEval as a reward for training: what clients of reward servers send, and the answers that they understand.
//!
//! Requests come from training code on other machines. Nothing of them is executed, what cannot be read is refused with one sentence, and
//! no answer holds a number that was not measured.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

pub mod flow_grpo;
pub mod pickle;
pub mod server;
