//! The three candidates for a closed model's architecture (GPT-ImgEval, section 3): what each would leave in images, what was measured, and
//! what would decide it.

use super::{claim::Claim, verdict::judge_probe};
use crate::architecture::{
    probe::{AppliedSummary, ProbeCard},
    trust::{DecoderSignature, LatticePeak},
};

/// A peak this many times its surroundings is worth a word.
const CLEAR_PEAK: f64 = 1.5;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateSheet {
    /// `a`, `b` or `c`.
    pub candidate: &'static str,
    pub title: &'static str,
    pub predicts: &'static [&'static str],
    pub measured: Vec<String>,
    pub would_decide: &'static [&'static str],
}

/// The sheet after an answer about images.
#[must_use]
pub fn evidence_sheet(
    card: &ProbeCard,
    summary: &AppliedSummary,
    signature: Option<&DecoderSignature>,
) -> Vec<CandidateSheet> {
    let measured = measured(card, summary, signature);
    let sheet = |candidate, title, predicts, would_decide| CandidateSheet {
        candidate,
        title,
        predicts,
        measured: measured.clone(),
        would_decide,
    };
    vec![
        sheet(
            "a",
            "autoregression whose tokens are drawn by a diffusion decoder (Emu, NOVA)",
            &[
                "Images carry the traces of a latent decoder, as those of pure diffusion models do: peaks at multiples of 1/8 cycles per pixel.",
                "A probe for diffusion against visual autoregression calls them diffusion, whatever came before the decoder.",
            ],
            &[
                "Other images of the same content, decoded again from the same tokens: details that change while the layout stays come from a diffusion decoder.",
                "A decoder-only control with this very decoder.",
            ],
        ),
        sheet(
            "b",
            "native autoregression over discrete tokens (Janus, VARGPT)",
            &[
                "Images carry the traces of a quantized decoder: its own lattice, usually at 1/16 or 1/8, and the texture of its codebook.",
                "The probe calls them autoregressive, and so does a probe trained without this generator.",
            ],
            &[
                "The same probe on several quantized and several continuous decoders that it was not trained on.",
                "Repeated images whose patches come from a countable set.",
            ],
        ),
        sheet(
            "c",
            "autoregression and diffusion combined in one network (Transfusion, Show-o)",
            &[
                "The last component is again a latent decoder, so for any probe of traces, images look like those of (a).",
                "Nothing that a probe of single images sees distinguishes (c) from (a).",
            ],
            &[
                "Behavior rather than images: time per image against its size, previews from coarse to fine or from top to bottom, changes under edits.",
            ],
        ),
    ]
}

fn measured(card: &ProbeCard, summary: &AppliedSummary, signature: Option<&DecoderSignature>) -> Vec<String> {
    let mut lines = Vec::new();
    let shares: Vec<String> = card
        .classes
        .iter()
        .zip(&summary.shares)
        .map(|(class, share)| format!("`{class}` {}", share.text()))
        .collect();
    lines.push(format!("Shares of the images: {}.", shares.join(", ")));
    lines.push(match judge_probe(card).claim {
        Claim::Nothing => "The probe's controls allow no conclusion from this.".to_owned(),
        Claim::Generators => {
            "According to its controls, the probe describes only its own generators.".to_owned()
        }
        Claim::Decoder => {
            "According to its controls, the probe describes only the decoder, which (a) and (c) share."
                .to_owned()
        }
        Claim::Class => {
            "According to its controls, the probe describes the class, as far as its generators represent it."
                .to_owned()
        }
    });
    let peaks = signature.map(|signature| clear_peaks(&signature.peaks)).unwrap_or_default();
    lines.push(match (signature, peaks.is_empty()) {
        (None, _) => "Lattice peaks were not measured.".to_owned(),
        (Some(_), true) => "No lattice peak stands out from its surroundings.".to_owned(),
        (Some(_), false) => format!("Lattice peaks relative to their surroundings: {}.", peaks.join(", ")),
    });
    if summary.n_lossy > 0 {
        lines.push(format!(
            "{} of {} images were delivered compressed; JPEG itself makes peaks at multiples of 1/8.",
            summary.n_lossy, summary.n_images
        ));
    }
    lines
}

fn clear_peaks(peaks: &[LatticePeak]) -> Vec<String> {
    let clear = peaks.iter().filter(|peak| peak.score >= CLEAR_PEAK);
    clear.map(|peak| format!("period {} px: {:.2}", peak.period, peak.score)).collect()
}
