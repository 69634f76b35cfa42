//! The command.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command `imgeval` with these arguments, the program's name first, and returns its exit code. `again` is the command line that
/// starts it once more.
#[pyfunction]
pub(crate) fn run(py: Python<'_>, arguments: Vec<OsString>, again: Vec<OsString>) -> u8 {
    py.detach(|| imgeval::run(arguments, again))
}
