//! What a file says about itself, found by walking its chunks or segments. Nothing is decoded here and hardly anything
//! allocated, so hostile headers cost nothing.
//!
//! Sources: PNG specification (third edition), chunks and APNG; JPEG: ITU-T T.81, annex B; WebP: RFC 9649; GIF: GIF89a
//! specification.

use imgeval_core::ImageFormat;

use super::{exif, need::per_pixel, scans::Scans};

/// The walk's findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// As stored, before any EXIF rotation.
    pub width: u32,
    pub height: u32,
    pub is_animated: bool,
    pub is_cmyk: bool,
    /// The value of the first orientation tag.
    pub orientation: Option<u16>,
    /// What decoding and conversion take at most for each pixel.
    pub bytes_per_pixel: u64,
    /// Where the decoder works on more pixels than the image has: of blocks, or of a frame that claims to be larger.
    pub decoded_pixels: u64,
    /// The same for a line.
    pub line_pixels: u64,
}

/// Why a file's structure does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    Truncated,
    NoSize,
    /// A palette that is no list of RGB triples.
    BadPalette,
    /// A JPEG of so many scans that it was made to waste time.
    TooManyScans,
}

/// Walks the whole file. `None` for the formats whose decoders are asked for the size instead.
pub(crate) fn walk(format: ImageFormat, bytes: &[u8]) -> Result<Option<Facts>, Flaw> {
    match format {
        ImageFormat::Png => walk_png(bytes).map(Some),
        ImageFormat::Jpeg => walk_jpeg(bytes).map(Some),
        ImageFormat::WebP => walk_webp(bytes).map(Some),
        ImageFormat::Gif => walk_gif(bytes).map(Some),
        ImageFormat::Bmp | ImageFormat::Pnm | ImageFormat::Tiff => Ok(None),
    }
}

/// Reads forward through bytes; running out of them means that the file is truncated.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Flaw::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Flaw::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }
}

fn length(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The first chunk must be IHDR, the last IEND; what follows is ignored.
fn walk_png(bytes: &[u8]) -> Result<Facts, Flaw> {
    let mut cursor = Cursor(bytes);
    cursor.take(8)?;
    let mut facts = Facts::default();
    let mut has_header = false;
    loop {
        let data_length = length(u32::from_be_bytes(cursor.take_array()?));
        let kind = cursor.take_array::<4>()?;
        let mut data = Cursor(cursor.take(data_length)?);
        let checksum = u32::from_be_bytes(cursor.take_array()?);
        match &kind {
            b"IHDR" if !has_header => {
                facts.width = u32::from_be_bytes(data.take_array()?);
                facts.height = u32::from_be_bytes(data.take_array()?);
                let [bit_depth, color_type] = data.take_array()?;
                facts.bytes_per_pixel = per_pixel::png(color_type, bit_depth, true);
                has_header = true;
            }
            b"PLTE" if !data_length.is_multiple_of(3) => return Err(Flaw::BadPalette),
            // The decoder verifies the sums of what it reads; libpng passes over an optional chunk of another sum.
            b"eXIf" if facts.orientation.is_none() && png_checksum(kind, data.0) == checksum => {
                facts.orientation = exif::orientation_value(data.0);
            }
            b"acTL" => facts.is_animated = u32::from_be_bytes(data.take_array()?) > 1,
            b"IEND" => return if has_header { Ok(facts) } else { Err(Flaw::NoSize) },
            _ => {}
        }
    }
}

fn png_checksum(kind: [u8; 4], data: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(&kind);
    sum.update(data);
    sum.sum()
}

/// From the start of image to the end of image marker. Lengths of segments are trusted, so that a thumbnail inside
/// one is not taken for the image. A file without the last marker is whole if its scans hold the whole image.
fn walk_jpeg(bytes: &[u8]) -> Result<Facts, Flaw> {
    const START_OF_SCAN: u8 = 0xDA;
    const END_OF_IMAGE: u8 = 0xD9;
    const APP1: u8 = 0xE1;

    let mut cursor = Cursor(bytes);
    cursor.take(2)?;
    let mut facts = Facts::default();
    let mut scans: Option<Scans> = None;
    loop {
        let marker = match next_marker(&mut cursor) {
            Ok(marker) => marker,
            Err(_) if scans.as_ref().is_some_and(Scans::are_complete) => return Ok(with_need(facts, scans)),
            Err(flaw) => return Err(flaw),
        };
        match marker {
            // Markers without a segment: temporary, restarts, start of image.
            0x01 | 0xD0..=0xD8 => continue,
            END_OF_IMAGE if scans.is_none() => return Err(Flaw::NoSize),
            END_OF_IMAGE => return Ok(with_need(facts, scans)),
            _ => {}
        }
        let segment_length = usize::from(u16::from_be_bytes(cursor.take_array()?));
        let mut segment = Cursor(cursor.take(segment_length.saturating_sub(2))?);
        // Starts of frame; the three gaps are tables and reserved markers.
        if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) && scans.is_none() {
            segment.take(1)?; // precision
            facts.height = u16::from_be_bytes(segment.take_array()?).into();
            facts.width = u16::from_be_bytes(segment.take_array()?).into();
            let [component_count] = segment.take_array()?;
            facts.is_cmyk = component_count == 4;
            scans = Some(Scans::new(marker, segment.0));
        } else if marker == START_OF_SCAN {
            if let Some(scans) = &mut scans {
                scans.add(segment.0);
                if scans.are_too_many() {
                    return Err(Flaw::TooManyScans);
                }
            }
            skip_entropy_coded_data(&mut cursor);
        } else if marker == APP1 && scans.as_ref().is_none_or(Scans::are_none) && facts.orientation.is_none()
        {
            facts.orientation = segment.0.strip_prefix(b"Exif\0\0").and_then(exif::orientation_value);
        }
    }
}

