//! Fits and applies models of one kind to the images of one dataset; expensive inputs are computed once.

use std::{
    cell::RefCell,
    error::Error,
    path::{Path, PathBuf},
};

use imgeval_core::Pixels;
use imgeval_vision::{
    DecodeLimits,
    compute::ComputeOptions,
    train::{
        ClipClassifier, Framing, NetworkKind, ResidualClassifier, TrainingImages, TrainingSettings,
        train_network,
    },
};
use sha2::{Digest as _, Sha256};

use super::{
    embeddings::{EmbeddingCache, load_embedder},
    features::{Extractor, extract},
    kind::{EmbedderCard, ProbeKind},
    model::{Labelled, Model, Output, fit_linear, linear_outputs, network_outputs},
};
use crate::{
    Event,
    alike::{Degradation, for_each_batch},
    architecture::{data::Dataset, error::DiagnoseError},
    collect::UsableImage,
};

/// Squares of a dataset are kept in memory up to so many bytes; beyond, files are read in every epoch.
const MAX_KEPT_BYTES: u64 = 2 << 30;

/// CLIP's usual input, in pixels: smaller squares are resized to it, larger ones cropped.
const CLIP_SIDE: u32 = 224;

/// The residual network's usual crop.
const RESIDUAL_CROP: u32 = 128;

/// What only some kinds of probes need.
#[derive(Debug, Clone, Copy, Default)]
pub struct WorkbenchSettings<'a> {
    /// Weights of CLIP and their SHA-256; needed by the kinds that start from it.
    pub clip: Option<(&'a Path, &'a str)>,
    pub compute: ComputeOptions,
    /// The most passes over the images, if not the kind's own number.
    pub epochs: Option<usize>,
    /// Where embeddings are kept for good.
    pub embeddings: Option<&'a Path>,
    /// Where trainings of networks keep their checkpoints until the probe is written.
    pub checkpoints: Option<&'a Path>,
}

/// What a workbench is set up for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorkbenchRequest<'a> {
    pub(crate) kind: ProbeKind,
    pub(crate) seed: u64,
    pub(crate) limits: DecodeLimits,
    pub(crate) settings: WorkbenchSettings<'a>,
}

/// One training: of which images, with which labels.
pub(crate) struct FitTask<'a> {
    /// The name of the checkpoint.
    pub(crate) name: &'a str,
    pub(crate) training: &'a [usize],
    pub(crate) validation: &'a [usize],
    /// The labels of all images.
    pub(crate) labels: &'a [usize],
    pub(crate) n_classes: usize,
}

pub(crate) struct Workbench<'a> {
    request: WorkbenchRequest<'a>,
    tools: Tools,
    /// Names of the files in the folder of checkpoints.
    checkpoints: RefCell<Vec<String>>,
}

enum Tools {
    /// Rows of all images.
    Linear { extractor: Extractor, rows: Vec<Vec<f32>>, embedder: Option<EmbedderCard> },
    /// Squares of all images, unless they are too many.
    Network { kind: NetworkKind, settings: TrainingSettings, squares: Option<Vec<Pixels>> },
}

impl<'a> Workbench<'a> {
    pub(crate) fn prepare(
        request: WorkbenchRequest<'a>,
        dataset: &Dataset,
        events: &mut dyn FnMut(Event),
    ) -> Result<Self, DiagnoseError> {
        let side = dataset.plan.side;
        let settings = &request.settings;
        let clip = || settings.clip.ok_or(DiagnoseError::NoClip);
        let framing = if side >= CLIP_SIDE { Framing::NativeCrop } else { Framing::Resized };
        let tools = match request.kind {
            ProbeKind::Spectrum => Self::linear(request, dataset, Extractor::Spectrum, None, events)?,
            ProbeKind::ClipLinear => {
                let (path, sha256) = clip()?;
                let embedder = load_embedder(path, sha256, framing, &settings.compute)?;
                let card = EmbedderCard { identity: embedder.identity().to_owned(), framing };
                let cache = settings
                    .embeddings
                    .map(|folder| EmbeddingCache::new(folder, embedder.identity(), &dataset.plan));
                let extractor = Extractor::Clip { embedder: Box::new(embedder), cache };
                Self::linear(request, dataset, extractor, Some(card), events)?
            }
            ProbeKind::Clip => {
                let (path, _) = clip()?;
                let kind = NetworkKind::Clip(ClipClassifier {
                    weights: path.to_owned(),
                    framing,
                    crops_per_side: 1,
                });
                Self::network(request, dataset, kind, TrainingSettings::clip(), events)?
            }
            ProbeKind::Residual => {
                let crop = side.min(RESIDUAL_CROP) / 2 * 2;
                let crops_per_side = if side > crop { 2 } else { 1 };
                let kind = NetworkKind::Residual(ResidualClassifier {
                    crop: crop as usize,
                    crops_per_side,
                    ..ResidualClassifier::default()
                });
                Self::network(request, dataset, kind, TrainingSettings::residual(), events)?
            }
        };
        Ok(Self { request, tools, checkpoints: RefCell::default() })
    }

    fn linear(
        request: WorkbenchRequest<'_>,
        dataset: &Dataset,
        extractor: Extractor,
        embedder: Option<EmbedderCard>,
        events: &mut dyn FnMut(Event),
    ) -> Result<Tools, DiagnoseError> {
        let images: Vec<&UsableImage> = dataset.images.iter().collect();
        events(Event::Stage { name: extractor.stage().to_owned(), images: images.len() });
        let rows = extract(&extractor, &images, &dataset.plan, &request.limits, None, events)?;
        Ok(Tools::Linear { extractor, rows, embedder })
    }

