//! What is known about models.

use imgeval_core::{Cost, ImageParameters, ImageRequest, Usage};

use crate::ProviderKind;

/// A model as the catalogue has it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelEntry {
    pub provider: ProviderKind,
    pub id: String,
    pub response_format: bool,
}

impl ModelEntry {
    /// What a call cost that used this much; `None` if no price is known.
    #[must_use]
    pub fn cost(&self, _usage: &Usage, _parameters: &ImageParameters) -> Option<Cost> {
        None
    }

    /// What one call is thought to cost at most; `None` if no price is known.
    #[must_use]
    pub fn estimate(&self, _request: &ImageRequest) -> Option<Cost> {
        None
    }

    /// Whether the model must be asked for base64 with `response_format`.
    #[must_use]
    pub fn sends_response_format(&self) -> bool {
        self.response_format
    }
}
