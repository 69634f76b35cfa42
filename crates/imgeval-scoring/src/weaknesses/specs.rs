//! Which measures apply to which cases, and what they are compared with.

use imgeval_suites::{
    checks::measures::{Measures, REGISTERED, REGISTRATION},
    suite::SuiteCase,
};

use crate::{MeasuredImage, Run};

/// A number of an image.
pub(super) type Value = fn(&MeasuredImage<'_>) -> Option<f64>;

/// One measure of one group of cases.
pub(super) struct Spec {
    pub group: &'static str,
    /// The second part of a case's id, where only some cases of the group are meant.
    pub subgroup: Option<&'static str>,
    pub measure: &'static str,
    pub unit: &'static str,
    pub value: Value,
    /// What the control is called, and its number on the same image.
    pub control: Option<(&'static str, Value)>,
    /// What the number does, as a verdict begins.
    pub sentence: &'static str,
}

impl Spec {
    /// Whether a measure applies to this case. In other suites, measures of edits apply to every edit.
    pub(super) fn takes(&self, run: &Run, case: &SuiteCase) -> bool {
        if run.suite().sections().is_empty() {
            return match self.group {
                "color" => case.source().is_none(),
                EDITS => case.source().is_some(),
                _ => false,
            };
        }
        let is_of_group = case.tag == self.group;
        is_of_group
            && self.subgroup.is_none_or(|subgroup| case.id.as_str().split('-').nth(1) == Some(subgroup))
    }
}

/// What edits of other suites are called.
const EDITS: &str = "edits";

/// For the suite of weaknesses by group, for others what holds of every edit.
pub(super) fn specs_of(run: &Run) -> &'static [Spec] {
    if run.suite().sections().is_empty() { &OF_EDITS } else { &OF_GROUPS }
}

/// What the value of a check says where it is no measure of an image alone.
pub(super) fn decided(check: &str) -> Option<&'static str> {
    match check {
        "objects" => Some("wrong number of objects"),
        "question-list" => Some("a judge answers no"),
        _ => None,
    }
}

fn percent(number: Option<f64>) -> Option<f64> {
    number.map(|number| 100.0 * number)
}

fn is_not_registered(image: &MeasuredImage<'_>, name: &str) -> Option<f64> {
    image.word(name).map(|status| if status == REGISTERED { 0.0 } else { 100.0 })
}

const RECODED: &str = "re-encoding";
const RESIZED: &str = "resizing down and back";

const fn spec(group: &'static str, measure: &'static str, unit: &'static str, value: Value) -> Spec {
    Spec { group, subgroup: None, measure, unit, value, control: None, sentence: "" }
}

static OF_GROUPS: [Spec; 18] = [
    Spec {
        control: Some((RESIZED, |image| is_not_registered(image, "resized.registration"))),
        sentence: "redrawn in",
        ..spec("identity", "does not register", "%", |image| is_not_registered(image, REGISTRATION))
    },
    Spec {
        control: Some((RESIZED, |image| percent(image.number("resized.cut_off")))),
        sentence: "cuts off",
        ..spec("identity", "cut off", "%", |image| percent(image.number("cut_off")))
    },
    Spec {
        control: Some((RESIZED, |image| percent(image.number("resized.stretch").map(|of| (of - 1.0).abs())))),
        sentence: "stretches by",
        ..spec("identity", "stretch", "%", |image| {
            percent(image.number("stretch").map(|of| (of - 1.0).abs()))
        })
    },
    Spec {
        control: Some((RESIZED, |image| percent(image.number("resized.survival").map(|of| 1.0 - of)))),
        sentence: "loses",
        ..spec("identity", "tiles lost", "%", |image| percent(image.number("survival").map(|of| 1.0 - of)))
    },
    Spec {
        control: Some((RECODED, |image| image.number("recoded.content_de"))),
        sentence: "changes content by",
        ..spec("identity", "content", "dE", |image| image.number("content_de"))
    },
    Spec {
        control: Some((RECODED, |image| image.number("recoded.tone_de"))),
        sentence: "changes tone by",
        ..spec("identity", "tone", "dE", |image| image.number("tone_de"))
    },
    Spec {
        control: Some((RESIZED, |image| image.number("resized.psnr"))),
        sentence: "PSNR",
        ..spec("identity", "PSNR after registration", "dB", |image| image.number("psnr"))
    },
    refinement("soft"),
    refinement("grainy"),
    refinement("plain"),
    Spec {
        subgroup: Some("ask"),
        control: Some((RESIZED, |image| image.number("resized.blur_ratio"))),
        sentence: "blur requested, edges become",
        ..spec("refinement", "blur requested", "times", |image| image.number("blur_ratio"))
    },
    Spec {
        subgroup: Some("grainy"),
        control: Some((RESIZED, |image| image.number("resized.noise_ratio"))),
        sentence: "leaves grain of",
        ..spec("refinement", "grain left", "times", |image| image.number("noise_ratio"))
    },
    Spec {
        control: Some((RESIZED, |image| image.number("resized.hf_share_ratio"))),
        sentence: "fine detail is",
        ..spec("refinement", "share of fine detail", "times", |image| image.number("hf_share_ratio"))
    },
    Spec {
        sentence: "looks upscaled in",
        ..spec("refinement", "upscaled", "%", |image| percent(image.number("upscaled")))
    },
    locality("mask", "content outside, with a mask", "changes content outside by", |image| {
        image.number("outside.content_de")
    }),
    locality("words", "content outside, by words", "changes content outside by", |image| {
        image.number("outside.content_de")
    }),
    tone("mask", "tone outside, with a mask"),
    tone("words", "tone outside, by words"),
];

