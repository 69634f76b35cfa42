//! From logits to instances, as mmdetection's `MaskFormerFusionHead.instance_postprocess` with test resizing.

/// Sizes of an image on its way through the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) original: (usize, usize),
    pub(super) resized: (usize, usize),
    pub(super) padded: (usize, usize),
}

/// One class of one query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) query: usize,
    pub(super) class: usize,
    pub(super) probability: f32,
}

/// The `n_kept` most probable classes over all queries, best first. `logits` is [queries, classes + 1]; the last class is
/// "no object".
pub(super) fn best_candidates(logits: &[f32], n_classes: usize, n_kept: usize) -> Vec<Candidate> {
    let mut candidates = Vec::with_capacity(logits.len());
    for (query, logits) in logits.chunks_exact(n_classes + 1).enumerate() {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
        let sum: f32 = powers.iter().sum();
        let classes = powers[..n_classes].iter().enumerate();
        candidates.extend(classes.map(|(class, power)| Candidate { query, class, probability: power / sum }));
    }
    candidates.sort_by(|a, b| {
        b.probability.total_cmp(&a.probability).then((a.query, a.class).cmp(&(b.query, b.class)))
    });
    candidates.truncate(n_kept);
    candidates
}
