//! candle tensors as plain slices, for the kernels that run on the CPU.

use candle_core::{CpuStorage, DType, Device, Result, Storage, Tensor, bail};

/// Whether the kernels of this module apply: 32-bit numbers on the CPU. All else takes composed candle operations.
pub fn is_fast(tensor: &Tensor) -> bool {
    tensor.device().is_cpu() && tensor.dtype() == DType::F32
}

/// Norms and softmax are computed with at least 32 bits.
pub fn widened(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::F32 | DType::F64 => Ok(x.clone()),
        _ => x.to_dtype(DType::F32),
    }
}

/// Lends the numbers of a contiguous CPU tensor.
pub fn with_numbers<Output>(tensor: &Tensor, work: impl FnOnce(&[f32]) -> Result<Output>) -> Result<Output> {
    let (storage, layout) = tensor.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("a kernel was given a tensor that is not contiguous: {:?}", layout.shape());
    };
    match &*storage {
        Storage::Cpu(CpuStorage::F32(numbers)) => work(&numbers[start..end]),
        _ => bail!("a kernel for the CPU was given another tensor"),
    }
}

/// Lends the numbers of two tensors at once.
pub fn with_both<Output>(
    first: &Tensor,
    second: &Tensor,
    work: impl FnOnce(&[f32], &[f32]) -> Result<Output>,
) -> Result<Output> {
    with_numbers(first, |first| with_numbers(second, |second| work(first, second)))
}

/// A tensor on the CPU that takes over these numbers.
pub fn from_numbers(numbers: Vec<f32>, shape: &[usize]) -> Result<Tensor> {
    Tensor::from_vec(numbers, shape, &Device::Cpu)
}
