//! A probe's answer about images whose decoder nobody knows.

use imgeval_metrics::{
    Cluster, Stratum,
    classification::{class_shares, confidence_histogram},
    estimate_strata,
    spectra::Fingerprint,
};
use imgeval_vision::DecodeLimits;
use std::collections::BTreeMap;

use super::trained::{Answer, Probe};
use crate::{
    Event, Measured,
    alike::for_each_batch,
    architecture::{
        error::DiagnoseError,
        trust::{DecoderSignature, bootstrap, signature_of},
    },
    collect::{ImageItem, Unused, UsableImage, examine_all, usable_images},
};

/// Every image with its answer, or the reason why there is none.
pub struct AppliedImages {
    pub answered: Vec<(UsableImage, Answer)>,
    pub unused: Vec<Unused>,
}

/// All answers together.
#[derive(Debug, Clone, PartialEq)]
pub struct AppliedSummary {
    /// Share of the images classified as each class.
    pub shares: Vec<Measured>,
    /// Share of the images further from the training images than 95 % of held-out ones; `None` if the probe cannot
    /// tell.
    pub outside: Option<Measured>,
    /// Mean calibrated confidence in each class.
    pub mean_confidence: Vec<f64>,
    /// Confidence in the first class, in ten bins from 0 to 1.
    pub histogram: [usize; 10],
    pub n_images: usize,
    pub n_groups: usize,
    /// Images that came as JPEG or lossy WebP, and the lowest JPEG quality among them.
    pub n_lossy: usize,
    pub lowest_quality: Option<u8>,
    /// Images that are stored without loss and yet show a grid of 8 pixels, as an earlier JPEG leaves it.
    pub n_hidden_grid: usize,
}

/// Examines the images, brings them under the probe's plan and asks the probe.
///
/// # Errors
/// If a file changes meanwhile. Files that cannot be read are part of the result.
pub fn apply_to(
    probe: &Probe,
    items: &[ImageItem],
    limits: &DecodeLimits,
    events: &mut dyn FnMut(Event),
) -> Result<AppliedImages, DiagnoseError> {
    let items: Vec<&ImageItem> = items.iter().collect();
    let examined = examine_all("examining", &items, limits, events);
    let (usable, unused) = usable_images(&items, examined, Some(probe.card.plan.side));
    let images: Vec<UsableImage> = usable.into_iter().map(|(_, image)| image).collect();
    events(Event::Stage { name: "applying the probe".to_owned(), images: images.len() });
    let mut answers = Vec::with_capacity(images.len());
    let chosen: Vec<&UsableImage> = images.iter().collect();
    for_each_batch(&chosen, &probe.card.plan, limits, None, |_, squares| -> Result<(), DiagnoseError> {
        answers.extend(probe.answer(squares)?);
        events(Event::Advanced { images: squares.len() });
        Ok(())
    })?;
    Ok(AppliedImages { answered: images.into_iter().zip(answers).collect(), unused })
}

/// Signature of the images, and how like it is to the ones that the probe knows, in their order.
///
/// # Errors
/// If a file changes meanwhile.
pub fn compare_signature(
    probe: &Probe,
    applied: &AppliedImages,
    limits: &DecodeLimits,
) -> Result<Option<(DecoderSignature, Vec<f64>)>, DiagnoseError> {
    let images: Vec<&UsableImage> = applied.answered.iter().map(|(image, _)| image).collect();
    let Some((record, fingerprint)) =
        signature_of("these images".to_owned(), &images, &probe.card.plan, limits)?
    else {
        return Ok(None);
    };
    let likeness = probe.fingerprints.iter().map(|known: &Fingerprint| known.similarity(&fingerprint));
    Ok(Some((record, likeness.collect())))
}

impl AppliedImages {
    /// `None` without a usable image.
    #[must_use]
    pub fn summary(&self, n_classes: usize, seed: u64) -> Option<AppliedSummary> {
        let answers: Vec<(usize, usize)> =
            self.answered.iter().map(|(image, answer)| (image.group, answer.class)).collect();
        if answers.is_empty() {
            return None;
        }
        let shares = class_shares(&answers, n_classes, bootstrap(seed))?;
        let n_images = answers.len();
        let mean = |class: usize| {
            self.answered.iter().map(|(_, answer)| answer.probabilities[class]).sum::<f64>() / n_images as f64
        };
        let first: Vec<f64> = self.answered.iter().map(|(_, answer)| answer.probabilities[0]).collect();
        let jpegs = self.answered.iter().filter_map(|(image, _)| image.examined.facts.jpeg.as_ref());
        Some(AppliedSummary {
            n_groups: shares.first()?.n_clusters,
            shares: shares.into_iter().map(Measured::from).collect(),
            outside: self.outside_share(seed),
            mean_confidence: (0..n_classes).map(mean).collect(),
            histogram: confidence_histogram(&first)?,
            n_images,
            n_lossy: self.answered.iter().filter(|(image, _)| image.examined.facts.is_lossy()).count(),
            lowest_quality: jpegs.map(|jpeg| jpeg.quality).min(),
            n_hidden_grid: self.answered.iter().filter(|(image, _)| image.examined.has_hidden_grid()).count(),
        })
    }

    fn outside_share(&self, seed: u64) -> Option<Measured> {
        let mut clusters: BTreeMap<usize, Cluster> = BTreeMap::new();
        for (image, answer) in &self.answered {
            let cluster = clusters.entry(image.group).or_insert(Cluster { sum: 0.0, n: 0 });
            cluster.sum += f64::from(u8::from(answer.is_outside?));
            cluster.n += 1;
        }
        let stratum = Stratum::new(0, clusters.into_values().collect())?;
        estimate_strata(&[stratum], bootstrap(seed)).strata.first().copied().map(Measured::from)
    }
}
