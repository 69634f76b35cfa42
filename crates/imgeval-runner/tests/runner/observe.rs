//! Observing with small fakes: what is detected, what is named, and what survives an interruption.

#![allow(clippy::unwrap_used, reason = "helper functions of tests may unwrap as the tests do")]

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use imgeval_core::{
    BoundingBox, CaseId, Category, ColorNamer, ColorRule, ColorScope, ColorScores, ContentHash, DetectError,
    Detection, Detector, Failure, ImageFormat, ImageRecord, ImageRef, Mask, ObserverMeta, Outcome, Pixels,
    Sample, SampleId,
};
use imgeval_runner::{
    ColorsThere, Conditions, NamingLimits, ObserveError, ObserveSettings, ObserveSummary, Observer,
    observe_images,
};
use imgeval_store::{FileStamp, ImportedSample, Manifest, RunReader, RunWriter, StoredImage};

fn meta(id: &str, weights: &str) -> ObserverMeta {
    ObserverMeta {
        id: id.to_owned(),
        title: id.to_owned(),
        version: 1,
        weights_sha256: weights.to_owned(),
        parameters: String::new(),
        is_comparable: true,
    }
}

fn error(detail: &str) -> DetectError {
    DetectError { observer: "fake".to_owned(), detail: detail.to_owned() }
}

/// What both fakes were asked for.
#[derive(Default)]
struct Log {
    detected: AtomicUsize,
    /// Objects of each image of each call.
    batches: Mutex<Vec<Vec<usize>>>,
}

/// Sees in an image of value v: v objects of category 0 (masked, ever weaker), one of category 1, one too weak to keep.
struct FakeDetector {
    meta: ObserverMeta,
    log: Arc<Log>,
    fails_canary: bool,
}

impl Detector for FakeDetector {
    fn meta(&self) -> &ObserverMeta {
        &self.meta
    }

    fn inspect(&self, pixels: &Pixels) -> Result<Vec<Detection>, DetectError> {
        self.log.detected.fetch_add(1, Ordering::Relaxed);
        let value = pixels.at(0, 0)[0];
        let detection = |category: usize, score: f32, place: usize| {
            let bits: Vec<bool> = (0..12).map(|bit| bit % (place + 2) == 0).collect();
            Detection {
                category: Category::from_index(category).unwrap(),
                score,
                bounding_box: BoundingBox::from_array([0.0, 0.0, place as f32, 1.0]),
                mask: Mask::from_bits(4, 3, &bits),
                colors: None,
            }
        };
        let mut seen: Vec<_> =
            (0..usize::from(value)).map(|place| detection(0, 0.9 - 0.01 * place as f32, place)).collect();
        seen.push(detection(1, 0.35, 3));
        seen.push(detection(0, 0.25, 4));
        seen.push(detection(0, 0.05, 5));
        match value {
            13 => Err(error("an unlucky image")),
            14 => {
                seen[0].mask = Mask::from_bits(1, 1, &[true]);
                Ok(seen)
            }
            15 => {
                seen[0].score = f32::INFINITY;
                Ok(seen)
            }
            _ => Ok(seen),
        }
    }

    fn canary(&self) -> Result<(), DetectError> {
        if self.fails_canary { Err(error("the cow is a horse")) } else { Ok(()) }
    }
}

struct FakeNamer {
    meta: ObserverMeta,
    log: Arc<Log>,
    scope: ColorScope,
    /// The image of this value cannot be named.
    unlucky: u8,
}

impl ColorNamer for FakeNamer {
    fn meta(&self) -> &ObserverMeta {
        &self.meta
    }

    fn scope(&self) -> ColorScope {
        self.scope
    }

    fn color_scores(&self, batch: &[(&Pixels, &[Detection])]) -> Result<Vec<Vec<ColorScores>>, DetectError> {
        let sizes = batch.iter().map(|(_, detections)| detections.len()).collect();
        self.log.batches.lock().unwrap().push(sizes);
        if batch.iter().any(|(pixels, _)| pixels.at(0, 0)[0] == self.unlucky) {
            return Err(error("no colours today"));
        }
        let of_image = |(pixels, detections): &(&Pixels, &[Detection])| {
            let scores = |detection: &Detection| {
                let mut values = [-20.0; 10];
                // Tells image, object and mask apart.
                let area = detection.mask.as_ref().unwrap().area() as f32;
                values[usize::from(pixels.at(0, 0)[0]) % 10] =
                    -10.0 - detection.bounding_box.x2 - area / 100.0;
                ColorScores { values, rule: ColorRule::Argmax }
            };
            detections.iter().map(scores).collect()
        };
        Ok(batch.iter().map(of_image).collect())
    }
}

