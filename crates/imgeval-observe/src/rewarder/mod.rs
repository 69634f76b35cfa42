//! Who gives rewards for training: a detector for GenEval's, and others under names that the user chose.

mod geneval;
mod scores;

use imgeval_core::{ImageNote, Pixels, sentence_of};
use imgeval_rewards::{Measured, Picture, Question, Rewarder, What};
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode_for};

pub use geneval::{DetectorRewarder, JudgedImage, RewardError};
pub use scores::{ClipReward, ForensicsReward, ScoreReward, TextReward};

/// An image that a reward is given for.
pub struct RewardImage<'a> {
    pub pixels: &'a Pixels,
    pub notes: &'a [ImageNote],
    /// The bytes of its file, if it came as one.
    pub file: Option<&'a [u8]>,
}

/// All rewards of a server.
pub struct Rewards {
    geneval: Option<DetectorRewarder>,
    scores: Vec<(String, Box<dyn ScoreReward>)>,
    limits: DecodeLimits,
    /// What decoding an image needs beside its pixels.
    working_bytes: u64,
}

impl Rewards {
    #[must_use]
    pub fn new(limits: DecodeLimits) -> Self {
        Self { geneval: None, scores: Vec::new(), limits, working_bytes: 0 }
    }

    /// With GenEval's rewards.
    #[must_use]
    pub fn with_geneval(self, detector: DetectorRewarder) -> Self {
        Self { working_bytes: detector.working_bytes(), geneval: Some(detector), ..self }
    }

    /// With another reward, under the name by which clients ask for it.
    #[must_use]
    pub fn with_score(mut self, name: String, reward: Box<dyn ScoreReward>) -> Self {
        self.scores.push((name, reward));
        self
    }

    fn measure_image(&self, question: &Question, image: &RewardImage<'_>) -> Result<Measured, String> {
        let not_here = || "this server does not give this reward".to_owned();
        match &question.what {
            What::GenEval { metadata, semantics } => {
                let detector = self.geneval.as_ref().ok_or_else(not_here)?;
                let judged = detector.judge_as(image.pixels, image.notes, metadata, *semantics);
                judged.map(|judged| Measured::GenEval(judged.reward)).map_err(|error| sentence_of(&error))
            }
            What::Score { name, prompt } => {
                let (_, reward) = self.scores.iter().find(|(known, _)| known == name).ok_or_else(not_here)?;
                match reward.score(image, prompt)? {
                    score if score.is_finite() => Ok(Measured::Score(score)),
                    score => Err(format!("its reward is {score}, which is no number to train on")),
                }
            }
            What::Edit { .. } => Err(not_here()),
        }
    }
}

impl Rewarder for Rewards {
    fn facts(&self) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        if let Some(detector) = &self.geneval {
            let meta = detector.meta();
            facts.extend([
                ("detector", meta.id.clone()),
                ("title", meta.title.clone()),
                ("weights_sha256", meta.weights_sha256.clone()),
                ("canary", "passed".to_owned()),
            ]);
        }
        let mut facts: Vec<(String, String)> =
            facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        facts.extend(self.scores.iter().map(|(name, reward)| (format!("reward {name}"), reward.title())));
        facts
    }

    fn gives_geneval(&self) -> bool {
        self.geneval.is_some()
    }

    fn scores(&self) -> Vec<String> {
        self.scores.iter().map(|(name, _)| name.clone()).collect()
    }

    fn measure(&self, question: &Question) -> Result<Measured, String> {
        match &question.picture {
            Picture::Pixels(pixels) => {
                self.measure_image(question, &RewardImage { pixels, notes: &[], file: None })
            }
            Picture::Encoded(bytes) => {
                let image = inspect_and_decode_for(bytes, &self.limits, self.working_bytes)
                    .map_err(|error| error.failure().detail)?;
                let (pixels, notes) = (&image.pixels, image.notes.as_slice());
                self.measure_image(question, &RewardImage { pixels, notes, file: Some(bytes) })
            }
        }
    }
}
