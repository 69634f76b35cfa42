//! Reading the text of images, and comparing it with the lines that were asked for.

use imgeval_core::{Pixels, ReadError, TextLine, TextReader};
use imgeval_fetch::weights::{self, Hashing, KnownWeights, Member, Places, locate_member};
use imgeval_metrics::text::{
    Fragment, TextMeasures, TextNotMeasurable, WordSpaces, dictionary_coverage, measure_text,
};
use imgeval_vision::ocr::{OcrFiles, PpOcrReader};

use crate::ObserverError;

/// Loads the pulled text reader, after checking it on a built-in line.
///
/// # Errors
/// If weights are missing, are not the pinned ones or cannot be used, or the built-in line is read incorrectly.
pub fn load_reader(places: &Places) -> Result<Box<dyn TextReader>, ObserverError> {
    let locate = |file: KnownWeights| {
        locate_member(&Member::Package(file), places, Hashing::Recorded)
            .map(|located| located.path)
            .map_err(ObserverError::ReaderNotHere)
    };
    let files = OcrFiles {
        detector: locate(weights::OCR_DETECTOR)?,
        classifier: locate(weights::OCR_CLASSIFIER)?,
        recognizer: locate(weights::OCR_RECOGNIZER)?,
    };
    let reader = PpOcrReader::load(&files)?;
    reader.check()?;
    Ok(Box::new(reader))
}

/// What was read in an image, and how it answers what was asked for.
#[derive(Debug)]
pub struct TextMeasurement {
    pub lines: Vec<TextLine>,
    /// The share of the targets' characters that the reader can give at all, in 0 to 1.
    pub dictionary_coverage: Option<f64>,
    pub measured: Result<TextMeasures, TextUnmeasured>,
}

/// Why there are no numbers, although the image was read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TextUnmeasured {
    /// The rest would count as the image's error.
    #[error("the reader's dictionary contains {:.1} % of the requested characters", 100.0 * share)]
    NotCovered { share: f64 },
    #[error(transparent)]
    Text(#[from] TextNotMeasurable),
}

/// Reads an image and compares what it says with the lines that were asked for.
///
/// # Errors
/// If the image cannot be read.
pub fn measure_image_text<Text: AsRef<str>>(
    reader: &dyn TextReader,
    pixels: &Pixels,
    targets: &[Text],
    spaces: WordSpaces,
) -> Result<TextMeasurement, ReadError> {
    let lines = reader.read(pixels)?;
    let dictionary_coverage = dictionary_coverage(targets, |character| reader.knows(character));
    let fragments: Vec<Fragment> =
        lines.iter().map(|line| Fragment { corners: line.corners, text: line.text.clone() }).collect();
    let measured = match dictionary_coverage {
        Some(share) if share < 1.0 => Err(TextUnmeasured::NotCovered { share }),
        _ => measure_text(targets, &fragments, spaces).map_err(TextUnmeasured::from),
    };
    Ok(TextMeasurement { lines, dictionary_coverage, measured })
}

#[cfg(test)]
mod tests {
    use imgeval_core::ObserverMeta;

    use super::*;

    /// Reads `EXIT` in every image and knows ASCII.
    struct Fake(ObserverMeta);

    impl TextReader for Fake {
        fn meta(&self) -> &ObserverMeta {
            &self.0
        }

        fn knows(&self, character: char) -> bool {
            character.is_ascii()
        }

        fn read(&self, _: &Pixels) -> Result<Vec<TextLine>, ReadError> {
            let corners = [[0.0, 0.0], [8.0, 0.0], [8.0, 4.0], [0.0, 4.0]];
            Ok(vec![TextLine { corners, text: "EXIT".to_owned(), confidence: 0.9 }])
        }
    }

    #[test]
    fn what_the_reader_cannot_give_is_not_measured() {
        let reader = Fake(ObserverMeta {
            id: "fake".to_owned(),
            title: String::new(),
            version: 1,
            weights_sha256: String::new(),
            parameters: String::new(),
            is_comparable: false,
        });
        let pixels = Pixels::new(8, 4, vec![0; 96]).unwrap();
        let measure =
            |target: &str| measure_image_text(&reader, &pixels, &[target], WordSpaces::Kept).unwrap();
        assert!(measure("exit").measured.unwrap().exact_image);
        let found = measure("でぐち");
        assert_eq!(found.measured, Err(TextUnmeasured::NotCovered { share: 0.0 }));
        assert_eq!((found.lines.len(), found.dictionary_coverage), (1, Some(0.0)));
        let empty = Err(TextUnmeasured::Text(TextNotMeasurable::EmptyTarget { index: 0 }));
        assert_eq!(measure(" ").measured, empty);
    }
}
