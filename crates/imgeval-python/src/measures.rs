//! Measures of images and pairs, as JSON.

use std::{path::PathBuf, sync::Arc};

use imgeval::library::{Document, EditOptions, measure_edit, measure_image, measure_registration, places};
use imgeval_core::{Pixels, TextReader};
use imgeval_observe::{EditWeights, MaskThreshold, ObserverError, load_reader};
use imgeval_vision::image_file::{DecodeLimits, LITTLE_WORK};
use pyo3::{exceptions::PyValueError, prelude::*};
use serde_json::Value;

use crate::{
    error::raise_with_advice,
    image::{Image, ImageArgument},
    interrupt::watched,
    options::{ComputeArgument, enter},
};

type Measured = Result<Document, anyhow::Error>;

/// Measures an edit, as `imgeval metrics edit` does.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of a Python function")]
pub(crate) fn measure_edit_json(
    py: Python<'_>,
    before: ImageArgument,
    after: ImageArgument,
    mask: Option<ImageArgument>,
    mask_threshold: Option<MaskThresholdArgument>,
    text: Option<String>,
    register: bool,
    weights: [Option<PathBuf>; 3],
    compute: ComputeArgument,
    models_dir: Option<PathBuf>,
    max_pixels: u64,
) -> PyResult<String> {
    enter()?;
    let [before, after] = [before.image()?, after.image()?];
    let mask = mask.map(ImageArgument::image).transpose()?;
    let threshold = mask_threshold.map(MaskThresholdArgument::threshold).transpose()?;
    let [lpips_trunk, lpips_heads, clip] = weights;
    let compute = compute.options()?;
    let weights = EditWeights { lpips_trunk, lpips_heads, clip, compute, places: places(models_dir) };
    document(py, move || {
        let [before, after] = decoded([("before", before), ("after", after)], max_pixels)?;
        let mask = mask.map(|mask| decode("mask", mask, max_pixels)).transpose()?;
        let options = EditOptions {
            mask: mask.as_ref().map(|mask| (mask, threshold)),
            text: text.as_deref(),
            is_registered: register,
            weights: &weights,
        };
        measure_edit(&before, &after, &options)
    })
}

/// How a mask with grays is read: a level, or `"none"`.
#[derive(FromPyObject)]
pub(crate) enum MaskThresholdArgument {
    #[pyo3(transparent)]
    Level(u8),
    #[pyo3(transparent)]
    Name(String),
}

impl MaskThresholdArgument {
    fn threshold(self) -> PyResult<MaskThreshold> {
        match self {
            Self::Level(level @ 1..) => Ok(MaskThreshold::Level(level)),
            Self::Name(name) if name == "none" => Ok(MaskThreshold::Grays),
            _ => Err(PyValueError::new_err("mask_threshold must be a level from 1 to 255, or \"none\"")),
        }
    }
}

/// Registers an edited image with its source, as `imgeval metrics register` does.
#[pyfunction]
pub(crate) fn register_json(
    py: Python<'_>,
    before: ImageArgument,
    after: ImageArgument,
    max_pixels: u64,
) -> PyResult<String> {
    enter()?;
    let [before, after] = [before.image()?, after.image()?];
    document(py, move || {
        let [before, after] = decoded([("before", before), ("after", after)], max_pixels)?;
        measure_registration(&before, &after)
    })
}

/// Measures one image, as `imgeval metrics image` does.
#[pyfunction]
pub(crate) fn measure_image_json(py: Python<'_>, image: ImageArgument, max_pixels: u64) -> PyResult<String> {
    enter()?;
    let image = image.image()?;
    document(py, move || Ok(measure_image(&decode("image", image, max_pixels)?)))
}

/// A loaded reader of text.
#[pyclass(frozen, module = "imgeval._native")]
pub(crate) struct Reader {
    reader: Arc<dyn TextReader>,
}

#[pymethods]
impl Reader {
    /// Loads the pulled reader and lets it check itself.
    #[new]
    fn new(py: Python<'_>, models_dir: Option<PathBuf>) -> PyResult<Self> {
        enter()?;
        let places = places(models_dir);
        let load = move || -> Result<Box<dyn TextReader>, ObserverError> { load_reader(&places) };
        let reader = watched(py, load)?.map_err(raise_with_advice)?;
        Ok(Self { reader: reader.into() })
    }

    /// Reads the text in an image, as `imgeval read` does.
    fn read_json(&self, py: Python<'_>, image: ImageArgument, max_pixels: u64) -> PyResult<String> {
        enter()?;
        let image = image.image()?;
        let reader = Arc::clone(&self.reader);
        document(py, move || {
            imgeval::library::read_text(reader.as_ref(), &decode("image", image, max_pixels)?)
        })
    }
}

/// What the work gives, as JSON.
fn document(py: Python<'_>, work: impl FnOnce() -> Measured + Send + 'static) -> PyResult<String> {
    let document = watched(py, work)?.map_err(raise_with_advice)?;
    Ok(Value::Object(document).to_string())
}

/// Why an image that was given cannot be measured.
#[derive(Debug, thiserror::Error)]
#[error("cannot use `{name}`: {detail}")]
struct Unusable {
    name: &'static str,
    detail: String,
}

fn decode(name: &'static str, image: Image, max_pixels: u64) -> Result<Pixels, Unusable> {
    let decoded = image.decode(&DecodeLimits { max_pixels }, LITTLE_WORK);
    decoded.map_err(|error| Unusable { name, detail: error.failure().detail })
}

fn decoded(images: [(&'static str, Image); 2], max_pixels: u64) -> Result<[Pixels; 2], Unusable> {
    let [before, after] = images;
    Ok([decode(before.0, before.1, max_pixels)?, decode(after.0, after.1, max_pixels)?])
}
