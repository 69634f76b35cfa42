//! The numbers between the layers of a network.

use candle_core::Tensor;

/// Keeps named tensors where a test asks for them, and nothing otherwise.
#[derive(Debug, Default)]
pub struct Trace {
    stages: Option<Vec<(String, Tensor)>>,
}

impl Trace {
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn on() -> Self {
        Self { stages: Some(Vec::new()) }
    }

    /// A tensor shares its numbers, so that keeping it copies nothing.
    pub fn keep(&mut self, name: impl Into<String>, tensor: &Tensor) {
        if let Some(stages) = &mut self.stages {
            stages.push((name.into(), tensor.clone()));
        }
    }

    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&Tensor> {
        self.stages.as_ref()?.iter().find(|(found, _)| found == name).map(|(_, tensor)| tensor)
    }
}
