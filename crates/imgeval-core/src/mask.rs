//! Which pixels of an image belong to an object, as run lengths in COCO's order and COCO's text form.
//!
//! Pixels are counted column by column, from top to bottom; runs alternate between outside and inside and begin with
//! outside, which may be empty. As text, each run from the fourth on is given as its difference from the run two
//! before it, in groups of five bits with the lowest first; a sixth bit says that another group follows, and 48 makes
//! the group a printable character. Source: `maskApi.c` of COCO's own tools (github.com/cocodataset/cocoapi,
//! functions `rleEncode`, `rleToString` and `rleFrString`).

use std::{fmt, sync::Arc};

use crate::BoundingBox;

/// Added to six bits to give a printable character.
const FIRST_CHARACTER: u8 = 48;
/// In this many bits a group says something about the number; the next one says whether it goes on.
const GROUP_BITS: u32 = 5;
const GROUP_MASK: i64 = 0x1f;
const CONTINUES: i64 = 0x20;
const SIGN: i64 = 0x10;
/// A 33-bit difference needs seven groups; whatever is longer is no difference of two runs.
const MAX_GROUPS: u32 = 7;

/// A binary mask of an image. Cheap to clone; equal masks have equal runs.
#[derive(Clone, PartialEq, Eq)]
pub struct Mask {
    width: u32,
    height: u32,
    /// Alternately outside and inside, in columns; only the first may be zero, and together they are the image.
    runs: Arc<[u32]>,
}

/// Text that is not the mask of an image of this size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    #[error("byte {place} of the mask is not one of COCO's characters")]
    Character { place: usize },
    #[error("the mask ends within a run")]
    Unfinished,
    #[error("run {run} of the mask has an impossible length")]
    Run { run: usize },
    #[error("the mask covers {found} pixels, a {width}x{height} image has {expected}")]
    Size { found: u64, expected: u64, width: u32, height: u32 },
}

impl Mask {
    /// From one value a pixel, row by row.
    ///
    /// `None` if there are not `width * height` values, none at all, or more than 32 bits can count.
    #[must_use]
    pub fn from_bits(width: u32, height: u32, bits: &[bool]) -> Option<Self> {
        let n_pixels = u32::try_from(u64::from(width) * u64::from(height)).ok()?;
        if n_pixels == 0 || bits.len() != n_pixels as usize {
            return None;
        }
        let changes = changes_in_columns(width as usize, bits);
        let mut runs = Vec::with_capacity(2 + changes.iter().map(Vec::len).sum::<usize>());
        let (mut began, mut was_inside) = (0, false);
        for (column_start, column) in (0..).step_by(height as usize).zip(&changes) {
            let mut is_inside = false;
            // A column begins with its own state; that is a change only if the last one ended differently.
            let starts_inside = column.first() == Some(&0);
            if starts_inside != was_inside {
                runs.push(column_start - began);
                began = column_start;
            }
            for row in column {
                is_inside = !is_inside;
                if *row > 0 {
                    runs.push(column_start + row - began);
                    began = column_start + row;
                }
            }
            was_inside = is_inside;
        }
        runs.push(n_pixels - began);
        Some(Self { width, height, runs: runs.into() })
    }

    /// From runs down the columns, the first one outside and perhaps empty.
    ///
    /// `None` if they do not cover the image exactly, or if another run is empty.
    #[must_use]
    pub fn from_runs(width: u32, height: u32, runs: Vec<u32>) -> Option<Self> {
        let covered: u64 = runs.iter().copied().map(u64::from).sum();
        let is_whole = covered == u64::from(width) * u64::from(height) && covered <= u64::from(u32::MAX);
        let has_empty_run = runs.iter().skip(1).any(|&run| run == 0);
        (covered > 0 && is_whole && !has_empty_run).then(|| Self { width, height, runs: runs.into() })
    }

    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Pixels inside.
    #[must_use]
    pub fn area(&self) -> u64 {
        self.inside().map(|(start, end)| u64::from(end - start)).sum()
    }

    /// The smallest box around the pixels inside, right and lower border exclusive; zeros if there are none.
    #[must_use]
    pub fn bounding_box(&self) -> BoundingBox {
        let height = self.height;
        let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
        for (start, end) in self.inside() {
            let last = end - 1;
            left = left.min(start / height);
            right = right.max(last / height + 1);
            if start / height == last / height {
                top = top.min(start % height);
                bottom = bottom.max(last % height + 1);
            } else {
                // Over the end of a column: it holds that column's last pixel and the next one's first.
                (top, bottom) = (0, height);
            }
        }
        if right == 0 {
            return BoundingBox::from_array([0.0; 4]);
        }
        BoundingBox::from_array([left, top, right, bottom].map(|edge| edge as f32))
    }

