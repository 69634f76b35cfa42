//! How to train.

use crate::{compute::ComputeOptions, train::error::TrainError};

/// Everything that steers a training; part of what a checkpoint is bound to.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSettings {
    /// Of the order, the augmentation and the initial weights.
    pub seed: u64,
    /// Maximum number of epochs, 1 to 10,000.
    pub epochs: usize,
    /// Images of one step, 1 to 4096.
    pub batch_size: usize,
    /// At its peak; above 0, at most 1.
    pub learning_rate: f64,
    /// Decoupled (Loshchilov and Hutter 2019, arXiv 1711.05101), 0 to 1. Never on biases, norms and embeddings.
    pub weight_decay: f64,
    /// The share of all steps in which the learning rate rises, 0 to 0.9; then it falls along a cosine.
    pub warm_up_share: f64,
    /// Stops after this many epochs without a lower validation loss; the best weights are always kept.
    pub patience: Option<usize>,
    /// Half of the images are mirrored left to right.
    pub flip: bool,
    /// Crops are drawn anew each time; without, they come from the middle. Never scaled: that would erase traces.
    pub random_crop: bool,
    pub compute: ComputeOptions,
}

impl TrainingSettings {
    /// For the residual network.
    #[must_use]
    pub fn residual() -> Self {
        Self {
            seed: 0,
            epochs: 30,
            batch_size: 16,
            learning_rate: 2e-3,
            weight_decay: 0.01,
            warm_up_share: 0.1,
            patience: Some(8),
            flip: true,
            random_crop: true,
            compute: ComputeOptions::default(),
        }
    }

    /// For CLIP.
    #[must_use]
    pub fn clip() -> Self {
        Self { epochs: 10, learning_rate: 1e-5, weight_decay: 0.1, patience: Some(3), ..Self::residual() }
    }

    pub(super) fn check(&self) -> Result<(), TrainError> {
        let require = |holds: bool, name, found: String, possible| {
            if holds { Ok(()) } else { Err(TrainError::Setting { name, found, possible }) }
        };
        let (rate, decay, warm_up) = (self.learning_rate, self.weight_decay, self.warm_up_share);
        require((1..=10_000).contains(&self.epochs), "epochs", self.epochs.to_string(), "1 to 10000")?;
        require(
            (1..=4096).contains(&self.batch_size),
            "batch_size",
            self.batch_size.to_string(),
            "1 to 4096",
        )?;
        require(rate > 0.0 && rate <= 1.0, "learning_rate", rate.to_string(), "above 0, at most 1")?;
        require((0.0..=1.0).contains(&decay), "weight_decay", decay.to_string(), "0 to 1")?;
        require((0.0..=0.9).contains(&warm_up), "warm_up_share", warm_up.to_string(), "0 to 0.9")?;
        require(self.patience != Some(0), "patience", "0".to_owned(), "1 or more, or none")
    }
}
