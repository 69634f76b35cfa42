//! What an image file tells about how it was made and kept, read from its bytes beside the image itself.
//!
//! None of it belongs to the generator's decoder, and each of it can separate two folders perfectly. Sources: PNG
//! specification (third edition), ITU-T T.81 annex B (markers, DQT) and annex K (tables), the scaling of those tables by the
//! Independent JPEG Group's `jcparam.c`, RFC 9649 (WebP).

use std::collections::BTreeSet;

use imgeval_core::ImageFormat;
use sha2::{Digest as _, Sha256};

/// What was found in one file. The bytes are those of an image that could be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    pub format: ImageFormat,
    /// Bytes of the file.
    pub n_bytes: usize,
    /// Bits a channel, as stored.
    pub bit_depth: u8,
    /// Such as `rgb`, `rgba`, `grey` or `palette`.
    pub channels: &'static str,
    /// `None` unless the file is a JPEG.
    pub jpeg: Option<JpegFacts>,
    /// A WebP file with a lossy bitstream.
    pub is_lossy_webp: bool,
    /// Name or hash of the embedded color profile, or `sRGB` where the file only says so.
    pub color_profile: Option<String>,
    /// Kinds of metadata: `exif`, `xmp`, `iptc`, `text`, `comment`, `c2pa`.
    pub metadata: BTreeSet<&'static str>,
}

impl FileFacts {
    /// Whether the image has been through a lossy compression in this file.
    #[must_use]
    pub fn is_lossy(&self) -> bool {
        self.jpeg.is_some() || self.is_lossy_webp
    }
}

/// How a JPEG file was compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JpegFacts {
    /// Quality of the Independent JPEG Group's scale whose luma table is nearest, 1 to 100.
    pub quality: u8,
    /// The luma table is exactly the one of that quality.
    pub is_standard: bool,
    /// First eight hexadecimal digits of the SHA-256 over all tables in order.
    pub tables_hash: String,
    /// Such as `4:2:0`; `grey` without chroma.
    pub subsampling: String,
    pub is_progressive: bool,
}

/// Reads the facts of `bytes`; what a damaged file does not tell stays unknown, nothing fails.
#[must_use]
pub fn parse_file_facts(format: ImageFormat, bytes: &[u8]) -> FileFacts {
    let mut facts = FileFacts {
        format,
        n_bytes: bytes.len(),
        bit_depth: 8,
        channels: "rgb",
        jpeg: None,
        is_lossy_webp: false,
        color_profile: None,
        metadata: BTreeSet::new(),
    };
    match format {
        ImageFormat::Png => read_png(bytes, &mut facts),
        ImageFormat::Jpeg => read_jpeg(bytes, &mut facts),
        ImageFormat::WebP => read_webp(bytes, &mut facts),
        // Their name is what they tell.
        ImageFormat::Gif | ImageFormat::Bmp | ImageFormat::Tiff | ImageFormat::Pnm => {}
    }
    facts
}

