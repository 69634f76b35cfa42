//! Linear layers, and convolutions that are linear layers over patches.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use candle_core::{Result, Tensor, bail};

use super::{
    activation::Activation,
    gemm::{DenseRows, Epilogue, PackedMatrix, RowSource, product},
    tensor::{from_numbers, is_fast, with_numbers},
};
use crate::checkpoint::Parameter;

/// `activation(x W' + b) + residual`. The weight is read and packed at its first use.
pub struct Linear {
    weight: Weight,
    bias: Option<Parameter>,
    /// For each input of the layer its column in the stored weight, where that has another order.
    column_order: Option<Arc<[usize]>>,
    /// The rows of the stored weight that are this layer's, where others share it.
    rows: Range<usize>,
    /// Whether the weight is stored as [inputs, outputs].
    is_transposed: bool,
    inputs: usize,
    outputs: usize,
    packed: OnceLock<Packed>,
    composed: OnceLock<(Tensor, Option<Tensor>)>,
}

enum Weight {
    Stored(Parameter),
    /// Nothing but the packed form is left.
    Packed,
}

struct Packed {
    matrix: PackedMatrix,
    bias: Option<Vec<f32>>,
}

impl Linear {
    /// Of a weight whose first dimension is the outputs; all others together are the inputs.
    pub fn new(weight: Parameter, bias: Option<Parameter>) -> Self {
        let outputs = weight.shape().first().copied().unwrap_or(0);
        let inputs = weight.shape().iter().skip(1).product();
        let (packed, composed) = (OnceLock::new(), OnceLock::new());
        let rows = 0..outputs;
        Self {
            weight: Weight::Stored(weight),
            bias,
            column_order: None,
            rows,
            is_transposed: false,
            inputs,
            outputs,
            packed,
            composed,
        }
    }

    /// A layer of numbers [outputs, inputs] in memory, which are packed at once: the layer runs with 32 bits on the CPU only. `order` gives
    /// for each input of the layer its column.
    pub fn of_numbers(weight: &[f32], bias: Vec<f32>, order: &[usize]) -> Self {
        let (inputs, outputs) = (order.len(), bias.len());
        let rows = weight.chunks_exact(inputs.max(1));
        let ordered: Vec<f32> = rows.flat_map(|row| order.iter().map(|&column| row[column])).collect();
        let matrix = PackedMatrix::from_transposed(&ordered, inputs, outputs);
        Self {
            weight: Weight::Packed,
            bias: None,
            column_order: None,
            rows: 0..outputs,
            is_transposed: false,
            inputs,
            outputs,
            packed: OnceLock::from(Packed { matrix, bias: Some(bias) }),
            composed: OnceLock::new(),
        }
    }

    /// Only these outputs of the stored weight.
    pub fn with_rows(mut self, rows: Range<usize>) -> Self {
        self.outputs = rows.len();
        self.rows = rows;
        self
    }

    /// Of a weight that is stored as [inputs, outputs], without a bias.
    pub fn transposed(weight: Parameter) -> Self {
        let layer = Self::new(weight, None);
        let (inputs, outputs) = (layer.outputs, layer.inputs);
        Self { inputs, outputs, rows: 0..outputs, is_transposed: true, ..layer }
    }

