//! From images and scores to the report.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_metrics::{
    detection::{ScoredImage, measure_detection},
    holm, unpaired_shift,
};
use rayon::prelude::*;

use super::{
    agreement::{compare_pairs, most_disputed},
    conditions::{Assembled, Condition, number_clusters, scored_images},
    files::compare_files,
    folds::count_clusters,
    fuse,
    input::{Class, DetectorScores, Origin, StudyError, StudyImage, StudySettings, check_input},
    numbers::{Metrics, Number},
    report::{ConditionRecord, DetectorRecord, FailureCount, Histogram, SetRecord, StudyReport, WrongImage},
    say,
    verdict::{DetectorEvidence, Evidence, SeparatingFact, Separation},
};
use crate::Measured;

const HISTOGRAM_BINS: usize = 20;
/// So many of the most wrong images of each class are listed.
const N_WRONG: usize = 6;
/// Half of all ranks lie above it. Nobody chose it as a threshold, so what follows from it is not reported.
const RANK_THRESHOLD: f64 = 0.5;
const PROBABILITY_THRESHOLD: f64 = 0.5;

/// Evaluates a study. The result depends on the input alone.
///
/// # Errors
/// If there is no image or detector, or scores do not fit the images.
pub fn study(
    images: &[StudyImage],
    detectors: &[DetectorScores],
    settings: StudySettings,
) -> Result<StudyReport, StudyError> {
    check_input(images, detectors)?;
    let clusters = number_clusters(images);
    let classes: Vec<Class> = images.iter().map(|image| image.class).collect();
    let n_clusters = |class| count_clusters(&classes, &clusters, class);
    let n_images = |class| classes.iter().filter(|other| **other == class).count();
    let bench = Bench { images, clusters: &clusters, settings };
    let files = compare_files(images, &clusters, settings.bootstrap.seed);
    let mut records: Vec<DetectorRecord> =
        detectors.iter().map(|detector| bench.detector(detector)).collect();
    records.extend(bench.fused(detectors));
    let evidence = Evidence {
        n_real: n_images(Class::Real),
        n_fake: n_images(Class::Fake),
        n_real_clusters: n_clusters(Class::Real),
        n_fake_clusters: n_clusters(Class::Fake),
        detectors: bench.evidence(detectors, &records),
        separating_facts: files
            .facts
            .iter()
            .filter(|fact| fact.separates)
            .filter_map(|fact| {
                Some(SeparatingFact { name: fact.name.clone(), accuracy: fact.accuracy.value? })
            })
            .collect(),
    };
    let (delivered, names) = bench.scores_under(detectors, Condition::AsDelivered);
    let (matched, matched_names) = bench.scores_under(detectors, Condition::Matched);
    let mut agreement = compare_pairs(&names, &delivered, &Condition::AsDelivered.code());
    agreement.extend(compare_pairs(&matched_names, &matched, &Condition::Matched.code()));
    Ok(StudyReport {
        seed: settings.bootstrap.seed,
        replicates: settings.bootstrap.replicates,
        n_real: evidence.n_real,
        n_fake: evidence.n_fake,
        n_real_clusters: evidence.n_real_clusters,
        n_fake_clusters: evidence.n_fake_clusters,
        sets: sets(images),
        agreement,
        disputed: most_disputed(images, &names, &delivered, settings.n_disputed),
        verdict: say::say_verdict(&evidence),
        warnings: say::warnings(images, &files, &records),
        detectors: records,
        files,
    })
}

fn sets(images: &[StudyImage]) -> Vec<SetRecord> {
    let mut sets: BTreeMap<(Class, &str), (usize, BTreeSet<&str>)> = BTreeMap::new();
    for image in images {
        let set = sets.entry((image.class, &image.set)).or_default();
        set.0 += 1;
        set.1.insert(&image.cluster);
    }
    sets.into_iter()
        .map(|((class, name), (n_images, clusters))| SetRecord {
            class,
            name: name.to_owned(),
            n_images,
            n_clusters: clusters.len(),
        })
        .collect()
}

struct Bench<'a> {
    images: &'a [StudyImage],
    clusters: &'a [usize],
    settings: StudySettings,
}