fn short_hash(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn read_png(bytes: &[u8], facts: &mut FileFacts) {
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((header, after)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *header;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let Some((data, after)) = after.split_at_checked(length) else { return };
        rest = after.get(4..).unwrap_or_default();
        match &kind {
            b"IHDR" => {
                facts.bit_depth = data.get(8).copied().unwrap_or(8);
                facts.channels = match data.get(9) {
                    Some(0) => "grey",
                    Some(3) => "palette",
                    Some(4) => "grey with alpha",
                    Some(6) => "rgba",
                    _ => "rgb",
                };
            }
            b"iCCP" => {
                let name = data.split(|byte| *byte == 0).next().unwrap_or_default();
                let name: String = name.iter().take(79).map(|byte| char::from(*byte)).collect();
                facts.color_profile = Some(format!("{name} {}", short_hash([data])));
            }
            b"sRGB" if facts.color_profile.is_none() => facts.color_profile = Some("sRGB".to_owned()),
            b"eXIf" => _ = facts.metadata.insert("exif"),
            b"iTXt" if data.starts_with(b"XML:com.adobe.xmp") => _ = facts.metadata.insert("xmp"),
            b"tEXt" | b"zTXt" | b"iTXt" => _ = facts.metadata.insert("text"),
            b"caBX" => _ = facts.metadata.insert("c2pa"),
            b"IEND" => return,
            _ => {}
        }
    }
}

fn read_jpeg(bytes: &[u8], facts: &mut FileFacts) {
    let mut tables: Vec<Option<[u16; 64]>> = vec![None; 4];
    let mut luma_table = 0;
    let mut sampling = String::from("grey");
    let mut is_progressive = false;
    let mut profile: Vec<&[u8]> = Vec::new();
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let Some((marker, segment, after)) = next_segment(rest) {
        rest = after;
        match marker {
            0xDB => read_tables(segment, &mut tables),
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                is_progressive = matches!(marker, 0xC2 | 0xC6 | 0xCA | 0xCE);
                facts.bit_depth = segment.first().copied().unwrap_or(8);
                let components: Vec<&[u8]> =
                    segment.get(6..).unwrap_or_default().chunks_exact(3).take(4).collect();
                luma_table = components.first().map_or(0, |component| usize::from(component[2] & 3));
                facts.channels = match components.len() {
                    1 => "grey",
                    4 => "cmyk",
                    _ => "rgb",
                };
                sampling = subsampling_of(&components);
            }
            0xE1 if segment.starts_with(b"Exif\0") => _ = facts.metadata.insert("exif"),
            0xE1 if segment.starts_with(b"http://ns.adobe.com/") => _ = facts.metadata.insert("xmp"),
            0xE2 if segment.starts_with(b"ICC_PROFILE\0") => profile.push(&segment[12..]),
            0xEB if segment.starts_with(b"JP") => _ = facts.metadata.insert("c2pa"),
            0xED => _ = facts.metadata.insert("iptc"),
            0xFE => _ = facts.metadata.insert("comment"),
            // Tables may be defined between scans, but of the first scan all are known here.
            0xDA => break,
            _ => {}
        }
    }
    if !profile.is_empty() {
        facts.color_profile = Some(format!("icc {}", short_hash(profile)));
    }
    let luma = tables[luma_table].unwrap_or([1; 64]);
    let quality = nearest_quality(&luma);
    let bytes_of =
        |table: &[u16; 64]| table.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<u8>>();
    facts.jpeg = Some(JpegFacts {
        quality,
        is_standard: luma == scaled_luma_table(quality),
        tables_hash: short_hash(tables.iter().flatten().map(bytes_of)),
        subsampling: sampling,
        is_progressive,
    });
}

/// The next marker with its segment, and what follows; none at the end or where the file is damaged.
fn next_segment(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let start = bytes.windows(2).position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xFF))?;
    let marker = bytes[start + 1];
    let rest = &bytes[start + 2..];
    // Markers without a segment.
    if matches!(marker, 0x01 | 0xD0..=0xD9) {
        return Some((marker, &[], rest));
    }
    let (length, _) = rest.split_first_chunk::<2>()?;
    let (segment, after) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)).max(2))?;
    Some((marker, &segment[2..], after))
}

/// Position in a natural row-major block of the i-th value in zigzag order (T.81, figure A.6).
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

fn read_tables(mut segment: &[u8], tables: &mut [Option<[u16; 64]>]) {
    while let Some((head, rest)) = segment.split_first() {
        let is_wide = head >> 4 != 0;
        let Some((values, rest)) = rest.split_at_checked(if is_wide { 128 } else { 64 }) else { return };
        let mut table = [0; 64];
        for (index, place) in ZIGZAG.into_iter().enumerate() {
            table[place] = match is_wide {
                true => u16::from_be_bytes([values[2 * index], values[2 * index + 1]]),
                false => values[index].into(),
            };
        }
        if let Some(slot) = tables.get_mut(usize::from(head & 0xF)) {
            *slot = Some(table);
        }
        segment = rest;
    }
}

/// `4:2:0` and its like, from the sampling factors of luma and the first chroma component.
fn subsampling_of(components: &[&[u8]]) -> String {
    let factors =
        |index: usize| components.get(index).map(|component| (component[1] >> 4, component[1] & 0xF));
    let (Some((luma_h, luma_v)), Some((chroma_h, chroma_v))) = (factors(0), factors(1)) else {
        return "grey".to_owned();
    };
    match (luma_h / chroma_h.max(1), luma_v / chroma_v.max(1)) {
        (1, 1) => "4:4:4".to_owned(),
        (2, 1) => "4:2:2".to_owned(),
        (2, 2) => "4:2:0".to_owned(),
        (1, 2) => "4:4:0".to_owned(),
        (4, 1) => "4:1:1".to_owned(),
        _ => format!("{luma_h}x{luma_v} to {chroma_h}x{chroma_v}"),
    }
}

/// Luminance table of T.81, table K.1, row by row.
const LUMA_TABLE: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17,
    22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78,
    87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];

/// As `jcparam.c` scales it, with values kept in 8 bits.
fn scaled_luma_table(quality: u8) -> [u16; 64] {
    let quality = u32::from(quality.clamp(1, 100));
    let scale = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    LUMA_TABLE.map(|value| ((u32::from(value) * scale + 50) / 100).clamp(1, 255) as u16)
}

