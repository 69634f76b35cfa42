//! The kinds of providers and how a generator of each is made.

use std::{fmt, sync::Arc};

use imgeval_core::Generator;

use crate::{
    ClientError, ModelEntry, ProviderSettings,
    providers::{HttpGenerator, OpenaiImages},
};

/// A kind of interface; many providers speak the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProviderKind {
    OpenaiImages,
}

impl ProviderKind {
    pub const ALL: &[Self] = &[Self::OpenaiImages];

    /// Stable name, as stored, printed and typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenaiImages => "openai-images",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Empty where there is no address.
    #[must_use]
    pub fn default_base_url(self) -> &'static str {
        match self {
            Self::OpenaiImages => "https://api.openai.com/v1",
        }
    }

    /// Environment variables that may hold the key; the first that is set counts. Empty where there is no key.
    #[must_use]
    pub fn key_variables(self) -> &'static [&'static str] {
        match self {
            Self::OpenaiImages => &["OPENAI_API_KEY"],
        }
    }

    /// The header that carries the key, and what stands before it.
    pub(crate) fn key_header(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenaiImages => ("authorization", "Bearer "),
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A generator for one model of one provider. Limits hold for it and its clones together.
///
/// # Errors
/// If the settings cannot be used; nothing is sent here.
pub fn open_generator(
    settings: ProviderSettings,
    model: &str,
    entry: Option<ModelEntry>,
) -> Result<Arc<dyn Generator>, ClientError> {
    match settings.kind {
        ProviderKind::OpenaiImages => {
            let response_format = entry.as_ref().is_some_and(|entry| entry.response_format);
            let provider = OpenaiImages::new(model, response_format);
            Ok(Arc::new(HttpGenerator::new(&settings, model, provider, entry)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in ProviderKind::ALL {
            assert_eq!(ProviderKind::from_name(kind.name()), Some(*kind));
        }
        assert_eq!(ProviderKind::from_name("openai"), None);
    }
}
