//! Collects evidence in a pipeline: images are decoded, looked at, their objects' colors named, and each result is
//! committed as it lands.
//!
//! ```text
//! decode threads --> detector threads --> color thread --> this thread, which alone writes
//!        \______________ colors only ________/
//! ```
//!
//! All channels are bounded: a decoded image waits in the hands of the thread that decoded it, and besides those the
//! color thread alone holds some, at most as many as it names objects at once. A cheap namer works in the thread
//! that has the image, so that image and colors are one commit.

use std::{
    collections::BTreeSet,
    fs,
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
    vec,
};

use imgeval_core::{
    CaseId, Category, ColorScores, ContentHash, DetectError, Detection, Evidence, Failure, FailureKind,
    ImageRef, Pixels, memory::reserve_file, sentence_of,
};
use imgeval_store::{Images, ObserverKey, RunWriter, StoreError, StoredImage};

use crate::{
    ColorsThere, ImageWork, NamingLimits, Observer, Progress, observer::MAX_NAMED_AT_ONCE, plan_image,
};

/// So long the color thread waits for more objects before it names those that it has: far less than naming takes.
const LINGER: Duration = Duration::from_millis(20);

/// How images are observed.
pub struct ObserveSettings<'a> {
    pub decode_threads: NonZeroUsize,
    /// More than one only for a detector that does not use all cores by itself.
    pub detect_threads: NonZeroUsize,
    /// Must be safe on any input.
    pub decode: &'a (dyn Fn(&[u8]) -> Result<Pixels, Failure> + Sync),
    /// The categories whose colors a case asks for.
    pub asked_by: &'a dyn Fn(&CaseId) -> Vec<Category>,
    pub limits: NamingLimits,
    pub colors_there: ColorsThere,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ObserveSummary {
    /// Images newly observed.
    pub observed: usize,
    /// Images of which only colors were named.
    pub named: usize,
    pub failed: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("`{}` failed its self-test and is not used: {}", .0.observer, .0.detail)]
    Canary(DetectError),
}

/// Observes the remaining images; evidence is committed as it arrives.
///
/// # Errors
/// If the store cannot be read or written; earlier records stay. If a part of the observer fails its self-test before
/// the first image. An image that the observer cannot process is recorded as failed and tried again next time.
pub fn observe_images(
    run: &mut RunWriter,
    observer: &Observer,
    settings: &ObserveSettings<'_>,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<ObserveSummary, ObserveError> {
    let plan = make_plan(run, observer, settings)?;
    if !plan.jobs.is_empty() {
        observer.check_canaries().map_err(ObserveError::Canary)?;
    }
    run.record_observer(observer.meta(), observer.key())?;
    run.forget_failed_observations(&observer.key().observer, &plan.finished)?;
    for image in &plan.without_colors {
        run.record_colors(observer.key(), image, &[])?;
    }
    on_progress(Progress::Planned { total: plan.jobs.len(), finished: 0 });

    let directory = run.directory().to_owned();
    let stages = Stages { observer, settings: settings.into(), directory: &directory };
    let mut summary = ObserveSummary::default();
    thread::scope(|scope| {
        for landed in stages.start(scope, plan.jobs) {
            let has_failed = record(run, observer.key(), &landed, &mut summary)?;
            if let Some(has_failed) = has_failed {
                on_progress(Progress::Advanced { has_failed });
            }
        }
        Ok(summary)
    })
}

/// Writes a result; tells whether the image failed, or `None` if more of it is to come.
fn record(
    run: &mut RunWriter,
    key: &ObserverKey,
    landed: &Landed,
    summary: &mut ObserveSummary,
) -> Result<Option<bool>, StoreError> {
    match landed {
        Landed::Detections(evidence) => {
            run.record_detections(key, evidence)?;
            return Ok(None);
        }
        Landed::Whole(evidence) => {
            run.record_evidence(key, evidence)?;
            summary.observed += 1;
        }
        Landed::Colors { image, colors, is_new } => {
            run.record_colors(key, image, colors)?;
            summary.observed += usize::from(*is_new);
            summary.named += usize::from(!*is_new);
        }
        Landed::Failed { image, failure } => {
            run.record_failed_observation(&key.observer, image, failure)?;
            summary.failed += 1;
            return Ok(Some(true));
        }
    }
    Ok(Some(false))
}

struct Plan {
    jobs: Vec<PendingImage>,
    /// Images whose detections need no color, which has not been noted yet.
    without_colors: Vec<ContentHash>,
    /// Images of which nothing is left to observe.
    finished: Vec<ContentHash>,
}

/// One image to work on.
struct PendingImage {
    image: ImageRef,
    kind: JobKind,
}

enum JobKind {
    Detect { asked: BTreeSet<Category> },
    Name(ToName),
}