struct Setup {
    log: Arc<Log>,
    scope: ColorScope,
    namer: &'static str,
    unlucky: u8,
    fails_canary: bool,
    colors_there: ColorsThere,
    limits: NamingLimits,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            log: Arc::default(),
            scope: ColorScope::AskedFor,
            namer: "namer",
            unlucky: 99,
            fails_canary: false,
            colors_there: ColorsThere::Keep,
            limits: NamingLimits::default(),
        }
    }
}

impl Setup {
    fn observer(&self) -> Observer {
        let detector =
            FakeDetector { meta: meta("eyes", "aa"), log: self.log.clone(), fails_canary: self.fails_canary };
        let namer = FakeNamer {
            meta: meta(self.namer, "bb"),
            log: self.log.clone(),
            scope: self.scope,
            unlucky: self.unlucky,
        };
        Observer::new(Box::new(detector), Some(Box::new(namer)), &Conditions::default())
    }

    /// Observes; `stop_after` results the process "dies".
    fn observe_until(&self, run: &mut RunWriter, stop_after: usize) -> Result<ObserveSummary, ObserveError> {
        let decode =
            |bytes: &[u8]| -> Result<Pixels, Failure> { Ok(Pixels::new(4, 3, vec![bytes[0]; 36]).unwrap()) };
        // Cases with an even number ask for the color of category 0.
        let asked_by = |case: &CaseId| {
            let number: usize = case.as_str().parse().unwrap();
            if number.is_multiple_of(2) { vec![Category::from_index(0).unwrap()] } else { vec![] }
        };
        let settings = ObserveSettings {
            decode_threads: NonZeroUsize::new(2).unwrap(),
            detect_threads: NonZeroUsize::MIN,
            decode: &decode,
            asked_by: &asked_by,
            limits: self.limits,
            colors_there: self.colors_there,
        };
        let mut n_landed = 0;
        observe_images(run, &self.observer(), &settings, &mut |event| {
            if matches!(event, imgeval_runner::Progress::Advanced { .. }) {
                n_landed += 1;
                assert!(n_landed < stop_after, "the process dies here");
            }
        })
    }

    fn observe(&self, run: &mut RunWriter) -> ObserveSummary {
        self.observe_until(run, usize::MAX).unwrap()
    }

    fn n_detected(&self) -> usize {
        self.log.detected.load(Ordering::Relaxed)
    }

    fn batches(&self) -> Vec<Vec<usize>> {
        std::mem::take(&mut self.log.batches.lock().unwrap())
    }

    /// What the store holds for this observer, by the image's value.
    fn stored(&self, run: &RunWriter) -> BTreeMap<u8, StoredImage> {
        let mut stored = BTreeMap::new();
        let key = self.observer().key().clone();
        run.for_each_image(&key, |image| {
            let bytes = run.images().read(&image.image);
            stored.insert(bytes.unwrap()[0], image);
        })
        .unwrap();
        stored
    }

    /// The places of the detections that have a color.
    fn named(&self, run: &RunWriter, value: u8) -> Vec<usize> {
        let image = self.stored(run).remove(&value).unwrap();
        let detections = image.seen.unwrap().detections;
        (0..detections.len()).filter(|place| detections[*place].colors.is_some()).collect()
    }
}

/// A run with one image of each value, the case's number being the value.
fn run_with(folder: &Path, values: &[u8]) -> RunWriter {
    let asked = Manifest {
        suite: "fake".to_owned(),
        parameters: BTreeMap::new(),
        generation: BTreeMap::new(),
        tool_version: "0".to_owned(),
        label: None,
    };
    let mut run = RunWriter::create_or_open(folder, &asked, "test").unwrap();
    let mut samples = Vec::new();
    for value in values {
        let bytes = [*value];
        let hash = ContentHash::of(&bytes);
        let image = ImageRef { hash, format: ImageFormat::Png };
        run.images().put(&image, &bytes).unwrap();
        let ImageRef { hash, format } = image;
        let record = ImageRecord { hash, format, width: 4, height: 3, notes: vec![] };
        let id = SampleId::new(CaseId::new(value.to_string()), 0);
        let sample = Sample { id, source: format!("{value}.png"), outcome: Outcome::Done(record) };
        let stamp = FileStamp { size: 1, modified_ns: 0 };
        samples.push(ImportedSample { sample, stamp, rewritten_prompt: None });
    }
    run.record_samples(samples, None).unwrap();
    run
}

