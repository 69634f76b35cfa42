//! Rewards that are one number.

use imgeval_core::TextReader;
use imgeval_forensics::SourceImage;
use imgeval_metrics::text::edit_distance;
use imgeval_vision::{clip::Clip, image_file::DecodeLimits};

use super::RewardImage;
use crate::LoadedForensics;

/// A reward that is one number.
pub trait ScoreReward: Send + Sync {
    /// What it is, with the model that it uses.
    fn title(&self) -> String;

    /// The reward of an image for its prompt.
    ///
    /// # Errors
    /// One sentence if it cannot be given.
    fn score(&self, image: &RewardImage<'_>, prompt: &str) -> Result<f64, String>;
}

/// How well an image shows the text that its prompt has in double quotes, as flow_grpo's OCR reward defines it (flow_grpo/ocr.py): 1 minus
/// the edit distance to what was read, both without spaces and in lower case, relative to the length of the text; 1 if the text occurs in
/// what was read, and never below 0. The original reads with PaddleOCR, gives images to it with red and blue exchanged, and counts an image
/// that it cannot read as 0.
pub struct TextReward(pub Box<dyn TextReader>);

impl ScoreReward for TextReward {
    fn title(&self) -> String {
        format!("text reward, read by {}", self.0.meta().title)
    }

    fn score(&self, image: &RewardImage<'_>, prompt: &str) -> Result<f64, String> {
        let wanted = prompt.split('"').nth(1).ok_or("its prompt has no text in double quotes")?;
        if let Some(unknown) = wanted.chars().find(|character| !self.0.knows(*character)) {
            return Err(format!("the reader of text cannot read `{}`", unknown.escape_debug()));
        }
        let lines = self.0.read(image.pixels).map_err(|error| error.to_string())?;
        let read: String = lines.iter().map(|line| line.text.as_str()).collect();
        text_reward(&read, wanted).ok_or_else(|| "the text in double quotes is empty".to_owned())
    }
}

fn text_reward(read: &str, wanted: &str) -> Option<f64> {
    let plain = |text: &str| text.replace(' ', "").to_lowercase();
    let (read, wanted) = (plain(read), plain(wanted));
    let length = wanted.chars().count();
    let characters = |text: &str| text.chars().collect::<Vec<_>>();
    let distance = match read.contains(&wanted) {
        true => 0,
        false => edit_distance(&characters(&read), &characters(&wanted)).min(length),
    };
    (length > 0).then(|| 1.0 - distance as f64 / length as f64)
}

/// CLIPScore (Hessel et al., EMNLP 2021): 2.5 times the cosine similarity of image and text, and 0 where that is negative. The text is
/// the prompt as it is; the paper sets "A photo depicts" before captions.
pub struct ClipReward {
    pub clip: Clip,
    pub weights_sha256: String,
}

/// What CLIPScore multiplies the cosine similarity with.
const CLIPSCORE_WEIGHT: f64 = 2.5;

impl ScoreReward for ClipReward {
    fn title(&self) -> String {
        format!("CLIPScore by weights {}", self.weights_sha256)
    }

    fn score(&self, image: &RewardImage<'_>, prompt: &str) -> Result<f64, String> {
        // From 0 to 100.
        let score = self.clip.score(image.pixels, prompt).map_err(|error| error.to_string())?;
        Ok(CLIPSCORE_WEIGHT * score / 100.0)
    }
}

/// How much an image looks like a photograph to a detector of generated images: 1 minus its score.
pub struct ForensicsReward {
    pub loaded: LoadedForensics,
    pub limits: DecodeLimits,
}

impl ScoreReward for ForensicsReward {
    fn title(&self) -> String {
        format!("1 minus the score of {}", self.loaded.detector.description().id)
    }

    fn score(&self, image: &RewardImage<'_>, _: &str) -> Result<f64, String> {
        let source = match image.file {
            Some(bytes) => SourceImage::read(bytes, &self.limits).map_err(|error| error.failure().detail)?,
            None => SourceImage::of_pixels(image.pixels.clone()),
        };
        let judgment = self.loaded.detector.judge(&source).map_err(|error| error.to_string())?;
        Ok(1.0 - judgment.score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compared_as_flow_grpo_does() {
        assert_eq!(text_reward("The EXIT is here", "exit"), Some(1.0));
        assert_eq!(text_reward("E X I", "EXIT"), Some(0.75));
        assert_eq!(text_reward("", "EXIT"), Some(0.0));
        assert_eq!(text_reward("something else, and long", "EXIT"), Some(0.0));
        assert_eq!(text_reward("EXIT", " "), None);
    }
}
