//! What a drift is made of.

use imgeval_core::Pixels;
use imgeval_resample::pillow::resize_bicubic;

use super::{
    NotCompared,
    reframe::{Reframed, reframe},
};
use crate::{
    locality::{Bits, Locality, NotMeasurable, SeparatedEdit, with_margin},
    plane::Plane,
    registration::{Alignment, IDENTITY_SIDE, NotRegistrable, Registration, Status},
};

/// Pixels at the end of the overlap, where resampling makes up what is not there.
const FRAME: usize = 3;
/// Below this variance of the Laplacian, in gray levels squared, rounding to 8 bits is all there is.
const LEAST_LAP_VAR: f64 = 1.0;

/// What happened to the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Share of both frames laid over each other that only one image shows, or by which proportions were squeezed if that is more; in [0, 1].
    pub share: f64,
    /// Binary logarithm of how much larger things became; below 0 where the frame became wider.
    pub log2_zoom: f64,
}

/// What happened to the tone outside the edit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tone {
    /// Mean CIE76 between the reference before and after the fitted change of tone.
    pub de: f64,
    /// Mean change of L, a and b by it.
    pub shift_lab: [f64; 3],
}

/// A drift taken apart. Each component is measured with the others taken away, and has its own unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    /// Also measured where the registration is `coarse`, to some 3 %.
    pub geometry: Result<Geometry, NotCompared>,
    pub tone: Result<Tone, NotCompared>,
    /// Binary logarithm of the ratio of the variances of the Laplacian outside the edit, candidate over the reference brought into the candidate's
    /// frame and tone. Above 0 is sharper or noisier.
    pub sharpness: Result<f64, NotCompared>,
    /// CIE76 inside the edited region after the tone, summed there and divided by the overlap: grows with the region and with how much it changed.
    pub content: Result<f64, NotCompared>,
    /// Mean CIE76 outside the edited region after the tone, both images smoothed by a Gaussian of 1 pixel: what was redrawn everywhere, noise, and the
    /// traces of codecs.
    pub residual: Result<f64, NotCompared>,
    /// The residual of a control that was only encoded and decoded as often; `None` without the control.
    pub codec: Option<f64>,
}

impl Decomposition {
    /// With the codec's part from a control: the same round of a session that was only encoded and decoded.
    #[must_use]
    pub fn with_codec(self, control: &Self) -> Self {
        Self { codec: control.residual.as_ref().ok().copied(), ..self }
    }
}

pub(super) fn decompose(
    source: &Pixels,
    edited: &Pixels,
    registration: &Result<Registration, NotRegistrable>,
    separated: &Result<SeparatedEdit, NotCompared>,
) -> Decomposition {
    let geometry = match registration {
        Err(reason) => Err(reason.clone().into()),
        Ok(registration) if registration.status == Status::Failed => {
            Err(NotMeasurable::NotRegistered(Status::Failed).into())
        }
        Ok(registration) => Ok(geometry_of(registration)),
    };
    let (registration, separated) = match (registration, separated) {
        (Ok(registration), Ok(separated)) => (registration, separated),
        (_, Err(reason)) => return unknown(geometry, reason),
        (Err(reason), _) => return unknown(geometry, &reason.clone().into()),
    };
    let changes = SplitChanges::of(separated);
    Decomposition {
        geometry,
        tone: separated.outside.as_ref().map(tone_of).map_err(|reason| (*reason).into()),
        sharpness: sharpness_of(source, edited, &registration.alignment, separated),
        content: Ok(changes.content),
        residual: changes.residual,
        codec: None,
    }
}

fn unknown(geometry: Result<Geometry, NotCompared>, reason: &NotCompared) -> Decomposition {
    Decomposition {
        geometry,
        tone: Err(reason.clone()),
        sharpness: Err(reason.clone()),
        content: Err(reason.clone()),
        residual: Err(reason.clone()),
        codec: None,
    }
}

fn geometry_of(registration: &Registration) -> Geometry {
    let Alignment { a, b } = registration.alignment;
    let shared = [0, 1].map(|axis| ((b[axis] + a[axis]).min(1.0) - b[axis].max(0.0)).max(0.0));
    let overlap = shared[0] * shared[1];
    let joined = 1.0 + a[0] * a[1] - overlap;
    let stretch = registration.framing.stretch;
    let squeezed = 1.0 - stretch.min(1.0 / stretch);
    Geometry {
        share: (1.0 - overlap / joined).max(squeezed).clamp(0.0, 1.0),
        log2_zoom: registration.framing.zoom.log2(),
    }
}