#[test]
fn only_colors_that_are_asked_for_are_named_in_bounded_batches() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run_with(folder.path(), &[0, 1, 2, 4, 6, 12, 20]);
    let setup = Setup::default();
    assert_eq!(setup.observe(&mut run), ObserveSummary { observed: 7, named: 0, failed: 0 });
    let batches = setup.batches();
    assert!(batches.iter().all(|sizes| (1..=8).contains(&sizes.iter().sum::<usize>())), "{batches:?}");
    assert_eq!(batches.iter().flatten().sum::<usize>(), 2 + 4 + 6 + 12 + 16);
    // Of value 20 the sixteen best, never category 1 or what is too weak.
    assert_eq!(setup.named(&run, 20), Vec::from_iter(0..16));
    assert_eq!(setup.named(&run, 2), [0, 1]);
    assert_eq!(setup.named(&run, 1), [0; 0]);
    let stored = setup.stored(&run);
    let seen = stored[&4].seen.as_ref().unwrap();
    assert_eq!(seen.detections.len(), 6, "four, the other category, a weak one; the weakest is not kept");
    let colors = seen.detections[2].colors.unwrap();
    assert_eq!(colors.best().unwrap().index(), 4);
    let area = seen.detections[2].mask.as_ref().unwrap().area() as f32;
    assert_eq!(colors.values[4], -10.0 - 2.0 - area / 100.0);
    // Nothing is left.
    assert_eq!(setup.observe(&mut run), ObserveSummary::default());
    assert_eq!((setup.n_detected(), setup.batches().len()), (7, 0));
}

#[test]
fn missing_colors_are_completed_without_detecting() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run_with(folder.path(), &[1, 2, 4]);
    let setup = Setup::default();
    setup.observe(&mut run);
    let before = setup.stored(&run);
    // A lower threshold wants the weak one too.
    let lower = Setup { limits: NamingLimits { above: 0.2, ..NamingLimits::default() }, ..Setup::default() };
    assert_eq!(lower.observe(&mut run), ObserveSummary { observed: 0, named: 2, failed: 0 });
    assert_eq!((lower.n_detected(), lower.named(&run, 2)), (0, vec![0, 1, 3]));
    assert_eq!(lower.batches().iter().flatten().sum::<usize>(), 2, "the others were there");
    let after = lower.stored(&run);
    assert_eq!(
        before[&2].seen.as_ref().unwrap().detections[1],
        after[&2].seen.as_ref().unwrap().detections[1]
    );
}

#[test]
fn another_namer_needs_no_detector_and_leaves_the_first_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run_with(folder.path(), &[1, 2, 4]);
    let setup = Setup::default();
    setup.observe(&mut run);
    let before = setup.stored(&run);
    let other = Setup { namer: "another", ..Setup::default() };
    assert_eq!(other.observe(&mut run), ObserveSummary { observed: 0, named: 2, failed: 0 });
    assert_eq!((other.n_detected(), other.named(&run, 4)), (0, vec![0, 1, 2, 3]));
    assert_eq!(setup.stored(&run), before);
    assert!(other.stored(&run)[&1].seen.as_ref().unwrap().has_colors, "noted that there is nothing to name");
}

#[test]
fn colors_are_named_again_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run_with(folder.path(), &[1, 2, 4]);
    let setup = Setup::default();
    setup.observe(&mut run);
    let before = setup.stored(&run);
    let again = Setup { colors_there: ColorsThere::NameAgain, ..Setup::default() };
    assert_eq!(again.observe(&mut run), ObserveSummary { observed: 0, named: 2, failed: 0 });
    assert_eq!(again.n_detected(), 0);
    assert_eq!(again.batches().iter().flatten().sum::<usize>(), 6);
    assert_eq!(setup.stored(&run), before);
}

#[test]
fn a_cheap_namer_names_everything() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run_with(folder.path(), &[1, 2]);
    let setup = Setup { scope: ColorScope::EveryDetection, ..Setup::default() };
    assert_eq!(setup.observe(&mut run).observed, 2);
    assert_eq!((setup.named(&run, 1), setup.named(&run, 2)), (vec![0, 1, 2], vec![0, 1, 2, 3]));
    let again = Setup { colors_there: ColorsThere::NameAgain, scope: setup.scope, ..Setup::default() };
    assert_eq!(again.observe(&mut run), ObserveSummary { observed: 0, named: 2, failed: 0 });
}

