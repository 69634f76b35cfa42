//! Every operation, by the kernels on every instruction set of this machine and by candle's operations in 64 bits, against
//! plain loops over 64-bit numbers.
//!
//! Tolerances are in [`UNIT`]s, the relative error of one rounding. A sum of n random terms in [-1, 1] is at most a few
//! sqrt(n) large all along, so its n roundings, which do not all point the same way, come to less than 2 n units.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use candle_core::{DType, Device, Result, Tensor};
use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestRunner},
};
use safetensors::tensor::{Dtype, TensorView};

use super::{
    simd::{instruction_set_name, testing::on_every_instruction_set},
    tensor::from_numbers,
};
use crate::{
    checkpoint::{Checkpoint, Parameters},
    random_weights::Stream,
};

mod activation;
mod attention;
mod gemm;
mod maps;
mod masks;
mod norm;
mod simd;
mod window;

/// Half of a unit in the last place of 1.
const UNIT: f64 = 1.0 / (1 << 24) as f64;

/// Runs a property with random arguments on every instruction set.
fn check<S: Strategy + Sync>(strategy: S, property: impl Fn(S::Value) + Sync) {
    let cases = if cfg!(miri) { 2 } else { 32 };
    on_every_instruction_set(|| {
        let config = Config { cases, failure_persistence: None, max_shrink_iters: 64, ..Config::default() };
        let result = TestRunner::new(config).run(&strategy, |arguments| {
            property(arguments);
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{}: {error}", instruction_set_name()));
    });
}

/// The number, or a smaller one for the interpreter, which is a thousand times slower.
const fn unless_miri(number: usize, small: usize) -> usize {
    if cfg!(miri) { small } else { number }
}

/// Numbers in [-1, 1).
fn random(seed: u64, count: usize) -> Vec<f32> {
    Stream(seed).take(count).map(|x| x as f32).collect()
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().copied().map(f64::from).collect()
}

fn tensor(numbers: &[f32], shape: &[usize]) -> Tensor {
    from_numbers(numbers.to_vec(), shape).unwrap()
}

/// Parameters of a layer, random in [-1, 1), and their numbers.
fn parameters(seed: u64, shapes: &[(&str, &[usize])]) -> (Parameters, BTreeMap<String, Vec<f64>>) {
    let mut stream = Stream(seed);
    let numbers: Vec<Vec<f32>> = shapes
        .iter()
        .map(|(_, shape)| stream.by_ref().take(shape.iter().product()).map(|x| x as f32).collect())
        .collect();
    let bytes: Vec<Vec<u8>> =
        numbers.iter().map(|numbers| numbers.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views = shapes
        .iter()
        .zip(&bytes)
        .map(|((name, shape), bytes)| (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap()));
    let file = safetensors::serialize(views, None).unwrap();
    let checkpoint = Checkpoint::from_bytes(Path::new("random.safetensors"), file).unwrap();
    let names = shapes.iter().map(|(name, _)| (*name).to_owned());
    (Parameters::new(Arc::new(checkpoint)), names.zip(numbers.iter().map(|x| wide(x))).collect())
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64, how: &str) {
    assert_eq!(found.len(), expected.len(), "{how}");
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        // Written so that NaN does not pass.
        assert!(
            difference <= tolerance,
            "{how}, {place}: {found} instead of {expected}, {tolerance} allowed"
        );
    }
}

fn numbers_of(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// The operation on 32-bit numbers takes the kernels; on 64-bit numbers, where only what candle itself computes in 32
/// bits is rounded, the composed operations.
fn check_both(
    inputs: &[&Tensor],
    expected: &[f64],
    tolerance: f64,
    operation: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    for (dtype, tolerance) in [(DType::F32, tolerance), (DType::F64, tolerance.max(16.0 * UNIT))] {
        if cfg!(miri) && dtype == DType::F64 {
            // candle asks the processor what it can do.
            continue;
        }
        let inputs: Vec<Tensor> = inputs.iter().map(|x| x.to_dtype(dtype).unwrap()).collect();
        let found = operation(&inputs).unwrap();
        assert_eq!((found.dtype(), found.device().is_cpu()), (dtype, Device::Cpu.is_cpu()));
        assert_near(
            &numbers_of(&found),
            expected,
            tolerance,
            &format!("{} {dtype:?}", instruction_set_name()),
        );
    }
}

/// exp(x - largest) / sum, in 64 bits.
fn softmax(row: &mut [f64]) {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    row.iter_mut().for_each(|x| *x = (*x - largest).exp());
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|x| *x /= sum);
}
