//! From folders to a probe with its controls.

use std::collections::BTreeSet;

use imgeval_metrics::{
    classification::{ClassDistance, Temperature, class_shares, outside_threshold},
    spectra::Fingerprint,
};
use imgeval_vision::DecodeLimits;

use super::{
    apply::{AppliedImages, apply_to},
    card::{GeneratorCard, ProbeCard},
    trained::Probe,
};
use crate::{
    Event,
    alike::{PlanRequest, SWEEP},
    architecture::{
        data::{Dataset, DatasetRequest, Part, Shares, Source},
        error::DiagnoseError,
        learn::{
            FitTask, Labelled, Model, Output, ProbeKind, Workbench, WorkbenchRequest, WorkbenchSettings,
        },
        trust::{
            Controls, DecoderControl, DecoderSignature, LeaveOneOut, RobustnessPoint, ShuffleControl,
            answer_of, bootstrap, evaluate_outputs, predictions, separation, shuffled_labels, signature_of,
        },
    },
    collect::{ImageItem, Unused, count_unused},
};

/// Share of held-out images that counts as inside.
const INSIDE_SHARE: f64 = 0.95;

/// Everything that determines the training.
pub struct TrainingRequest<'a> {
    pub kind: ProbeKind,
    pub tool_version: &'a str,
    pub class_names: &'a [String],
    pub sources: &'a [Source],
    /// What the probe will be asked about, if known: the plan fits it too.
    pub target: &'a [ImageItem],
    /// Real photographs that have been through a decoder: its name and the images.
    pub control_decoders: &'a [(String, Vec<ImageItem>)],
    pub plan: PlanRequest,
    pub shares: Shares,
    pub seed: u64,
    /// Permutations of the label-shuffle control, one at least.
    pub n_shuffles: usize,
    pub limits: DecodeLimits,
    pub workbench: WorkbenchSettings<'a>,
}

/// A probe, and the images that could not be used for it.
pub struct Trained {
    pub probe: Probe,
    pub unused: Vec<Unused>,
    /// Names of files in the folder of checkpoints, which nobody needs once the probe is written.
    pub checkpoints: Vec<String>,
}

/// Trains a probe and runs all controls.
///
/// # Errors
/// If there are too few classes, images or groups, or a file changes meanwhile.
pub fn train(request: &TrainingRequest<'_>, events: &mut dyn FnMut(Event)) -> Result<Trained, DiagnoseError> {
    let dataset = Dataset::gather(
        &DatasetRequest {
            class_names: request.class_names,
            sources: request.sources,
            target: request.target,
            plan: request.plan,
            shares: request.shares,
            seed: request.seed,
            limits: request.limits,
        },
        events,
    )?;
    let n_classes = request.class_names.len();
    let work = WorkbenchRequest {
        kind: request.kind,
        seed: request.seed,
        limits: request.limits,
        settings: request.workbench,
    };
    let bench = Workbench::prepare(work, &dataset, events)?;
    let fitted = Fitted::new(&bench, &dataset, &dataset.classes, n_classes, "main", |_| true, events)?;
    let (distance, threshold) = fit_distance(&bench, &dataset, &fitted, n_classes, events)?;
    let test = dataset.of_part(Part::Test, |_| true);
    let outputs = bench.outputs(&fitted.model, &dataset, &test, None, events)?;
    let (labels, groups) = (labels_of(&dataset.classes, &test), groups_of(&dataset, &test));
    let seed = request.seed;
    let mut evaluation = evaluate_outputs(&outputs, &labels, &groups, fitted.temperature, n_classes, seed)?;
    if let Some(threshold) = threshold {
        let scores = scores_of(&distance, &outputs)?;
        let n_outside = scores.iter().filter(|score| **score > threshold).count();
        evaluation.outside_share = Some(n_outside as f64 / scores.len() as f64);
    }
    let shuffle = shuffle_control(request, &bench, &dataset, events)?;
    let leave_one_out = leave_one_out(request, &bench, &dataset, events)?;
    let robustness = robustness(request, &bench, &dataset, &fitted, events)?;
    let (signatures, fingerprints) = signatures(request, &dataset, events)?;
    let card = ProbeCard {
        kind: request.kind,
        tool_version: request.tool_version.to_owned(),
        classes: request.class_names.to_vec(),
        plan: dataset.plan.clone(),
        plan_notes: dataset.plan_notes.clone(),
        seed,
        shares: request.shares,
        generators: generator_cards(request, &dataset),
        n_known_groups: dataset.n_known_groups,
        unused: count_unused(&dataset.unused),
        profile: dataset.profile.clone(),
        evaluation,
        controls: Controls { shuffle, leave_one_out, decoders: Vec::new(), robustness },
        outside_threshold: threshold,
        signatures,
        embedder: bench.embedder(),
        network: fitted.model.description().cloned(),
        epochs: fitted.model.epochs().to_vec(),
    };
    let Fitted { model, temperature } = fitted;
    let checkpoints = bench.take_checkpoints();
    let extractor = bench.into_extractor();
    let mut probe = Probe { card, model, extractor, temperature, distance, fingerprints };
    for (name, items) in request.control_decoders {
        let applied = apply_to(&probe, items, &request.limits, events)?;
        let control = decoder_control(name, &applied, n_classes, seed)?;
        probe.card.controls.decoders.push(control);
    }
    Ok(Trained { probe, unused: dataset.unused, checkpoints })
}