/// A decoder fills whole blocks of up to 32 pixels, and keeps some lines of them.
fn with_need(facts: Facts, scans: Option<Scans>) -> Facts {
    const BLOCK: u64 = 32;
    let (n_components, has_several) =
        scans.map_or((3, true), |scans| (scans.n_components(), scans.are_several()));
    let [width, height] = [facts.width, facts.height].map(|side| u64::from(side).next_multiple_of(BLOCK));
    Facts {
        bytes_per_pixel: per_pixel::jpeg(n_components, has_several),
        decoded_pixels: width * height,
        line_pixels: BLOCK * width,
        ..facts
    }
}

/// Skips to the next marker and returns its code. Bytes before it that are no marker are passed over, as decoders do.
fn next_marker(cursor: &mut Cursor<'_>) -> Result<u8, Flaw> {
    loop {
        while cursor.take(1)? != [0xFF] {}
        let mut code = cursor.take(1)?[0];
        while code == 0xFF {
            code = cursor.take(1)?[0];
        }
        if code != 0 {
            return Ok(code);
        }
    }
}

/// Leaves the cursor before the first marker that is neither a stuffed zero nor a restart, or at the end.
fn skip_entropy_coded_data(cursor: &mut Cursor<'_>) {
    let end =
        cursor.0.windows(2).position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7 | 0xFF));
    cursor.0 = &cursor.0[end.unwrap_or(cursor.0.len())..];
}

const WEBP_EXIF_FLAG: u8 = 0x08;

/// The RIFF header states the length of everything. The canvas size is in VP8X if there is one, otherwise in the
/// bitstream's own header.
fn walk_webp(bytes: &[u8]) -> Result<Facts, Flaw> {
    let mut cursor = Cursor(bytes);
    cursor.take(4)?;
    let riff_length = length(u32::from_le_bytes(cursor.take_array()?));
    let mut cursor = Cursor(cursor.take(riff_length)?);
    cursor.take(4)?;
    let mut facts = Facts::default();
    let mut has_size = false;
    let mut has_exif = false;
    let mut frames = 0;
    while cursor.0.len() >= 8 {
        let kind = cursor.take_array::<4>()?;
        let data_length = length(u32::from_le_bytes(cursor.take_array()?));
        let mut data = Cursor(cursor.take(data_length)?);
        if data_length % 2 == 1 && !cursor.0.is_empty() {
            cursor.take(1)?; // padding
        }
        let frame = webp_frame_size(kind, data.0);
        facts.decoded_pixels = facts.decoded_pixels.max(frame[0] * frame[1]);
        facts.line_pixels = facts.line_pixels.max(frame[0]);
        match &kind {
            b"ANMF" => frames += 1,
            // Some writers keep JPEG's prefix.
            b"EXIF" if has_exif && facts.orientation.is_none() => {
                let tiff = data.0.strip_prefix(b"Exif\0\0").unwrap_or(data.0);
                facts.orientation = exif::orientation_value(tiff);
            }
            b"VP8X" | b"VP8 " | b"VP8L" if !has_size => {
                has_exif =
                    kind == *b"VP8X" && data.0.first().is_some_and(|flags| flags & WEBP_EXIF_FLAG != 0);
                (facts.width, facts.height) = webp_size(kind, &mut data)?;
                has_size = true;
            }
            _ => {}
        }
    }
    facts.is_animated = frames > 1;
    facts.bytes_per_pixel = if frames > 0 { per_pixel::ANIMATED_WEBP } else { per_pixel::WEBP };
    if has_size { Ok(facts) } else { Err(Flaw::NoSize) }
}

