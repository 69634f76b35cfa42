//! The layers of `yolov3-tiny.cfg`, from a 416x416 image to two grids of raw predictions.

use candle_core::{Result, Tensor};

use super::{
    darknet_weights::{FoldedConvolution, WeightsError, parse_weights},
    letterbox::INPUT_SIDE,
};
use crate::ops::{
    Activation,
    convolution::{Convolution, KernelShape},
    pooling::{Window, max_pool},
    tensor::{from_numbers, with_numbers},
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
pub struct Network {
    convolutions: Vec<Convolution>,
}

/// A map [height x width, channels] with its height and width.
struct Map {
    x: Tensor,
    size: (usize, usize),
}

impl Network {
    /// Builds the network from the bytes of a Darknet weight file.
    ///
    /// # Errors
    /// If the bytes are no weight file of this network.
    pub fn from_weights(bytes: &[u8]) -> std::result::Result<Self, WeightsError> {
        Ok(Self { convolutions: parse_weights(bytes)?.into_iter().map(convolution_of).collect() })
    }

    /// Runs the network on one image: `[3, 416, 416]`, RGB in [0, 1], row-major.
    ///
    /// # Errors
    /// If `input` has another length.
    pub fn forward(&self, input: Vec<f32>) -> Result<HeadOutputs> {
        let planes = from_numbers(input, &[3, INPUT_SIDE * INPUT_SIDE])?;
        let mut map = Map { x: planes.t()?.contiguous()?, size: (INPUT_SIDE, INPUT_SIDE) };
        for index in 0..4 {
            map = halved(&self.convolve(index, &map)?)?;
        }
        let detailed = self.convolve(4, &map)?; // 256 channels, 26x26
        let pooled = kept(&self.convolve(5, &halved(&detailed)?)?)?;
        let shared = self.convolve(7, &self.convolve(6, &pooled)?)?; // 256 channels, 13x13
        let coarse = self.convolve(9, &self.convolve(8, &shared)?)?;

        let upsampled = doubled(&self.convolve(10, &shared)?)?;
        let joined = Map { x: Tensor::cat(&[&upsampled.x, &detailed.x], 1)?, size: detailed.size };
        let fine = self.convolve(12, &self.convolve(11, &joined)?)?;
        Ok(HeadOutputs { coarse: RawHead::new(&coarse)?, fine: RawHead::new(&fine)? })
    }

    fn convolve(&self, index: usize, input: &Map) -> Result<Map> {
        Ok(Map { x: self.convolutions[index].forward(&input.x, input.size)?, size: input.size })
    }
}

fn convolution_of(folded: FoldedConvolution) -> Convolution {
    let FoldedConvolution { shape, weights, biases } = folded;
    let activation = if shape.is_batch_normalized { Activation::Leaky } else { Activation::None };
    let kernel = KernelShape { channels: shape.inputs, side: shape.kernel };
    Convolution::of_numbers(&weights, biases, kernel, shape.kernel / 2).with_activation(activation)
}

/// The maximum over 2x2 places, every second place.
fn halved(map: &Map) -> Result<Map> {
    let size = (map.size.0 / 2, map.size.1 / 2);
    Ok(Map { x: max_pool(&map.x, map.size, Window { side: 2, stride: 2 }, size)?, size })
}

/// The maximum over 2x2 places, every place: the window reaches over the right and bottom border, where Darknet pads with minus
/// infinity.
fn kept(map: &Map) -> Result<Map> {
    Ok(Map { x: max_pool(&map.x, map.size, Window { side: 2, stride: 1 }, map.size)?, size: map.size })
}

/// Every place twice along each side.
fn doubled(map: &Map) -> Result<Map> {
    let ((height, width), channels) = (map.size, map.x.dim(1)?);
    let x = with_numbers(&map.x.contiguous()?, |numbers| {
        let rows = numbers.chunks_exact(width * channels);
        let doubled = rows.flat_map(|row| {
            let wide: Vec<f32> =
                row.chunks_exact(channels).flat_map(|place| [place, place].concat()).collect();
            [wide.clone(), wide].concat()
        });
        from_numbers(doubled.collect(), &[4 * height * width, channels])
    })?;
    Ok(Map { x, size: (2 * height, 2 * width) })
}

impl RawHead {
    fn new(map: &Map) -> Result<Self> {
        Ok(Self { side: map.size.0, values: map.x.t()?.flatten_all()?.to_vec1()? })
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Network").field("convolutions", &self.convolutions.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_doubled_place_by_place() {
        let map = Map { x: from_numbers(vec![1.0, 2.0, 3.0, 4.0], &[2, 2]).unwrap(), size: (1, 2) };
        let doubled = doubled(&map).unwrap();
        assert_eq!(doubled.size, (2, 4));
        let row = [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0];
        assert_eq!(doubled.x.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [row, row].concat());
    }
}
