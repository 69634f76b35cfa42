//! Images of a session for the page and for figures.

use imgeval_core::Pixels;
use imgeval_metrics::{
    locality::EditedRegion,
    registration::{AlignedPair, Alignment, IDENTITY_SIDE},
};
use imgeval_observe::pictures::changes_panel;
use imgeval_resample::pillow::resize_bicubic;
use imgeval_vision::image_file::{Subsampling, encode_jpeg};
use rayon::prelude::*;

use crate::{Delivered, MeasuredSession, Session, session::pixels_of};

/// Longest side of what is shown, in pixels.
const SHOWN_SIDE: u32 = 640;
const QUALITY: u8 = 88;

/// JPEG files of a session.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// Width over height of the source; 0 if it cannot be read.
    pub shape: f64,
    pub source: Option<Vec<u8>>,
    pub rounds: Vec<DrawnRound>,
}

/// JPEG files of a round; `None` where there is nothing to show.
#[derive(Debug, Clone, Default)]
pub struct DrawnRound {
    /// Width over height.
    pub shape: f64,
    pub image: Option<Vec<u8>>,
    /// The image in the frame of the one before, if both register.
    pub aligned: Option<Vec<u8>>,
    /// How content changed against the source, tone removed, if both register.
    pub change: Option<Vec<u8>>,
}

/// Draws the images of a session. What cannot be read is left out; the measured session says why.
#[must_use]
pub fn draw_session(session: &Session, measured: &MeasuredSession) -> Drawn {
    let source = session.source.read().and_then(|bytes| pixels_of(&bytes)).ok();
    let load = |round: &Delivered| match round {
        Delivered::Image(place) => place.read().and_then(|bytes| pixels_of(&bytes)).ok(),
        Delivered::Refused(_) | Delivered::Missing(_) => None,
    };
    let images: Vec<Option<Pixels>> = session.rounds.par_iter().map(load).collect();
    let draw = |(place, image): (usize, &Option<Pixels>)| {
        let (Some(image), Some(round)) = (image, measured.rounds.get(place)) else {
            return DrawnRound::default();
        };
        let previous = match round.previous {
            0 => source.as_ref(),
            previous => images.get(previous as usize - 1).and_then(Option::as_ref),
        };
        DrawnRound {
            shape: shape_of(image),
            image: shown(image),
            aligned: previous
                .zip(round.frame_previous)
                .and_then(|(previous, frame)| aligned(&pair_of(previous, image, frame))),
            change: source
                .as_ref()
                .zip(round.frame)
                .and_then(|(source, frame)| change(&pair_of(source, image, frame))),
        }
    };
    Drawn {
        shape: source.as_ref().map_or(0.0, shape_of),
        source: source.as_ref().and_then(shown),
        rounds: images.par_iter().enumerate().map(draw).collect(),
    }
}

fn shape_of(image: &Pixels) -> f64 {
    f64::from(image.width()) / f64::from(image.height().max(1))
}

fn shown(image: &Pixels) -> Option<Vec<u8>> {
    let longest = image.width().max(image.height());
    if longest <= SHOWN_SIDE {
        return encode_jpeg(image, QUALITY, Subsampling::None).ok();
    }
    let scaled = |side: u32| {
        let scaled = u64::from(side) * u64::from(SHOWN_SIDE) / u64::from(longest);
        u32::try_from(scaled).unwrap_or(SHOWN_SIDE).max(1)
    };
    let small = resize_bicubic(image, scaled(image.width()), scaled(image.height()));
    encode_jpeg(&small, QUALITY, Subsampling::None).ok()
}

/// As they were registered when they were measured.
fn pair_of(reference: &Pixels, image: &Pixels, [left, top, width, height]: [f64; 4]) -> AlignedPair {
    let alignment = Alignment { a: [width, height], b: [left, top] };
    AlignedPair::new(reference, image, &alignment, IDENTITY_SIDE)
}

/// Black where the image does not reach.
fn aligned(pair: &AlignedPair) -> Option<Vec<u8>> {
    let mut rgb = pair.rounded();
    for (pixel, is_inside) in rgb.chunks_exact_mut(3).zip(pair.is_inside()) {
        if !is_inside {
            pixel.fill(0);
        }
    }
    shown(&Pixels::new(pair.width() as u32, pair.height() as u32, rgb)?)
}

fn change(pair: &AlignedPair) -> Option<Vec<u8>> {
    let region = EditedRegion::find(pair).ok()?;
    shown(&changes_panel(pair, &region).ok()?.image)
}
