//! The numbers under an image, in words.

use imgeval_scoring::MeasuredImage;
use imgeval_suites::checks::measures::{COVERAGE, Measures, NO_PAIR, REGISTRATION};

use super::TextCounts;

/// `name 1.23 unit`; of what was not measured nothing.
fn number(found: MeasuredImage<'_>, name: &str, label: &str, decimals: usize, unit: &str) -> Option<String> {
    found.number(name).map(|value| format!("{label} {value:.decimals$}{unit}"))
}

fn percent(found: MeasuredImage<'_>, name: &str, label: &str) -> Option<String> {
    found.number(name).map(|value| format!("{label} {:.1} %", 100.0 * value))
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Why pixels of source and answer are not compared; `None` if they are.
pub(super) fn unregistered(found: MeasuredImage<'_>) -> Option<String> {
    if found.is_registered() {
        return None;
    }
    let why = match (found.word(REGISTRATION), found.word(NO_PAIR)) {
        (Some("failed"), _) => "Registration failed: the image was redrawn".to_owned(),
        (Some(status), _) => {
            format!("Registration is {status}: the framing is roughly right, but the image was redrawn")
        }
        (None, Some(reason)) => format!("Not registered: {reason}"),
        (None, None) => "Registration was not measured".to_owned(),
    };
    Some(format!("{why}. Pixels are not compared, and no edited region is shown."))
}

/// What still holds of an answer that does not register.
pub(super) fn of_unregistered(found: MeasuredImage<'_>) -> String {
    joined([
        percent(found, "survival", "tiles of the source found again"),
        number(found, "psnr_before", "PSNR unregistered", 1, " dB"),
        number(found, "shift_l", "shift of the mean color: L", 1, ""),
        number(found, "shift_a", "a", 1, ""),
        number(found, "shift_b", "b", 1, ""),
    ])
}

pub(super) fn of_change(found: MeasuredImage<'_>) -> String {
    joined([
        number(found, "content_de", "content", 2, " dE"),
        number(found, "tone_de", "tone", 2, " dE (means over the overlap)"),
        number(found, "psnr", "PSNR", 1, " dB"),
        percent(found, "survival", "tiles that survive"),
    ])
}

pub(super) fn of_frame(found: MeasuredImage<'_>) -> String {
    joined([
        percent(found, "cut_off", "cut off"),
        percent(found, "new_share", "new"),
        number(found, "zoom", "zoom", 3, ""),
        number(found, "stretch", "stretch", 3, ""),
        number(found, "aspect_change", "change of aspect ratio", 3, ""),
    ])
}

/// `leak` is the share of the overlap that was edited outside the mask, if there is one.
pub(super) fn of_region(found: MeasuredImage<'_>, leak: Option<f64>) -> String {
    let outside = if leak.is_some() { "outside." } else { "found." };
    let place = if leak.is_some() { "outside the mask: content" } else { "outside the region: content" };
    joined([
        percent(found, "edited_share", "edited"),
        leak.map(|leak| format!("outside the mask {:.1} %", 100.0 * leak)),
        number(found, &format!("{outside}content_de"), place, 2, " dE"),
        number(found, &format!("{outside}tone_de"), "tone", 2, " dE"),
    ])
}

pub(super) fn of_blur(found: MeasuredImage<'_>) -> String {
    let text = joined([
        number(found, "blur_ratio", "blur radius, answer / source", 2, ""),
        number(found, "hf_share_ratio", "share of high frequencies, answer / source", 2, ""),
        number(found, "lap_var_ratio", "Laplacian variance, answer / source", 2, ""),
    ]);
    if text.is_empty() {
        joined([number(found, "edge_sigma", "blur radius of the whole image", 2, " px")])
    } else {
        text
    }
}

pub(super) fn of_cast(found: MeasuredImage<'_>) -> String {
    joined([
        number(found, "mean_l", "mean L", 1, ""),
        number(found, "mean_a", "a", 1, " (red above 0)"),
        number(found, "mean_b", "b", 1, " (yellow above 0)"),
        number(found, "cast_distance", "distance from gray", 1, ""),
        number(found, "cast_k", "K", 2, ""),
    ])
}

pub(super) fn of_color_shift(found: MeasuredImage<'_>) -> Option<String> {
    found.number("shift_l")?;
    Some(joined([
        number(found, "shift_l", "shift against the source: L", 1, ""),
        number(found, "shift_a", "a", 1, ""),
        number(found, "shift_b", "b", 1, ""),
    ]))
}

pub(super) fn of_text(counts: &TextCounts) -> String {
    let TextCounts { right, wrong, extra, missing } = counts;
    format!("characters: {right} correct, {wrong} wrong, {extra} extra, {missing} missing")
}

/// What the reader cannot know, which would count as the generator's error.
pub(super) fn of_coverage(found: MeasuredImage<'_>) -> Option<String> {
    let share = found.number(COVERAGE).filter(|share| *share < 1.0)?;
    Some(format!("not measurable: the reader knows {:.0} % of the requested characters", 100.0 * share))
}
