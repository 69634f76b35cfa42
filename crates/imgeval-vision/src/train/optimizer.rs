//! AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) as PyTorch's `torch.optim.AdamW` computes it, and the learning rate's
//! schedule: linear warm-up, then half a cosine to zero.
//!
//! Weights and moments are plain lists in memory, whatever the device; gradients are fetched from there. That costs a device two
//! transfers a step and keeps the state in one place.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::parameters::{NamedTensor, Numbers};

const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;
/// Numbers that one task updates.
const CHUNK: usize = 1 << 14;

/// Running means of the gradients and of their squares, by parameter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moments {
    pub(super) first: BTreeMap<String, Vec<f32>>,
    pub(super) second: BTreeMap<String, Vec<f32>>,
}

impl Moments {
    pub(super) fn zero(weights: &Numbers) -> Self {
        let zeros: BTreeMap<String, Vec<f32>> =
            weights.iter().map(|(name, tensor)| (name.clone(), vec![0.0; tensor.numbers.len()])).collect();
        Self { first: zeros.clone(), second: zeros }
    }
}

/// The learning rate of a step, counted from 0, of `steps` in all.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "step counts are small"
)]
pub(super) fn learning_rate(peak: f64, warm_up_share: f64, step: usize, steps: usize) -> f64 {
    let warm_up = (warm_up_share * steps as f64).round() as usize;
    if step < warm_up {
        return peak * (step + 1) as f64 / warm_up as f64;
    }
    let progress = (step - warm_up) as f64 / (steps - warm_up).max(1) as f64;
    peak * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
}

/// Whether weight decay applies: to matrices and kernels, not to biases, norms and embeddings.
fn is_decayed(name: &str, tensor: &NamedTensor) -> bool {
    tensor.shape.len() > 1 && !name.ends_with("_embedding")
}

/// One step, counted from 0. `gradients` has a list for every parameter.
#[expect(clippy::cast_possible_truncation, reason = "the precision of the network")]
pub(super) fn step(
    weights: &mut Numbers,
    moments: &mut Moments,
    gradients: &BTreeMap<String, Vec<f32>>,
    step: usize,
    learning_rate: f64,
    weight_decay: f64,
) {
    let power = i32::try_from(step.saturating_add(1)).unwrap_or(i32::MAX);
    let correction = |beta: f64| 1.0 - beta.powi(power);
    let step_size = (learning_rate / correction(BETAS.0)) as f32;
    let second_scale = correction(BETAS.1).sqrt() as f32;
    let (keep_first, keep_second) = (BETAS.0 as f32, BETAS.1 as f32);
    let (take_first, take_second) = ((1.0 - BETAS.0) as f32, (1.0 - BETAS.1) as f32);
    let states = weights.iter_mut().zip(moments.first.values_mut().zip(moments.second.values_mut()));
    for (((name, tensor), (first, second)), gradient) in states.zip(gradients.values()) {
        let decay = if is_decayed(name, tensor) { weight_decay } else { 0.0 };
        let kept = (1.0 - learning_rate * decay) as f32;
        let chunks = tensor.numbers.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK));
        let chunks = chunks.zip(first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK)));
        chunks.for_each(|((weights, gradients), (first, second))| {
            let numbers = weights.iter_mut().zip(gradients).zip(first.iter_mut().zip(second));
            for ((weight, &gradient), (first, second)) in numbers {
                *first = keep_first * *first + take_first * gradient;
                *second = keep_second * *second + take_second * gradient * gradient;
                let spread = second.sqrt() / second_scale + EPSILON as f32;
                *weight = *weight * kept - step_size * *first / spread;
            }
        });
    }
}
