//! What a probe said of images, as reports hold it. The order of the fields is the order in which they are written.

use serde::Serialize;

use super::card::MeasuredRecord;
use crate::architecture::{probe::AppliedSummary, say::CandidateSheet};

/// All answers together.
#[derive(Debug, Clone, Serialize)]
pub struct SummaryRecord {
    shares: Vec<MeasuredRecord>,
    outside: Option<MeasuredRecord>,
    mean_confidence: Vec<f64>,
    histogram: [usize; 10],
    n_images: usize,
    n_groups: usize,
    n_lossy: usize,
    lowest_quality: Option<u8>,
    n_hidden_grid: usize,
}

impl From<&AppliedSummary> for SummaryRecord {
    fn from(summary: &AppliedSummary) -> Self {
        Self {
            shares: summary.shares.iter().copied().map(MeasuredRecord::from).collect(),
            outside: summary.outside.map(MeasuredRecord::from),
            mean_confidence: summary.mean_confidence.clone(),
            histogram: summary.histogram,
            n_images: summary.n_images,
            n_groups: summary.n_groups,
            n_lossy: summary.n_lossy,
            lowest_quality: summary.lowest_quality,
            n_hidden_grid: summary.n_hidden_grid,
        }
    }
}

/// What speaks for and against one candidate.
#[derive(Debug, Clone, Serialize)]
pub struct CandidateRecord {
    candidate: &'static str,
    title: &'static str,
    predicts: Vec<&'static str>,
    measured: Vec<String>,
    would_decide: Vec<&'static str>,
}

impl From<&CandidateSheet> for CandidateRecord {
    fn from(sheet: &CandidateSheet) -> Self {
        Self {
            candidate: sheet.candidate,
            title: sheet.title,
            predicts: sheet.predicts.to_vec(),
            measured: sheet.measured.clone(),
            would_decide: sheet.would_decide.to_vec(),
        }
    }
}
