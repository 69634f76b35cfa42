//! What a file says about itself, found by walking its chunks or segments. Nothing is decoded or allocated here, so
//! hostile headers cost nothing.
//!
//! Sources: PNG specification (third edition), chunks and APNG; JPEG: ITU-T T.81, annex B; WebP: RFC 9649.

use imgeval_core::ImageFormat;

/// The walk's findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// As stored, before any EXIF rotation.
    pub width: u32,
    pub height: u32,
    pub is_animated: bool,
    pub is_cmyk: bool,
}

/// Why a file's structure does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    Truncated,
    NoSize,
    /// A palette that is no list of RGB triples.
    BadPalette,
}

/// Walks the whole file.
pub(crate) fn walk(format: ImageFormat, bytes: &[u8]) -> Result<Facts, Flaw> {
    match format {
        ImageFormat::Png => walk_png(bytes),
        ImageFormat::Jpeg => walk_jpeg(bytes),
        ImageFormat::WebP => walk_webp(bytes),
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
        cursor.take(4)?; // checksum; the decoder verifies it
        match &kind {
            b"IHDR" if !has_header => {
                facts.width = u32::from_be_bytes(data.take_array()?);
                facts.height = u32::from_be_bytes(data.take_array()?);
                has_header = true;
            }
            b"PLTE" if !data_length.is_multiple_of(3) => return Err(Flaw::BadPalette),
            b"acTL" => facts.is_animated = u32::from_be_bytes(data.take_array()?) > 1,
            b"IEND" => return if has_header { Ok(facts) } else { Err(Flaw::NoSize) },
            _ => {}
        }
    }
}

/// From the start of image to the end of image marker. Lengths of segments are trusted, so that a thumbnail inside
/// one is not taken for the image.
fn walk_jpeg(bytes: &[u8]) -> Result<Facts, Flaw> {
    const START_OF_SCAN: u8 = 0xDA;
    const END_OF_IMAGE: u8 = 0xD9;

    let mut cursor = Cursor(bytes);
    cursor.take(2)?;
    let mut facts = Facts::default();
    let mut has_frame = false;
    loop {
        let marker = next_marker(&mut cursor)?;
        match marker {
            // Markers without a segment: temporary, restarts, start of image.
            0x01 | 0xD0..=0xD8 => continue,
            END_OF_IMAGE => return if has_frame { Ok(facts) } else { Err(Flaw::NoSize) },
            _ => {}
        }
        let segment_length = usize::from(u16::from_be_bytes(cursor.take_array()?));
        let mut segment = Cursor(cursor.take(segment_length.saturating_sub(2))?);
        // Starts of frame; the three gaps are tables and reserved markers.
        if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) && !has_frame {
            segment.take(1)?; // precision
            facts.height = u16::from_be_bytes(segment.take_array()?).into();
            facts.width = u16::from_be_bytes(segment.take_array()?).into();
            facts.is_cmyk = segment.take(1)? == [4];
            has_frame = true;
        }
        if marker == START_OF_SCAN {
            skip_entropy_coded_data(&mut cursor);
        }
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
    let mut frames = 0;
    while cursor.0.len() >= 8 {
        let kind = cursor.take_array::<4>()?;
        let data_length = length(u32::from_le_bytes(cursor.take_array()?));
        let mut data = Cursor(cursor.take(data_length)?);
        if data_length % 2 == 1 && !cursor.0.is_empty() {
            cursor.take(1)?; // padding
        }
        match &kind {
            b"ANMF" => frames += 1,
            b"VP8X" | b"VP8 " | b"VP8L" if !has_size => {
                (facts.width, facts.height) = webp_size(kind, &mut data)?;
                has_size = true;
            }
            _ => {}
        }
    }
    facts.is_animated = frames > 1;
    if has_size { Ok(facts) } else { Err(Flaw::NoSize) }
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
