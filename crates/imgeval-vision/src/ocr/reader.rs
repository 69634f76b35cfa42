//! The `TextReader` port over the networks.

use std::path::PathBuf;

use imgeval_core::{ContentHash, DetectError, ObserverMeta, Pixels, ReadError, TextLine, TextReader};

use super::{
    batches::{Batch, classifier_batches, detector_input, recognizer_batches},
    canary,
    crop::{cut, turn_around},
    ctc::Alphabet,
    frame::Frame,
    geometry::Quad,
    networks::{Network, OcrLoadError, Output, read_file, thread_pool},
    regions::{TextMap, find_boxes},
};

/// A line is turned by a half when the classifier is surer than this.
const TURN_LEVEL: f32 = 0.9;
/// Lines that are read with less confidence are left out.
const LEAST_CONFIDENCE: f32 = 0.5;
/// Everything that changes the answer.
const PARAMETERS: &str = "det=736;map=0.3;box=0.5;grow=1.6;turn=0.9;batch=6;floor=0.5";

/// The files of a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcrFiles {
    pub detector: PathBuf,
    pub classifier: PathBuf,
    pub recognizer: PathBuf,
}

/// PP-OCRv4 on the CPU. Use it from several threads at once through `&self`; each call uses all cores.
#[derive(Debug)]
pub struct PpOcrReader {
    detector: Network,
    classifier: Network,
    recognizer: Network,
    alphabet: Alphabet,
    meta: ObserverMeta,
}

impl PpOcrReader {
    /// Reads three ONNX files. Whether they are the pinned ones is for the caller to compare by `meta().weights_sha256`, the
    /// SHA-256s of detector, classifier and recognizer with `+` between them.
    ///
    /// # Errors
    /// If a file cannot be read or is no such network, or the recognizer has no dictionary.
    pub fn load(files: &OcrFiles) -> Result<Self, OcrLoadError> {
        let threads = thread_pool();
        let paths = [&files.detector, &files.classifier, &files.recognizer];
        let mut checksums = Vec::new();
        let mut load = |path: &PathBuf| {
            let bytes = read_file(path)?;
            checksums.push(ContentHash::of(&bytes).as_str().to_owned());
            Network::load(path, bytes, &threads)
        };
        let [detector, classifier, recognizer] = [load(paths[0])?, load(paths[1])?, load(paths[2])?];
        let dictionary = recognizer.metadata("character");
        let alphabet = dictionary
            .map(Alphabet::parse)
            .ok_or_else(|| OcrLoadError::NoDictionary { path: files.recognizer.clone() })?;
        let meta = ObserverMeta {
            id: "pp-ocrv4".to_owned(),
            title: "PP-OCRv4, Chinese and English".to_owned(),
            version: 1,
            weights_sha256: checksums.join("+"),
            parameters: PARAMETERS.to_owned(),
            is_comparable: true,
        };
        Ok(Self { detector, classifier, recognizer, alphabet, meta })
    }

    /// A short look at a built-in line, so that a broken network never reads.
    ///
    /// # Errors
    /// If a network fails or the line is not read as it is.
    pub fn check(&self) -> Result<(), OcrLoadError> {
        canary::check(self).map_err(|detail| OcrLoadError::Canary { detail })
    }

    fn failed(&self, detail: String) -> ReadError {
        ReadError::Network(DetectError { observer: self.meta.id.clone(), detail })
    }

    /// The detector's map of an image whose sides are multiples of 32.
    pub(super) fn text_map(&self, pixels: &Pixels) -> Result<TextMap, String> {
        let (shape, values) = detector_input(pixels);
        let Output { shape: found, values } = self.detector.run(shape, values)?;
        if found != [1, 1, shape[2], shape[3]] {
            return Err(format!("the detector's output has the shape {found:?}"));
        }
        Ok(TextMap { values, width: shape[3] })
    }

    /// Whether each line stands upside down.
    pub(super) fn are_turned(&self, lines: &[Pixels]) -> Result<Vec<bool>, String> {
        let mut turned = vec![false; lines.len()];
        for batch in classifier_batches(lines) {
            let Batch { lines, shape, values } = batch;
            let output = self.classifier.run(shape, values)?;
            if output.shape != [lines.len(), 2] {
                return Err(format!("the classifier's output has the shape {:?}", output.shape));
            }
            for (line, probabilities) in lines.into_iter().zip(output.values.as_chunks::<2>().0) {
                turned[line] = probabilities[1] > probabilities[0] && probabilities[1] > TURN_LEVEL;
            }
        }
        Ok(turned)
    }

    /// Text and confidence of each line.
    pub(super) fn recognize(&self, lines: &[Pixels]) -> Result<Vec<(String, f32)>, String> {
        let mut texts = vec![Default::default(); lines.len()];
        for batch in recognizer_batches(lines) {
            let chosen = batch.lines.clone();
            let output = self.probabilities(batch)?;
            let line_length = output.values.len() / chosen.len();
            for (line, probabilities) in chosen.into_iter().zip(output.values.chunks_exact(line_length)) {
                texts[line] = self.alphabet.decode(probabilities);
            }
        }
        Ok(texts)
    }

    /// The recognizer's output, `[lines, steps, classes]`.
    pub(super) fn probabilities(&self, batch: Batch) -> Result<Output, String> {
        let output = self.recognizer.run(batch.shape, batch.values)?;
        match *output.shape {
            [lines, steps, classes]
                if lines == batch.lines.len() && steps > 0 && classes == self.alphabet.n_classes() =>
            {
                Ok(output)
            }
            _ => Err(format!("the recognizer's output has the shape {:?}", output.shape)),
        }
    }

    fn read_frame(&self, frame: &Frame) -> Result<Vec<TextLine>, String> {
        let Some(seen) = frame.for_detector() else { return Ok(Vec::new()) };
        let size = [frame.pixels.width(), frame.pixels.height()];
        let boxes = find_boxes(&self.text_map(&seen)?, size);
        let cuts = boxes.into_iter().filter_map(|quad| Some((quad, cut(&frame.pixels, &quad)?)));
        let (boxes, mut lines): (Vec<Quad>, Vec<Pixels>) = cuts.unzip();
        let turned = self.are_turned(&lines)?;
        for (line, is_turned) in lines.iter_mut().zip(turned) {
            if is_turned && let Some(upright) = turn_around(line) {
                *line = upright;
            }
        }
        let texts = self.recognize(&lines)?;
        let read = boxes.iter().zip(texts).filter(|(_, (_, confidence))| *confidence >= LEAST_CONFIDENCE);
        Ok(read
            .map(|(quad, (text, confidence))| TextLine { corners: frame.on_image(quad), text, confidence })
            .collect())
    }
}

impl TextReader for PpOcrReader {
    fn meta(&self) -> &ObserverMeta {
        &self.meta
    }

    fn knows(&self, character: char) -> bool {
        self.alphabet.knows(character)
    }

    fn read(&self, pixels: &Pixels) -> Result<Vec<TextLine>, ReadError> {
        let frame = Frame::of(pixels)
            .ok_or_else(|| ReadError::TooThin { width: pixels.width(), height: pixels.height() })?;
        self.read_frame(&frame).map_err(|detail| self.failed(detail))
    }

    fn canary(&self) -> Result<(), DetectError> {
        self.check()
            .map_err(|error| DetectError { observer: self.meta.id.clone(), detail: error.to_string() })
    }
}
