//! The training loop of all networks.

use std::{collections::BTreeMap, path::Path};

use candle_core::DType;
use imgeval_core::{Pixels, to_hex};
use sha2::{Digest, Sha256};

use super::{
    clip_network,
    description::{NetworkDescription, NetworkShape, ResidualShape, check_classes},
    draws::{Draws, Purpose},
    error::TrainError,
    input::{Augmentation, prepare_augmented, stack},
    kind::NetworkKind,
    layers::cross_entropy,
    network::{TrainedNetwork, forward},
    optimizer,
    parameters::{Numbers, Placed, add_head, sha256_of_numbers},
    residual_network,
    settings::TrainingSettings,
    state::{Binding, EpochRecord, TrainingState},
};
use crate::{compute::Backend, model_error::ModelError};

/// Validation images that are in memory together.
const VALIDATED_AT_ONCE: usize = 16;
/// Training images on which the residual network's features are brought to one scale, at most.
const STANDARDISED_ON: usize = 64;

/// Images with labels. Each is asked for about once an epoch, in random order, so callers may want to keep them.
pub trait TrainingImages {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// # Errors
    /// If the image cannot be had; the training ends with that.
    fn pixels(&self, index: usize) -> Result<Pixels, Box<dyn std::error::Error + Send + Sync>>;

    /// The class of an image, counted from 0.
    fn label(&self, index: usize) -> usize;

    /// What tells these images from others with the same labels, for instance a hash over their hashes. A checkpoint is bound to
    /// it, so that no training goes on with other images.
    fn identity(&self) -> String;
}

/// What happens, as it happens.
#[derive(Debug, Clone, PartialEq)]
pub enum TrainingEvent {
    Started {
        n_parameters: usize,
        steps_per_epoch: usize,
        /// At most.
        epochs: usize,
        /// The epoch after which a checkpoint goes on.
        resumed_after: Option<usize>,
    },
    /// Epochs and steps are counted from 1, steps anew in each epoch.
    Step {
        epoch: usize,
        step: usize,
        steps: usize,
        loss: f32,
    },
    Epoch(EpochRecord),
    StoppedEarly {
        epoch: usize,
        best_epoch: usize,
    },
}

/// A finished training.
#[derive(Debug)]
pub struct Training {
    /// With the weights of the epoch of the lowest validation loss.
    pub network: TrainedNetwork,
    pub epochs: Vec<EpochRecord>,
    pub best_epoch: usize,
}

/// Trains a network. If `checkpoint` names a file that is there, goes on after its last epoch; it is replaced after every epoch. A
/// resumed training ends with the same bytes as an uninterrupted one; one that was finished gives its network again.
///
/// # Errors
/// If settings, labels or images are unusable, the weights or the checkpoint cannot be used, the loss stops being a number, or the
/// network fails.
pub fn train_network(
    kind: &NetworkKind,
    training: &dyn TrainingImages,
    validation: &dyn TrainingImages,
    n_classes: usize,
    settings: &TrainingSettings,
    checkpoint: Option<&Path>,
    events: &mut dyn FnMut(TrainingEvent),
) -> Result<Training, TrainError> {
    settings.check()?;
    check_classes(n_classes)?;
    check_labels("training", training, n_classes)?;
    check_labels("validation", validation, n_classes)?;
    let backend = Backend::open(&settings.compute)?;
    let (description, initial) = begin(kind, training, n_classes, settings.seed, &backend)?;
    let binding = Binding {
        network: description.clone(),
        settings_sha256: hash_of(&format!("{settings:?}")),
        images_sha256: hash_of_images(training, validation),
    };
    let resumed = match checkpoint {
        Some(path) => TrainingState::read(path, &binding)?,
        None => None,
    };
    let resumed_after = resumed.as_ref().map(|state| state.epochs.len());
    let mut state = resumed.unwrap_or_else(|| TrainingState::new(initial));
    let steps_per_epoch = training.len().div_ceil(settings.batch_size);
    events(TrainingEvent::Started {
        n_parameters: state.weights.values().map(|tensor| tensor.numbers.len()).sum(),
        steps_per_epoch,
        epochs: settings.epochs,
        resumed_after,
    });
    let trainer =
        Trainer { description: &description, settings, training, validation, backend, steps_per_epoch };
    while state.epochs.len() < settings.epochs {
        let epoch = state.epochs.len();
        let best_epoch = state.best_epoch();
        if settings.patience.is_some_and(|patience| epoch >= best_epoch + patience) {
            events(TrainingEvent::StoppedEarly { epoch, best_epoch });
            break;
        }
        let record = trainer.run_epoch(&mut state, epoch + 1, events)?;
        if record.is_best {
            state.best = state.weights.clone();
        }
        state.epochs.push(record.clone());
        if let Some(path) = checkpoint {
            state.write(path, &binding)?;
        }
        events(TrainingEvent::Epoch(record));
    }
    let best_epoch = state.best_epoch();
    let Trainer { backend, .. } = trainer;
    let network = TrainedNetwork::new(description, state.best, backend)?;
    Ok(Training { network, epochs: state.epochs, best_epoch })
}

