//! Subject of the drawings: a measured image with its source, its mask and the requested lines.

use std::path::Path;

use imgeval_core::{Failure, GrayPixels, ImageRef, Pixels, SampleId};
use imgeval_metrics::registration::AlignedPair;
use imgeval_scoring::Run;

use crate::{measures, question::load_pixels};

pub(super) struct Subject {
    pub(super) answer: Pixels,
    pub(super) source: Option<Pixels>,
    pub(super) mask: Option<GrayPixels>,
    pub(super) prompt: String,
    /// The lines asked for; empty where none are.
    pub(super) lines: Vec<String>,
}

/// Paths of everything drawn for one image. Unlike the run, it can be shared between threads.
pub(super) struct Place {
    of: measures::Subject,
    prompt: String,
}

impl Place {
    pub(super) fn of(run: &Run, sample: &SampleId, image: ImageRef) -> Self {
        let prompt = run.cases().get(&sample.case).map_or("", |case| case.asked_in(sample.round).0);
        Self { of: measures::subject_of(run, sample, image), prompt: prompt.to_owned() }
    }

    pub(super) fn load(&self, run: &Path) -> Result<Subject, Failure> {
        let answer = load_pixels(run, &self.of.image)?;
        let source = self.of.source.as_ref().map(|source| load_pixels(run, source)).transpose()?;
        let mask = match &source {
            Some(source) => self.of.mask_for(run, source)?,
            None => None,
        };
        Ok(Subject { answer, source, mask, prompt: self.prompt.clone(), lines: self.of.lines.clone() })
    }
}

/// An image on the grid of a pair. `rgb` holds three bytes for each of its pixels.
pub(super) fn pixels_of(pair: &AlignedPair, rgb: Vec<u8>) -> Pixels {
    Pixels::new(pair.width() as u32, pair.height() as u32, rgb).unwrap_or_else(|| pair.source().clone())
}
