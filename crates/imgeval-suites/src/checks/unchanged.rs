//! Checks of what an edit left as it was: everything, or everything outside a region.

use serde_json::{Map, Value};

use super::{
    Check, CheckedCase, Kind, Needs, limit,
    measures::{Measures, MeasuresNeeded, NO_PAIR, NotMeasurable, REGISTRATION},
    numbers,
};

/// Largest mean difference of content in CIE76, unless the check says another; re-encoding as JPEG of quality 90 stays below 2.
const CONTENT_DE: f64 = 4.0;
/// Largest mean difference of tone in CIE76, unless the check says another.
const TONE_DE: f64 = 3.0;
/// Largest share of the source's frame that may be cut off, unless the check says another.
const CUT_OFF: f64 = 0.02;
/// How far from 1 the stretch may lie.
const STRETCH: f64 = 0.02;

#[derive(Debug)]
pub(super) struct Unchanged;

impl Kind for Unchanged {
    fn name(&self) -> &'static str {
        "unchanged"
    }

    fn members(&self) -> &'static [&'static str] {
        &["region", "content_de", "tone_de", "cut_off"]
    }

    fn read(&self, members: &Map<String, Value>, about: &CheckedCase<'_>) -> Result<Box<dyn Check>, String> {
        if !about.has_image {
            return Err("it needs `images`, because what must stay is what the image shows".to_owned());
        }
        Ok(Box::new(UnchangedCheck {
            region: members.get("region").map(region).transpose()?,
            has_mask: about.has_mask,
            content_de: limit(members, "content_de", CONTENT_DE)?,
            tone_de: limit(members, "tone_de", TONE_DE)?,
            cut_off: limit(members, "cut_off", CUT_OFF)?,
        }))
    }
}

fn region(value: &Value) -> Result<[f64; 4], String> {
    let is_box = |[left, top, right, bottom]: &[f64; 4]| {
        0.0 <= *left && left < right && *right <= 1.0 && 0.0 <= *top && top < bottom && *bottom <= 1.0
    };
    numbers(value).filter(is_box).ok_or_else(|| {
        "`region` must be [left, top, right, bottom] as fractions of the image, each from 0 to 1".to_owned()
    })
}

#[derive(Debug)]
struct UnchangedCheck {
    region: Option<[f64; 4]>,
    has_mask: bool,
    content_de: f64,
    tone_de: f64,
    cut_off: f64,
}

impl Check for UnchangedCheck {
    fn needs(&self) -> Needs<'_> {
        Needs::Measures(MeasuresNeeded { region: self.region, lines: &[] })
    }

    /// 1 if everything stayed within the limits, else 0. A redrawn image, which cannot be brought into the source's frame, is not
    /// unchanged; outside a region it is not measurable, because nobody can say where outside is.
    fn value_of_measures(&self, measures: &dyn Measures) -> Result<f64, NotMeasurable> {
        let has_region = self.region.is_some() || self.has_mask;
        if !measures.is_registered() {
            let status = measures.word(REGISTRATION);
            return match status {
                Some(_) if !has_region => Ok(0.0),
                Some(status) => Err(NotMeasurable::new(format!(
                    "registration is {status}, so nothing is known about the outside"
                ))),
                // It was not measured, or is not an image that can be registered.
                None if !has_region && measures.word(NO_PAIR).is_some() => Ok(0.0),
                None => measures.need(REGISTRATION),
            };
        }
        let (content, tone) = match has_region {
            true => ("outside.content_de", "outside.tone_de"),
            false => ("content_de", "tone_de"),
        };
        let is_within = measures.need(content)? <= self.content_de
            && measures.need(tone)? <= self.tone_de
            && measures.need("cut_off")? <= self.cut_off
            && (measures.need("stretch")? - 1.0).abs() <= STRETCH;
        Ok(f64::from(u8::from(is_within)))
    }
}
