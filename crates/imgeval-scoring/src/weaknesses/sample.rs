//! What was measured on one image, as a gallery is ordered and filtered by it.

use imgeval_report::model::{MeasureView, SampleView};
use imgeval_suites::{
    checks::measures::{Measures, REGISTRATION},
    suite::SuiteCase,
};

use super::specs::Value;
use crate::{MeasuredImage, Run};

/// Of each number more is worse.
static SHOWN: [(&str, Value); 7] = [
    ("cut off, %", |image| image.number("cut_off").map(percent)),
    ("stretched, %", |image| image.number("stretch").map(|of| percent((of - 1.0).abs()))),
    ("tiles lost, %", |image| image.number("survival").map(|of| percent(1.0 - of))),
    ("content changed outside, dE", |image| outside(image, "content_de")),
    ("tone changed outside, dE", |image| outside(image, "tone_de")),
    ("blur removed, %", |image| image.number("blur_ratio").map(|of| percent(1.0 - of))),
    ("yellowness (mean b)", |image| image.number("mean_b")),
];

const CHARACTERS: &str = "characters wrong, %";

fn percent(share: f64) -> f64 {
    100.0 * share
}

/// Outside what was to be edited where that is known, else of the region found.
fn outside(image: &MeasuredImage<'_>, name: &str) -> Option<f64> {
    image.number(&format!("outside.{name}")).or_else(|| image.number(&format!("found.{name}")))
}

impl Run {
    /// Adds what was measured to a sample.
    pub(crate) fn add_measures(
        &self,
        view: &mut SampleView,
        case: Option<&SuiteCase>,
        image: &MeasuredImage<'_>,
    ) {
        let number = |(name, of): &(&str, Value)| {
            let value = of(image).filter(|value| value.is_finite())?;
            Some(MeasureView { name: (*name).to_owned(), value })
        };
        view.measures.extend(SHOWN.iter().filter_map(number));
        let checks = case.and_then(|case| self.checks().get(&case.id));
        let share_right = checks.and_then(|checks| checks.find("text")?.check.value_of_measures(image).ok());
        view.measures.extend(
            share_right.map(|right| MeasureView { name: CHARACTERS.to_owned(), value: percent(1.0 - right) }),
        );
        view.registration = image.word(REGISTRATION).unwrap_or_default().to_owned();
    }
}
