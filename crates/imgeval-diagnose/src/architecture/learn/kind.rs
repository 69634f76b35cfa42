//! The kinds of probes, and the network behind embeddings.

use imgeval_vision::train::Framing;

/// What a probe looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeKind {
    /// Logistic regression on spectra.
    Spectrum,
    /// Logistic regression on embeddings of a frozen CLIP.
    ClipLinear,
    /// CLIP's vision tower fine-tuned end to end, as in the paper.
    Clip,
    /// A small network on noise residuals, from scratch.
    Residual,
}

impl ProbeKind {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Spectrum => "spectrum",
            Self::ClipLinear => "clip-linear",
            Self::Clip => "clip",
            Self::Residual => "residual",
        }
    }
}

/// Which CLIP computes embeddings, and from what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedderCard {
    /// The identity that [`imgeval_vision::train::ClipEmbedder::identity`] gives.
    pub identity: String,
    pub framing: Framing,
}
