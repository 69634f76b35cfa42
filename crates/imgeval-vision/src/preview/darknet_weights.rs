//! Darknet weight files: a header, then the numbers of every convolution in network order, all little-endian.
//!
//! | part | type |
//! |---|---|
//! | major, minor, revision | three `i32` |
//! | images seen in training | `u64` if `major * 10 + minor >= 2`, otherwise `u32` |
//! | per convolution: biases | `f32` x outputs |
//! | ... only if batch-normalized: scales, rolling means, rolling variances | 3 x `f32` x outputs |
//! | ... weights | `f32` x outputs x inputs x kernel x kernel |
//!
//! Source: `src/parser.c` of Darknet (`load_weights_upto`, `load_convolutional_weights`).

use std::{io, path::PathBuf};

/// Darknet divides by `sqrt(variance) + EPSILON` (`src/blas.c`, `normalize_cpu`). OpenCV puts its 1e-6 inside the
/// root; for the variances of real weights (0.01 and more) the two differ by less than one part in 10,000.
const EPSILON: f32 = 0.000_001;

/// A weight file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("could not read weights `{}`", path.display())]
    Unavailable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("weights have {found} bytes, the network needs {expected}")]
    WrongLength { expected: u64, found: u64 },
    #[error("weights have {found} bytes, too few for a header of {expected}")]
    NoHeader { expected: u64, found: u64 },
    #[error(
        "number {index} of convolution {convolution} in the weights is not finite or, as a variance, negative"
    )]
    UnusableNumber { convolution: usize, index: usize },
    #[error("could not build the network")]
    Network(#[from] candle_core::Error),
}

/// The shape of one convolution: square kernel, stride 1, zero padding of half the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvolutionShape {
    pub inputs: usize,
    pub outputs: usize,
    pub kernel: usize,
    /// Batch-normalized convolutions are followed by the leaky activation, the others (heads) by none.
    pub is_batch_normalized: bool,
}

impl ConvolutionShape {
    const fn hidden(inputs: usize, outputs: usize, kernel: usize) -> Self {
        Self { inputs, outputs, kernel, is_batch_normalized: true }
    }

    const fn head(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, kernel: 1, is_batch_normalized: false }
    }

    fn weight_count(self) -> usize {
        self.outputs * self.inputs * self.kernel * self.kernel
    }

    fn number_count(self) -> usize {
        let per_output = if self.is_batch_normalized { 4 } else { 1 };
        self.weight_count() + per_output * self.outputs
    }
}

/// The 13 convolutions of `yolov3-tiny.cfg` in file order.
pub const CONVOLUTIONS: [ConvolutionShape; 13] = [
    ConvolutionShape::hidden(3, 16, 3),
    ConvolutionShape::hidden(16, 32, 3),
    ConvolutionShape::hidden(32, 64, 3),
    ConvolutionShape::hidden(64, 128, 3),
    ConvolutionShape::hidden(128, 256, 3),
    ConvolutionShape::hidden(256, 512, 3),
    ConvolutionShape::hidden(512, 1024, 3),
    ConvolutionShape::hidden(1024, 256, 1),
    ConvolutionShape::hidden(256, 512, 3),
    ConvolutionShape::head(512, 255),
    ConvolutionShape::hidden(256, 128, 1),
    ConvolutionShape::hidden(384, 256, 3),
    ConvolutionShape::head(256, 255),
];

/// One convolution with its batch normalization folded in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoldedConvolution {
    pub shape: ConvolutionShape,
    /// `[outputs, inputs, kernel, kernel]`, row-major.
    pub weights: Vec<f32>,
    /// `[outputs]`.
    pub biases: Vec<f32>,
}

/// Parses a whole weight file of YOLOv3-tiny.
///
/// # Errors
/// If it is shorter or longer than the network needs, or holds infinities, NaNs or negative variances.
pub(super) fn parse_weights(bytes: &[u8]) -> Result<Vec<FoldedConvolution>, WeightsError> {
    let header_bytes = header_length(bytes)?;
    let number_count: usize = CONVOLUTIONS.iter().map(|shape| shape.number_count()).sum();
    let expected = header_bytes + 4 * number_count;
    if bytes.len() != expected {
        return Err(WeightsError::WrongLength { expected: expected as u64, found: bytes.len() as u64 });
    }
    let mut rest = &bytes[header_bytes..];
    CONVOLUTIONS
        .iter()
        .enumerate()
        .map(|(index, &shape)| {
            let (numbers, after) = rest.split_at(4 * shape.number_count());
            rest = after;
            fold_convolution(index, shape, &floats(numbers))
        })
        .collect()
}

fn header_length(bytes: &[u8]) -> Result<usize, WeightsError> {
    let no_header =
        |expected: usize| WeightsError::NoHeader { expected: expected as u64, found: bytes.len() as u64 };
    let (major, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| no_header(16))?;
    let (minor, _) = rest.split_first_chunk::<4>().ok_or_else(|| no_header(16))?;
    let (major, minor) = (i64::from(i32::from_le_bytes(*major)), i64::from(i32::from_le_bytes(*minor)));
    let length = if major * 10 + minor >= 2 { 20 } else { 16 };
    if bytes.len() < length { Err(no_header(length)) } else { Ok(length) }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
}

