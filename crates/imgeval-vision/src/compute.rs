//! Where and how precisely the networks compute.

use candle_core::DType;

use crate::model_error::ModelError;

/// A processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    #[default]
    Cpu,
    Cuda,
    Metal,
}

/// The numbers of weights and activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// What official scores are computed with.
    #[default]
    F32,
    F16,
    BF16,
}

impl Precision {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
        }
    }
}

impl Device {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        }
    }
}

/// Both together; the default is the CPU with 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ComputeOptions {
    pub device: Device,
    pub precision: Precision,
}

/// The options, opened: a device that is there and a type that it can compute with.
#[derive(Debug, Clone)]
pub struct Backend {
    pub device: candle_core::Device,
    pub dtype: DType,
}

impl Backend {
    pub fn open(options: &ComputeOptions) -> Result<Self, ModelError> {
        let dtype = match options.precision {
            Precision::F32 => DType::F32,
            Precision::F16 => DType::F16,
            Precision::BF16 => DType::BF16,
        };
        let refused = |device: &'static str, error: candle_core::Error| ModelError::NoDevice {
            device,
            detail: error.to_string(),
        };
        let device = match options.device {
            Device::Cpu if options.precision != Precision::F32 => {
                return Err(ModelError::CpuPrecision { precision: options.precision.name() });
            }
            Device::Cpu => candle_core::Device::Cpu,
            Device::Cuda => candle_core::Device::new_cuda(0).map_err(|error| refused("cuda", error))?,
            Device::Metal => candle_core::Device::new_metal(0).map_err(|error| refused("metal", error))?,
        };
        Ok(Self { device, dtype })
    }
}
