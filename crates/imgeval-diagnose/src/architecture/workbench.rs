//! Fits and applies models of one kind to the images of one dataset; what is costly is computed once.

use super::{
    dataset::Dataset,
    degrade::Degradation,
    error::DiagnoseError,
    events::Event,
    features::{Extractor, extract},
    model::{Labelled, Model, Output, fit_linear, linear_outputs},
    train::TrainingRequest,
};

/// What only some kinds of probes need.
#[derive(Debug, Clone, Copy, Default)]
pub struct WorkbenchSettings<'a> {
    /// Where embeddings and checkpoints are kept.
    pub folder: Option<&'a std::path::Path>,
}

/// One training: of which images, with which labels.
pub(crate) struct FitTask<'a> {
    /// Of checkpoints.
    #[expect(dead_code, reason = "networks, which come with their branch, name their checkpoints by it")]
    pub(crate) name: &'a str,
    pub(crate) training: &'a [usize],
    pub(crate) validation: &'a [usize],
    /// Of all images.
    pub(crate) labels: &'a [usize],
    pub(crate) n_classes: usize,
}

pub(crate) struct Workbench<'a> {
    request: &'a TrainingRequest<'a>,
    /// Rows of all images.
    rows: Vec<Vec<f32>>,
}

impl<'a> Workbench<'a> {
    pub(crate) fn prepare(
        request: &'a TrainingRequest<'a>,
        dataset: &Dataset,
        events: &mut dyn FnMut(Event),
    ) -> Result<Self, DiagnoseError> {
        let all: Vec<usize> = (0..dataset.images.len()).collect();
        events(Event::Stage { name: "computing spectra".to_owned(), images: all.len() });
        let images = dataset.chosen(&all);
        let rows = extract(&Extractor::Spectrum, &images, &dataset.plan, &request.limits, None, events)?;
        Ok(Self { request, rows })
    }

    pub(crate) fn embedder(&self) -> Option<String> {
        None
    }

    pub(crate) fn fit(
        &self,
        task: &FitTask<'_>,
        _dataset: &Dataset,
        _events: &mut dyn FnMut(Event),
    ) -> Result<Model, DiagnoseError> {
        let training = Labelled::of(&self.rows, task.labels, task.training);
        let validation = Labelled::of(&self.rows, task.labels, task.validation);
        let model = fit_linear(&training, &validation, task.n_classes)?;
        Ok(Model::Linear { extractor: Extractor::Spectrum, model })
    }

    pub(crate) fn outputs(
        &self,
        model: &Model,
        dataset: &Dataset,
        indices: &[usize],
        degradation: Option<Degradation>,
        events: &mut dyn FnMut(Event),
    ) -> Result<Vec<Output>, DiagnoseError> {
        let Model::Linear { extractor, model } = model;
        let rows = match degradation {
            None => indices.iter().map(|index| self.rows[*index].clone()).collect(),
            Some(_) => {
                let images = dataset.chosen(indices);
                extract(extractor, &images, &dataset.plan, &self.request.limits, degradation, events)?
            }
        };
        linear_outputs(model, rows)
    }
}
