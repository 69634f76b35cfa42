//! Statistics behind the reported estimates, and pixel measures. Everything is a pure function of its input and a seed.

#![forbid(unsafe_code)]

mod agreement;
pub mod classification;
mod clustered;
mod covariance;
pub mod edit;
#[cfg(test)]
mod fixture;
mod intervals;
pub mod logistic;
mod paired;
pub mod spectra;

pub use agreement::{
    Agreement, Drift, JudgeNoise, compute_agreement, compute_drift, compute_noise, kendall_tau_b, spearman,
};
pub use clustered::{
    BootstrapSettings, Cluster, StratifiedEstimate, Stratum, estimate_strata, estimate_weighted_strata,
};
pub use intervals::wilson_interval;
pub use paired::{PairedDifference, PairedStratum, paired_difference};
