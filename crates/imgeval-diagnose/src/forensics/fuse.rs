//! Fused scores of several detectors. They are our own, and no published detector.

use imgeval_metrics::logistic::{
    Features, LearnError, LogisticModel, LogisticSettings, balanced_weights, fit_logistic,
};

use super::{
    folds::{count_clusters, folds_by_cluster},
    input::{Class, StudyImage},
};

const OUTER_FOLDS: usize = 5;
const INNER_FOLDS: usize = 4;
/// Each fold, outer or inner, needs clusters of both classes.
const MIN_CLUSTERS: usize = OUTER_FOLDS * INNER_FOLDS;
/// Strengths of the penalty that the inner folds choose from.
const PENALTIES: [f64; 5] = [0.01, 0.1, 1.0, 10.0, 100.0];
/// Log odds of scores are cut off here, so that a score of 1 stays finite.
const MAX_LOG_ODDS: f64 = 15.0;

/// Why there is no fused score.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotFused {
    #[error(
        "a class has {found} prompts or sources with scores of every detector, but {MIN_CLUSTERS} are needed"
    )]
    TooFewClusters { found: usize },
    #[error(transparent)]
    Learn(#[from] LearnError),
}

/// Ranks in [0, 1] of the images that have a score; equal scores share their mean rank.
pub(super) fn ranks(scores: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(f64, usize)> =
        scores.iter().enumerate().filter_map(|(place, score)| Some(((*score)?, place))).collect();
    order.sort_by(|left, right| left.0.total_cmp(&right.0));
    let mut ranks = vec![None; scores.len()];
    let n = order.len() as f64;
    let mut below = 0;
    #[expect(clippy::float_cmp, reason = "ties are scores that are equal to the last bit")]
    for tie in order.chunk_by(|left, right| left.0 == right.0) {
        let rank = (below as f64 + tie.len() as f64 / 2.0) / n;
        tie.iter().for_each(|(_, place)| ranks[*place] = Some(rank));
        below += tie.len();
    }
    ranks
}

/// The mean over detectors of the ranks of their scores, for the images that all of them have scored. No label is used.
pub(super) fn mean_of_ranks(detectors: &[Vec<Option<f64>>]) -> Vec<Option<f64>> {
    let n_images = detectors.first().map_or(0, Vec::len);
    let all = |place: usize| detectors.iter().all(|scores| scores[place].is_some());
    // Ranked among the same images, or a detector that failed on some would rank the others differently.
    let shared: Vec<Vec<Option<f64>>> = detectors
        .iter()
        .map(|scores| {
            ranks(&(0..n_images).map(|place| scores[place].filter(|_| all(place))).collect::<Vec<_>>())
        })
        .collect();
    let mean = |place: usize| {
        let sum = shared.iter().map(|ranks| ranks[place]).sum::<Option<f64>>()?;
        Some(sum / shared.len() as f64)
    };
    (0..n_images).map(mean).collect()
}

/// A logistic regression on all detectors' scores. Each image is scored by a model that was fitted, and whose penalty was chosen,
/// without its cluster: five outer folds by cluster, four inner ones.
///
/// # Errors
/// If a class has fewer than 20 clusters with scores of every detector.
pub(super) fn logistic(
    images: &[StudyImage],
    clusters: &[usize],
    detectors: &[Vec<Option<f64>>],
    seed: u64,
) -> Result<Vec<Option<f64>>, NotFused> {
    let places: Vec<usize> =
        (0..images.len()).filter(|place| detectors.iter().all(|scores| scores[*place].is_some())).collect();
    let classes: Vec<Class> = places.iter().map(|place| images[*place].class).collect();
    let clusters: Vec<usize> = places.iter().map(|place| clusters[*place]).collect();
    let found = [Class::Real, Class::Fake].map(|class| count_clusters(&classes, &clusters, class));
    let fewest = found.into_iter().min().unwrap_or(0);
    if fewest < MIN_CLUSTERS {
        return Err(NotFused::TooFewClusters { found: fewest });
    }
    let row = |place: &usize| -> Vec<f32> {
        detectors.iter().map(|scores| feature(scores[*place].unwrap_or(f64::NAN))).collect()
    };
    let table = Table { rows: places.iter().map(row).collect(), classes, clusters };
    let all: Vec<usize> = (0..places.len()).collect();
    let folds = table.folds(&all, OUTER_FOLDS, seed, "outer folds of the fused score");
    let mut fused = vec![None; images.len()];
    for fold in 0..OUTER_FOLDS {
        let training: Vec<usize> = all.iter().copied().filter(|row| folds[*row] != fold).collect();
        let penalty = table.best_penalty(&training, seed ^ fold as u64)?;
        let model = table.fit(&training, penalty)?;
        for row in all.iter().filter(|row| folds[**row] == fold) {
            fused[places[*row]] = Some(model.probabilities(&table.rows[*row])?[1]);
        }
    }
    Ok(fused)
}

/// Log odds of a probability; any other score as it is.
fn feature(score: f64) -> f32 {
    let is_probability = (0.0..=1.0).contains(&score);
    let value =
        if is_probability { (score / (1.0 - score)).ln().clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS) } else { score };
    value as f32
}

struct Table {
    rows: Vec<Vec<f32>>,
    classes: Vec<Class>,
    clusters: Vec<usize>,
}

impl Table {
    fn folds(&self, rows: &[usize], n_folds: usize, seed: u64, purpose: &str) -> Vec<usize> {
        let classes: Vec<Class> = rows.iter().map(|row| self.classes[*row]).collect();
        let clusters: Vec<usize> = rows.iter().map(|row| self.clusters[*row]).collect();
        folds_by_cluster(&classes, &clusters, n_folds, seed, purpose)
    }

    fn fit(&self, rows: &[usize], penalty: f64) -> Result<LogisticModel, LearnError> {
        let values: Vec<f32> = rows.iter().flat_map(|row| &self.rows[*row]).copied().collect();
        let labels: Vec<usize> = rows.iter().map(|row| self.classes[*row] as usize).collect();
        let weights = balanced_weights(&labels, 2);
        let settings = LogisticSettings { penalty, ..LogisticSettings::default() };
        let width = self.rows.first().map_or(0, Vec::len);
        Ok(fit_logistic(Features::new(&values, width)?, &labels, 2, Some(&weights), settings)?.model)
    }

    /// The penalty with the least log loss over the inner folds; of equals the strongest.
    fn best_penalty(&self, rows: &[usize], seed: u64) -> Result<f64, LearnError> {
        let folds = self.folds(rows, INNER_FOLDS, seed, "inner folds of the fused score");
        let mut best = (f64::INFINITY, PENALTIES[PENALTIES.len() - 1]);
        for penalty in PENALTIES.into_iter().rev() {
            let mut loss = 0.0;
            for fold in 0..INNER_FOLDS {
                let of_fold = |inside: bool| -> Vec<usize> {
                    let places = rows.iter().zip(&folds).filter(|(_, other)| (**other == fold) == inside);
                    places.map(|(row, _)| *row).collect()
                };
                let model = self.fit(&of_fold(false), penalty)?;
                for row in of_fold(true) {
                    let probabilities = model.probabilities(&self.rows[row])?;
                    loss -= probabilities[self.classes[row] as usize].max(1e-300).ln();
                }
            }
            if loss < best.0 {
                best = (loss, penalty);
            }
        }
        Ok(best.1)
    }
}
