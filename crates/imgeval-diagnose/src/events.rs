//! Progress events of a long computation.

use imgeval_vision::train::TrainingEvent;

/// Something happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A stage with so many images begins.
    Stage { name: String, images: usize },
    /// So many more images of the stage are done.
    Advanced { images: usize },
    /// A network is being trained.
    Training(TrainingEvent),
}
