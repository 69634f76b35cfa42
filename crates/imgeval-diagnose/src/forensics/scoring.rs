//! Runs detectors over the images of a study: every image under every treatment, each score computed only once across
//! interruptions.

use std::{collections::BTreeMap, path::PathBuf};

use imgeval_core::{ContentHash, Pixels};
use imgeval_forensics::{Detector, ForensicsError, Judgment, Reader, SourceImage};
use imgeval_vision::{DecodeLimits, image_file::read_image_file};

use super::{
    input::{DetectorScores, Origin, ScoreOutcome, StudyImage, Treatment},
    store::{ScoreStore, ScoreStoreError, Scored},
};
use crate::{Event, alike::Plan};

/// Images that score above this are called fake: scores are probabilities.
const THRESHOLD: f64 = 0.5;

/// A detector with what its scores depend on.
pub struct StudyDetector {
    /// Unique within the study.
    pub id: String,
    /// What tables call it.
    pub name: String,
    pub detector: Box<dyn Detector>,
    /// SHA-256 of each file of weights.
    pub weights_sha256: Vec<String>,
}

impl StudyDetector {
    /// What its scores are kept under: the detector, its pipeline and its weights.
    #[must_use]
    pub fn key(&self) -> String {
        let mut weights = self.weights_sha256.clone();
        weights.sort();
        format!("{}/{}/{}", self.detector.description().id, self.detector.pipeline(), weights.join("+"))
    }
}

/// An image of a study and its file.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyFile {
    pub image: StudyImage,
    pub path: PathBuf,
}

/// What to score.
pub struct ScoringRequest<'a> {
    pub files: &'a [StudyFile],
    pub detectors: &'a [StudyDetector],
    pub treatments: &'a [Treatment],
    /// How both classes are made alike.
    pub matched: &'a Plan,
    pub limits: DecodeLimits,
}

/// The scores of each detector, in the order of the request; images that cannot be scored have the reason.
///
/// # Errors
/// If scores cannot be kept.
pub fn score_images(
    request: &ScoringRequest<'_>,
    store: &ScoreStore,
    events: &mut dyn FnMut(Event),
) -> Result<Vec<DetectorScores>, ScoreStoreError> {
    let keys: Vec<String> = request.detectors.iter().map(StudyDetector::key).collect();
    events(Event::Stage { name: "scoring".to_owned(), images: request.files.len() });
    let mut outcomes: Vec<BTreeMap<Treatment, Vec<ScoreOutcome>>> = vec![BTreeMap::new(); keys.len()];
    for file in request.files {
        let hash = ContentHash::parse(&file.image.examined.sha256);
        let mut evidence = hash.as_ref().map(|hash| store.read(hash)).unwrap_or_default();
        let mut source = None;
        for treatment in request.treatments {
            let code = treatment_code(*treatment, request.matched);
            let missing: Vec<usize> =
                (0..keys.len()).filter(|place| evidence.get(&keys[*place], &code).is_none()).collect();
            if missing.is_empty() {
                continue;
            }
            let source = source.get_or_insert_with(|| read(file, &request.limits));
            let treated = source
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|source| treat(source, *treatment, request.matched, &file.image.examined.sha256));
            for place in missing {
                let scored = match &treated {
                    Ok(image) => scored_of(request.detectors[place].detector.judge(image)),
                    Err(reason) => Scored::Failed { failure: reason.clone() },
                };
                evidence.put(&keys[place], &code, scored);
            }
            if let Some(hash) = &hash {
                store.keep(hash, &evidence)?;
            }
        }
        for (detector, key) in outcomes.iter_mut().zip(&keys) {
            for treatment in request.treatments {
                let scored = evidence.get(key, &treatment_code(*treatment, request.matched));
                detector.entry(*treatment).or_default().push(outcome_of(scored));
            }
        }
        events(Event::Advanced { images: 1 });
    }
    let scores = |(detector, outcomes): (&StudyDetector, _)| DetectorScores {
        id: detector.id.clone(),
        name: detector.name.clone(),
        origin: Origin::Published,
        threshold: THRESHOLD,
        outcomes,
    };
    Ok(request.detectors.iter().zip(outcomes).map(scores).collect())
}

/// Names a treatment in the evidence; matched images also depend on the plan.
fn treatment_code(treatment: Treatment, matched: &Plan) -> String {
    match treatment {
        Treatment::AsDelivered => "as-delivered".to_owned(),
        Treatment::Matched => format!("matched: {}", matched.describe()),
        Treatment::Degraded(step) => step.code(),
    }
}

/// The file as both libraries read it, or why not.
fn read(file: &StudyFile, limits: &DecodeLimits) -> Result<SourceImage, String> {
    let bytes = read_image_file(&file.path).map_err(|error| error.failure().detail)?;
    if ContentHash::of(&bytes).as_str() != file.image.examined.sha256 {
        return Err("the file changed while it was in use; start again".to_owned());
    }
    SourceImage::read(&bytes, limits).map_err(|error| error.failure().detail)
}

fn treat(
    source: &SourceImage,
    treatment: Treatment,
    matched: &Plan,
    sha256: &str,
) -> Result<SourceImage, String> {
    match treatment {
        Treatment::AsDelivered => Ok(source.clone()),
        Treatment::Matched => {
            let square = matched.apply(source.read_by(Reader::OpenCv), sha256);
            square.map(SourceImage::of_pixels).map_err(|error| error.to_string())
        }
        Treatment::Degraded(step) => {
            let degraded = |reader| -> Result<Pixels, String> {
                step.apply(source.read_by(reader)).map_err(|error| error.to_string())
            };
            let pillow = degraded(Reader::Pillow)?;
            match source.is_read_alike() {
                true => Ok(SourceImage::of_pixels(pillow)),
                false => Ok(SourceImage::of_readings(pillow, degraded(Reader::OpenCv)?)),
            }
        }
    }
}

fn scored_of(judged: Result<Judgment, ForensicsError>) -> Scored {
    match judged {
        Ok(Judgment { logits, score, is_fake, crop_sha256 }) if score.is_finite() => {
            Scored::Judged { logits, score, is_fake, crop_sha256 }
        }
        Ok(_) => Scored::Failed { failure: "the score is not a finite number".to_owned() },
        Err(error) => Scored::Failed { failure: error.to_string() },
    }
}

fn outcome_of(scored: Option<&Scored>) -> ScoreOutcome {
    match scored {
        Some(Scored::Judged { score, .. }) => ScoreOutcome::Scored(*score),
        Some(Scored::Failed { failure }) => ScoreOutcome::Failed(failure.clone()),
        // What a model answered is read by whoever asked it.
        Some(Scored::Answered { .. }) | None => ScoreOutcome::Missing,
    }
}