/// A model with its calibration on the validation groups.
pub(super) struct Fitted {
    pub(super) model: Model,
    pub(super) temperature: Temperature,
}

impl Fitted {
    pub(super) fn new(
        bench: &Workbench<'_>,
        dataset: &Dataset,
        labels: &[usize],
        n_classes: usize,
        name: &str,
        keep: impl Fn(usize) -> bool + Copy,
        events: &mut dyn FnMut(Event),
    ) -> Result<Self, DiagnoseError> {
        let training = dataset.of_part(Part::Training, keep);
        let validation = dataset.of_part(Part::Validation, keep);
        let task = FitTask { name, training: &training, validation: &validation, labels, n_classes };
        let model = bench.fit(&task, dataset, events)?;
        let outputs = bench.outputs(&model, dataset, &validation, None, events)?;
        let logits: Vec<Vec<f64>> = outputs.into_iter().map(|output| output.logits).collect();
        let temperature = calibrate(&logits, &labels_of(labels, &validation))?;
        Ok(Self { model, temperature })
    }
}

/// The temperature of the validation images. Where all of them are answered right, any sharpening looks like an improvement, so none is done.
fn calibrate(logits: &[Vec<f64>], labels: &[usize]) -> Result<Temperature, DiagnoseError> {
    let fitted = Temperature::fit(logits, labels);
    let is_flawless = logits.iter().zip(labels).all(|(logits, label)| answer_of(logits) == *label);
    match fitted {
        Some(temperature) if is_flawless && temperature.value() < 1.0 => Temperature::new(1.0),
        other => other,
    }
    .ok_or(DiagnoseError::NothingToEvaluate)
}

fn labels_of(labels: &[usize], indices: &[usize]) -> Vec<usize> {
    indices.iter().map(|index| labels[*index]).collect()
}

fn groups_of(dataset: &Dataset, indices: &[usize]) -> Vec<usize> {
    indices.iter().map(|index| dataset.images[*index].group).collect()
}

fn scores_of(distance: &ClassDistance, outputs: &[Output]) -> Result<Vec<f64>, DiagnoseError> {
    outputs.iter().map(|output| Ok(distance.score(&output.features)?)).collect()
}