    /// Whether the pixel at column `x` and row `y` is inside; outside the image none is. Takes time in the number of
    /// runs: for many pixels use [`Self::to_rows`].
    #[must_use]
    pub fn contains(&self, x: u32, y: u32) -> bool {
        if x >= self.width || y >= self.height {
            return false;
        }
        let place = x * self.height + y;
        self.inside().any(|(start, end)| (start..end).contains(&place))
    }

    /// One value a pixel, row by row.
    #[must_use]
    pub fn to_rows(&self) -> Vec<bool> {
        let (width, height) = (self.width as usize, self.height as usize);
        let mut rows = vec![false; width * height];
        for (start, end) in self.inside() {
            for place in start as usize..end as usize {
                rows[place % height * width + place / height] = true;
            }
        }
        rows
    }

    /// COCO's text form, the `counts` of its compressed run lengths.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for (index, run) in self.runs.iter().enumerate() {
            let before = if index > 2 { self.runs[index - 2] } else { 0 };
            let mut left = i64::from(*run) - i64::from(before);
            loop {
                let group = left & GROUP_MASK;
                left >>= GROUP_BITS;
                // Done when what is left is what the sign of this group already says.
                let is_done = left == if group & SIGN == 0 { 0 } else { -1 };
                let bits = if is_done { group } else { group | CONTINUES };
                // Six bits: always a character of one byte.
                text.push(char::from(FIRST_CHARACTER + bits as u8));
                if is_done {
                    break;
                }
            }
        }
        text
    }

    /// Reads what [`Self::encode`] wrote for an image of this size. Memory is bounded by the length of the text.
    ///
    /// # Errors
    /// If it is not that: foreign characters, impossible runs, or another number of pixels.
    pub fn decode(text: &str, width: u32, height: u32) -> Result<Self, MaskError> {
        let mut runs: Vec<u32> = Vec::new();
        let (mut value, mut n_groups) = (0_i64, 0);
        for (place, byte) in text.bytes().enumerate() {
            let bits = byte
                .checked_sub(FIRST_CHARACTER)
                .filter(|bits| *bits < 64)
                .map(i64::from)
                .ok_or(MaskError::Character { place })?;
            let index = runs.len();
            if n_groups == MAX_GROUPS {
                return Err(MaskError::Run { run: index });
            }
            value |= (bits & GROUP_MASK) << (GROUP_BITS * n_groups);
            n_groups += 1;
            if bits & CONTINUES != 0 {
                continue;
            }
            if bits & SIGN != 0 {
                value |= -1 << (GROUP_BITS * n_groups);
            }
            let before = if index > 2 { i64::from(runs[index - 2]) } else { 0 };
            let run = u32::try_from(value + before).map_err(|_| MaskError::Run { run: index })?;
            // Two empty runs in a row would say the same as none, and equal masks would differ.
            if run == 0 && index > 0 {
                return Err(MaskError::Run { run: index });
            }
            runs.push(run);
            (value, n_groups) = (0, 0);
        }
        if n_groups > 0 {
            return Err(MaskError::Unfinished);
        }
        let found = runs.iter().map(|run| u64::from(*run)).sum();
        let expected = u64::from(width) * u64::from(height);
        if found != expected || expected == 0 || u32::try_from(expected).is_err() {
            return Err(MaskError::Size { found, expected, width, height });
        }
        Ok(Self { width, height, runs: runs.into() })
    }

    /// First pixel and the one after the last of each run inside, in columns.
    fn inside(&self) -> impl Iterator<Item = (u32, u32)> {
        let mut end = 0;
        let bounds = self.runs.iter().map(move |run| {
            let start = end;
            end += run;
            (start, end)
        });
        bounds.skip(1).step_by(2)
    }
}

/// For each column the rows at which it changes, the state above the first row being outside.
///
/// Reads the rows in order and only stops where two neighboring ones differ, which with the masks of objects is
/// seldom.
fn changes_in_columns(width: usize, bits: &[bool]) -> Vec<Vec<u32>> {
    const BLOCK: usize = 64;
    let mut changes = vec![Vec::new(); width];
    let outside = vec![false; width];
    let mut above = &outside[..];
    for (row, bits) in (0..).zip(bits.chunks_exact(width)) {
        for start in (0..width).step_by(BLOCK) {
            let block = start..width.min(start + BLOCK);
            if above[block.clone()] == bits[block.clone()] {
                continue;
            }
            for x in block.filter(|x| above[*x] != bits[*x]) {
                changes[x].push(row);
            }
        }
        above = bits;
    }
    changes
}

