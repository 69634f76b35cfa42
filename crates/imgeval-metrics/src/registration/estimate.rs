//! Registration: from two images to an alignment and how far it can be trusted.

use imgeval_core::Pixels;

use super::{
    Alignment, Framing,
    refine::{Level, Refined},
    search::{Candidate, search},
};
use crate::plane::Plane;

/// At least this correlation of the normalized images means that the alignment is right.
pub const OK_CORRELATION: f64 = 0.30;
/// Minimum share of the edited frame that must overlap the source.
pub const OK_OVERLAP: f64 = 0.30;
/// At least this search score means that the framing is about right. Unrelated images reach 0.18.
pub const COARSE_SCORE: f64 = 0.20;
/// Shorter sides hold nothing to align.
pub const LEAST_SIDE: u32 = 16;
/// Longer images, in proportion, are only a few pixels wide at the size of the search.
pub const MOST_ELONGATED: f64 = 12.0;

const N_CANDIDATES: usize = 4;
/// Candidates that differ by less are the same.
const SAME: f64 = 0.03;
const COARSE_SIDE: usize = 128;
const MIDDLE_SIDE: usize = 256;
const FINE_SIDE: usize = 512;
/// Overlaps above 1 minus this are all the same to the choice between candidates.
const OVERLAP_GRACE: f64 = 0.3;

/// How far a registration can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Pixels can be compared.
    Ok,
    /// The framing is about right, to some 3 %; pixels cannot be compared.
    Coarse,
    /// The images do not fit each other.
    Failed,
}

impl Status {
    /// `ok`, `coarse` or `failed`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Coarse => "coarse",
            Self::Failed => "failed",
        }
    }
}

/// Where an edited image lies on its source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Registration {
    pub status: Status,
    /// Of no meaning if the status is [`Status::Failed`].
    pub alignment: Alignment,
    pub framing: Framing,
    /// Share of the edited image's pixels inside the source, in [0, 1].
    pub overlap: f64,
    /// Of the search that the alignment began with: correlation of edge directions, preferring large overlaps, at most 1; 0 without a search.
    pub search_score: f64,
    /// Correlation of the locally normalized images over the overlap, in [-1, 1].
    pub ncc_all: f64,
}

/// Why two images cannot be registered.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotRegistrable {
    #[error(
        "an image of {width}x{height} pixels is too small to be registered: each side needs {LEAST_SIDE}"
    )]
    TooSmall { width: u32, height: u32 },
    #[error(
        "an image of {width}x{height} pixels is too narrow to be registered: its sides may differ by a factor of at most {MOST_ELONGATED}"
    )]
    TooThin { width: u32, height: u32 },
    #[error("the {which} image is a single color, with nothing to register by")]
    OneColor { which: &'static str },
}

/// Registers an edited image with its source; sizes and aspect ratios may differ.
///
/// # Errors
/// If an image is too small, too thin, or of one color. Images that do not fit are no error but [`Status::Failed`].
pub fn register(source: &Pixels, edited: &Pixels) -> Result<Registration, NotRegistrable> {
    let [source_gray, edited_gray] = grays(source, edited)?;
    let candidates = distinct(&search(&source_gray, &edited_gray));
    let found = refine(&source_gray, &edited_gray, &candidates).unwrap_or_else(|| Found {
        refined: Refined {
            alignment: candidates.first().map_or(Alignment::IDENTITY, |best| best.alignment),
            correlation: 0.0,
            overlap: 0.0,
        },
        search_score: candidates.first().map_or(0.0, |best| best.score),
    });
    Ok(registration_of(&found, source, edited))
}

/// As [`register`], beginning with an alignment that is known to be about right instead of a search, so that
/// [`Registration::search_score`] is 0. Where that does not end with [`Status::Ok`], everything is searched after all.
///
/// # Errors
/// As [`register`].
pub fn register_near(
    source: &Pixels,
    edited: &Pixels,
    start: &Alignment,
) -> Result<Registration, NotRegistrable> {
    let [source_gray, edited_gray] = grays(source, edited)?;
    let start = Candidate { alignment: *start, score: 0.0 };
    let found = refine(&source_gray, &edited_gray, &[start]);
    let near = found.map(|found| registration_of(&found, source, edited));
    match near.filter(|registration| registration.status == Status::Ok) {
        Some(registration) => Ok(registration),
        None => register(source, edited),
    }
}

fn grays(source: &Pixels, edited: &Pixels) -> Result<[Plane; 2], NotRegistrable> {
    for pixels in [source, edited] {
        let (width, height) = (pixels.width(), pixels.height());
        if width.min(height) < LEAST_SIDE {
            return Err(NotRegistrable::TooSmall { width, height });
        }
        if f64::from(width.max(height)) > MOST_ELONGATED * f64::from(width.min(height)) {
            return Err(NotRegistrable::TooThin { width, height });
        }
    }
    let gray = |pixels: &Pixels, which: &'static str| {
        let gray = Plane::gray_of(pixels);
        let first = gray.values()[0];
        if gray.values().iter().all(|value| *value == first) {
            Err(NotRegistrable::OneColor { which })
        } else {
            Ok(gray)
        }
    };
    Ok([gray(source, "source")?, gray(edited, "edited")?])
}

fn registration_of(found: &Found, source: &Pixels, edited: &Pixels) -> Registration {
    let Found { refined, search_score } = *found;
    let status = if refined.correlation >= OK_CORRELATION && refined.overlap > OK_OVERLAP {
        Status::Ok
    } else if search_score >= COARSE_SCORE {
        Status::Coarse
    } else {
        Status::Failed
    };
    let size = |pixels: &Pixels| (pixels.width(), pixels.height());
    Registration {
        status,
        alignment: refined.alignment,
        framing: refined.alignment.framing(size(source), size(edited)),
        overlap: refined.overlap,
        search_score,
        ncc_all: refined.correlation,
    }
}

/// The best few that differ from each other.
fn distinct(candidates: &[Candidate]) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let is_new = kept.iter().all(|other| candidate.alignment.difference(&other.alignment) > SAME);
        if is_new && kept.len() < N_CANDIDATES {
            kept.push(*candidate);
        }
    }
    kept
}

struct Found {
    refined: Refined,
    search_score: f64,
}

impl Found {
    fn is_alike(&self, other: &Self) -> bool {
        self.refined.alignment.difference(&other.refined.alignment) < SAME
    }
}

fn refine(source: &Plane, edited: &Plane, candidates: &[Candidate]) -> Option<Found> {
    let coarse = Level::new(source, COARSE_SIDE);
    let middle = Level::new(source, MIDDLE_SIDE);
    let small = middle.reduced(edited, candidates.iter().map(|candidate| &candidate.alignment));
    let refined = candidates.iter().filter_map(|candidate| {
        let refined = coarse.refine(&small, &candidate.alignment)?;
        let refined = middle.refine(&small, &refined.alignment)?;
        Some(Found { refined, search_score: candidate.score })
    });
    let refined: Vec<Found> = refined.collect();
    let merit = |found: &Found| found.refined.correlation * (found.refined.overlap + OVERLAP_GRACE).min(1.0);
    let best = refined.iter().max_by(|one, other| merit(one).total_cmp(&merit(other)))?;
    // Several candidates may end at one place, which of them is ahead by a hair means nothing.
    let alike = refined.iter().filter(|other| best.is_alike(other));
    let search_score = alike.fold(best.search_score, |score, other| score.max(other.search_score));
    let fine = Level::new(source, FINE_SIDE).refine(edited, &best.refined.alignment);
    Some(Found { refined: fine.unwrap_or(best.refined), search_score })
}