const fn refinement(subgroup: &'static str) -> Spec {
    Spec {
        subgroup: Some(subgroup),
        control: Some((RESIZED, |image| percent(image.number("resized.blur_ratio").map(|of| 1.0 - of)))),
        sentence: "narrows edges by",
        ..spec(
            "refinement",
            match subgroup.as_bytes()[0] {
                b's' => "blur removed",
                b'g' => "blur removed (grainy)",
                _ => "blur removed (plain)",
            },
            "%",
            |image| percent(image.number("blur_ratio").map(|of| 1.0 - of)),
        )
    }
}

const fn locality(
    subgroup: &'static str,
    measure: &'static str,
    sentence: &'static str,
    value: Value,
) -> Spec {
    Spec {
        subgroup: Some(subgroup),
        control: Some((RECODED, |image| image.number("recoded.outside.content_de"))),
        sentence,
        ..spec("locality", measure, "dE", value)
    }
}

const fn tone(subgroup: &'static str, measure: &'static str) -> Spec {
    Spec {
        subgroup: Some(subgroup),
        control: Some((RECODED, |image| image.number("recoded.outside.tone_de"))),
        sentence: "changes tone outside by",
        ..spec("locality", measure, "dE", |image| image.number("outside.tone_de"))
    }
}

static OF_EDITS: [Spec; 6] = [
    Spec {
        control: Some((RESIZED, |image| is_not_registered(image, "resized.registration"))),
        sentence: "redrawn in",
        ..spec(EDITS, "does not register", "%", |image| is_not_registered(image, REGISTRATION))
    },
    Spec {
        control: Some((RESIZED, |image| percent(image.number("resized.cut_off")))),
        sentence: "cuts off",
        ..spec(EDITS, "cut off", "%", |image| percent(image.number("cut_off")))
    },
    Spec {
        control: Some((RESIZED, |image| percent(image.number("resized.survival").map(|of| 1.0 - of)))),
        sentence: "loses",
        ..spec(EDITS, "tiles lost", "%", |image| percent(image.number("survival").map(|of| 1.0 - of)))
    },
    Spec {
        control: Some((RESIZED, |image| image.number("resized.blur_ratio"))),
        sentence: "blur is",
        ..spec(EDITS, "blur against the source", "times", |image| image.number("blur_ratio"))
    },
    Spec {
        control: Some((RECODED, |image| image.number("recoded.found.tone_de"))),
        sentence: "changes tone outside the detected region by",
        ..spec(EDITS, "tone outside the detected region", "dE", |image| image.number("found.tone_de"))
    },
    Spec {
        control: Some((RECODED, |image| image.number("recoded.outside.content_de"))),
        sentence: "changes content outside the mask by",
        ..spec(EDITS, "content outside the mask", "dE", |image| image.number("outside.content_de"))
    },
];

/// Its values come from the checks of the cases.
pub(super) static TEXT: Spec =
    Spec { sentence: "writes wrong", ..spec("text", "wrong characters", "%", |_| None) };

/// Of L, a and b; K behind them is never judged by alone.
pub(super) static COLOR: [Spec; 3] = [
    Spec {
        sentence: "lighter (+) or darker (-)",
        ..spec("color", "mean L", "", |image| image.number("mean_l"))
    },
    Spec {
        sentence: "redder (+) or greener (-)",
        ..spec("color", "mean a", "", |image| image.number("mean_a"))
    },
    Spec {
        sentence: "yellower (+) or bluer (-)",
        ..spec("color", "mean b", "", |image| image.number("mean_b"))
    },
];
