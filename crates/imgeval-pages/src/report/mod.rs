//! Reports on disk and on the page: which figures and files there are. What they say comes from `imgeval-scoring`.

mod figures;
mod written;

pub(crate) use figures::Confidences;
pub(crate) use written::{RunImages, opaque_pixels, page_figures};
pub use written::{make_names_unique, write_figures, write_report};