/// The detections of an image whose colors are to be named, and the colors that are known already.
#[derive(Default)]
struct ToName {
    places: Vec<usize>,
    /// Those at the places.
    detections: Vec<Detection>,
    known: Vec<(usize, ColorScores)>,
    /// Whether they were detected just now.
    is_new: bool,
}

impl ToName {
    fn of(detections: &[Detection], places: Vec<usize>, is_new: bool) -> Self {
        let known = detections.iter().enumerate().filter(|(place, _)| !places.contains(place));
        let known = known.filter_map(|(place, detection)| Some((place, detection.colors?))).collect();
        let detections = places.iter().map(|place| detections[*place].clone()).collect();
        Self { places, detections, known, is_new }
    }
}

fn make_plan(
    run: &RunWriter,
    observer: &Observer,
    settings: &ObserveSettings<'_>,
) -> Result<Plan, StoreError> {
    let mut plan = Plan { jobs: Vec::new(), without_colors: Vec::new(), finished: Vec::new() };
    run.for_each_image(observer.key(), |stored| {
        let StoredImage { image, cases, seen } = stored;
        let asked: BTreeSet<Category> = cases.iter().flat_map(|case| (settings.asked_by)(case)).collect();
        let needed = |detections: &[Detection]| {
            observer.places_to_name(detections, |category| asked.contains(&category), settings.limits)
        };
        let work = plan_image(seen.as_ref(), needed, settings.colors_there);
        let kind = match (work, seen) {
            (ImageWork::Nothing, _) => {
                plan.finished.push(image.hash);
                return;
            }
            (ImageWork::Name { places }, Some(_)) if places.is_empty() => {
                plan.without_colors.push(image.hash);
                return;
            }
            (ImageWork::Name { places }, Some(seen)) => {
                JobKind::Name(ToName::of(&seen.detections, places, false))
            }
            (ImageWork::Detect | ImageWork::Name { .. }, _) => JobKind::Detect { asked },
        };
        plan.jobs.push(PendingImage { image, kind });
    })?;
    Ok(plan)
}

/// What a thread has found out.
enum Landed {
    /// Colors follow.
    Detections(Evidence),
    /// Detections with all colors that are needed.
    Whole(Evidence),
    Colors {
        image: ContentHash,
        colors: Vec<(usize, ColorScores)>,
        is_new: bool,
    },
    Failed {
        image: ContentHash,
        failure: Failure,
    },
}

struct Decoded {
    image: ContentHash,
    pixels: Pixels,
    asked: BTreeSet<Category>,
}

struct Naming {
    image: ContentHash,
    pixels: Pixels,
    to_name: ToName,
}

/// The other end has gone: the run cannot be written any more.
struct Stopped;

fn send<T>(sender: &SyncSender<T>, value: T) -> Result<(), Stopped> {
    sender.send(value).map_err(|_| Stopped)
}

/// The part of the settings that the threads need.
#[derive(Clone, Copy)]
struct StageSettings<'a> {
    decode_threads: NonZeroUsize,
    detect_threads: NonZeroUsize,
    decode: &'a (dyn Fn(&[u8]) -> Result<Pixels, Failure> + Sync),
    limits: NamingLimits,
}

impl<'a> From<&ObserveSettings<'a>> for StageSettings<'a> {
    fn from(settings: &ObserveSettings<'a>) -> Self {
        let ObserveSettings { decode_threads, detect_threads, decode, limits, .. } = *settings;
        Self { decode_threads, detect_threads, decode, limits }
    }
}

struct Stages<'a> {
    observer: &'a Observer,
    settings: StageSettings<'a>,
    directory: &'a Path,
}

