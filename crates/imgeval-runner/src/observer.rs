//! A detector and a color namer, put together to one observer with one identity.

use imgeval_core::{
    Category, ColorNamer, ColorScope, ColorScores, DetectError, Detection, Detector, InputSize, ObserverId,
    ObserverMeta, Pixels,
};
use imgeval_store::ObserverKey;

use crate::{NamingLimits, detections_to_name};

/// Detections that score no more than this are not kept as evidence.
pub const EVIDENCE_FLOOR: f32 = 0.05;

/// Maximum number of objects passed to a namer at once.
pub(crate) const MAX_NAMED_AT_ONCE: usize = 8;

/// Under which conditions an observer works, as far as they could change its answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Device and number format, such as `device=cuda;dtype=f16`; empty for the official ones.
    pub parameters: String,
    /// Something about it, known to the caller alone, keeps its scores from being compared with official ones.
    pub is_unofficial: bool,
}

/// The detector and color namer for the images of a run.
pub struct Observer {
    detector: Box<dyn Detector>,
    namer: Option<Box<dyn ColorNamer>>,
    meta: ObserverMeta,
    key: ObserverKey,
}

impl Observer {
    /// Without a namer no color is ever named.
    #[must_use]
    pub fn new(
        detector: Box<dyn Detector>,
        namer: Option<Box<dyn ColorNamer>>,
        conditions: &Conditions,
    ) -> Self {
        let with_conditions = |meta: &ObserverMeta, floor: Option<f32>| {
            let mut meta = meta.clone();
            if let Some(floor) = floor {
                append(&mut meta.parameters, &format!("floor={floor}"));
            }
            append(&mut meta.parameters, &conditions.parameters);
            meta.is_comparable &= !conditions.is_unofficial;
            meta
        };
        let floor = (detector.floor() < EVIDENCE_FLOOR).then_some(EVIDENCE_FLOOR);
        let eyes = with_conditions(detector.meta(), floor);
        let names = namer.as_ref().map(|namer| with_conditions(namer.meta(), None));

        let mut meta = eyes.clone();
        if let Some(names) = &names {
            meta.title = format!("{}; colors: {}", eyes.title, names.title);
            meta.is_comparable &= names.is_comparable;
            append(&mut meta.parameters, &format!("colors={}@{}", names.id, names.version));
            append(&mut meta.parameters, &names.weights_sha256);
            append(&mut meta.parameters, &names.parameters);
        }
        let key = ObserverKey {
            observer: meta.observer_id(),
            detector: eyes.observer_id(),
            namer: names.map_or_else(|| ObserverId::new(""), |names| names.observer_id()),
        };
        Self { detector, namer, meta, key }
    }

    /// Of both parts together.
    #[must_use]
    pub fn meta(&self) -> &ObserverMeta {
        &self.meta
    }

    #[must_use]
    pub fn key(&self) -> &ObserverKey {
        &self.key
    }

    /// Whether colors are named in passing, and not in batches.
    pub(crate) fn names_cheaply(&self) -> bool {
        self.namer.as_ref().is_some_and(|namer| namer.scope() == ColorScope::EveryDetection)
    }

    /// The places of the detections that this observer should name, as [`detections_to_name`] chooses them.
    pub(crate) fn places_to_name(
        &self,
        detections: &[Detection],
        is_asked: impl Fn(Category) -> bool,
        limits: NamingLimits,
    ) -> Vec<usize> {
        let namer = self.namer.as_ref();
        namer.map_or_else(Vec::new, |namer| detections_to_name(detections, namer.scope(), is_asked, limits))
    }

    /// How large an image enters the detector, where that says something.
    #[must_use]
    pub fn input_size(&self, pixels: &Pixels) -> Option<InputSize> {
        self.detector.input_size(pixels.width(), pixels.height())
    }

    /// All detections of one image, best first, whatever they score; with the colors of those that score more than
    /// `limits` allow, whatever their category.
    ///
    /// # Errors
    /// If one of the two parts cannot process these pixels.
    pub fn look(&self, pixels: &Pixels, limits: NamingLimits) -> Result<Vec<Detection>, DetectError> {
        self.look_for(pixels, pixels, |_| true, limits)
    }

    /// The same where the detector sees other pixels than the namer, and colors only of the categories that are asked for.
    ///
    /// # Errors
    /// As [`Self::look`].
    pub fn look_for(
        &self,
        seen: &Pixels,
        colored: &Pixels,
        is_asked: impl Fn(Category) -> bool,
        limits: NamingLimits,
    ) -> Result<Vec<Detection>, DetectError> {
        let mut detections = self.detector.inspect(seen)?;
        self.check(seen, &detections)?;
        let places = self.places_to_name(&detections, is_asked, limits);
        let to_name: Vec<Detection> = places.iter().map(|place| detections[*place].clone()).collect();
        for scores in self.name(&[(colored, &to_name)]) {
            for (place, scores) in places.iter().zip(scores?) {
                detections[*place].colors = Some(scores);
            }
        }
        Ok(detections)
    }

    /// Lets both parts check themselves.
    ///
    /// # Errors
    /// If one of them does not give what it must.
    pub fn check_canaries(&self) -> Result<(), DetectError> {
        self.detector.canary()?;
        self.namer.as_ref().map_or(Ok(()), |namer| namer.canary())
    }

