//! Statistics behind the reported estimates, and pixel measures. Everything is a pure function of its input and a seed.

#![forbid(unsafe_code)]

mod clustered;
pub mod edit;
mod intervals;

pub use clustered::{BootstrapSettings, Cluster, StratifiedEstimate, Stratum, estimate_strata};
pub use intervals::wilson_interval;
