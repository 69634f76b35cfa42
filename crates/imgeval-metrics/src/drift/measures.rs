//! One round against a reference.

use imgeval_core::Pixels;

use super::{Decomposition, Detail, RoundImage, components};
use crate::{
    image::{
        ColorShift, Measured, Noise, NotMeasurable, PixelDistance, RelativeBlur, Sharpness, Spectrum,
        SpectrumDrift, mean_absolute_and_squared, relative_blur,
    },
    locality::{self, EditedRegion, Locality, SeparatedEdit},
    registration::{
        AlignedPair, Alignment, IDENTITY_SIDE, NotComparable, NotRegistrable, Registration, Status,
        TileSurvival, likeness_before, register, tile_survival, tile_survival_at,
    },
};

/// Why a round has no number that needs registered images.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotCompared {
    #[error(transparent)]
    NotRegistrable(#[from] NotRegistrable),
    #[error(transparent)]
    NotMeasurable(#[from] locality::NotMeasurable),
    #[error("only flat color is left where sharpness is compared")]
    NoDetail,
    #[error("what round {round} edited is unknown, so nothing outside all edits is compared")]
    UnknownEdit { round: u32 },
}

/// Two images compared pixel by pixel **without** registration, the candidate scaled to the size of the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PixelMeasures {
    /// MagicBrush's L1 and L2.
    pub distance: PixelDistance,
    /// Over red, green and blue, in decibels; 99 for equal images.
    pub psnr: f64,
    /// Mean structural similarity of gray, at most 1.
    pub ssim: f64,
}

/// Candidate over reference at the side of the session. They mean nothing where one of both was scaled and the other was not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharpnessRatios {
    pub lap_var: Measured<f64>,
    pub tenengrad: Measured<f64>,
    pub immerkaer: Measured<f64>,
    pub haar_mad: Measured<f64>,
    pub db2_mad: Measured<f64>,
    pub hf_share_quarter: Measured<f64>,
    pub hf_share_eighth: Measured<f64>,
}

/// A round against a reference.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundMeasures {
    pub pixels: Result<PixelMeasures, NotComparable>,
    pub color: ColorShift,
    pub sharpness: SharpnessRatios,
    pub spectrum: Measured<SpectrumDrift>,
    pub blur: Measured<RelativeBlur>,
    pub registration: Result<Registration, NotRegistrable>,
    /// Measured whatever the registration says.
    pub tiles: TileSurvival,
    /// Where content changed, in the frame of the reference.
    pub region: Result<EditedRegion, NotCompared>,
    /// Tone and content outside the region.
    pub unedited: Result<Locality, NotCompared>,
    pub decomposition: Decomposition,
}

impl RoundMeasures {
    /// The registration, if it is `ok`.
    #[must_use]
    pub fn aligned(&self) -> Option<&Registration> {
        self.registration.as_ref().ok().filter(|registration| registration.status == Status::Ok)
    }
}

/// Measures a candidate against a reference, which keeps its size.
#[must_use]
pub fn compare(reference: &RoundImage, candidate: &RoundImage) -> RoundMeasures {
    let (source, edited) = (reference.pixels(), candidate.pixels());
    let registration = register(source, edited);
    let tiles = match &registration {
        Ok(registration) => tile_survival(source, edited, registration),
        Err(_) => tile_survival_at(source, edited, &Alignment::IDENTITY),
    };
    let separated = separate(source, edited, &registration);
    let decomposition = components::decompose(source, edited, &registration, &separated);
    let (region, unedited) = match separated {
        Ok(SeparatedEdit { region, outside, .. }) => (Ok(region), outside.map_err(NotCompared::from)),
        Err(reason) => (Err(reason.clone()), Err(reason)),
    };
    let (one, other) = (&reference.detail().spectrum, &candidate.detail().spectrum);
    RoundMeasures {
        pixels: pixel_measures(source, edited),
        color: ColorShift::between(reference.color(), candidate.color()),
        sharpness: ratios(reference.detail(), candidate.detail()),
        spectrum: both(one, other).and_then(|(one, other)| SpectrumDrift::between(one, other)),
        blur: both(one, other).and_then(|(one, other)| relative_blur(one, other)),
        registration,
        tiles,
        region,
        unedited,
        decomposition,
    }
}

fn separate(
    source: &Pixels,
    edited: &Pixels,
    registration: &Result<Registration, NotRegistrable>,
) -> Result<SeparatedEdit, NotCompared> {
    let registration = registration.as_ref().map_err(Clone::clone)?;
    if registration.status != Status::Ok {
        return Err(locality::NotMeasurable::NotRegistered(registration.status).into());
    }
    let pair = AlignedPair::new(source, edited, &registration.alignment, IDENTITY_SIDE);
    Ok(SeparatedEdit::of(&pair)?)
}

fn pixel_measures(source: &Pixels, edited: &Pixels) -> Result<PixelMeasures, NotComparable> {
    let likeness = likeness_before(source, edited)?;
    let [source, edited] = &likeness.crops;
    Ok(PixelMeasures {
        distance: mean_absolute_and_squared(edited, source),
        psnr: likeness.psnr,
        ssim: likeness.ssim,
    })
}

fn both<'a, T>(one: &'a Measured<T>, other: &'a Measured<T>) -> Measured<(&'a T, &'a T)> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(reason), _) | (_, Err(reason)) => Err(*reason),
    }
}

fn ratios(reference: &Detail, candidate: &Detail) -> SharpnessRatios {
    let ratio =
        |one: f64, other: f64| if one > 0.0 { Ok(other / one) } else { Err(NotMeasurable::NoFineDetail) };
    let sharpness = |value: fn(&Sharpness) -> f64| {
        let (one, other) = both(&reference.sharpness, &candidate.sharpness)?;
        ratio(value(one), value(other))
    };
    let noise = |value: fn(&Noise) -> Measured<f64>| {
        let (one, other) = both(&reference.noise, &candidate.noise)?;
        ratio(value(one)?, value(other)?)
    };
    let share = |value: fn(&Spectrum) -> f64| {
        let (one, other) = both(&reference.spectrum, &candidate.spectrum)?;
        ratio(value(one), value(other))
    };
    SharpnessRatios {
        lap_var: sharpness(|sharpness| sharpness.lap_var),
        tenengrad: sharpness(|sharpness| sharpness.tenengrad),
        immerkaer: noise(|noise| Ok(noise.immerkaer)),
        haar_mad: noise(|noise| Ok(noise.haar_mad)),
        db2_mad: noise(|noise| noise.db2_mad),
        hf_share_quarter: share(|spectrum| spectrum.hf_share_quarter),
        hf_share_eighth: share(|spectrum| spectrum.hf_share_eighth),
    }
}