    /// The detections that are kept, best first, without colors.
    ///
    /// # Errors
    /// If the detector cannot process these pixels or gives what no image can hold.
    pub(crate) fn detect(&self, pixels: &Pixels) -> Result<Vec<Detection>, DetectError> {
        let mut detections = self.detector.inspect(pixels)?;
        detections.retain(|detection| detection.score > EVIDENCE_FLOOR);
        self.check(pixels, &detections)?;
        Ok(detections)
    }

    fn check(&self, pixels: &Pixels, detections: &[Detection]) -> Result<(), DetectError> {
        let size = (pixels.width(), pixels.height());
        let is_sound = |detection: &Detection| {
            detection.score.is_finite()
                && detection.bounding_box.to_array().iter().all(|corner| corner.is_finite())
                && detection.mask.as_ref().is_none_or(|mask| (mask.width(), mask.height()) == size)
        };
        if detections.iter().all(is_sound) {
            return Ok(());
        }
        let detail = "a detection is not finite, or its mask does not have the image's size".to_owned();
        Err(DetectError { observer: self.meta.id.clone(), detail })
    }

    /// Colors of the objects of several images, each image by itself either named as a whole or failed.
    pub(crate) fn name(
        &self,
        images: &[(&Pixels, &[Detection])],
    ) -> Vec<Result<Vec<ColorScores>, DetectError>> {
        let mut named: Vec<Result<Vec<ColorScores>, DetectError>> =
            images.iter().map(|(_, detections)| Ok(Vec::with_capacity(detections.len()))).collect();
        let mut land = |image: usize, scores: Result<Vec<ColorScores>, DetectError>| {
            if let Ok(so_far) = &mut named[image] {
                match scores {
                    Ok(scores) => so_far.extend(scores),
                    Err(error) => named[image] = Err(error),
                }
            }
        };
        for batch in batches(images.iter().map(|(_, detections)| detections.len())) {
            let pieces: Vec<(&Pixels, &[Detection])> = batch
                .iter()
                .map(|piece| (images[piece.image].0, &images[piece.image].1[piece.first..piece.end]))
                .collect();
            match self.name_at_once(&pieces) {
                Ok(scores) => {
                    batch.iter().zip(scores).for_each(|(piece, scores)| land(piece.image, Ok(scores)))
                }
                Err(error) if batch.len() == 1 => land(batch[0].image, Err(error)),
                // One bad image must not take the others with it.
                Err(_) => {
                    for (piece, pixels_and_detections) in batch.iter().zip(&pieces) {
                        let alone = self.name_at_once(std::slice::from_ref(pixels_and_detections));
                        land(piece.image, alone.map(|scores| scores.into_iter().flatten().collect()));
                    }
                }
            }
        }
        named
    }

    fn name_at_once(&self, batch: &[(&Pixels, &[Detection])]) -> Result<Vec<Vec<ColorScores>>, DetectError> {
        let error = |observer: &str, detail: &str| DetectError {
            observer: observer.to_owned(),
            detail: detail.to_owned(),
        };
        let Some(namer) = &self.namer else {
            return Err(error(&self.meta.id, "it names no colors"));
        };
        let scores = namer.color_scores(batch)?;
        let has_all = scores.len() == batch.len()
            && scores.iter().zip(batch).all(|(scores, (_, detections))| scores.len() == detections.len());
        let is_finite =
            scores.iter().flatten().all(|scores| scores.values.iter().all(|value| value.is_finite()));
        if has_all && is_finite {
            return Ok(scores);
        }
        let detail = if has_all { "a color score is not finite" } else { "color scores are missing" };
        Err(error(&namer.meta().id, detail))
    }
}

/// Consecutive detections of one image.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    image: usize,
    first: usize,
    end: usize,
}

/// Divides images with so many objects each into batches as large as allowed, in order.
fn batches(counts: impl Iterator<Item = usize>) -> Vec<Vec<Piece>> {
    let mut batches: Vec<Vec<Piece>> = Vec::new();
    let mut room = 0;
    for (image, count) in counts.enumerate() {
        let mut first = 0;
        while first < count {
            if room == 0 {
                batches.push(Vec::new());
                room = MAX_NAMED_AT_ONCE;
            }
            let end = count.min(first + room);
            room -= end - first;
            if let Some(batch) = batches.last_mut() {
                batch.push(Piece { image, first, end });
            }
            first = end;
        }
    }
    batches
}

fn append(parameters: &mut String, more: &str) {
    if !more.is_empty() {
        if !parameters.is_empty() {
            parameters.push(';');
        }
        parameters.push_str(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_full_and_in_order() {
        let piece = |image, first, end| Piece { image, first, end };
        assert_eq!(batches([0, 0].into_iter()), Vec::<Vec<Piece>>::new());
        assert_eq!(
            batches([3, 0, 18, 1].into_iter()),
            [
                vec![piece(0, 0, 3), piece(2, 0, 5)],
                vec![piece(2, 5, 13)],
                vec![piece(2, 13, 18), piece(3, 0, 1)]
            ]
        );
    }
}
