//! The font of all figures: measuring text with it, and the part of it that a figure carries.
//!
//! It is DejaVu Sans cut down by `scripts/figure_font` to Latin, Greek and Cyrillic letters and the signs of charts,
//! without kerning or ligatures, so that the width of a text is the sum of its characters everywhere. Other characters
//! (Chinese, Japanese, Korean, Arabic, emoji ...) stay in the SVG, where a browser shows them with a font of the
//! reader's machine; in a PNG each is the box that stands for an unknown character.

use std::{collections::BTreeSet, sync::LazyLock};

use ab_glyph::{Font, FontRef};
use unicode_width::UnicodeWidthChar;

pub(super) const FONT: &[u8] = include_bytes!("../../assets/DejaVuSans-figures.ttf");

/// The name inside the font file.
pub(super) const FAMILY: &str = "DejaVu Sans";

static PARSED: LazyLock<Option<FontRef<'static>>> = LazyLock::new(|| FontRef::try_from_slice(FONT).ok());

/// Width in pixels of a text of this size; that of characters which the font lacks is taken from their East Asian width.
pub(super) fn width_of(text: &str, size: f64) -> f64 {
    text.chars().map(advance_of).sum::<f64>() * size
}

/// In parts of the font's size.
fn advance_of(character: char) -> f64 {
    if let Some(font) = PARSED.as_ref() {
        let glyph = font.glyph_id(character);
        if let Some(units) = font.units_per_em().filter(|_| glyph.0 != 0) {
            return f64::from(font.h_advance_unscaled(glyph)) / f64::from(units);
        }
    }
    match character.width() {
        Some(0) => 0.0,
        Some(2) => 1.0,
        _ => 0.65,
    }
}

/// A TrueType font of the characters alone. Glyphs keep their numbers, so that all other tables stay as they are; those
/// not needed are empty.
pub(super) fn cut_down(characters: &BTreeSet<char>) -> Vec<u8> {
    let glyphs =
        PARSED.as_ref().map(|font| characters.iter().map(|character| font.glyph_id(*character).0).collect());
    glyphs.and_then(|glyphs| without_others(FONT, glyphs)).unwrap_or_else(|| FONT.to_vec())
}

/// `None` if the font is not what is expected of it: TrueType outlines with short offsets.
fn without_others(font: &[u8], mut needed: BTreeSet<u16>) -> Option<Vec<u8>> {
    let tables = tables_of(font)?;
    let table = |tag: &[u8; 4]| tables.iter().find(|(name, _)| name == tag).map(|(_, data)| *data);
    let (glyf, loca) = (table(b"glyf")?, table(b"loca")?);
    if u16_at(table(b"head")?, 50)? != 0 {
        return None;
    }
    let glyph = |number: u16| -> Option<&[u8]> {
        let place = 2 * usize::from(number);
        glyf.get(2 * usize::from(u16_at(loca, place)?)..2 * usize::from(u16_at(loca, place + 2)?))
    };
    needed.insert(0);
    let mut to_visit: Vec<u16> = needed.iter().copied().collect();
    while let Some(number) = to_visit.pop() {
        to_visit
            .extend(components_of(glyph(number)?)?.into_iter().filter(|component| needed.insert(*component)));
    }
    let (mut outlines, mut offsets) = (Vec::new(), vec![0, 0]);
    for number in 0..u16::try_from(loca.len() / 2 - 1).ok()? {
        if needed.contains(&number) {
            outlines.extend_from_slice(glyph(number)?);
        }
        offsets.extend_from_slice(&u16::try_from(outlines.len() / 2).ok()?.to_be_bytes());
    }
    let changed = tables.iter().map(|(tag, data)| match tag {
        b"glyf" => (*tag, outlines.clone()),
        b"loca" => (*tag, offsets.clone()),
        _ => (*tag, data.to_vec()),
    });
    assembled(font.get(..12)?, changed.collect())
}

type Tag = [u8; 4];

fn tables_of(font: &[u8]) -> Option<Vec<(Tag, &[u8])>> {
    let record = |place: usize| {
        let record = font.get(12 + 16 * place..28 + 16 * place)?;
        let start = u32_at(record, 8)? as usize;
        Some((record.get(..4)?.try_into().ok()?, font.get(start..start + u32_at(record, 12)? as usize)?))
    };
    (0..usize::from(u16_at(font, 4)?)).map(record).collect()
}