/// Description and initial numbers: those of CLIP's file, or random ones scaled on training images.
fn begin(
    kind: &NetworkKind,
    training: &dyn TrainingImages,
    n_classes: usize,
    seed: u64,
    backend: &Backend,
) -> Result<(NetworkDescription, Numbers), TrainError> {
    let (shape, numbers, crops_per_side) = match kind {
        NetworkKind::Clip(clip) => {
            let (shape, mut numbers) = clip_network::load(&clip.weights, clip.framing)?;
            #[expect(clippy::cast_precision_loss, reason = "widths are small")]
            let bound = 1.0 / (shape.embedding as f32).sqrt();
            add_head(&mut numbers, seed, n_classes, shape.embedding, bound);
            (NetworkShape::Clip(shape), numbers, clip.crops_per_side)
        }
        NetworkKind::Residual(residual) => {
            let sizes = ResidualShape { crop: residual.crop, width: residual.width, blocks: residual.blocks };
            let shape = NetworkShape::Residual(sizes.clone());
            // Checked before anything is made of these sizes.
            let draft = NetworkDescription::new(shape.clone(), n_classes, 1, String::new())?;
            let mut numbers = residual_network::initial(&sizes, seed);
            add_head(&mut numbers, seed, n_classes, shape.features(), 0.0);
            let features = features_of_some(&draft, &numbers, training, seed, backend)?;
            residual_network::standardise(&mut numbers, &features);
            (shape, numbers, residual.crops_per_side)
        }
    };
    let sha256 = sha256_of_numbers(&numbers);
    Ok((NetworkDescription::new(shape, n_classes, crops_per_side, sha256)?, numbers))
}

/// What the untrained network makes of the middle of some training images.
fn features_of_some(
    description: &NetworkDescription,
    numbers: &Numbers,
    training: &dyn TrainingImages,
    seed: u64,
    backend: &Backend,
) -> Result<Vec<Vec<f32>>, TrainError> {
    // No epoch has the number 0.
    let order = Draws::new(seed, &Purpose::Order { epoch: 0 }).order(training.len());
    let network = TrainedNetwork::new(description.clone(), numbers.clone(), backend.clone())?;
    let mut features = Vec::new();
    for &index in order.iter().take(STANDARDISED_ON) {
        let pixels = pixels_of("training", training, index)?;
        let outputs = network.apply_numbered(std::slice::from_ref(&pixels), index)?;
        features.extend(outputs.into_iter().map(|output| output.features));
    }
    Ok(features)
}

fn check_labels(set: &'static str, images: &dyn TrainingImages, n_classes: usize) -> Result<(), TrainError> {
    if images.is_empty() {
        return Err(TrainError::Empty { set });
    }
    let mut is_there = vec![false; n_classes];
    for index in 0..images.len() {
        let label = images.label(index);
        match is_there.get_mut(label) {
            Some(is_there) => *is_there = true,
            None => return Err(TrainError::Label { set, index, label, n_classes }),
        }
    }
    match is_there.iter().position(|is_there| !is_there) {
        Some(class) => Err(TrainError::ClassWithoutImages { set, class }),
        None => Ok(()),
    }
}

fn hash_of(text: &str) -> String {
    to_hex(&Sha256::digest(text))
}

fn hash_of_images(training: &dyn TrainingImages, validation: &dyn TrainingImages) -> String {
    let of = |images: &dyn TrainingImages| {
        let labels: Vec<usize> = (0..images.len()).map(|index| images.label(index)).collect();
        format!("{labels:?} {}", images.identity())
    };
    hash_of(&format!("{}\n{}", of(training), of(validation)))
}

struct Trainer<'a> {
    description: &'a NetworkDescription,
    settings: &'a TrainingSettings,
    training: &'a dyn TrainingImages,
    validation: &'a dyn TrainingImages,
    backend: Backend,
    steps_per_epoch: usize,
}

