//! A network's numbers: as plain lists, and placed on a device.

use std::collections::BTreeMap;

use candle_core::{DType, Result as CandleResult, Tensor, Var};
use imgeval_core::to_hex;
use sha2::{Digest, Sha256};

use super::{
    description::{NetworkDescription, Shapes},
    draws::{Draws, Purpose},
    error::TrainError,
};
use crate::{compute::Backend, ops::tensor::from_numbers};

/// So many names are listed in an error.
const LISTED: usize = 3;

/// A tensor by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    pub shape: Vec<usize>,
    /// Row-major.
    pub numbers: Vec<f32>,
}

/// All tensors of a network by name.
pub(super) type Numbers = BTreeMap<String, NamedTensor>;

/// Lower-case hexadecimal, over names, shapes and numbers.
pub(super) fn sha256_of_numbers(tensors: &Numbers) -> String {
    let mut hash = Sha256::new();
    for (name, tensor) in tensors {
        hash.update(format!("{name} {:?}\n", tensor.shape));
        for number in &tensor.numbers {
            hash.update(number.to_le_bytes());
        }
    }
    to_hex(&hash.finalize())
}

/// Evenly spread between `-bound` and `bound`, from the stream of this name.
pub(super) fn random_tensor(seed: u64, name: &str, shape: &[usize], bound: f32) -> NamedTensor {
    let mut draws = Draws::new(seed, &Purpose::Parameter(name));
    let count: usize = shape.iter().product();
    NamedTensor { shape: shape.to_vec(), numbers: (0..count).map(|_| bound * draws.symmetric()).collect() }
}

/// A head for so many features, its weights evenly spread between `-bound` and `bound`, its bias at zero.
pub(super) fn add_head(tensors: &mut Numbers, seed: u64, n_classes: usize, features: usize, bound: f32) {
    let weight = random_tensor(seed, "head.weight", &[n_classes, features], bound);
    tensors.insert("head.weight".to_owned(), weight);
    let bias = NamedTensor { shape: vec![n_classes], numbers: vec![0.0; n_classes] };
    tensors.insert("head.bias".to_owned(), bias);
}

/// Whether the tensors are those that the network needs, and finite.
pub(super) fn check_tensors(description: &NetworkDescription, tensors: &Numbers) -> Result<(), TrainError> {
    let needed: Shapes = description.parameters();
    let refuse = |what: &str, names: Vec<&String>| {
        let listed: Vec<String> =
            names.iter().take(LISTED).map(|name| format!("`{}`", name.escape_debug())).collect();
        Err(TrainError::Tensors(format!("{} {what}: {}", names.len(), listed.join(", "))))
    };
    let missing: Vec<&String> = needed.keys().filter(|name| !tensors.contains_key(*name)).collect();
    if !missing.is_empty() {
        return refuse("missing", missing);
    }
    let extra: Vec<&String> = tensors.keys().filter(|name| !needed.contains_key(*name)).collect();
    if !extra.is_empty() {
        return refuse("not expected", extra);
    }
    let is_misshaped = |name: &&String| {
        let (tensor, shape) = (&tensors[*name], &needed[*name]);
        tensor.shape != *shape || tensor.numbers.len() != shape.iter().product::<usize>()
    };
    let misshaped: Vec<&String> = needed.keys().filter(is_misshaped).collect();
    if !misshaped.is_empty() {
        return refuse("of another shape", misshaped);
    }
    let is_broken = |name: &&String| !tensors[*name].numbers.iter().all(|number| number.is_finite());
    let broken: Vec<&String> = needed.keys().filter(is_broken).collect();
    if !broken.is_empty() {
        return refuse("with numbers that are not finite", broken);
    }
    Ok(())
}

/// Parameters on a device, in 32 bits; the products take them in the device's own type.
pub(super) struct Placed {
    tensors: BTreeMap<String, Tensor>,
    dtype: DType,
}

impl Placed {
    /// To be applied.
    pub(super) fn constants(numbers: &Numbers, backend: &Backend) -> CandleResult<Self> {
        Self::new(numbers, backend, Ok)
    }

    /// To be trained: the gradients of these can be asked for.
    pub(super) fn variables(numbers: &Numbers, backend: &Backend) -> CandleResult<Self> {
        Self::new(numbers, backend, |tensor| Ok(Var::from_tensor(&tensor)?.into_inner()))
    }

    fn new(
        numbers: &Numbers,
        backend: &Backend,
        wrap: impl Fn(Tensor) -> CandleResult<Tensor>,
    ) -> CandleResult<Self> {
        let place = |(name, tensor): (&String, &NamedTensor)| {
            let placed = from_numbers(tensor.numbers.clone(), &tensor.shape)?.to_device(&backend.device)?;
            Ok((name.clone(), wrap(placed)?))
        };
        Ok(Self { tensors: numbers.iter().map(place).collect::<CandleResult<_>>()?, dtype: backend.dtype })
    }

    /// In the type of the products.
    pub(super) fn get(&self, name: &str) -> CandleResult<Tensor> {
        self.wide(name)?.to_dtype(self.dtype)
    }

    /// In 32 bits, as norms and the head take them.
    pub(super) fn wide(&self, name: &str) -> CandleResult<Tensor> {
        let missing = || candle_core::Error::msg(format!("there is no parameter `{name}`"));
        self.tensors.get(name).cloned().ok_or_else(missing)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Tensor)> {
        self.tensors.iter()
    }
}