impl Bench<'_> {
    fn detector(&self, detector: &DetectorScores) -> DetectorRecord {
        let has = |class: Class| self.images.iter().any(|image| image.class == class);
        let conditions = Condition::all_of(detector, has(Class::Real) && has(Class::Fake));
        let record = |condition: &Condition| {
            let assembled = Assembled::of(self.images, detector, *condition);
            self.condition(*condition, &assembled, detector.threshold)
        };
        DetectorRecord {
            id: detector.id.clone(),
            name: detector.name.clone(),
            origin: detector.origin,
            conditions: conditions.par_iter().map(record).collect(),
        }
    }

    fn condition(&self, condition: Condition, assembled: &Assembled, threshold: f64) -> ConditionRecord {
        let scored = assembled.scored(self.images, self.clusters);
        let failures = assembled.failures.iter();
        let step = match condition {
            Condition::Swept { step, .. } => Some(step),
            Condition::AsDelivered | Condition::Matched => None,
        };
        // Scores were checked, so that nothing is measured only where there are none.
        let measured = measure_detection(&scored, threshold, self.settings.bootstrap).ok();
        let mut metrics = measured.map(|found| Metrics::of(&found));
        if step.is_some() {
            // A sweep has many conditions, and its curves need no ROC.
            metrics.iter_mut().for_each(|metrics| metrics.roc.clear());
        }
        ConditionRecord {
            code: condition.code(),
            name: condition.name(),
            axis: step.map(|step| step.axis().to_owned()),
            strength: step.map(|step| step.strength()),
            failures: failures
                .map(|(reason, n_images)| FailureCount { reason: reason.clone(), n_images: *n_images })
                .collect(),
            n_missing: assembled.n_missing,
            metrics,
            histogram: if step.is_none() { histogram(&scored) } else { None },
            most_wrong: if step.is_none() {
                self.most_wrong(&assembled.scores, threshold)
            } else {
                Vec::new()
            },
        }
    }

    fn most_wrong(&self, scores: &[Option<f64>], threshold: f64) -> Vec<WrongImage> {
        let of_class = |class: Class| {
            let scored = self.images.iter().zip(scores).filter_map(|(image, score)| Some((image, (*score)?)));
            let mut wrong: Vec<WrongImage> = scored
                .filter(|(image, score)| {
                    image.class == class && (*score > threshold) != (class == Class::Fake)
                })
                .map(|(image, score)| WrongImage {
                    image: image.name.clone(),
                    class,
                    set: image.set.clone(),
                    score,
                })
                .collect();
            let distance = |wrong: &WrongImage| (wrong.score - threshold).abs();
            wrong.sort_by(|left, right| distance(right).total_cmp(&distance(left)));
            wrong.truncate(N_WRONG);
            wrong
        };
        [of_class(Class::Real), of_class(Class::Fake)].concat()
    }

    /// The detectors that are not fused and have any score under the condition, with all their scores.
    fn scores_under<'d>(
        &self,
        detectors: &'d [DetectorScores],
        condition: Condition,
    ) -> (Vec<Vec<Option<f64>>>, Vec<&'d DetectorScores>) {
        let of = |detector: &'d DetectorScores| {
            let scores = Assembled::of(self.images, detector, condition).scores;
            let is_scored = detector.origin != Origin::Fused && scores.iter().any(Option::is_some);
            is_scored.then_some((scores, detector))
        };
        detectors.iter().filter_map(of).unzip()
    }

    fn fused(&self, detectors: &[DetectorScores]) -> Vec<DetectorRecord> {
        let mut by_ranks = Vec::new();
        let mut by_logistic = Vec::new();
        for condition in [Condition::AsDelivered, Condition::Matched] {
            let (scores, _) = self.scores_under(detectors, condition);
            if scores.len() < 2 {
                continue;
            }
            let assembled = |scores: Vec<Option<f64>>, failures: BTreeMap<String, usize>| Assembled {
                n_missing: if failures.is_empty() {
                    scores.iter().filter(|score| score.is_none()).count()
                } else {
                    0
                },
                scores,
                failures,
            };
            let ranked = assembled(fuse::mean_of_ranks(&scores), BTreeMap::new());
            let mut record = self.condition(condition, &ranked, RANK_THRESHOLD);
            record.metrics.iter_mut().for_each(Metrics::forget_threshold);
            record.most_wrong.clear();
            by_ranks.push(record);
            let seed = self.settings.bootstrap.seed;
            let fitted = match fuse::logistic(self.images, self.clusters, &scores, seed) {
                Ok(fitted) => assembled(fitted, BTreeMap::new()),
                Err(reason) => assembled(
                    vec![None; self.images.len()],
                    BTreeMap::from([(reason.to_string(), self.images.len())]),
                ),
            };
            by_logistic.push(self.condition(condition, &fitted, PROBABILITY_THRESHOLD));
        }
        let record = |id: &str, name: &str, conditions: Vec<ConditionRecord>| DetectorRecord {
            id: id.to_owned(),
            name: name.to_owned(),
            origin: Origin::Fused,
            conditions,
        };
        [
            record("fused-ranks", "Mean of ranks (own)", by_ranks),
            record("fused-logistic", "Logistic fusion (own)", by_logistic),
        ]
        .into_iter()
        .filter(|record| !record.conditions.is_empty())
        .collect()
    }

    /// What each detector that is not fused says about the verdict; `records` begins with theirs, in the same order.
    fn evidence(&self, detectors: &[DetectorScores], records: &[DetectorRecord]) -> Vec<DetectorEvidence> {
        let separations = |condition: Condition| -> Vec<Option<Separation>> {
            let found: Vec<Option<(Measured, f64)>> = detectors
                .iter()
                .zip(records)
                .map(|(detector, record)| {
                    let metrics = record.condition(&condition.code())?.metrics.as_ref()?;
                    let scores = Assembled::of(self.images, detector, condition).scores;
                    Some((measured(&metrics.auc)?, self.p_value(&scores)?))
                })
                .collect();
            let p_values: Vec<f64> = found.iter().flatten().map(|(_, p_value)| *p_value).collect();
            let mut adjusted = holm(&p_values).into_iter();
            let mut separation = |(auc, _)| Some(Separation { auc, p_value: adjusted.next()? });
            found.into_iter().map(|found| found.and_then(&mut separation)).collect()
        };
        let (delivered, matched) = (separations(Condition::AsDelivered), separations(Condition::Matched));
        detectors
            .iter()
            .zip(delivered.into_iter().zip(matched))
            .filter(|(detector, _)| detector.origin != Origin::Fused)
            .map(|(detector, (delivered, matched))| DetectorEvidence {
                name: detector.name.clone(),
                delivered,
                matched,
            })
            .collect()
    }

    /// Of no difference between the classes, over the mean scores of their clusters.
    fn p_value(&self, scores: &[Option<f64>]) -> Option<f64> {
        let mut means: BTreeMap<(bool, usize), (f64, f64)> = BTreeMap::new();
        for ScoredImage { score, is_fake, cluster } in scored_images(self.images, self.clusters, scores) {
            let mean = means.entry((is_fake, cluster)).or_default();
            mean.0 += score;
            mean.1 += 1.0;
        }
        let of_class = |class: bool| -> Vec<f64> {
            let means = means.iter().filter(|((is_fake, _), _)| *is_fake == class);
            means.map(|(_, (sum, n))| sum / n).collect()
        };
        Some(unpaired_shift(&of_class(false), &of_class(true))?.mannwhitney_p)
    }
}

fn measured(number: &Number) -> Option<Measured> {
    Some(Measured {
        value: number.value?,
        low: number.low?,
        high: number.high?,
        n_groups: number.n_clusters?,
        n_images: number.n_images?,
    })
}

/// `None` where a score lies outside [0, 1].
fn histogram(scored: &[ScoredImage]) -> Option<Histogram> {
    let mut found = Histogram { reals: vec![0; HISTOGRAM_BINS], fakes: vec![0; HISTOGRAM_BINS] };
    for image in scored {
        if !(0.0..=1.0).contains(&image.score) {
            return None;
        }
        let bin = ((image.score * HISTOGRAM_BINS as f64) as usize).min(HISTOGRAM_BINS - 1);
        let counts = if image.is_fake { &mut found.fakes } else { &mut found.reals };
        counts[bin] += 1;
    }
    (!scored.is_empty()).then_some(found)
}