/// Width and height that the decoder may make room for, before it finds out that they are not the canvas's.
fn webp_frame_size(kind: [u8; 4], data: &[u8]) -> [u64; 2] {
    const FRAME_HEADER: usize = 16;
    let of_bitstream = |kind: [u8; 4], data: &[u8]| match &kind {
        b"VP8 " | b"VP8L" => webp_size(kind, &mut Cursor(data)).unwrap_or_default(),
        _ => (0, 0),
    };
    let mut size = of_bitstream(kind, data);
    let mut cursor =
        Cursor(if kind == *b"ANMF" { data.get(FRAME_HEADER..).unwrap_or_default() } else { &[] });
    while let (Ok(kind), Ok(bytes)) = (cursor.take_array::<4>(), cursor.take_array().map(u32::from_le_bytes))
    {
        let Ok(data) = cursor.take(length(bytes)) else { break };
        let frame = of_bitstream(kind, data);
        size = (size.0.max(frame.0), size.1.max(frame.1));
        cursor.take(length(bytes) % 2).ok();
    }
    [size.0, size.1].map(u64::from)
}

fn webp_size(kind: [u8; 4], data: &mut Cursor<'_>) -> Result<(u32, u32), Flaw> {
    match &kind {
        b"VP8X" => {
            data.take(4)?; // flags
            let [x0, x1, x2, y0, y1, y2] = data.take_array()?;
            Ok((u32::from_le_bytes([x0, x1, x2, 0]) + 1, u32::from_le_bytes([y0, y1, y2, 0]) + 1))
        }
        b"VP8L" => {
            data.take(1)?; // signature
            let packed = u32::from_le_bytes(data.take_array()?);
            Ok(((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1))
        }
        _ => {
            data.take(6)?; // frame tag and start code
            let width = u16::from_le_bytes(data.take_array()?) & 0x3FFF;
            let height = u16::from_le_bytes(data.take_array()?) & 0x3FFF;
            Ok((width.into(), height.into()))
        }
    }
}

/// From the header to the trailer. The size is the screen's, on which frames are drawn.
fn walk_gif(bytes: &[u8]) -> Result<Facts, Flaw> {
    const EXTENSION: u8 = 0x21;
    const IMAGE: u8 = 0x2C;
    const TRAILER: u8 = 0x3B;

    let mut cursor = Cursor(bytes);
    cursor.take(6)?;
    let mut facts = Facts {
        width: u16::from_le_bytes(cursor.take_array()?).into(),
        height: u16::from_le_bytes(cursor.take_array()?).into(),
        ..Facts::default()
    };
    let [flags, ..] = cursor.take_array::<3>()?;
    cursor.take(color_table_length(flags))?;
    let mut frames = 0;
    loop {
        match cursor.take_array()? {
            [EXTENSION] => {
                cursor.take(1)?; // label
            }
            [IMAGE] => {
                frames += 1;
                let [.., flags] = cursor.take_array::<9>()?;
                cursor.take(color_table_length(flags) + 1)?; // with the code size
            }
            [TRAILER] => {
                facts.is_animated = frames > 1;
                facts.bytes_per_pixel = per_pixel::GIF;
                return if frames > 0 { Ok(facts) } else { Err(Flaw::NoSize) };
            }
            // Some writers pad between blocks; decoders pass it over.
            _ => continue,
        }
        loop {
            let [block_length] = cursor.take_array()?;
            if block_length == 0 {
                break;
            }
            cursor.take(block_length.into())?;
        }
    }
}

/// In bytes; none where the flag for a table is not set.
fn color_table_length(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}
