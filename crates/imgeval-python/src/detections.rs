//! Verdicts on stored detections.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use imgeval_files::open_regular;
use imgeval_suites::geneval::{
    LinesError, ScoredLine, ScoredLines, Semantics, VerdictOptions, score_detections_line,
};
use pyo3::{exceptions::PyOSError, prelude::*, pybacked::PyBackedStr, types::PyIterator};

use crate::{
    error::{Error, raise},
    options::{RulesArgument, semantics_of},
    row::Row,
};

/// So many lines are scored between two looks for signals; a line takes microseconds.
const AT_ONCE: usize = 256;

/// Scores a file of detections.
#[pyfunction]
pub(crate) fn score_detections_file(
    py: Python<'_>,
    path: PathBuf,
    rules: RulesArgument,
    semantics: Option<&str>,
) -> PyResult<Vec<Row>> {
    let (options, semantics) = (rules.options()?, semantics_of(semantics)?);
    let mut lines = py.detach(|| open(&path, options, semantics))?;
    let mut rows = Vec::new();
    loop {
        let some = py.detach(|| lines.by_ref().take(AT_ONCE).collect::<Result<Vec<_>, _>>());
        let some = some.map_err(|error| match error {
            LinesError::Read(error) => unreadable(&path, &error),
            LinesError::Line { number, source } => {
                Error::new_err(format!("line {number} of `{}`: {source}", path.display()))
            }
        })?;
        if some.is_empty() {
            return Ok(rows);
        }
        rows.extend(some.into_iter().map(row_of));
        py.check_signals()?;
    }
}

fn open(
    path: &Path,
    options: VerdictOptions,
    semantics: Option<Semantics>,
) -> PyResult<ScoredLines<BufReader<File>>> {
    let file = open_regular(path).map_err(|error| unreadable(path, &error))?;
    Ok(ScoredLines::new(BufReader::new(file), options, semantics))
}

fn row_of(line: ScoredLine) -> Row {
    Row::of(line.scored.row, line.scored.reward)
}

fn unreadable(path: &Path, error: &std::io::Error) -> PyErr {
    PyOSError::new_err(format!("could not read `{}`: {error}", path.display()))
}

/// Scores lines of detections, each a text.
#[pyfunction]
pub(crate) fn score_detections_lines(
    py: Python<'_>,
    lines: &Bound<'_, PyIterator>,
    rules: RulesArgument,
    semantics: Option<&str>,
) -> PyResult<Vec<Row>> {
    let (options, semantics) = (rules.options()?, semantics_of(semantics)?);
    let mut rows = Vec::new();
    let mut lines = lines.clone();
    loop {
        let some: Vec<PyBackedStr> =
            lines.by_ref().take(AT_ONCE).map(|line| line?.extract()).collect::<PyResult<_>>()?;
        if some.is_empty() {
            return Ok(rows);
        }
        let before = rows.len();
        let scored = py.detach(|| {
            let score = |(place, line): (usize, &PyBackedStr)| {
                score_detections_line(line, &options, semantics)
                    .map_err(|source| LinesError::Line { number: before + place + 1, source })
            };
            some.iter().enumerate().map(score).collect::<Result<Vec<ScoredLine>, _>>()
        });
        rows.extend(scored.map_err(|error| raise(&error))?.into_iter().map(row_of));
        py.check_signals()?;
    }
}
