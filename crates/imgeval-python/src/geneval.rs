//! GenEval over images, in several threads.

use std::{
    any::Any,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use imgeval_core::{json::from_json_str, sentence_of};
use imgeval_observe::{
    DetectorName, DetectorRewarder, DetectorSettings, Model, ObserverError, RewardError, given_or_pulled,
    load_observer,
};
use imgeval_suites::geneval::{
    Metadata, ResultRow, Semantics, SuiteConfig, Tolerance, Verdict, generate_cases, render_metadata_jsonl,
};
use imgeval_vision::image_file::DecodeLimits;
use pyo3::{exceptions::PyRuntimeError, prelude::*, pybacked::PyBackedStr, types::PyIterator};
use serde_json::Value;

use crate::{
    error::{Error, raise, raise_with_advice},
    image::{Image, ImageArgument, read_file},
    interrupt::{receive, watched},
    options::{ComputeArgument, RulesArgument, enter, semantics_of, unknown},
    row::Row,
};

/// A loaded detector with GenEval's rules.
#[pyclass(frozen, module = "imgeval._native")]
pub(crate) struct Evaluator {
    rewarder: Arc<DetectorRewarder>,
}

#[pymethods]
impl Evaluator {
    /// Loads the detector and lets it check itself.
    #[new]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of a Python class")]
    fn new(
        py: Python<'_>,
        detector: &str,
        weights: Option<PathBuf>,
        clip: Option<PathBuf>,
        compute: ComputeArgument,
        models_dir: Option<PathBuf>,
        rules: RulesArgument,
        semantics: &str,
        max_pixels: u64,
    ) -> PyResult<Self> {
        enter()?;
        let settings = DetectorSettings {
            detector: detector_of(detector)?,
            weights,
            clip,
            compute: compute.options()?,
            places: imgeval::library::places(models_dir),
        };
        let semantics = semantics_of(Some(semantics))?.unwrap_or(Semantics::Exact);
        let options = rules.options()?;
        let load = move || -> Result<DetectorRewarder, ObserverError> {
            let mut settings = settings;
            // It names no colors by itself; the official color step is the pulled one.
            if settings.detector == DetectorName::Mask2former && settings.clip.is_none() {
                settings.clip = Some(given_or_pulled(None, Model::Clip, &settings.places)?);
            }
            let loaded = load_observer(&settings)?;
            loaded.observer.check_canaries().map_err(ObserverError::Detector)?;
            Ok(DetectorRewarder::new(loaded, semantics, DecodeLimits { max_pixels }).with_options(options))
        };
        let rewarder = watched(py, load)?.map_err(raise_with_advice)?;
        Ok(Self { rewarder: Arc::new(rewarder) })
    }

    /// What tells this detector from others: names with values.
    fn facts(&self) -> BTreeMap<&'static str, String> {
        let meta = self.rewarder.meta();
        BTreeMap::from([
            ("id", meta.id.clone()),
            ("observer", meta.observer_id().as_str().to_owned()),
            ("title", meta.title.clone()),
            ("parameters", meta.parameters.clone()),
            ("weights_sha256", meta.weights_sha256.clone()),
            ("comparable", meta.is_comparable.to_string()),
        ])
    }

    /// Evaluates samples: file name, image, and metadata as JSON. They are taken from the iterator as threads become free.
    fn evaluate(
        &self,
        py: Python<'_>,
        samples: &Bound<'_, PyIterator>,
        total: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Vec<Row>> {
        enter()?;
        let mut workers = Workers::start(&self.rewarder)?;
        let mut rows: Vec<Option<Row>> = Vec::new();
        let mut samples = samples.clone();
        let (mut n_done, mut has_more) = (0, true);
        while has_more || n_done < rows.len() {
            if has_more && rows.len() - n_done < workers.capacity {
                match samples.next() {
                    Some(sample) => {
                        workers.give(sample_of(rows.len(), &sample?)?)?;
                        rows.push(None);
                    }
                    None => has_more = false,
                }
                continue;
            }
            let (place, row) = receive(py, &mut workers.done)?;
            rows[place] = Some(row);
            n_done += 1;
            if let Some(progress) = &progress {
                progress.call1(py, (n_done, total.unwrap_or(rows.len())))?;
            }
            py.check_signals()?;
        }
        Ok(rows.into_iter().flatten().collect())
    }
}

fn detector_of(name: &str) -> PyResult<DetectorName> {
    match name {
        "preview" => Ok(DetectorName::Preview),
        "geneval" => Ok(DetectorName::Geneval),
        "mask2former" => Ok(DetectorName::Mask2former),
        "hf-mask2former" => Ok(DetectorName::HfMask2former),
        name => {
            Err(unknown("detector", name, "\"preview\", \"geneval\", \"mask2former\" or \"hf-mask2former\""))
        }
    }
}

/// An image with what is asked of it.
struct Sample {
    place: usize,
    filename: String,
    image: Image,
    metadata: Metadata,
    raw_metadata: Value,
}

fn sample_of(place: usize, sample: &Bound<'_, PyAny>) -> PyResult<Sample> {
    let (filename, image, metadata): (String, ImageArgument, PyBackedStr) = sample.extract()?;
    let refused = |reason: String| Error::new_err(format!("metadata of image {place}: {reason}"));
    let raw_metadata: Value = from_json_str(&metadata).map_err(|error| refused(error.to_string()))?;
    let (metadata, _) = Metadata::parse_among_others(&raw_metadata, Tolerance::BesideTheClauses)
        .map_err(|error| refused(error.to_string()))?;
    Ok(Sample { place, filename, image: image.image()?, metadata, raw_metadata })
}

type Job = (usize, Row);

/// Threads that evaluate. They end when this is dropped, each after the image that it is at.
struct Workers {
    samples: SyncSender<Sample>,
    done: Receiver<Job>,
    is_over: Arc<AtomicBool>,
    /// How many samples may be under way: one in each thread, and one that waits for it.
    capacity: usize,
}

impl Workers {
    fn start(rewarder: &Arc<DetectorRewarder>) -> PyResult<Self> {
        let n_threads = rewarder.threads();
        let (samples, waiting) = sync_channel(2 * n_threads);
        // Room for all that may be under way: no thread waits for the one that collects.
        let (sender, done) = sync_channel(2 * n_threads);
        let waiting = Arc::new(Mutex::new(waiting));
        let is_over = Arc::new(AtomicBool::new(false));
        for _ in 0..n_threads {
            let (rewarder, waiting, sender) = (Arc::clone(rewarder), Arc::clone(&waiting), sender.clone());
            let is_over = Arc::clone(&is_over);
            let work = move || work(&rewarder, &waiting, &sender, &is_over);
            thread::Builder::new().name("imgeval".to_owned()).spawn(work)?;
        }
        Ok(Self { samples, done, is_over, capacity: 2 * n_threads })
    }

    /// There is room for as many samples as may be under way, so nothing is waited for.
    fn give(&self, sample: Sample) -> PyResult<()> {
        self.samples
            .try_send(sample)
            .map_err(|_| PyRuntimeError::new_err("the threads of imgeval have ended"))
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn work(
    rewarder: &DetectorRewarder,
    waiting: &Mutex<Receiver<Sample>>,
    done: &SyncSender<Job>,
    is_over: &AtomicBool,
) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(sample) = next else { return };
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let place = sample.place;
        let row = row_of(rewarder, sample);
        if done.send((place, row)).is_err() {
            return;
        }
    }
}

fn row_of(rewarder: &DetectorRewarder, sample: Sample) -> Row {
    let Sample { filename, image, metadata, raw_metadata, .. } = sample;
    let judge = || match image {
        Image::Pixels(pixels) => rewarder.judge_pixels(&pixels, &metadata),
        Image::File(bytes) => rewarder.judge_file(&bytes, &metadata),
        Image::Path(path) => {
            let (bytes, _room) = read_file(&path)?;
            rewarder.judge_file(&bytes, &metadata)
        }
    };
    // One image whose pixels break a network must not end the call for all others.
    let judged = catch_unwind(AssertUnwindSafe(judge))
        .map_err(|panic| format!("imgeval failed on it: {}", message_of(panic.as_ref())))
        .and_then(|judged| judged.map_err(|error: RewardError| sentence_of(&error)));
    match judged {
        Ok(judged) => {
            let row = ResultRow::new(filename, &metadata, &raw_metadata, &judged.verdict);
            Row::of(row, Some(judged.reward))
        }
        Err(error) => {
            let nothing = Verdict { reasons: Vec::new(), kept: BTreeMap::new() };
            Row::failed(ResultRow::new(filename, &metadata, &raw_metadata, &nothing), error)
        }
    }
}

fn message_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason was given")
}

/// The metadata of the official prompts, a line of JSON each.
#[pyfunction]
pub(crate) fn geneval_metadata() -> PyResult<Vec<String>> {
    let cases = generate_cases(&SuiteConfig::default()).map_err(|error| raise(&error))?;
    Ok(render_metadata_jsonl(&cases).lines().map(str::to_owned).collect())
}
