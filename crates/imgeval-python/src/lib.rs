//! The extension module `imgeval._native`: the command, and what the Python package offers of the library.
//!
//! The package in `python/imgeval` is the interface; names here are its private ones. Work is done in threads of our own while the calling
//! thread waits for signals without the interpreter's lock (`interrupt`), so that Ctrl-C ends a call at once.

#![forbid(unsafe_code)]

mod command;
mod detections;
mod error;
mod geneval;
mod image;
mod interrupt;
mod measures;
mod options;
mod row;
mod runs;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::{
        command::run,
        detections::{score_detections_file, score_detections_lines},
        error::Error,
        geneval::{Evaluator, geneval_metadata},
        measures::{Reader, measure_edit_json, measure_image_json, register_json},
        runs::{Scores, read_scores, run_facts},
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // Where there is no advice.
        module.getattr("Error")?.setattr("hint", module.py().None())
    }
}