#[test]
fn a_failing_image_fails_alone_and_its_detections_stay() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run_with(folder.path(), &[2, 4, 13, 14, 15, 18]);
    let setup = Setup { unlucky: 4, ..Setup::default() };
    assert_eq!(setup.observe(&mut run), ObserveSummary { observed: 2, named: 0, failed: 4 });
    assert_eq!((setup.named(&run, 2).len(), setup.named(&run, 18).len()), (2, 16));
    let stored = setup.stored(&run);
    assert!(!stored[&4].seen.as_ref().unwrap().has_colors);
    for hopeless in [13, 14, 15] {
        assert_eq!(stored[&hopeless].seen, None);
    }
    let lucky = Setup::default();
    assert_eq!(lucky.observe(&mut run), ObserveSummary { observed: 0, named: 1, failed: 3 });
    assert_eq!(lucky.named(&run, 4).len(), 4);
}

#[test]
fn a_failure_to_name_again_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run_with(folder.path(), &[2, 4]);
    let setup = Setup::default();
    setup.observe(&mut run);
    let stored = setup.stored(&run);
    let again = Setup { unlucky: 4, colors_there: ColorsThere::NameAgain, ..Setup::default() };
    assert_eq!(again.observe(&mut run), ObserveSummary { observed: 0, named: 1, failed: 1 });
    assert_eq!(setup.stored(&run), stored);
    let observer = setup.observer().key().observer.clone();
    let check_no_failure_is_told = || {
        let reader = RunReader::open(folder.path()).unwrap();
        reader.for_each_sample(Some(&observer), |seen| assert_eq!(seen.failed_observation, None)).unwrap();
    };
    check_no_failure_is_told();
    assert_eq!(setup.observe(&mut run), ObserveSummary::default());
    check_no_failure_is_told();
}

#[test]
fn a_failure_to_name_at_all_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run_with(folder.path(), &[4]);
    let setup = Setup { unlucky: 4, ..Setup::default() };
    assert_eq!(setup.observe(&mut run).failed, 1);
    let observer = setup.observer().key().observer.clone();
    let mut told = Vec::new();
    let reader = RunReader::open(folder.path()).unwrap();
    reader.for_each_sample(Some(&observer), |seen| told.push(seen.failed_observation)).unwrap();
    assert!(told[0].as_ref().unwrap().detail.contains("no colours today"), "{told:?}");
}

#[test]
fn interrupted_after_any_result_the_evidence_becomes_the_same() {
    let values = [0, 1, 2, 3, 4, 6, 8, 12, 20];
    let straight = tempfile::tempdir().unwrap();
    let mut run = run_with(straight.path(), &values);
    let setup = Setup::default();
    setup.observe(&mut run);
    let expected = setup.stored(&run);
    for stop_after in 1..=values.len() {
        let broken = tempfile::tempdir().unwrap();
        let mut run = run_with(broken.path(), &values);
        let died = catch_unwind(AssertUnwindSafe(|| setup.observe_until(&mut run, stop_after)));
        assert!(died.is_err(), "the process dies after {stop_after}");
        drop(run);
        let mut run = RunWriter::open(broken.path(), "test").unwrap();
        setup.observe(&mut run);
        assert_eq!(setup.stored(&run), expected);
    }
}

#[test]
fn an_observer_that_fails_its_own_check_does_not_begin() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run_with(folder.path(), &[1]);
    let setup = Setup { fails_canary: true, ..Setup::default() };
    let error = setup.observe_until(&mut run, usize::MAX).unwrap_err().to_string();
    assert!(error.contains("failed its self-test") && error.contains("the cow is a horse"), "{error}");
    assert_eq!((setup.n_detected(), setup.stored(&run)[&1].seen.is_none()), (0, true));
}

#[test]
fn conditions_make_another_observer() {
    let setup = Setup::default();
    let official = setup.observer();
    assert!(official.meta().is_comparable);
    assert!(official.meta().parameters.starts_with("floor=0.05;colors=namer@1;bb"), "{:?}", official.meta());
    let detector = FakeDetector { meta: meta("eyes", "aa"), log: setup.log.clone(), fails_canary: false };
    let namer =
        FakeNamer { meta: meta("namer", "bb"), log: setup.log.clone(), scope: setup.scope, unlucky: 99 };
    let conditions = Conditions { parameters: "dtype=f16".to_owned(), is_unofficial: true };
    let other = Observer::new(Box::new(detector), Some(Box::new(namer)), &conditions);
    assert!(!other.meta().is_comparable && other.meta().parameters.contains("dtype=f16"));
    for (one, another) in [
        (&official.key().detector, &other.key().detector),
        (&official.key().namer, &other.key().namer),
        (&official.key().observer, &other.key().observer),
    ] {
        assert_ne!(one, another);
    }
}
