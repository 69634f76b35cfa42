//! Checks of blur: that of the source was kept, or an image is as soft or as sharp as asked for.

use serde_json::{Map, Value};

use super::{
    Check, CheckedCase, Kind, Needs,
    measures::{Measures, MeasuresNeeded, NotMeasurable},
    not_negative,
};

/// How the blur radius may differ from the source's, unless the check says otherwise: 20 % is what the measure tells apart.
const KEPT: [f64; 2] = [0.8, 1.25];

#[derive(Debug)]
pub(super) struct Sharpness;

impl Kind for Sharpness {
    fn name(&self) -> &'static str {
        "sharpness"
    }

    fn members(&self) -> &'static [&'static str] {
        &["at_least", "at_most"]
    }

    fn read(&self, members: &Map<String, Value>, about: &CheckedCase<'_>) -> Result<Box<dyn Check>, String> {
        let bound = |name: &str| members.get(name).map(|value| not_negative(name, value)).transpose();
        let bounds = match (bound("at_least")?, bound("at_most")?) {
            (None, None) if about.has_image => KEPT,
            (None, None) => return Err("without `images` it needs `at_least` or `at_most`".to_owned()),
            (least, most) => [least.unwrap_or(0.0), most.unwrap_or(f64::INFINITY)],
        };
        if bounds[0] > bounds[1] {
            return Err("`at_least` is larger than `at_most`".to_owned());
        }
        Ok(Box::new(SharpnessCheck { bounds, is_relative: about.has_image }))
    }
}

#[derive(Debug)]
struct SharpnessCheck {
    /// Of the blur radius: in pixels, or as a ratio to the source's.
    bounds: [f64; 2],
    is_relative: bool,
}

impl Check for SharpnessCheck {
    fn needs(&self) -> Needs<'_> {
        Needs::Measures(MeasuresNeeded::default())
    }

    /// 1 if the blur radius lies within the bounds, else 0.
    fn value_of_measures(&self, measures: &dyn Measures) -> Result<f64, NotMeasurable> {
        let name = if self.is_relative { "blur_ratio" } else { "edge_sigma" };
        let [least, most] = self.bounds;
        Ok(f64::from(u8::from((least..=most).contains(&measures.need(name)?))))
    }
}
