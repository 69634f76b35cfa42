//! The numbers of a round that tables, curves and comparisons take up.

use imgeval_metrics::drift::Component;

use crate::MeasuredRound;

/// A number of a round, by what tables call it.
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) of: fn(&MeasuredRound) -> Option<f64>,
}

/// Against the source.
pub(crate) static MEASURES: [Measure; 18] = [
    Measure { name: "cut off", unit: "%", of: |round| Some(100.0 * round.source("registration.cut_off")?) },
    Measure {
        name: "tiles that survive",
        unit: "%",
        of: |round| Some(100.0 * round.source("tiles.survival")?),
    },
    Measure { name: "content outside the edits", unit: "dE", of: |round| round.source("outside.content_dE") },
    Measure { name: "tone outside the edits", unit: "dE", of: |round| round.source("outside.tone_dE") },
    Measure { name: "color shift", unit: "dE", of: |round| round.source("colour.dE_mean") },
    Measure { name: "shift to yellow", unit: "b*", of: |round| round.source("colour.db") },
    Measure { name: "sharpness", unit: "log2", of: |round| log2(round.source("sharp.lap_var_ratio")?) },
    Measure { name: "noise", unit: "log2", of: |round| log2(round.source("sharp.immerkaer_ratio")?) },
    Measure { name: "CLIP-I", unit: "cosine", of: |round| round.source("clip_i") },
    Measure { name: "CLIP-T", unit: "cosine", of: |round| round.source("clip_t") },
    Measure { name: "DINO", unit: "cosine", of: |round| round.source("dino") },
    Measure { name: "structure", unit: "mean square", of: |round| round.source("structure") },
    Measure { name: "LPIPS", unit: "distance", of: |round| round.source("lpips") },
    Measure { name: "objects kept", unit: "cosine", of: |round| round.source("objects.dino") },
    Measure { name: "pixels of objects kept", unit: "1 - L1", of: |round| round.source("objects.l1") },
    Measure { name: "background kept", unit: "cosine", of: |round| round.source("background.dino") },
    Measure { name: "pixels of background kept", unit: "1 - L1", of: |round| round.source("background.l1") },
    Measure { name: "consistency", unit: "cosine", of: |round| round.source("consistency") },
];
/// The first ones need no network and no detector, and are always listed.
const WITHOUT_NETWORKS: usize = 8;

/// What tables and curves show: what needs neither network nor detector, and of the rest what some round has.
pub(crate) fn measures_of<'a>(
    rounds: impl Iterator<Item = &'a MeasuredRound> + Clone,
) -> Vec<&'static Measure> {
    let has = |measure: &Measure| rounds.clone().any(|round| (measure.of)(round).is_some());
    let (always, networks) = MEASURES.split_at(WITHOUT_NETWORKS);
    always.iter().chain(networks.iter().filter(|measure| has(measure))).collect()
}

/// What a round added, against the one before.
pub(crate) static PARTS: [(Measure, Component, f64); 5] = [
    (part("geometry", "%", |round| Some(100.0 * round.step("drift.geometry")?)), Component::Geometry, 100.0),
    (part("tone", "dE", |round| round.step("drift.tone")), Component::Tone, 1.0),
    (part("sharpness", "log2", |round| round.step("drift.sharpness")), Component::Sharpness, 1.0),
    (part("content", "dE", |round| round.step("drift.content")), Component::Content, 1.0),
    (part("residual", "dE", |round| round.step("drift.residual")), Component::Residual, 1.0),
];

const fn part(name: &'static str, unit: &'static str, of: fn(&MeasuredRound) -> Option<f64>) -> Measure {
    Measure { name, unit, of }
}

/// What the codec alone leaves, from its control.
pub(crate) const CODEC_PART: &str = "codec";

fn log2(ratio: f64) -> Option<f64> {
    (ratio > 0.0).then(|| ratio.log2())
}

impl MeasuredRound {
    pub(crate) fn source(&self, name: &str) -> Option<f64> {
        self.vs_source.get(name).copied()
    }

    pub(crate) fn step(&self, name: &str) -> Option<f64> {
        self.vs_previous.get(name).copied()
    }
}
