//! The first frame of a GIF on its screen, as OpenCV draws it: what the frame leaves open, or makes transparent, has the
//! screen's background color; or as Pillow does, for which transparent pixels are entries of the palette like others.

use std::io::Cursor;

use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};

use super::reader::Reading;

/// Why it gave no pixels.
pub(super) enum Fault {
    Damaged(DecodingError),
    /// The system has not so many bytes.
    Memory(usize),
}

impl From<DecodingError> for Fault {
    fn from(error: DecodingError) -> Self {
        Self::Damaged(error)
    }
}

/// The RGB bytes of the screen and whether something of it was transparent.
///
/// # Errors
/// If the first frame cannot be decoded within `max_bytes`.
pub(super) fn decode_first_frame(
    bytes: &[u8],
    max_bytes: u64,
    reading: Reading,
) -> Result<(Vec<u8>, bool), Fault> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.check_frame_consistency(true);
    options.set_memory_limit(match max_bytes.try_into() {
        Ok(limit) => MemoryLimit::Bytes(limit),
        Err(_) => MemoryLimit::Unlimited,
    });
    let mut decoder = options.read_info(Cursor::new(bytes))?;
    let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
    let global_palette = decoder.global_palette().map(<[u8]>::to_vec);
    let background =
        global_palette.as_deref().and_then(|palette| color(palette, decoder.bg_color()?)).unwrap_or_default();
    let length = 3 * width * height;
    let mut rgb = Vec::new();
    rgb.try_reserve_exact(length).map_err(|_| Fault::Memory(length))?;
    let Some(frame) = decoder.read_next_frame()? else {
        rgb.extend(background.iter().cycle().take(length));
        return Ok((rgb, false));
    };
    let palette = frame.palette.as_deref().or(global_palette.as_deref()).unwrap_or_default();
    let ground = match reading {
        Reading::OpenCv => background,
        // The transparent entry of the palette, or else the first.
        Reading::Pillow => color(palette, frame.transparent.map_or(0, usize::from)).unwrap_or_default(),
    };
    rgb.extend(ground.iter().cycle().take(length));
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let mut has_alpha = false;
    for (y, row) in frame.buffer.chunks_exact(usize::from(frame.width).max(1)).enumerate() {
        for (x, index) in row.iter().enumerate() {
            if frame.transparent == Some(*index) {
                has_alpha = true;
                if reading == Reading::OpenCv {
                    continue;
                }
            }
            let position = 3 * ((top + y) * width + left + x);
            if let (Some(pixel), Some(color)) =
                (rgb.get_mut(position..position + 3), color(palette, usize::from(*index)))
            {
                pixel.copy_from_slice(&color);
            }
        }
    }
    Ok((rgb, has_alpha))
}

fn color(palette: &[u8], index: usize) -> Option<[u8; 3]> {
    palette.get(3 * index..).and_then(<[u8]>::first_chunk).copied()
}
