//! What is asked of an image, on whichever wire, and what was measured.

use std::sync::Arc;

use imgeval_core::{ContentHash, Pixels};
use imgeval_suites::geneval::{Metadata, Reward, Semantics};

/// What measures images. It may take its time: it is never called on a thread of the network.
pub trait Rewarder: Send + Sync {
    /// What it is, for `/health`: names and numbers, no secrets.
    fn facts(&self) -> Vec<(String, String)>;

    /// Whether it can answer [`What::GenEval`].
    fn gives_geneval(&self) -> bool {
        true
    }

    /// Names of rewards that it gives beside GenEval's, in the order in which they are listed.
    fn scores(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether it can answer [`What::Edit`].
    fn judges_edits(&self) -> bool {
        false
    }

    /// Measures one image.
    ///
    /// # Errors
    /// One sentence that says what is wrong with the image or the case.
    fn measure(&self, question: &Question) -> Result<Measured, String>;
}

/// An image with what is asked of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub picture: Picture,
    pub what: What,
}

/// An image as a client sends it.
#[derive(Debug, Clone, PartialEq)]
pub enum Picture {
    /// The bytes of an image file.
    Encoded(Arc<[u8]>),
    /// Pixels without a file around them.
    Pixels(Arc<Pixels>),
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    GenEval {
        metadata: Metadata,
        semantics: Semantics,
    },
    /// Another reward by its name.
    Score {
        name: String,
        prompt: String,
    },
    /// How well the image follows an instruction for editing others.
    Edit {
        sources: Vec<Picture>,
        instruction: String,
    },
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    GenEval(Reward),
    /// The number of another reward; finite.
    Score(f64),
    Edit(EditScores),
}

/// What a judge says of an edit, in 0 to 10.
#[derive(Debug, Clone, PartialEq)]
pub struct EditScores {
    /// Whether the edit does what the instruction says, and nothing else.
    pub consistency: f64,
    pub quality: f64,
    pub overall: f64,
    pub consistency_reasoning: String,
    pub quality_reasoning: String,
}

impl Measured {
    /// The number that training uses.
    #[must_use]
    pub fn score(&self) -> f64 {
        match self {
            Self::GenEval(reward) => reward.score,
            Self::Score(score) => *score,
            Self::Edit(scores) => scores.overall,
        }
    }
}

impl Picture {
    /// Names the image by its content. Equal pixels in files that differ have different names.
    #[must_use]
    pub fn content_hash(&self) -> ContentHash {
        match self {
            Self::Encoded(bytes) => ContentHash::of(bytes),
            Self::Pixels(pixels) => {
                // No image file begins like this.
                let head = format!("pixels {} {} ", pixels.width(), pixels.height());
                ContentHash::of(&[head.as_bytes(), pixels.rgb()].concat())
            }
        }
    }
}
