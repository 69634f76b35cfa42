//! Answers of a probe about the very images that it could be trained on: each by a model that has not seen the image's group.

use super::train::Fitted;
use crate::{
    Event,
    architecture::{
        data::{Dataset, Part},
        error::DiagnoseError,
        learn::Workbench,
    },
};

/// Which labels are learned, and which images are held out together.
pub(crate) struct CrossFitTask<'a> {
    /// Distinguishes the checkpoints of networks.
    pub(crate) name: &'a str,
    /// One below `n_classes` for each image of the dataset.
    pub(crate) labels: &'a [usize],
    pub(crate) n_classes: usize,
    /// One below `n_folds`, at least 3, for each image; images of one group are in one fold.
    pub(crate) folds: &'a [usize],
    pub(crate) n_folds: usize,
}

/// Calibrated probabilities of each image, one for each class. For each fold a model is trained on the others, of which the next one
/// chooses and calibrates.
pub(crate) fn cross_fit(
    task: &CrossFitTask<'_>,
    bench: &Workbench<'_>,
    dataset: &mut Dataset,
    events: &mut dyn FnMut(Event),
) -> Result<Vec<Vec<f64>>, DiagnoseError> {
    let mut probabilities = vec![Vec::new(); task.folds.len()];
    for fold in 0..task.n_folds {
        let part = |other: &usize| match *other {
            other if other == fold => Part::Test,
            other if other == (fold + 1) % task.n_folds => Part::Validation,
            _ => Part::Training,
        };
        dataset.parts = task.folds.iter().map(part).collect();
        let name = format!("{}-{fold}", task.name);
        let fitted = Fitted::new(bench, dataset, task.labels, task.n_classes, &name, |_| true, events)?;
        let test = dataset.of_part(Part::Test, |_| true);
        let outputs = bench.outputs(&fitted.model, dataset, &test, None, events)?;
        for (index, output) in test.into_iter().zip(outputs) {
            probabilities[index] = fitted.temperature.apply(&output.logits);
        }
    }
    Ok(probabilities)
}