/// The distance from the training images, and how far 95 % of the validation images lie at most.
fn fit_distance(
    bench: &Workbench<'_>,
    dataset: &Dataset,
    fitted: &Fitted,
    n_classes: usize,
    events: &mut dyn FnMut(Event),
) -> Result<(ClassDistance, Option<f64>), DiagnoseError> {
    let training = dataset.of_part(Part::Training, |_| true);
    let validation = dataset.of_part(Part::Validation, |_| true);
    let outputs = bench.outputs(&fitted.model, dataset, &training, None, events)?;
    let rows: Vec<Vec<f32>> = outputs.into_iter().map(|output| output.features).collect();
    let labels = labels_of(&dataset.classes, &training);
    let all: Vec<usize> = (0..rows.len()).collect();
    let table = Labelled::of(&rows, &labels, &all);
    let distance = ClassDistance::fit(table.features()?, &table.labels, n_classes)?;
    let outputs = bench.outputs(&fitted.model, dataset, &validation, None, events)?;
    let threshold = outside_threshold(&scores_of(&distance, &outputs)?, INSIDE_SHARE);
    Ok((distance, threshold))
}

fn shuffle_control(
    request: &TrainingRequest<'_>,
    bench: &Workbench<'_>,
    dataset: &Dataset,
    events: &mut dyn FnMut(Event),
) -> Result<ShuffleControl, DiagnoseError> {
    let n_classes = request.class_names.len();
    let all_groups: Vec<usize> = dataset.images.iter().map(|image| image.group).collect();
    let test = dataset.of_part(Part::Test, |_| true);
    let mut aucs = Vec::new();
    events(Event::Stage { name: "training on shuffled labels".to_owned(), images: request.n_shuffles });
    for number in 0..request.n_shuffles.max(1) {
        let labels =
            shuffled_labels(&dataset.classes, &all_groups, &dataset.parts, n_classes, request.seed, number);
        let name = format!("shuffle-{number}");
        let fitted = Fitted::new(bench, dataset, &labels, n_classes, &name, |_| true, events)?;
        let outputs = bench.outputs(&fitted.model, dataset, &test, None, events)?;
        let predicted =
            predictions(&outputs, &labels_of(&labels, &test), &groups_of(dataset, &test), fitted.temperature);
        aucs.push(separation(&predicted, n_classes, request.seed)?.auc);
        events(Event::Advanced { images: 1 });
    }
    ShuffleControl::of(aucs).ok_or(DiagnoseError::NothingToEvaluate)
}

fn leave_one_out(
    request: &TrainingRequest<'_>,
    bench: &Workbench<'_>,
    dataset: &Dataset,
    events: &mut dyn FnMut(Event),
) -> Result<Vec<LeaveOneOut>, DiagnoseError> {
    let n_classes = request.class_names.len();
    let mut controls = Vec::new();
    for (place, source) in request.sources.iter().enumerate() {
        let has_others = request
            .sources
            .iter()
            .enumerate()
            .any(|(other, candidate)| other != place && candidate.class == source.class);
        let is_tested = (0..dataset.images.len())
            .any(|index| dataset.sources[index] == place && dataset.parts[index] == Part::Test);
        if !has_others || !is_tested {
            continue;
        }
        let name = format!("without-{place}");
        let stage = format!("training without {}", source.generator);
        events(Event::Stage { name: stage, images: 0 });
        let keep = |index: usize| dataset.sources[index] != place;
        let fitted = Fitted::new(bench, dataset, &dataset.classes, n_classes, &name, keep, events)?;
        let unseen = dataset.of_part(Part::Test, |index| !keep(index));
        let others = dataset.of_part(Part::Test, |index| dataset.classes[index] != source.class);
        let test: Vec<usize> = unseen.iter().chain(&others).copied().collect();
        let outputs = bench.outputs(&fitted.model, dataset, &test, None, events)?;
        let labels = labels_of(&dataset.classes, &test);
        let groups = groups_of(dataset, &test);
        let predicted = predictions(&outputs, &labels, &groups, fitted.temperature);
        let answers: Vec<(usize, usize)> =
            predicted[..unseen.len()].iter().map(|one| (one.group, answer_of(&one.probabilities))).collect();
        let shares = class_shares(&answers, n_classes, bootstrap(request.seed))
            .ok_or(DiagnoseError::NothingToEvaluate)?;
        controls.push(LeaveOneOut {
            class: request.class_names[source.class].clone(),
            generator: source.generator.clone(),
            recognised: shares[source.class].into(),
            auc: separation(&predicted, n_classes, request.seed)?.auc,
        });
    }
    Ok(controls)
}