    fn network(
        request: WorkbenchRequest<'_>,
        dataset: &Dataset,
        kind: NetworkKind,
        settings: TrainingSettings,
        events: &mut dyn FnMut(Event),
    ) -> Result<Tools, DiagnoseError> {
        let WorkbenchSettings { compute, epochs, .. } = request.settings;
        let epochs = epochs.unwrap_or(settings.epochs);
        let settings = TrainingSettings { seed: request.seed, epochs, compute, ..settings };
        let n_bytes = 3 * u64::from(dataset.plan.side).pow(2) * dataset.images.len() as u64;
        let squares = if n_bytes <= MAX_KEPT_BYTES {
            let images: Vec<&UsableImage> = dataset.images.iter().collect();
            events(Event::Stage { name: "cropping squares".to_owned(), images: images.len() });
            let mut squares = Vec::with_capacity(images.len());
            for_each_batch(
                &images,
                &dataset.plan,
                &request.limits,
                None,
                |_, batch| -> Result<(), DiagnoseError> {
                    squares.extend_from_slice(batch);
                    events(Event::Advanced { images: batch.len() });
                    Ok(())
                },
            )?;
            Some(squares)
        } else {
            None
        };
        Ok(Tools::Network { kind, settings, squares })
    }

    pub(crate) fn embedder(&self) -> Option<EmbedderCard> {
        match &self.tools {
            Tools::Linear { embedder, .. } => embedder.clone(),
            Tools::Network { .. } => None,
        }
    }

    /// The checkpoints that trainings made, by name.
    pub(crate) fn take_checkpoints(&self) -> Vec<String> {
        self.checkpoints.take()
    }

    /// What the probe keeps of the tools.
    pub(crate) fn into_extractor(self) -> Option<Extractor> {
        match self.tools {
            Tools::Linear { extractor, .. } => Some(extractor),
            Tools::Network { .. } => None,
        }
    }

    pub(crate) fn fit(
        &self,
        task: &FitTask<'_>,
        dataset: &Dataset,
        events: &mut dyn FnMut(Event),
    ) -> Result<Model, DiagnoseError> {
        match &self.tools {
            Tools::Linear { rows, .. } => {
                let training = Labelled::of(rows, task.labels, task.training);
                let validation = Labelled::of(rows, task.labels, task.validation);
                Ok(Model::Linear(fit_linear(&training, &validation, task.n_classes)?))
            }
            Tools::Network { kind, settings, squares } => {
                let part = |indices| LabelledSquares {
                    dataset,
                    limits: self.request.limits,
                    squares: squares.as_deref(),
                    indices,
                    labels: task.labels,
                };
                let checkpoint: Option<PathBuf> = self.request.settings.checkpoints.map(|folder| {
                    let name = format!("{}.safetensors", task.name);
                    self.checkpoints.borrow_mut().push(name.clone());
                    folder.join(name)
                });
                let training = train_network(
                    kind,
                    &part(task.training),
                    &part(task.validation),
                    task.n_classes,
                    settings,
                    checkpoint.as_deref(),
                    &mut |event| events(Event::Training(event)),
                )?;
                Ok(Model::Network { network: Box::new(training.network), epochs: training.epochs })
            }
        }
    }

    pub(crate) fn outputs(
        &self,
        model: &Model,
        dataset: &Dataset,
        indices: &[usize],
        degradation: Option<Degradation>,
        events: &mut dyn FnMut(Event),
    ) -> Result<Vec<Output>, DiagnoseError> {
        let limits = &self.request.limits;
        let images = dataset.chosen(indices);
        match (model, &self.tools) {
            (Model::Linear(model), Tools::Linear { rows, .. }) if degradation.is_none() => {
                linear_outputs(model, indices.iter().map(|index| rows[*index].clone()).collect())
            }
            (Model::Linear(model), Tools::Linear { extractor, .. }) => linear_outputs(
                model,
                extract(extractor, &images, &dataset.plan, limits, degradation, events)?,
            ),
            (Model::Network { network, .. }, Tools::Network { squares: Some(squares), .. })
                if degradation.is_none() =>
            {
                let chosen: Vec<Pixels> = indices.iter().map(|index| squares[*index].clone()).collect();
                network_outputs(network, &chosen)
            }
            (Model::Network { network, .. }, _) => {
                let mut outputs = Vec::with_capacity(images.len());
                for_each_batch(
                    &images,
                    &dataset.plan,
                    limits,
                    degradation,
                    |_, batch| -> Result<(), DiagnoseError> {
                        outputs.extend(network_outputs(network, batch)?);
                        events(Event::Advanced { images: batch.len() });
                        Ok(())
                    },
                )?;
                Ok(outputs)
            }
            (Model::Linear(_), Tools::Network { .. }) => Err(DiagnoseError::NothingToEvaluate),
        }
    }
}

/// A part of the dataset as networks are trained on it.
struct LabelledSquares<'a> {
    dataset: &'a Dataset,
    limits: DecodeLimits,
    squares: Option<&'a [Pixels]>,
    indices: &'a [usize],
    labels: &'a [usize],
}

impl TrainingImages for LabelledSquares<'_> {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn pixels(&self, index: usize) -> Result<Pixels, Box<dyn Error + Send + Sync>> {
        let index = self.indices[index];
        match self.squares {
            Some(squares) => Ok(squares[index].clone()),
            None => Ok(self.dataset.images[index].square(&self.dataset.plan, &self.limits, None)?),
        }
    }

    fn label(&self, index: usize) -> usize {
        self.labels[self.indices[index]]
    }

    fn identity(&self) -> String {
        let mut hash = Sha256::new_with_prefix(self.dataset.plan.describe());
        for index in self.indices {
            hash.update(&self.dataset.images[*index].examined.sha256);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
