//! Statistics behind the reported estimates, and pixel measures. Everything is a pure function of its input and a seed.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

mod agreement;
pub mod classification;
mod clustered;
mod comparison;
pub mod consistency;
mod covariance;
pub mod detection;
pub mod drift;
pub mod edit;
#[cfg(test)]
mod fixture;
pub mod image;
mod intervals;
mod judge_noise;
pub mod locality;
mod location;
pub mod logistic;
mod missing;
mod multiplicity;
mod paired;
mod pairs;
mod permutation;
pub mod plane;
mod power;
pub mod registration;
mod resampling;
pub mod spectra;
pub mod survival;
pub mod text;

pub use agreement::{
    Agreement, Drift, JudgeNoise, compute_agreement, compute_drift, compute_noise, kendall_tau_b, spearman,
};
pub use clustered::{
    BootstrapSettings, Cluster, StratifiedEstimate, Stratum, estimate_strata, estimate_weighted_strata,
};
pub use comparison::{
    Comparison, ComparisonTest, Difference, IndependentPart, PairedPart, compare_independent, compare_runs,
};
pub use intervals::{clopper_pearson_interval, wilson_interval};
pub use judge_noise::{SharedJudgeNoise, widen_for_judge};
pub use location::{PairedShift, UnpairedShift, paired_shift, unpaired_shift};
pub use missing::{IncompleteCluster, IncompletePart, WorstCase, WorstCases, bound_missing};
pub use multiplicity::{RankRange, holm, rank_with_ties};
pub use paired::{PairedDifference, PairedStratum, paired_difference};
pub use pairs::PairedCluster;
pub use power::{ComparisonPlan, PlannedComparison, PromptSpread, plan_comparison};
