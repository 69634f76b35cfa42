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

    /// The same for a tensor that is not worth making otherwise.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn keep_with(
        &mut self,
        name: impl Into<String>,
        tensor: impl FnOnce() -> candle_core::Result<Tensor>,
    ) -> candle_core::Result<()> {
        if self.is_on() {
            self.keep(name, &tensor()?);
        }
        Ok(())
    }

    #[must_use]
    pub fn is_on(&self) -> bool {
        self.stages.is_some()
    }

    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&Tensor> {
        self.stages.as_ref()?.iter().find(|(found, _)| found == name).map(|(_, tensor)| tensor)
    }
}
