//! The layers of `yolov3-tiny.cfg`, from a 416x416 picture to two grids of raw predictions.

use candle_core::{Device, Result, Tensor};

use super::{
    darknet_weights::{FoldedConvolution, WeightsError, parse_weights},
    letterbox::INPUT_SIDE,
    ops::{Activation, add_biases, im2col_3x3, max_pool_stride_1, max_pool_stride_2},
};

/// Numbers per anchor and cell: x, y, width, height, objectness and 80 categories.
pub(super) const NUMBERS_PER_ANCHOR: usize = 85;
/// Anchors in each head.
pub(super) const ANCHORS_PER_HEAD: usize = 3;

/// Raw predictions of one head, before any sigmoid: `[255, side, side]`, row-major, the 255 channels being three
/// anchors of 85 numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct RawHead {
    pub side: usize,
    pub values: Vec<f32>,
}

/// Both heads: 13x13 cells for large objects, 26x26 for smaller ones.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadOutputs {
    pub coarse: RawHead,
    pub fine: RawHead,
}

/// The network with its weights; can be shared between threads.
#[derive(Debug, Clone)]
pub struct Network {
    convolutions: Vec<Convolution>,
}

impl Network {
    /// Builds the network from the bytes of a Darknet weight file.
    ///
    /// # Errors
    /// See [`parse_weights`].
    pub fn from_weights(bytes: &[u8]) -> std::result::Result<Self, WeightsError> {
        let convolutions =
            parse_weights(bytes)?.into_iter().map(Convolution::new).collect::<Result<Vec<_>>>()?;
        Ok(Self { convolutions })
    }

    /// Runs the network on one picture: `[3, 416, 416]`, RGB in [0, 1], row-major.
    ///
    /// # Errors
    /// If `input` has another length.
    pub fn forward(&self, input: Vec<f32>) -> Result<HeadOutputs> {
        let mut tensor = Tensor::from_vec(input, (3, INPUT_SIDE, INPUT_SIDE), &Device::Cpu)?;
        for index in 0..4 {
            tensor = max_pool_stride_2(&self.convolve(index, &tensor)?)?;
        }
        let detailed = self.convolve(4, &tensor)?; // 256 channels, 26x26
        let pooled = max_pool_stride_2(&detailed)?;
        let pooled = max_pool_stride_1(&self.convolve(5, &pooled)?)?;
        let shared = self.convolve(7, &self.convolve(6, &pooled)?)?; // 256 channels, 13x13
        let coarse = self.convolve(9, &self.convolve(8, &shared)?)?;

        let (_, height, width) = shared.dims3()?;
        let upsampled = self
            .convolve(10, &shared)?
            .unsqueeze(0)?
            .upsample_nearest2d(2 * height, 2 * width)?
            .squeeze(0)?;
        let joined = Tensor::cat(&[&upsampled, &detailed], 0)?;
        let fine = self.convolve(12, &self.convolve(11, &joined)?)?;
        Ok(HeadOutputs { coarse: RawHead::new(&coarse)?, fine: RawHead::new(&fine)? })
    }

    fn convolve(&self, index: usize, input: &Tensor) -> Result<Tensor> {
        self.convolutions[index].forward(input)
    }
}

impl RawHead {
    fn new(tensor: &Tensor) -> Result<Self> {
        let (_, side, _) = tensor.dims3()?;
        Ok(Self { side, values: tensor.flatten_all()?.to_vec1()? })
    }
}

#[derive(Debug, Clone)]
struct Convolution {
    kernel: usize,
    /// `[outputs, inputs * kernel * kernel]`
    weights: Tensor,
    /// `[outputs]`
    biases: Tensor,
    activation: Activation,
}

impl Convolution {
    fn new(folded: FoldedConvolution) -> Result<Self> {
        let FoldedConvolution { shape, weights, biases } = folded;
        let columns = shape.inputs * shape.kernel * shape.kernel;
        Ok(Self {
            kernel: shape.kernel,
            weights: Tensor::from_vec(weights, (shape.outputs, columns), &Device::Cpu)?,
            biases: Tensor::from_vec(biases, shape.outputs, &Device::Cpu)?,
            activation: if shape.is_batch_normalized { Activation::Leaky } else { Activation::Linear },
        })
    }

    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let (channels, height, width) = input.dims3()?;
        let columns =
            if self.kernel == 1 { input.reshape((channels, height * width))? } else { im2col_3x3(input)? };
        let output = self.weights.matmul(&columns)?;
        add_biases(&output, &self.biases, self.activation)?;
        output.reshape(((), height, width))
    }
}
