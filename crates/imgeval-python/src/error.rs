//! Errors as the program says them.

use imgeval::library::explain;
use imgeval_core::{sentence_of, visible};
use pyo3::{create_exception, exceptions::PyException, prelude::*};

create_exception!(
    imgeval,
    Error,
    PyException,
    "What the program would say in one sentence; `hint` says what to do about it, where something can be done."
);

/// An exception with the sentence of an error, and with those of its causes.
pub(crate) fn raise(error: &(dyn std::error::Error + 'static)) -> PyErr {
    Error::new_err(visible(&sentence_of(error)))
}

/// The same with the program's advice, which a traceback shows too.
pub(crate) fn raise_with_advice(error: impl Into<anyhow::Error>) -> PyErr {
    let explained = explain(&error.into());
    let error = Error::new_err(explained.sentence);
    let Some(hint) = explained.hint else { return error };
    let added = Python::attach(|py| {
        let value = error.value(py);
        value.setattr("__notes__", vec![format!("hint: {hint}")])?;
        value.setattr("hint", hint)
    });
    added.err().unwrap_or(error)
}