/// The glyphs that a composite one is made of.
fn components_of(glyph: &[u8]) -> Option<Vec<u16>> {
    let mut components = Vec::new();
    if glyph.is_empty() || u16_at(glyph, 0)? < 0x8000 {
        return Some(components);
    }
    let mut place = 10;
    loop {
        let flags = u16_at(glyph, place)?;
        components.push(u16_at(glyph, place + 2)?);
        let has = |flag: u16| flags & flag != 0;
        place += 4 + if has(0x1) { 4 } else { 2 };
        place += if has(0x8) {
            2
        } else if has(0x40) {
            4
        } else if has(0x80) {
            8
        } else {
            0
        };
        if !has(0x20) {
            return Some(components);
        }
    }
}

/// A font file of these tables, with its checksums.
fn assembled(header: &[u8], mut tables: Vec<(Tag, Vec<u8>)>) -> Option<Vec<u8>> {
    const ADJUSTMENT: std::ops::Range<usize> = 8..12;
    let (mut directory, mut body) = (header.to_vec(), Vec::new());
    let start = 12 + 16 * tables.len();
    let mut start_of_head = 0;
    for (tag, data) in &mut tables {
        if tag == b"head" {
            data.get_mut(ADJUSTMENT)?.fill(0);
            start_of_head = start + body.len();
        }
        let length = data.len();
        directory.extend_from_slice(tag);
        data.resize(length.next_multiple_of(4), 0);
        for number in [checksum(data), u32::try_from(start + body.len()).ok()?, u32::try_from(length).ok()?] {
            directory.extend_from_slice(&number.to_be_bytes());
        }
        body.extend_from_slice(data);
    }
    let mut file = directory;
    file.extend(body);
    let adjustment = 0xb1b0_afba_u32.wrapping_sub(checksum(&file));
    file.get_mut(start_of_head..)?.get_mut(ADJUSTMENT)?.copy_from_slice(&adjustment.to_be_bytes());
    Some(file)
}

/// Of a length that four divides.
fn checksum(data: &[u8]) -> u32 {
    data.chunks_exact(4).filter_map(|word| u32_at(word, 0)).fold(0, u32::wrapping_add)
}

fn u16_at(data: &[u8], place: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(place..place + 2)?.try_into().ok()?))
}

fn u32_at(data: &[u8], place: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(place..place + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: scripts/reference/figures.py (fontTools 4.68.0), in units of which 2048 are the font's size.
    #[test]
    fn widths_are_those_of_the_font() {
        let expected = f64::from(1401 + 651 + 1260 + 1303) / 2048.0 * 12.0;
        assert!((width_of("A,é1", 12.0) - expected).abs() < 1e-9);
        assert_eq!(width_of("中", 10.0), 10.0);
    }

    #[test]
    fn a_cut_font_holds_the_same_outlines_and_nothing_else() {
        let cut = cut_down(&"Bé".chars().collect());
        assert!(cut.len() < FONT.len() / 3);
        let (font, whole) = (FontRef::try_from_slice(&cut).unwrap(), PARSED.as_ref().unwrap());
        for character in "Béx".chars() {
            let outline = |font: &FontRef<'_>| {
                font.outline(font.glyph_id(character)).map(|outline| outline.curves.len())
            };
            let expected = if character == 'x' { None } else { outline(whole) };
            assert_eq!(outline(&font).filter(|count| *count > 0), expected, "{character}");
        }
    }

    #[test]
    fn checksums_of_a_cut_font_are_right() {
        let mut cut = cut_down(&"x".chars().collect());
        cut.resize(cut.len().next_multiple_of(4), 0);
        assert_eq!(checksum(&cut), 0xb1b0_afba);
        for place in 0..usize::from(u16_at(&cut, 4).unwrap()) {
            let record = &cut[12 + 16 * place..28 + 16 * place];
            let start = u32_at(record, 8).unwrap() as usize;
            let data = &cut[start..start + (u32_at(record, 12).unwrap() as usize).next_multiple_of(4)];
            if &record[..4] != b"head" {
                assert_eq!(checksum(data), u32_at(record, 4).unwrap());
            }
        }
    }
}
