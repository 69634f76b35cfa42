//! The colors of an aligned pair.

use super::{
    Bits,
    tone::{Rgb, ToneMap},
};
use crate::{
    plane::{
        Border, Plane, gaussian,
        lab::{Lab, delta_e, lab_of_unit},
    },
    registration::AlignedPair,
};

const BLUR: f64 = 1.0;

/// Both images in [0, 1], pixel by pixel.
pub(super) struct Colors {
    pub(super) pairs: Vec<(Rgb, Rgb)>,
    inside: Bits,
    /// The edited image, smoothed.
    edited: Vec<Lab>,
}

impl Colors {
    pub(super) fn of(pair: &AlignedPair) -> Self {
        let [red, green, blue] = pair.edited().each_ref().map(Plane::values);
        let source = pair.source().rgb().as_chunks::<3>().0;
        let unit = |value: f64| value / 255.0;
        let pairs = source
            .iter()
            .enumerate()
            .map(|(place, color)| {
                let edited = [red[place], green[place], blue[place]];
                (color.map(|value| unit(f64::from(value))), edited.map(|value| unit(f64::from(value))))
            })
            .collect();
        let values = pair.is_inside().to_vec();
        let inside = Bits::of_rows(pair.width(), values);
        let edited = smooth(&pair.edited().each_ref().map(|plane| plane.map(|value| value / 255.0)));
        Self { pairs, inside, edited }
    }

    /// Where both images are.
    pub(super) fn inside(&self) -> &Bits {
        &self.inside
    }

    /// `None` if nothing is selected.
    pub(super) fn tone_on(&self, selected: &Bits) -> Option<ToneMap> {
        let pairs = self.pairs.iter().zip(selected.values()).filter(|(_, selected)| **selected);
        ToneMap::fit(&pairs.map(|(pair, _)| *pair).collect::<Vec<_>>())
    }

    /// CIE76 between the source with this tone and the edited image, both smoothed.
    pub(super) fn difference(&self, tone: &ToneMap) -> Plane {
        let mapped: Vec<Rgb> = self.pairs.iter().map(|(source, _)| tone.apply(*source)).collect();
        let (width, height) = (self.inside.width(), self.inside.height());
        let channels = [0, 1, 2].map(|channel| {
            let values = mapped.iter().map(|color| color[channel] as f32).collect();
            Plane::of_rows(width, height, values)
        });
        let mapped = smooth(&channels);
        let values = mapped.iter().zip(&self.edited).map(|(one, other)| delta_e(*one, *other));
        Plane::of_rows(width, height, values.collect())
    }
}

fn smooth(channels: &[Plane; 3]) -> Vec<Lab> {
    let [red, green, blue] = channels.each_ref().map(|plane| gaussian(plane, BLUR, 4.0, Border::Nearest));
    let channels = red.values().iter().zip(green.values()).zip(blue.values());
    channels.map(|((red, green), blue)| lab_of_unit([*red, *green, *blue])).collect()
}
