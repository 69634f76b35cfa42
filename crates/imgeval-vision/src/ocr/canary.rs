//! The check before reading: a built-in line with a known text.

use super::reader::PpOcrReader;
use crate::canary::picture_of;

/// `imgeval 42` in black on white, 192x64; made by `scripts/reference/ocr.py`.
const LINE: &[u8] = include_bytes!("../../tests/fixtures/ocr/canary.png");
const TEXT: &str = "imgeval42";
/// Of the detector's map, which must see text and must not see it everywhere.
const LEAST_TEXT: f32 = 0.5;

pub(super) fn check(reader: &PpOcrReader) -> Result<(), String> {
    let line = picture_of(LINE).map_err(|error| error.to_string())?;
    let map = reader.text_map(&line)?;
    let share =
        map.values.iter().filter(|value| **value > LEAST_TEXT).count() as f32 / map.values.len() as f32;
    if !(0.05..0.95).contains(&share) {
        return Err(format!("the detector sees text in {share} of the built-in line"));
    }
    if reader.are_turned(std::slice::from_ref(&line))? != [false] {
        return Err("the classifier takes the built-in line for one that is upside down".to_owned());
    }
    let texts = reader.recognize(std::slice::from_ref(&line))?;
    let found: String =
        texts.iter().flat_map(|(text, _)| text.chars()).filter(|c| !c.is_whitespace()).collect();
    if found == TEXT { Ok(()) } else { Err(format!("the built-in line is read as `{found}`, not `{TEXT}`")) }
}
