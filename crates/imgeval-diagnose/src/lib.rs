//! What can be found out about a generator beside its scores.
//!
//! - [`architecture`]: which kind of decoder drew these pictures, with the controls that keep the answer honest.

#![forbid(unsafe_code)]

pub mod architecture;
