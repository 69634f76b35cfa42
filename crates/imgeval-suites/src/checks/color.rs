//! Checks of a shift of color, against the source image or a color that is given.

use serde_json::{Map, Value};

use super::{
    Check, CheckedCase, Kind, Needs, limit,
    measures::{Measures, MeasuresNeeded, NotMeasurable},
    numbers,
};

/// Largest shift of the mean color in CIE76, unless the check says another.
const SHIFT_DE: f64 = 3.0;

#[derive(Debug)]
pub(super) struct Color;

impl Kind for Color {
    fn name(&self) -> &'static str {
        "color"
    }

    fn members(&self) -> &'static [&'static str] {
        &["reference", "shift_de"]
    }

    fn read(&self, members: &Map<String, Value>, about: &CheckedCase<'_>) -> Result<Box<dyn Check>, String> {
        let reference = members.get("reference").map(reference).transpose()?;
        if reference.is_none() && !about.has_image {
            return Err(
                "it needs `images` or `reference`, because a shift is relative to something".to_owned()
            );
        }
        Ok(Box::new(ColorCheck { reference, shift_de: limit(members, "shift_de", SHIFT_DE)? }))
    }
}

fn reference(value: &Value) -> Result<[f64; 3], String> {
    let is_lab = |[l, a, b]: &[f64; 3]| {
        (0.0..=100.0).contains(l) && (-150.0..=150.0).contains(a) && (-150.0..=150.0).contains(b)
    };
    numbers(value)
        .filter(is_lab)
        .ok_or_else(|| "`reference` must be a mean color in CIELAB: [L, a, b]".to_owned())
}

#[derive(Debug)]
struct ColorCheck {
    reference: Option<[f64; 3]>,
    shift_de: f64,
}

impl Check for ColorCheck {
    fn needs(&self) -> Needs<'_> {
        Needs::Measures(MeasuresNeeded::default())
    }

    /// 1 if the mean color shifted by no more than the limit, else 0.
    fn value_of_measures(&self, measures: &dyn Measures) -> Result<f64, NotMeasurable> {
        let shift = match self.reference {
            Some(reference) => {
                let mean = [measures.need("mean_l")?, measures.need("mean_a")?, measures.need("mean_b")?];
                std::array::from_fn(|channel| mean[channel] - reference[channel])
            }
            None => [measures.need("shift_l")?, measures.need("shift_a")?, measures.need("shift_b")?],
        };
        let length = shift.iter().map(|part: &f64| part * part).sum::<f64>().sqrt();
        Ok(f64::from(u8::from(length <= self.shift_de)))
    }
}