fn fold_convolution(
    convolution: usize,
    shape: ConvolutionShape,
    numbers: &[f32],
) -> Result<FoldedConvolution, WeightsError> {
    if let Some(index) = numbers.iter().position(|number| !number.is_finite()) {
        return Err(WeightsError::UnusableNumber { convolution, index });
    }
    let outputs = shape.outputs;
    let (biases, rest) = numbers.split_at(outputs);
    if !shape.is_batch_normalized {
        return Ok(FoldedConvolution { shape, weights: rest.to_vec(), biases: biases.to_vec() });
    }
    let (scales, rest) = rest.split_at(outputs);
    let (means, rest) = rest.split_at(outputs);
    let (variances, weights) = rest.split_at(outputs);
    if let Some(index) = variances.iter().position(|variance| *variance < 0.0) {
        return Err(WeightsError::UnusableNumber { convolution, index: 3 * outputs + index });
    }
    let factors: Vec<f32> =
        scales.iter().zip(variances).map(|(scale, variance)| scale / (variance.sqrt() + EPSILON)).collect();
    let folded_biases =
        biases.iter().zip(means).zip(&factors).map(|((bias, mean), factor)| bias - mean * factor).collect();
    let folded_weights = weights
        .chunks_exact(shape.weight_count() / outputs)
        .zip(&factors)
        .flat_map(|(filter, factor)| filter.iter().map(move |weight| weight * factor))
        .collect();
    Ok(FoldedConvolution { shape, weights: folded_weights, biases: folded_biases })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: usize = 8_858_734;

    fn file(header: &[u8], numbers: usize) -> Vec<u8> {
        let mut bytes = header.to_vec();
        bytes.resize(header.len() + 4 * numbers, 0);
        bytes
    }

    fn header(major: i32, minor: i32, seen_bytes: usize) -> Vec<u8> {
        let mut bytes = [major, minor, 0].map(i32::to_le_bytes).concat();
        bytes.resize(12 + seen_bytes, 0);
        bytes
    }

    #[test]
    fn real_file_length_follows_from_the_layout() {
        let count: usize = CONVOLUTIONS.iter().map(|shape| shape.number_count()).sum();
        assert_eq!((count, 20 + 4 * count), (NUMBERS, 35_434_956));
    }

    #[test]
    fn old_and_new_headers_are_read() {
        assert!(parse_weights(&file(&header(0, 2, 8), NUMBERS)).is_ok());
        assert!(parse_weights(&file(&header(0, 1, 4), NUMBERS)).is_ok());
        assert!(matches!(
            parse_weights(&file(&header(0, 2, 4), NUMBERS)),
            Err(WeightsError::WrongLength { expected: 35_434_956, found: 35_434_952 })
        ));
    }

    #[test]
    fn short_and_long_files_state_both_lengths() {
        let check = |bytes: &[u8], message: &str| {
            assert_eq!(parse_weights(bytes).unwrap_err().to_string(), message);
        };
        check(b"", "weights have 0 bytes, too few for a header of 16");
        check(&header(0, 2, 4), "weights have 16 bytes, too few for a header of 20");
        check(
            &file(&header(0, 2, 8), NUMBERS + 1),
            "weights have 35434960 bytes, the network needs 35434956",
        );
        check(
            &file(&header(0, 2, 8), NUMBERS - 1),
            "weights have 35434952 bytes, the network needs 35434956",
        );
    }

    #[test]
    fn unusable_numbers_are_located() {
        let mut bytes = file(&header(0, 2, 8), NUMBERS);
        bytes[20 + 4 * 64..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(matches!(
            parse_weights(&bytes),
            Err(WeightsError::UnusableNumber { convolution: 0, index: 64 })
        ));
        let mut bytes = file(&header(0, 2, 8), NUMBERS);
        bytes[20 + 4 * 50..][..4].copy_from_slice(&(-1.0_f32).to_le_bytes());
        assert!(matches!(
            parse_weights(&bytes),
            Err(WeightsError::UnusableNumber { convolution: 0, index: 50 })
        ));
    }

    #[test]
    fn folding_equals_normalising_afterwards() {
        let shape = ConvolutionShape::hidden(1, 2, 1);
        // biases, scales, means, variances, weights of two outputs
        let numbers = [0.5, -0.5, 2.0, 3.0, 1.0, -1.0, 4.0, 0.25, 10.0, 20.0];
        let folded = fold_convolution(0, shape, &numbers).unwrap();
        let input = 0.7_f32;
        for output in 0..2 {
            let raw = numbers[8 + output] * input;
            let expected = (raw - numbers[4 + output]) / (numbers[6 + output].sqrt() + EPSILON)
                * numbers[2 + output]
                + numbers[output];
            let found = folded.weights[output] * input + folded.biases[output];
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }
}
