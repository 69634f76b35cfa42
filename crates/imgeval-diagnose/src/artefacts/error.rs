//! Why a place cannot be described.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtefactError {
    #[error("no image of `{place}` can be read ({n_unused} tried)")]
    NoUsableImage { place: String, n_unused: usize },
}