fn robustness(
    request: &TrainingRequest<'_>,
    bench: &Workbench<'_>,
    dataset: &Dataset,
    fitted: &Fitted,
    events: &mut dyn FnMut(Event),
) -> Result<Vec<RobustnessPoint>, DiagnoseError> {
    let test = dataset.of_part(Part::Test, |_| true);
    let (labels, groups) = (labels_of(&dataset.classes, &test), groups_of(dataset, &test));
    events(Event::Stage { name: "degrading".to_owned(), images: SWEEP.len() * test.len() });
    SWEEP
        .into_iter()
        .map(|degradation| {
            let outputs = bench.outputs(&fitted.model, dataset, &test, Some(degradation), events)?;
            let predicted = predictions(&outputs, &labels, &groups, fitted.temperature);
            let separation = separation(&predicted, request.class_names.len(), request.seed)?;
            Ok(RobustnessPoint { degradation, separation })
        })
        .collect()
}

fn signatures(
    request: &TrainingRequest<'_>,
    dataset: &Dataset,
    events: &mut dyn FnMut(Event),
) -> Result<(Vec<DecoderSignature>, Vec<Fingerprint>), DiagnoseError> {
    let (mut records, mut fingerprints) = (Vec::new(), Vec::new());
    for (place, source) in request.sources.iter().enumerate() {
        let of_source: Vec<usize> =
            (0..dataset.images.len()).filter(|index| dataset.sources[*index] == place).collect();
        let name = format!("{}/{}", request.class_names[source.class], source.generator);
        events(Event::Stage { name: format!("signature of {name}"), images: 0 });
        let images = dataset.chosen(&of_source);
        if let Some((record, fingerprint)) = signature_of(name, &images, &dataset.plan, &request.limits)? {
            records.push(record);
            fingerprints.push(fingerprint);
        }
    }
    Ok((records, fingerprints))
}

fn generator_cards(request: &TrainingRequest<'_>, dataset: &Dataset) -> Vec<GeneratorCard> {
    let card = |(place, source): (usize, &Source)| {
        let count = |part: Part| dataset.of_part(part, |index| dataset.sources[index] == place).len();
        let of_source = || (0..dataset.images.len()).filter(|index| dataset.sources[*index] == place);
        GeneratorCard {
            class: source.class,
            name: source.generator.clone(),
            n_images: of_source().count(),
            n_hidden_grid: of_source()
                .filter(|index| dataset.images[*index].examined.has_hidden_grid())
                .count(),
            n_groups: of_source().map(|index| dataset.images[index].group).collect::<BTreeSet<_>>().len(),
            n_training: count(Part::Training),
            n_validation: count(Part::Validation),
            n_test: count(Part::Test),
        }
    };
    request.sources.iter().enumerate().map(card).collect()
}

fn decoder_control(
    name: &str,
    applied: &AppliedImages,
    n_classes: usize,
    seed: u64,
) -> Result<DecoderControl, DiagnoseError> {
    let summary = applied.summary(n_classes, seed).ok_or(DiagnoseError::NothingToEvaluate)?;
    Ok(DecoderControl {
        name: name.to_owned(),
        shares: summary.shares,
        outside: summary.outside,
        n_unused: applied.unused.len(),
    })
}
