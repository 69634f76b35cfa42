//! What can be found out about a generator beside its scores.
//!
//! - [`architecture`]: which kind of decoder drew these pictures, with the controls that keep the answer honest.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

pub mod architecture;
