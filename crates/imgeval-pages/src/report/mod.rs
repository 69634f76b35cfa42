//! Reports on disk and on the page: which figures and files there are. What they say comes from `imgeval-scoring`.

mod diagnosis;
mod figures;
mod overlays;
mod rounds;
mod written;

pub use diagnosis::{read_diagnosis, write_diagnosis};
pub(crate) use figures::Confidences;
pub use rounds::{Rounds, claim_folder, write_rounds_page};
pub use written::{BesideRuns, ReportOptions, write_report};
pub(crate) use written::{RunImages, opaque_pixels, page_figures};