impl<'a> Stages<'a> {
    /// Starts all threads. Each ends when what it gets from ends or what it gives to is gone.
    fn start<'scope>(
        &'scope self,
        scope: &'scope thread::Scope<'scope, '_>,
        jobs: Vec<PendingImage>,
    ) -> Receiver<Landed> {
        let (land, landed) = sync_channel(self.settings.detect_threads.get());
        let (detect, to_detect) = sync_channel(0);
        let (name, to_name) = sync_channel(1);
        let jobs = Arc::new(Mutex::new(jobs.into_iter()));
        for _ in 0..self.settings.decode_threads.get() {
            let (jobs, detect, name, land) = (jobs.clone(), detect.clone(), name.clone(), land.clone());
            scope.spawn(move || self.decode_all(&jobs, &detect, &name, &land));
        }
        // Shared by owning threads only, so that senders notice when the last of them has ended.
        let to_detect = Arc::new(Mutex::new(to_detect));
        for _ in 0..self.settings.detect_threads.get() {
            let (to_detect, name, land) = (to_detect.clone(), name.clone(), land.clone());
            scope.spawn(move || self.detect_all(&to_detect, &name, &land));
        }
        scope.spawn(move || self.name_all(&to_name, &land));
        landed
    }

    fn decode_all(
        &self,
        jobs: &Mutex<vec::IntoIter<PendingImage>>,
        detect: &SyncSender<Decoded>,
        name: &SyncSender<Naming>,
        land: &SyncSender<Landed>,
    ) -> Result<(), Stopped> {
        // A poisoned lock means that another thread panicked; the scope will report that.
        while let Some(PendingImage { image, kind }) = jobs.lock().ok().and_then(|mut jobs| jobs.next()) {
            let read = self.read(&image);
            let image = image.hash;
            match (read, kind) {
                (Err(failure), _) => send(land, Landed::Failed { image, failure })?,
                (Ok(mut pixels), JobKind::Detect { asked }) => {
                    pixels.hand_over();
                    send(detect, Decoded { image, pixels, asked })?;
                }
                (Ok(mut pixels), JobKind::Name(to_name)) => {
                    let is_cheap = self.observer.names_cheaply();
                    if !is_cheap {
                        pixels.hand_over();
                    }
                    let naming = Naming { image, pixels, to_name };
                    if is_cheap {
                        self.name_batch(vec![naming], land)?;
                    } else {
                        send(name, naming)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn read(&self, image: &ImageRef) -> Result<Pixels, Failure> {
        let images = Images::at(self.directory);
        let length = fs::metadata(images.path(image)).map_or(0, |found| found.len());
        let _bytes = reserve_file(length);
        let bytes = images
            .read(image)
            .map_err(|error| Failure { kind: FailureKind::of_unread(&error), detail: sentence_of(&error) })?;
        (self.settings.decode)(&bytes)
    }

    fn detect_all(
        &self,
        to_detect: &Mutex<Receiver<Decoded>>,
        name: &SyncSender<Naming>,
        land: &SyncSender<Landed>,
    ) -> Result<(), Stopped> {
        let next = || to_detect.lock().ok().and_then(|receiver| receiver.recv().ok());
        while let Some(Decoded { image, pixels, asked }) = next() {
            let detections = match self.observer.detect(&pixels) {
                Ok(detections) => detections,
                Err(error) => {
                    send(land, Landed::Failed { image, failure: failure_of(&error) })?;
                    continue;
                }
            };
            let is_asked = |category: Category| asked.contains(&category);
            let places = self.observer.places_to_name(&detections, is_asked, self.settings.limits);
            let observer = self.observer.key().observer.clone();
            let (width, height) = (pixels.width(), pixels.height());
            let mut evidence = Evidence { image: image.clone(), observer, width, height, detections };
            if places.is_empty() {
                send(land, Landed::Whole(evidence))?;
            } else if !self.observer.names_cheaply() {
                let to_name = ToName::of(&evidence.detections, places, true);
                send(land, Landed::Detections(evidence))?;
                send(name, Naming { image, pixels, to_name })?;
            } else {
                let landed = match self.observer.name(&[(&pixels, &evidence.detections)]).pop() {
                    Some(Ok(scores)) => {
                        for (detection, scores) in evidence.detections.iter_mut().zip(scores) {
                            detection.colors = Some(scores);
                        }
                        Landed::Whole(evidence)
                    }
                    Some(Err(error)) => Landed::Failed { image, failure: failure_of(&error) },
                    None => Landed::Whole(evidence),
                };
                send(land, landed)?;
            }
        }
        Ok(())
    }

    /// Names what is waiting together, as far as the namer takes it at once.
    fn name_all(&self, to_name: &Receiver<Naming>, land: &SyncSender<Landed>) -> Result<(), Stopped> {
        while let Ok(first) = to_name.recv() {
            let mut n_objects = first.to_name.places.len();
            let mut batch = vec![first];
            while n_objects < MAX_NAMED_AT_ONCE
                && let Ok(next) = to_name.recv_timeout(LINGER)
            {
                n_objects += next.to_name.places.len();
                batch.push(next);
            }
            self.name_batch(batch, land)?;
        }
        Ok(())
    }

    fn name_batch(&self, batch: Vec<Naming>, land: &SyncSender<Landed>) -> Result<(), Stopped> {
        let images: Vec<(&Pixels, &[Detection])> =
            batch.iter().map(|naming| (&naming.pixels, naming.to_name.detections.as_slice())).collect();
        let named = self.observer.name(&images);
        for (Naming { image, to_name, .. }, scores) in batch.into_iter().zip(named) {
            let landed = match scores {
                Ok(scores) => {
                    let mut colors = to_name.known;
                    colors.extend(to_name.places.into_iter().zip(scores));
                    colors.sort_unstable_by_key(|(place, _)| *place);
                    Landed::Colors { image, colors, is_new: to_name.is_new }
                }
                Err(error) => Landed::Failed { image, failure: failure_of(&error) },
            };
            send(land, landed)?;
        }
        Ok(())
    }
}

fn failure_of(error: &DetectError) -> Failure {
    Failure { kind: FailureKind::DetectorFailed, detail: error.to_string() }
}