impl Trainer<'_> {
    /// `epoch` is counted from 1.
    fn run_epoch(
        &self,
        state: &mut TrainingState,
        epoch: usize,
        events: &mut dyn FnMut(TrainingEvent),
    ) -> Result<EpochRecord, TrainError> {
        let Self { settings, steps_per_epoch: steps, .. } = *self;
        let order = Draws::new(settings.seed, &Purpose::Order { epoch }).order(self.training.len());
        let mut sum = 0.0;
        for (index, batch) in order.chunks(settings.batch_size).enumerate() {
            let step = index + 1;
            let loss = self.run_step(state, epoch, batch)?.ok_or(TrainError::Diverged { epoch, step })?;
            #[expect(clippy::cast_precision_loss, reason = "batches are small")]
            let weight = batch.len() as f64;
            sum += f64::from(loss) * weight;
            events(TrainingEvent::Step { epoch, step, steps, loss });
        }
        let (validation_loss, validation_accuracy) = self.validate(state, epoch)?;
        let best = state.epochs.iter().map(|record| record.validation_loss).fold(f64::INFINITY, f64::min);
        #[expect(clippy::cast_precision_loss, reason = "image counts are far below 2^53")]
        let training_loss = sum / self.training.len() as f64;
        let is_best = validation_loss < best;
        Ok(EpochRecord { epoch, training_loss, validation_loss, validation_accuracy, is_best })
    }

    /// One step on the images of a batch: its loss, or none if that is no longer finite.
    fn run_step(
        &self,
        state: &mut TrainingState,
        epoch: usize,
        batch: &[usize],
    ) -> Result<Option<f32>, TrainError> {
        let Self { settings, .. } = *self;
        let shape = &self.description.network;
        let augmentation = Augmentation { flip: settings.flip, random_crop: settings.random_crop };
        let mut crops = Vec::with_capacity(batch.len());
        let mut labels = Vec::with_capacity(batch.len());
        for &image in batch {
            let pixels = pixels_of("training", self.training, image)?;
            let mut draws = Draws::new(settings.seed, &Purpose::Augmentation { epoch, image });
            crops.push(prepare_augmented(shape, &pixels, image, augmentation, &mut draws)?);
            labels.push(self.training.label(image));
        }
        let batch = stack(shape, &crops, &self.backend)?;
        let (loss, gradients) = gradients(shape, &state.weights, &batch, &labels, &self.backend)?;
        if !loss.is_finite() {
            return Ok(None);
        }
        let steps = settings.epochs * self.steps_per_epoch;
        let rate =
            optimizer::learning_rate(settings.learning_rate, settings.warm_up_share, state.step, steps);
        let TrainingState { weights, moments, step, .. } = state;
        optimizer::step(weights, moments, &gradients, *step, rate, settings.weight_decay);
        *step += 1;
        Ok(Some(loss))
    }

    /// Mean cross-entropy and the share of images that are told right.
    #[expect(clippy::cast_precision_loss, reason = "image counts are far below 2^53")]
    fn validate(&self, state: &TrainingState, epoch: usize) -> Result<(f64, f64), TrainError> {
        let network =
            TrainedNetwork::new(self.description.clone(), state.weights.clone(), self.backend.clone())?;
        let (mut loss, mut n_right) = (0.0, 0_usize);
        let count = self.validation.len();
        for first in (0..count).step_by(VALIDATED_AT_ONCE) {
            let indices = first..count.min(first + VALIDATED_AT_ONCE);
            let images = indices.clone().map(|index| pixels_of("validation", self.validation, index));
            let outputs = network.apply_numbered(&images.collect::<Result<Vec<_>, _>>()?, first)?;
            for (index, output) in indices.zip(outputs) {
                let label = self.validation.label(index);
                let (one, is_right) = judge(&output.logits, label);
                loss += one;
                n_right += usize::from(is_right);
            }
        }
        if !loss.is_finite() {
            return Err(TrainError::Diverged { epoch, step: self.steps_per_epoch });
        }
        Ok((loss / count as f64, n_right as f64 / count as f64))
    }
}

/// Cross-entropy in 64 bits, and whether the label's logit is the first largest.
fn judge(logits: &[f32], label: usize) -> (f64, bool) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|x| f64::from(x - largest).exp()).sum();
    let loss = sum.ln() - f64::from(logits[label] - largest);
    (loss, logits.iter().position(|x| *x == largest) == Some(label))
}

fn pixels_of(set: &'static str, images: &dyn TrainingImages, index: usize) -> Result<Pixels, TrainError> {
    images.pixels(index).map_err(|source| TrainError::Image { set, index, source })
}

/// The mean cross-entropy of a batch and its gradient for every parameter; parameters that nothing depends on have zeros.
pub(super) fn gradients(
    shape: &NetworkShape,
    weights: &Numbers,
    batch: &candle_core::Tensor,
    labels: &[usize],
    backend: &Backend,
) -> Result<(f32, BTreeMap<String, Vec<f32>>), TrainError> {
    let variables = Placed::variables(weights, backend)?;
    let labels: Vec<u32> = labels.iter().map(|&label| u32::try_from(label).unwrap_or(u32::MAX)).collect();
    let loss = cross_entropy(&forward(shape, &variables, batch)?.logits, &labels)?;
    let store = loss.backward()?;
    let mut gradients = BTreeMap::new();
    for (name, variable) in variables.iter() {
        let gradient = store.get(variable).ok_or_else(|| ModelError::NoGradient { name: name.clone() })?;
        let numbers = gradient.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        gradients.insert(name.clone(), numbers);
    }
    Ok((loss.to_scalar::<f32>()?, gradients))
}
