//! What was learned: from squares to logits.

use imgeval_core::Pixels;
use imgeval_metrics::logistic::{
    Features, LearnError, LogisticModel, LogisticSettings, balanced_weights, fit_logistic, softmax,
};

use imgeval_vision::train::{EpochRecord, NetworkDescription, TrainedNetwork};

use crate::architecture::error::DiagnoseError;

/// Strengths of the penalty that are tried; the one with the least loss on the validation groups is taken.
const PENALTIES: [f64; 4] = [0.1, 1.0, 10.0, 100.0];

/// What a model says of one square.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    /// One for each class, before calibration.
    pub logits: Vec<f64>,
    /// What the last layer reads, for the distance from what was trained on.
    pub features: Vec<f32>,
}

/// A fitted model.
#[derive(Debug)]
pub(crate) enum Model {
    /// Logistic regression on an extractor's rows.
    Linear(LogisticModel),
    /// A network with the record of its training.
    Network { network: Box<TrainedNetwork>, epochs: Vec<EpochRecord> },
}

impl Model {
    pub(crate) fn description(&self) -> Option<&NetworkDescription> {
        match self {
            Self::Linear(_) => None,
            Self::Network { network, .. } => Some(network.describe()),
        }
    }

    pub(crate) fn epochs(&self) -> &[EpochRecord] {
        match self {
            Self::Linear(_) => &[],
            Self::Network { epochs, .. } => epochs,
        }
    }
}

pub(crate) fn network_outputs(
    network: &TrainedNetwork,
    squares: &[Pixels],
) -> Result<Vec<Output>, DiagnoseError> {
    let outputs = network.apply(squares)?.into_iter().map(|output| Output {
        logits: output.logits.into_iter().map(f64::from).collect(),
        features: output.features,
    });
    Ok(outputs.collect())
}

pub(crate) fn linear_outputs(
    model: &LogisticModel,
    rows: Vec<Vec<f32>>,
) -> Result<Vec<Output>, DiagnoseError> {
    rows.into_iter().map(|features| Ok(Output { logits: model.logits(&features)?, features })).collect()
}

/// Rows and labels of a part.
pub(crate) struct Labelled {
    pub(crate) values: Vec<f32>,
    pub(crate) n_features: usize,
    pub(crate) labels: Vec<usize>,
}

impl Labelled {
    pub(crate) fn of(rows: &[Vec<f32>], labels: &[usize], indices: &[usize]) -> Self {
        Self {
            values: indices.iter().flat_map(|index| &rows[*index]).copied().collect(),
            n_features: rows.first().map_or(0, Vec::len),
            labels: indices.iter().map(|index| labels[*index]).collect(),
        }
    }

    pub(crate) fn features(&self) -> Result<Features<'_>, LearnError> {
        Features::new(&self.values, self.n_features)
    }
}

/// Fits with balanced classes; the penalty is the one that does best on the validation rows, of equals the strongest.
pub(crate) fn fit_linear(
    training: &Labelled,
    validation: &Labelled,
    n_classes: usize,
) -> Result<LogisticModel, LearnError> {
    let weights = balanced_weights(&training.labels, n_classes);
    let mut best: Option<(f64, LogisticModel)> = None;
    for penalty in PENALTIES.into_iter().rev() {
        let settings = LogisticSettings { penalty, ..LogisticSettings::default() };
        let fit = fit_logistic(training.features()?, &training.labels, n_classes, Some(&weights), settings)?;
        let loss = log_loss(&fit.model, validation)?;
        if best.as_ref().is_none_or(|(least, _)| loss < *least) {
            best = Some((loss, fit.model));
        }
    }
    best.map(|(_, model)| model).ok_or(LearnError::Settings { what: "no penalty gives a finite loss" })
}

fn log_loss(model: &LogisticModel, rows: &Labelled) -> Result<f64, LearnError> {
    let mut sum = 0.0;
    for (row, label) in rows.values.chunks_exact(rows.n_features.max(1)).zip(&rows.labels) {
        sum -= softmax(&model.logits(row)?)[*label].max(1e-300).ln();
    }
    Ok(sum)
}
