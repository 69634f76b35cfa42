//! Reports on disk and on the page: which figures and files there are. What they say comes from `imgeval-scoring`.

mod figures;
mod overlays;
mod rounds;
mod written;

pub(crate) use figures::Confidences;
pub use rounds::{Rounds, claim_folder, write_rounds_page};
pub use written::{ReportOptions, make_names_unique, write_figures, write_report};
pub(crate) use written::{RunImages, opaque_pixels, page_figures};
