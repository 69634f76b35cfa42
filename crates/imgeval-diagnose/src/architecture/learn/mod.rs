//! Models: from square crops of images to logits.

mod embeddings;
mod features;
mod kind;
mod model;
mod workbench;

pub use embeddings::load_embedder;
pub(crate) use features::Extractor;
pub use kind::{EmbedderCard, ProbeKind};
pub(crate) use model::{Labelled, Model, Output, linear_outputs, network_outputs};
pub use workbench::WorkbenchSettings;
pub(crate) use workbench::{FitTask, Workbench, WorkbenchRequest};
