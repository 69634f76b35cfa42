//! Logistic regression with a quadratic penalty, for two classes or more.
//!
//! Features are standardized inside, and the means and scales are part of the model. What is minimized is what scikit-learn's
//! `make_pipeline(StandardScaler(), LogisticRegression(C=1 / penalty))` minimizes: the weighted sum of the log losses plus `penalty` / 2
//! times the sum of the squared weights (on standardized features; intercepts are free). Two classes share one row of weights, more
//! have one each. The minimum is found in 64 bits by L-BFGS (Liu and Nocedal 1989), whose first guess of the curvature is the
//! largest that the loss can have (Böhning 1992), so that features which repeat each other cost no more steps; sums run over fixed
//! blocks of rows, so that the result does not depend on the number of threads.

mod features;
mod fit;
mod lbfgs;
mod model;

#[cfg(test)]
mod tests;

pub use features::Features;
pub(crate) use features::Standardisation;
pub use fit::{LogisticFit, LogisticSettings, balanced_weights, fit_logistic};
pub use model::{LogisticModel, LogisticParts, softmax};

/// Why nothing can be learned from data, or applied to them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LearnError {
    #[error("{n_values} numbers do not form a table of rows with {n_features} features each")]
    Shape { n_values: usize, n_features: usize },
    #[error("feature {feature} of row {row} is not a finite number")]
    NotFinite { row: usize, feature: usize },
    #[error("{rows} rows of features come with {found} {what}: each row needs one")]
    Count { what: &'static str, rows: usize, found: usize },
    #[error("class {label} of row {row} does not exist: there are {n_classes} classes, counted from 0")]
    Label { row: usize, label: usize, n_classes: usize },
    #[error("class {class} has no rows: each class needs at least one example")]
    MissingClass { class: usize },
    #[error("{n_classes} classes are not enough: at least two are needed")]
    TooFewClasses { n_classes: usize },
    #[error("weight of row {row} is not a positive finite number")]
    Weight { row: usize },
    #[error("the model expects {expected} features but got {found}")]
    OtherLength { expected: usize, found: usize },
    #[error("the stored model is inconsistent: {what}")]
    Stored { what: &'static str },
    #[error("invalid settings: {what}")]
    Settings { what: &'static str },
}

/// One label below `n_classes` for each row, every class present.
pub(crate) fn check_labels(n_rows: usize, labels: &[usize], n_classes: usize) -> Result<(), LearnError> {
    if n_classes < 2 {
        return Err(LearnError::TooFewClasses { n_classes });
    }
    if labels.len() != n_rows {
        return Err(LearnError::Count { what: "labels", rows: n_rows, found: labels.len() });
    }
    if let Some((row, &label)) = labels.iter().enumerate().find(|(_, label)| **label >= n_classes) {
        return Err(LearnError::Label { row, label, n_classes });
    }
    match (0..n_classes).find(|class| !labels.contains(class)) {
        Some(class) => Err(LearnError::MissingClass { class }),
        None => Ok(()),
    }
}
