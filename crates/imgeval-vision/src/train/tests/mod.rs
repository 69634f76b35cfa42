//! Gradients and steps against PyTorch (`tests/fixtures/training`, made by `scripts/reference/clip_training.py`), and what must hold
//! of every training.

use std::path::{Path, PathBuf};

use candle_core::Tensor;

use crate::{checkpoint::Checkpoint, ops::tensor::from_numbers};

mod networks;
mod operations;
mod training;

/// Of the largest number of a tensor.
const TOLERANCE: f32 = 1e-4;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/training")
}

/// A file of reference numbers.
struct Reference(Checkpoint);

impl Reference {
    fn open(name: &str) -> Self {
        Self(Checkpoint::open(&fixtures().join(name)).unwrap())
    }

    fn numbers(&self, name: &str) -> Vec<f32> {
        self.0.read_f32(name).unwrap()
    }

    fn tensor(&self, name: &str) -> Tensor {
        from_numbers(self.numbers(name), &self.0.info(name).unwrap().shape).unwrap()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.tensors().map(|(name, _)| name)
    }
}

/// Largest differences are measured against the largest expected number, but at least `unit`.
fn assert_near(found: &[f32], expected: &[f32], unit: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(unit, |largest, x| largest.max(x.abs()));
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        // Written so that NaN does not pass.
        assert!(
            (found - expected).abs() <= TOLERANCE * scale,
            "{what}, {place}: {found} instead of {expected}"
        );
    }
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.to_dtype(candle_core::DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}
