//! Everything about a probe but its numbers.

use imgeval_vision::train::{EpochRecord, NetworkDescription};

use crate::{
    alike::Plan,
    architecture::{
        data::{Profile, Shares},
        learn::{EmbedderCard, ProbeKind},
        trust::{Controls, DecoderSignature, Evaluation},
    },
    collect::UnusedCount,
};

/// Everything about a probe but its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeCard {
    pub kind: ProbeKind,
    /// The version of imgeval that trained it.
    pub tool_version: String,
    /// The classes in the order of logits; confidence is shown for the first.
    pub classes: Vec<String>,
    pub plan: Plan,
    pub plan_notes: Vec<String>,
    pub seed: u64,
    pub shares: Shares,
    pub generators: Vec<GeneratorCard>,
    /// Images whose group (prompt, photograph) was known; groups of the others are of near duplicates.
    pub n_known_groups: usize,
    pub unused: Vec<UnusedCount>,
    pub profile: Profile,
    pub evaluation: Evaluation,
    pub controls: Controls,
    /// Beyond this distance an image is unlike those trained on; `None` if there were too few validation images to say.
    pub outside_threshold: Option<f64>,
    pub signatures: Vec<DecoderSignature>,
    /// The network behind a probe on embeddings.
    pub embedder: Option<EmbedderCard>,
    /// What a probe is that is a network; `epochs` is how its training went.
    pub network: Option<NetworkDescription>,
    pub epochs: Vec<EpochRecord>,
}

/// One generator's images, by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratorCard {
    pub class: usize,
    pub name: String,
    pub n_images: usize,
    pub n_groups: usize,
    /// Stored without loss, with a grid of 8 pixels.
    pub n_hidden_grid: usize,
    pub n_training: usize,
    pub n_validation: usize,
    pub n_test: usize,
}