impl fmt::Debug for Mask {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Mask({}x{}, {} inside)", self.width, self.height, self.area())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Reference: scripts/reference/coco_rle.py (pycocotools 2.0.11).
    const FIXTURE: &str = include_str!("../tests/fixtures/coco_rle.json");

    fn number(value: &Value) -> u32 {
        value.as_u64().unwrap().try_into().unwrap()
    }

    fn rows_of(case: &Value) -> Vec<bool> {
        let runs = case["row_runs"].as_array().unwrap().iter().enumerate();
        runs.flat_map(|(index, run)| vec![index % 2 == 1; number(run) as usize]).collect()
    }

    #[test]
    fn text_area_and_box_are_those_of_coco() {
        let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 25);
        for case in cases {
            let (width, height, rows) = (number(&case["width"]), number(&case["height"]), rows_of(case));
            let mask = Mask::from_bits(width, height, &rows).unwrap();
            let counts = case["counts"].as_str().unwrap();
            assert_eq!(mask.encode(), counts, "{}", case["name"]);
            assert_eq!(Mask::decode(counts, width, height).unwrap(), mask, "{}", case["name"]);
            assert_eq!(mask.to_rows(), rows, "{}", case["name"]);
            assert_eq!(mask.area(), case["area"].as_u64().unwrap(), "{}", case["name"]);
            let found = mask.bounding_box().to_array().map(f64::from);
            let expected: Vec<f64> =
                case["box"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
            assert_eq!(found.as_slice(), expected.as_slice(), "{}", case["name"]);
        }
    }

    fn check_refused(text: &str, expected: &MaskError) {
        assert_eq!(Mask::decode(text, 4, 3).unwrap_err(), *expected, "{text:?}");
    }

    #[test]
    fn hostile_text_is_refused_with_a_reason() {
        let size = |found| MaskError::Size { found, expected: 12, width: 4, height: 3 };
        check_refused("", &size(0));
        check_refused(";", &size(11));
        check_refused("01<", &size(13));
        check_refused("0 ", &MaskError::Character { place: 1 });
        check_refused("0é", &MaskError::Character { place: 1 });
        check_refused("P", &MaskError::Unfinished);
        // A negative first run, a run of no pixels, one longer than any image, and digits without an end.
        check_refused("O", &MaskError::Run { run: 0 });
        check_refused("1020", &MaskError::Run { run: 1 });
        check_refused("oooooo?", &MaskError::Run { run: 0 });
        check_refused(&"P".repeat(1 << 16), &MaskError::Run { run: 0 });
        // 2^32 - 1 pixels thrice.
        check_refused("oooooo3oooooo3oooooo3", &size(3 * u64::from(u32::MAX)));
        assert!(Mask::decode("1", 1 << 16, 1 << 16).is_err());
        assert!(Mask::decode("", 0, 5).is_err());
    }

    #[test]
    fn what_is_no_image_has_no_mask() {
        assert_eq!(Mask::from_bits(0, 3, &[]), None);
        assert_eq!(Mask::from_bits(2, 2, &[true; 3]), None);
        assert_eq!(Mask::from_bits(1 << 16, 1 << 16, &[]), None);
    }

    proptest! {
        #[test]
        fn every_mask_survives_as_text(
            width in 1_u32..150, height in 1_u32..40, seed in any::<u64>(), shift in 0_u32..62,
        ) {
            let mut state = seed | 1;
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state >> shift == 0
            };
            let bits: Vec<bool> = (0..width * height).map(|_| next()).collect();
            let mask = Mask::from_bits(width, height, &bits).unwrap();
            prop_assert_eq!(Mask::decode(&mask.encode(), width, height), Ok(mask.clone()));
            prop_assert_eq!(mask.area(), bits.iter().filter(|bit| **bit).count() as u64);
            prop_assert_eq!(mask.contains(width - 1, height - 1), bits[bits.len() - 1]);
            prop_assert!(!mask.contains(width, 0) && !mask.contains(0, height));
            prop_assert_eq!(mask.to_rows(), bits);
        }

        #[test]
        fn no_text_makes_the_reader_fall(text in "\\PC{0,60}", width in 0_u32..50, height in 0_u32..50) {
            if let Ok(mask) = Mask::decode(&text, width, height) {
                prop_assert_eq!(mask.to_rows().len() as u64, u64::from(width) * u64::from(height));
                let again = Mask::decode(&mask.encode(), width, height);
                prop_assert_eq!(again, Ok(mask));
            }
        }

        #[test]
        fn no_run_lengths_make_the_reader_fall(text in "[0-o]{0,12}") {
            if let Ok(mask) = Mask::decode(&text, 4, 3) {
                prop_assert_eq!(Mask::from_bits(4, 3, &mask.to_rows()), Some(mask));
            }
        }
    }
}