fn tone_of(outside: &Locality) -> Tone {
    Tone { de: outside.tone_de, shift_lab: outside.mean_shift_lab }
}

/// What changed inside and outside the region.
struct SplitChanges {
    content: f64,
    residual: Result<f64, NotCompared>,
}

impl SplitChanges {
    fn of(separated: &SeparatedEdit) -> Self {
        let region = &separated.region.region;
        let outside = with_margin(region).not().and(&separated.inside);
        let sum = |selected: &Bits| -> f64 {
            let values = separated.changes.values().iter().zip(selected.values());
            values.filter(|(_, selected)| **selected).fold(0.0, |sum, (value, _)| sum + f64::from(*value))
        };
        let n = outside.count();
        Self {
            content: sum(region) / separated.inside.count() as f64,
            residual: if n > 0 {
                Ok(sum(&outside) / n as f64)
            } else {
                Err(NotMeasurable::NothingOutside.into())
            },
        }
    }
}

/// In the frame of the candidate, which keeps its pixels (at most 512 on the long side); the reference is brought there in one step, as a
/// generator does that reframes it.
fn sharpness_of(
    source: &Pixels,
    edited: &Pixels,
    alignment: &Alignment,
    separated: &SeparatedEdit,
) -> Result<f64, NotCompared> {
    let long_side = edited.width().max(edited.height());
    let scale = (f64::from(IDENTITY_SIDE) / f64::from(long_side)).min(1.0);
    let scaled = |side: u32| (f64::from(side) * scale).round().max(1.0) as u32;
    let candidate = Plane::gray_of(&resize_bicubic(edited, scaled(edited.width()), scaled(edited.height())));
    let (width, height) = (candidate.width(), candidate.height());
    let Reframed { channels, inside } = reframe(source, &inverse(alignment), width, height);
    let edit = mapped(&with_margin(&separated.region.region), alignment, width, height);
    let selected = inside.eroded(FRAME).and(&edit.not());
    if selected.count() == 0 {
        return Err(NotMeasurable::NothingOutside.into());
    }
    let [red, green, blue] = channels.each_ref().map(Plane::values);
    let toned = red.iter().zip(green).zip(blue).map(|((red, green), blue)| {
        let color = separated.tone.apply([red, green, blue].map(|value| f64::from(*value) / 255.0));
        (255.0 * (0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2])) as f32
    });
    let reference = Plane::of_rows(width, height, toned.collect());
    let (before, after) = (lap_var(&reference, &selected), lap_var(&candidate, &selected));
    if before < LEAST_LAP_VAR || after <= 0.0 {
        Err(NotCompared::NoDetail)
    } else {
        Ok((after / before).log2())
    }
}

/// From the other frame back.
pub(super) fn inverse(alignment: &Alignment) -> Alignment {
    let Alignment { a, b } = *alignment;
    Alignment { a: a.map(|size| 1.0 / size), b: [0, 1].map(|axis| -b[axis] / a[axis]) }
}

/// A region of the source on a grid of the edited frame.
pub(super) fn mapped(region: &Bits, alignment: &Alignment, width: usize, height: usize) -> Bits {
    let place = |index: usize, length: usize, axis: usize, n: usize| {
        let share = alignment.b[axis] + alignment.a[axis] * (index as f64 + 0.5) / length as f64;
        (0.0..1.0).contains(&share).then(|| ((share * n as f64) as usize).min(n - 1))
    };
    let columns: Vec<_> = (0..width).map(|x| place(x, width, 0, region.width())).collect();
    let rows = (0..height).map(|y| place(y, height, 1, region.height()));
    let values = rows.flat_map(|row| {
        columns.iter().map(move |column| match (row, column) {
            (Some(row), Some(column)) => region.values()[row * region.width() + column],
            _ => false,
        })
    });
    Bits::of_rows(width, values.collect())
}

/// The variance of the Laplacian of four neighbors over what is selected, which must not touch the border.
fn lap_var(gray: &Plane, selected: &Bits) -> f64 {
    let (width, values) = (gray.width(), gray.values());
    let (mut n, mut sum, mut squares) = (0_usize, 0.0, 0.0);
    for (place, _) in selected.values().iter().enumerate().filter(|(_, selected)| **selected) {
        let neighbors =
            [place - 1, place + 1, place - width, place + width].map(|place| f64::from(values[place]));
        let value = neighbors.iter().sum::<f64>() - 4.0 * f64::from(values[place]);
        n += 1;
        sum += value;
        squares += value * value;
    }
    let mean = sum / n as f64;
    squares / n as f64 - mean * mean
}
