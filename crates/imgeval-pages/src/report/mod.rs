//! Reports on disk and on the page: which figures and files there are. What they say comes from `imgeval-scoring`.

mod figures;
mod overlays;
mod written;

pub(crate) use figures::Confidences;
pub use written::{ReportOptions, make_names_unique, write_figures, write_report};
pub(crate) use written::{RunImages, opaque_pixels, page_figures};
