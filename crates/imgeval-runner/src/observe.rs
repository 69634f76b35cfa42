//! Collects evidence: every image that the observer has not seen yet is read, looked at and recorded.

use std::{
    error::Error as _,
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use imgeval_core::{
    ColorNamer, ContentHash, DetectError, Detection, Detector, Evidence, Failure, FailureKind, ImageFormat,
    ObserverMeta, Pixels,
};
use imgeval_store::{RunWriter, StoreError};

use crate::Progress;

/// A detector and what names the colours of its objects: one observer, with one identity.
pub struct Observer {
    detector: Box<dyn Detector>,
    colors: Box<dyn ColorNamer>,
    meta: ObserverMeta,
}

impl Observer {
    #[must_use]
    pub fn new(detector: Box<dyn Detector>, colors: Box<dyn ColorNamer>) -> Self {
        let (eyes, namer) = (detector.meta(), colors.meta());
        let mut parameters = format!("{};colors={}@{}", eyes.parameters, namer.id, namer.version);
        for detail in [&namer.weights_sha256, &namer.parameters] {
            if !detail.is_empty() {
                parameters.push(';');
                parameters.push_str(detail);
            }
        }
        let meta = ObserverMeta {
            id: eyes.id.clone(),
            title: format!("{}; colours: {}", eyes.title, namer.title),
            version: eyes.version,
            weights_sha256: eyes.weights_sha256.clone(),
            parameters,
            is_comparable: eyes.is_comparable && namer.is_comparable,
        };
        Self { detector, colors, meta }
    }

    #[must_use]
    pub fn meta(&self) -> &ObserverMeta {
        &self.meta
    }

    /// Detections with the colour scores of each.
    ///
    /// # Errors
    /// If one of the two cannot process these pixels.
    pub fn look(&self, pixels: &Pixels) -> Result<Vec<Detection>, DetectError> {
        let mut detections = self.detector.inspect(pixels)?;
        let scores = self.colors.color_scores(pixels, &detections)?;
        for (detection, scores) in detections.iter_mut().zip(scores) {
            detection.colors = Some(scores);
        }
        Ok(detections)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ObserveSummary {
    pub observed: usize,
    pub failed: usize,
}

type Image = (ContentHash, ImageFormat);
type Observation = (ContentHash, Result<Evidence, Failure>);

/// Observes what is left to observe with `workers` threads; each piece of evidence is committed as it lands.
///
/// # Errors
/// If the store cannot be read or written; what was recorded before stays. An image that the observer cannot
/// process is recorded as failed and tried again the next time.
pub fn observe_images(
    run: &mut RunWriter,
    observer: &Observer,
    workers: NonZeroUsize,
    decode: &(dyn Fn(&[u8]) -> Result<Pixels, Failure> + Sync),
    on_progress: &mut dyn FnMut(Progress),
) -> Result<ObserveSummary, StoreError> {
    let observer_id = observer.meta().observer_id();
    run.record_observer(observer.meta())?;
    let images = run.unobserved_images(&observer_id)?;
    on_progress(Progress::Planned { total: images.len(), finished: 0 });

    let directory = run.directory().to_owned();
    let look = |(hash, format): &Image| -> Result<Evidence, Failure> {
        let failure = |kind, detail| Failure { kind, detail };
        let bytes = RunWriter::read_image(&directory, hash, *format).map_err(|error| {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            failure(FailureKind::NotAccessible, format!("{error}{cause}"))
        })?;
        let pixels = decode(&bytes)?;
        let detections = observer
            .look(&pixels)
            .map_err(|error| failure(FailureKind::DetectorFailed, error.to_string()))?;
        let (width, height) = (pixels.width(), pixels.height());
        Ok(Evidence { image: hash.clone(), observer: observer_id.clone(), width, height, detections })
    };

    let mut summary = ObserveSummary::default();
    let queue = Mutex::new(images.iter());
    let is_stopped = AtomicBool::new(false);
    thread::scope(|scope| {
        let (sender, results) = sync_channel::<Observation>(workers.get());
        for _ in 0..workers.get() {
            let sender = sender.clone();
            scope.spawn(|| work_through(&queue, &is_stopped, &look, sender));
        }
        drop(sender);
        for (hash, result) in results {
            let recorded = match &result {
                Ok(evidence) => run.record_evidence(evidence),
                Err(failure) => run.record_failed_observation(&observer_id, &hash, failure),
            };
            if let Err(error) = recorded {
                is_stopped.store(true, Ordering::Relaxed);
                return Err(error);
            }
            match &result {
                Ok(_) => summary.observed += 1,
                Err(_) => summary.failed += 1,
            }
            on_progress(Progress::Advanced { has_failed: result.is_err() });
        }
        Ok(summary)
    })
}

fn work_through<'images>(
    queue: &Mutex<impl Iterator<Item = &'images Image>>,
    is_stopped: &AtomicBool,
    look: &(impl Fn(&Image) -> Result<Evidence, Failure> + Sync),
    sender: SyncSender<Observation>,
) {
    while !is_stopped.load(Ordering::Relaxed) {
        // A poisoned lock means that another worker panicked; the scope will report that.
        let Some(image) = queue.lock().ok().and_then(|mut images| images.next()) else {
            return;
        };
        if sender.send((image.0.clone(), look(image))).is_err() {
            return;
        }
    }
}
