//! A detector of the user's own: a probe for real against fake, trained on the study's images, so that a study has an answer without
//! any weights.
//!
//! The probes are those of [`crate::architecture`]. Each image is scored by a model that was trained, chosen and calibrated without
//! its prompt or source, in five folds; as delivered (native crops, nothing compressed) and matched (the plan that makes all images
//! alike). The same training on shuffled labels tells whether anything leaks.

use std::collections::BTreeMap;

use imgeval_metrics::classification::Prediction;
use imgeval_vision::DecodeLimits;

use super::{
    folds::folds_by_cluster,
    input::{Class, DetectorScores, Origin, ScoreOutcome, Treatment},
};
use crate::{
    Event,
    alike::{JpegRequest, PlanRequest, SizingRequest},
    architecture::{
        CrossFitTask, Dataset, DatasetRequest, DiagnoseError, Part, ProbeKind, Shares, ShuffleControl,
        Source, Workbench, WorkbenchRequest, WorkbenchSettings, cross_fit, separation, shuffled_labels,
    },
    collect::{ImageItem, Unused},
};

const N_FOLDS: usize = 5;
const N_CLASSES: usize = 2;

/// Settings of the training.
pub struct OwnRequest<'a> {
    pub kind: ProbeKind,
    /// The images of the study, in its order. Their groups should be the study's clusters; where a group is not known, like images are
    /// grouped.
    pub items: &'a [(Class, ImageItem)],
    /// How to match both classes; options left open are derived from the images.
    pub matched: PlanRequest,
    pub seed: u64,
    /// Trainings on shuffled labels for each treatment, one at least.
    pub n_shuffles: usize,
    pub limits: DecodeLimits,
    pub workbench: WorkbenchSettings<'a>,
}

/// The detector's scores and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnDetector {
    /// Of detector `own`, as a study takes them; as delivered and matched.
    pub scores: DetectorScores,
    pub treatments: Vec<OwnTreatment>,
    /// Files in the folder of checkpoints, which nobody needs any more.
    pub checkpoints: Vec<String>,
}

/// How the detector was trained under one treatment.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnTreatment {
    pub treatment: Treatment,
    /// The preparation of every image, described in words.
    pub plan: String,
    /// Sentences about the plan.
    pub notes: Vec<String>,
    /// What the same training finds where nothing is.
    pub shuffle: ShuffleControl,
    pub unused: Vec<Unused>,
}

/// Trains the detector and scores every image.
///
/// # Errors
/// If a class has fewer than 10 groups of usable images, a file changes meanwhile, or a probe cannot be fitted.
pub fn train_own(
    request: &OwnRequest<'_>,
    events: &mut dyn FnMut(Event),
) -> Result<OwnDetector, DiagnoseError> {
    let native = PlanRequest {
        jpeg: JpegRequest::None,
        sizing: Some(SizingRequest::Centre),
        side: None,
        seed: request.matched.seed,
    };
    let mut outcomes = BTreeMap::new();
    let mut treatments = Vec::new();
    let mut checkpoints = Vec::new();
    for (treatment, plan) in [(Treatment::AsDelivered, native), (Treatment::Matched, request.matched)] {
        let mut trained = train_under(request, treatment, plan, events)?;
        outcomes.insert(treatment, trained.outcomes);
        treatments.push(trained.record);
        checkpoints.append(&mut trained.checkpoints);
    }
    let name = format!("own {} probe", request.kind.code());
    let scores = DetectorScores { id: "own".to_owned(), name, origin: Origin::Own, threshold: 0.5, outcomes };
    Ok(OwnDetector { scores, treatments, checkpoints })
}

struct TrainedUnder {
    outcomes: Vec<ScoreOutcome>,
    record: OwnTreatment,
    checkpoints: Vec<String>,
}