/// The quality whose table differs least, summed over all 64 values; of several the lowest.
fn nearest_quality(table: &[u16; 64]) -> u8 {
    let distance = |quality: u8| {
        scaled_luma_table(quality).iter().zip(table).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>()
    };
    (1..=100).min_by_key(|quality| distance(*quality)).unwrap_or(1)
}

fn read_webp(bytes: &[u8], facts: &mut FileFacts) {
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((header, after)) = rest.split_first_chunk::<8>() {
        let [kind @ .., a, b, c, d] = *header;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        let Some((data, after)) = after.split_at_checked(length) else { return };
        rest = after.get(length % 2..).unwrap_or_default();
        match &kind {
            b"VP8 " | b"ALPH" => facts.is_lossy_webp = true,
            b"ANMF" => facts.is_lossy_webp |= data.get(16..20) == Some(b"VP8 "),
            b"ICCP" => facts.color_profile = Some(format!("icc {}", short_hash([data]))),
            b"EXIF" => _ = facts.metadata.insert("exif"),
            b"XMP " => _ = facts.metadata.insert("xmp"),
            b"C2PA" => _ = facts.metadata.insert("c2pa"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use imgeval_core::Pixels;
    use imgeval_vision::image_file::encode;

    use super::*;
    use crate::alike::{Subsampling, encode_jpeg};

    fn picture() -> Pixels {
        let rgb = (0..32 * 24 * 3).map(|index| (index * 7 % 251) as u8).collect();
        Pixels::new(32, 24, rgb).unwrap()
    }

    #[test]
    fn a_jpeg_tells_quality_and_subsampling() {
        for quality in [1, 30, 50, 75, 85, 95, 100] {
            for (subsampling, name) in [(Subsampling::Half, "4:2:0"), (Subsampling::None, "4:4:4")] {
                let bytes = encode_jpeg(&picture(), quality, subsampling).unwrap();
                let jpeg = parse_file_facts(ImageFormat::Jpeg, &bytes).jpeg.unwrap();
                assert_eq!(
                    (jpeg.quality, jpeg.is_standard, jpeg.subsampling.as_str()),
                    (quality, true, name)
                );
            }
        }
    }

    #[test]
    fn tables_of_no_quality_are_told_apart() {
        let mut table = scaled_luma_table(80);
        table[5] += 1;
        assert_eq!(nearest_quality(&table), 80);
        assert_ne!(table, scaled_luma_table(80));
    }

    #[test]
    fn lossless_files_are_lossless() {
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            let facts = parse_file_facts(format, &encode(&picture(), format).unwrap());
            assert!(!facts.is_lossy() && facts.metadata.is_empty() && facts.color_profile.is_none());
            assert_eq!((facts.bit_depth, facts.channels), (8, "rgb"));
        }
    }

    #[test]
    fn metadata_and_profiles_are_found() {
        let mut png = encode(&picture(), ImageFormat::Png).unwrap();
        let chunk =
            |kind: &[u8], data: &[u8]| [&(data.len() as u32).to_be_bytes()[..], kind, data, &[0; 4]].concat();
        let extra =
            [chunk(b"iCCP", b"Display P3\0\0abc"), chunk(b"tEXt", b"a\0b"), chunk(b"eXIf", b"MM")].concat();
        png.splice(33..33, extra);
        let facts = parse_file_facts(ImageFormat::Png, &png);
        assert!(facts.color_profile.unwrap().starts_with("Display P3 "));
        assert_eq!(facts.metadata, BTreeSet::from(["exif", "text"]));

        let mut jpeg = encode_jpeg(&picture(), 90, Subsampling::None).unwrap();
        let segment = |marker: u8, data: &[u8]| {
            [&[0xFF, marker][..], &(data.len() as u16 + 2).to_be_bytes(), data].concat()
        };
        let extra =
            [segment(0xE1, b"Exif\0\0MM"), segment(0xE2, b"ICC_PROFILE\0\x01\x01xyz"), segment(0xFE, b"hi")];
        jpeg.splice(2..2, extra.concat());
        let facts = parse_file_facts(ImageFormat::Jpeg, &jpeg);
        assert_eq!(facts.metadata, BTreeSet::from(["comment", "exif"]));
        assert!(facts.color_profile.unwrap().starts_with("icc "));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes: Vec<u8>, cut in 0_usize..900) {
            for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
                proptest::prop_assert_eq!(parse_file_facts(format, &bytes).format, format);
            }
            let jpeg = encode_jpeg(&picture(), 90, Subsampling::Half).unwrap();
            proptest::prop_assert!(parse_file_facts(ImageFormat::Jpeg, &jpeg[..cut.min(jpeg.len())]).jpeg.is_some());
        }
    }
}
