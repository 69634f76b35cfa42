//! Options that several calls take.

use std::{process, sync::OnceLock};

use imgeval_suites::geneval::{Semantics, VerdictOptions};
use imgeval_vision::compute::{ComputeOptions, Device, Precision};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::error::{Error, raise};

/// GenEval's options by their names.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct RulesArgument {
    threshold: f64,
    counting_threshold: f64,
    max_objects: usize,
    max_overlap: f64,
    position_threshold: f64,
}

impl RulesArgument {
    /// Checked.
    pub(crate) fn options(&self) -> PyResult<VerdictOptions> {
        let options = VerdictOptions {
            threshold: self.threshold,
            counting_threshold: self.counting_threshold,
            max_objects: self.max_objects,
            max_overlap: self.max_overlap,
            position_threshold: self.position_threshold,
        };
        options.check().map_err(|error| raise(&error))?;
        Ok(options)
    }
}

/// Whose rewards, by the name that the command line has for them.
pub(crate) fn semantics_of(name: Option<&str>) -> PyResult<Option<Semantics>> {
    let Some(name) = name else { return Ok(None) };
    Semantics::from_name(name).map(Some).ok_or_else(|| {
        let known = Semantics::ALL.map(|semantics| format!("{:?}", semantics.name())).join(", ");
        PyValueError::new_err(format!("unknown semantics {name:?}; use one of {known}"))
    })
}

/// To be called before work that needs threads: bounds what images take together, once in a process, and refuses a process that was
/// forked after that. Such a copy has the state of threads that it does not have, and would wait for them forever.
pub(crate) fn enter() -> PyResult<()> {
    static STARTED_BY: OnceLock<u32> = OnceLock::new();
    let id = process::id();
    let started_by = *STARTED_BY.get_or_init(|| {
        imgeval::library::limit_memory();
        id
    });
    if started_by == id {
        return Ok(());
    }
    Err(Error::new_err(
        "this process was forked after imgeval had started its threads; start it with the method `spawn`, or use imgeval in it first",
    ))
}

/// Where networks compute: the names of the device and of the number format.
#[derive(FromPyObject)]
pub(crate) struct ComputeArgument(String, String);

impl ComputeArgument {
    pub(crate) fn options(&self) -> PyResult<ComputeOptions> {
        let Self(device, precision) = self;
        let device = match device.as_str() {
            "cpu" => Device::Cpu,
            "cuda" => Device::Cuda,
            "metal" => Device::Metal,
            other => return Err(unknown("device", other, "\"cpu\", \"cuda\" or \"metal\"")),
        };
        let precision = match precision.as_str() {
            "f32" => Precision::F32,
            "f16" => Precision::F16,
            "bf16" => Precision::BF16,
            other => return Err(unknown("dtype", other, "\"f32\", \"f16\" or \"bf16\"")),
        };
        Ok(ComputeOptions { device, precision })
    }
}

/// Refuses a name.
pub(crate) fn unknown(what: &str, name: &str, known: &str) -> PyErr {
    PyValueError::new_err(format!("unknown {what} {name:?}; use {known}"))
}