fn train_under(
    request: &OwnRequest<'_>,
    treatment: Treatment,
    plan: PlanRequest,
    events: &mut dyn FnMut(Event),
) -> Result<TrainedUnder, DiagnoseError> {
    let places = |class: Class| -> Vec<usize> {
        (0..request.items.len()).filter(|place| request.items[*place].0 == class).collect()
    };
    let places = [places(Class::Real), places(Class::Fake)];
    let sources: Vec<Source> = [Class::Real, Class::Fake]
        .map(|class| Source {
            class: class as usize,
            generator: class.name().to_owned(),
            items: places[class as usize].iter().map(|place| request.items[*place].1.clone()).collect(),
        })
        .into();
    let class_names = [Class::Real, Class::Fake].map(|class| class.name().to_owned());
    let dataset_request = DatasetRequest {
        class_names: &class_names,
        sources: &sources,
        target: &[],
        plan,
        shares: Shares::default(),
        seed: request.seed,
        limits: request.limits,
    };
    let mut dataset = Dataset::gather(&dataset_request, events)?;
    let work = WorkbenchRequest {
        kind: request.kind,
        seed: request.seed,
        limits: request.limits,
        settings: request.workbench,
    };
    let bench = Workbench::prepare(work, &dataset, events)?;
    let groups: Vec<usize> = dataset.images.iter().map(|image| image.group).collect();
    let labels = dataset.classes.clone();
    let classes: Vec<Class> =
        labels.iter().map(|label| if *label == 0 { Class::Real } else { Class::Fake }).collect();
    let folds = folds_by_cluster(&classes, &groups, N_FOLDS, request.seed, "folds of the own detector");
    let name = match treatment {
        Treatment::Matched => "own-matched",
        Treatment::AsDelivered | Treatment::Degraded(_) => "own-delivered",
    };
    let fit = |name: &str, labels: &[usize], dataset: &mut Dataset, events: &mut dyn FnMut(Event)| {
        let task = CrossFitTask { name, labels, n_classes: N_CLASSES, folds: &folds, n_folds: N_FOLDS };
        cross_fit(&task, &bench, dataset, events)
    };
    let probabilities = fit(name, &labels, &mut dataset, events)?;
    let shuffle = {
        let n_shuffles = request.n_shuffles.max(1);
        events(Event::Stage { name: "training on shuffled labels".to_owned(), images: n_shuffles });
        let whole = vec![Part::Training; labels.len()];
        let mut aucs = Vec::new();
        for number in 0..n_shuffles {
            let shuffled = shuffled_labels(&labels, &groups, &whole, N_CLASSES, request.seed, number);
            let found = fit(&format!("{name}-shuffle-{number}"), &shuffled, &mut dataset, events)?;
            let prediction = |((probabilities, label), group): ((Vec<f64>, &usize), &usize)| Prediction {
                group: *group,
                label: *label,
                probabilities,
            };
            let predictions: Vec<Prediction> =
                found.into_iter().zip(&shuffled).zip(&groups).map(prediction).collect();
            aucs.push(separation(&predictions, N_CLASSES, request.seed)?.auc);
            events(Event::Advanced { images: 1 });
        }
        ShuffleControl::of(aucs).ok_or(DiagnoseError::NothingToEvaluate)?
    };
    Ok(TrainedUnder {
        outcomes: outcomes(request.items, &dataset, &probabilities),
        record: OwnTreatment {
            treatment,
            plan: dataset.plan.describe(),
            notes: dataset.plan_notes.clone(),
            shuffle,
            unused: dataset.unused,
        },
        checkpoints: bench.take_checkpoints(),
    })
}

/// For each item of the study its score, or why it has none. Files are told apart by path and class.
fn outcomes(
    items: &[(Class, ImageItem)],
    dataset: &Dataset,
    probabilities: &[Vec<f64>],
) -> Vec<ScoreOutcome> {
    let scores: BTreeMap<_, f64> = dataset
        .images
        .iter()
        .zip(&dataset.classes)
        .zip(probabilities)
        .map(|((image, class), probabilities)| ((image.path.as_path(), *class), probabilities[1]))
        .collect();
    let reasons: BTreeMap<_, String> =
        dataset.unused.iter().map(|unused| (unused.path.as_path(), unused.reason.detail())).collect();
    let outcome = |(class, item): &(Class, ImageItem)| {
        let path = item.path.as_path();
        match (scores.get(&(path, *class as usize)), reasons.get(path)) {
            (Some(score), _) => ScoreOutcome::Scored(*score),
            (None, Some(reason)) => ScoreOutcome::Failed(reason.clone()),
            (None, None) => ScoreOutcome::Missing,
        }
    };
    items.iter().map(outcome).collect()
}