    pub fn with_column_order(mut self, order: Arc<[usize]>) -> Self {
        self.column_order = Some(order);
        self
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Lends the weight as [outputs, inputs], in place where the file has it so.
    fn with_weight<Output>(&self, work: impl FnOnce(&[f32]) -> Output) -> Result<Output> {
        let arrange = |stored: &[f32]| {
            if self.is_transposed {
                let transposed = (0..self.outputs).flat_map(|output| {
                    (0..self.inputs).map(move |input| stored[input * self.outputs + output])
                });
                return work(&transposed.collect::<Vec<f32>>());
            }
            let stored = &stored[self.rows.start * self.inputs..self.rows.end * self.inputs];
            let Some(order) = &self.column_order else { return work(stored) };
            let rows = stored.chunks_exact(self.inputs.max(1));
            work(&rows.flat_map(|row| order.iter().map(|&column| row[column])).collect::<Vec<f32>>())
        };
        match &self.weight {
            Weight::Stored(weight) => weight.with_slice(arrange).map_err(candle_core::Error::wrap),
            Weight::Packed => bail!("this layer runs with 32 bits on the CPU only"),
        }
    }

    /// Gives the stored weight's memory back.
    fn release(&self) {
        if let Weight::Stored(weight) = &self.weight {
            weight.release();
        }
    }

    fn read_bias(&self) -> Result<Option<Vec<f32>>> {
        let Some(bias) = &self.bias else { return Ok(None) };
        let stored = bias.read().map_err(candle_core::Error::wrap)?;
        Ok(Some(stored[self.rows.clone()].to_vec()))
    }

    fn packed(&self) -> Result<&Packed> {
        if self.packed.get().is_none() {
            let pack = |weight: &[f32]| PackedMatrix::from_transposed(weight, self.inputs, self.outputs);
            let matrix = self.with_weight(pack)?;
            let bias = self.read_bias()?;
            self.release();
            // Another thread may have been faster; then this copy is dropped.
            self.packed.set(Packed { matrix, bias }).ok();
        }
        self.packed.get().ok_or_else(|| candle_core::Error::msg("a weight could not be kept"))
    }

    /// The packed weight and the bias, for kernels that multiply by themselves.
    pub fn packed_parts(&self) -> Result<(&PackedMatrix, Option<&[f32]>)> {
        let packed = self.packed()?;
        Ok((&packed.matrix, packed.bias.as_deref()))
    }

    /// Weight [outputs, inputs] and bias on the device and in the type of `like`.
    pub fn composed_parts(&self, like: &Tensor) -> Result<&(Tensor, Option<Tensor>)> {
        if self.composed.get().is_none() {
            let place = |numbers: Vec<f32>, shape: &[usize]| {
                from_numbers(numbers, shape)?.to_device(like.device())?.to_dtype(like.dtype())
            };
            let weight = place(self.with_weight(<[f32]>::to_vec)?, &[self.outputs, self.inputs])?;
            let bias = self.read_bias()?.map(|bias| place(bias, &[self.outputs])).transpose()?;
            self.release();
            self.composed.set((weight, bias)).ok();
        }
        self.composed.get().ok_or_else(|| candle_core::Error::msg("a weight could not be kept"))
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_with(x, Activation::None, None)
    }

    /// `x` is [.., inputs]; the result is [.., outputs], as is `residual`.
    pub fn forward_with(
        &self,
        x: &Tensor,
        activation: Activation,
        residual: Option<&Tensor>,
    ) -> Result<Tensor> {
        let mut shape = x.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = self.outputs;
        }
        if !is_fast(x) {
            let (weight, bias) = self.composed_parts(x)?;
            let n_rows = x.elem_count() / self.inputs.max(1);
            let rows = x.reshape((n_rows, self.inputs))?.matmul(&weight.t()?)?;
            let rows = match bias {
                Some(bias) => rows.broadcast_add(bias)?,
                None => rows,
            };
            let result = activation.compose(&rows)?.reshape(shape)?;
            return match residual {
                Some(residual) => result + residual,
                None => Ok(result),
            };
        }
        with_numbers(&x.contiguous()?, |numbers| {
            let rows = DenseRows { numbers, depth: self.inputs };
            let n_rows = numbers.len() / self.inputs.max(1);
            let result = match residual {
                Some(residual) => with_numbers(&residual.contiguous()?, |residual| {
                    self.multiply(&rows, n_rows, activation, Some(residual))
                })?,
                None => self.multiply(&rows, n_rows, activation, None)?,
            };
            from_numbers(result, &shape)
        })
    }

    /// Over the rows that `rows` gives: patches of an image, for a convolution.
    pub fn multiply(
        &self,
        rows: &impl RowSource,
        n_rows: usize,
        activation: Activation,
        residual: Option<&[f32]>,
    ) -> Result<Vec<f32>> {
        self.multiply_then(rows, n_rows, (activation, residual, Activation::None))
    }

    /// The same with what is done to the result, in this order: an activation, a residual that is added, another activation.
    pub fn multiply_then(
        &self,
        rows: &impl RowSource,
        n_rows: usize,
        (activation, residual, last): (Activation, Option<&[f32]>, Activation),
    ) -> Result<Vec<f32>> {
        let packed = self.packed()?;
        let mut result = vec![0.0; n_rows * self.outputs];
        let epilogue = Epilogue { bias: packed.bias.as_deref(), activation, residual, last };
        product(rows, n_rows, packed.matrix.view(), epilogue, &mut result);
        Ok(result)
    }
}

/// [rows, depth] times [columns, depth] transposed, both activations: [rows, columns].
pub fn multiply_transposed(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let ((n_rows, depth), columns) = (left.dims2()?, right.dim(0)?);
    let packed =
        with_numbers(&right.contiguous()?, |right| Ok(PackedMatrix::from_transposed(right, depth, columns)))?;
    with_numbers(&left.contiguous()?, |numbers| {
        let mut result = vec![0.0; n_rows * columns];
        product(&DenseRows { numbers, depth }, n_rows, packed.view(), Epilogue::default(), &mut result);
        from_numbers(result, &[n_rows, columns])
    })
}
