//! PNG with every checksum of the image data verified, as libpng does it; other checksums concern no pixel.

use std::io::Cursor;

use png::{DecodeOptions, Decoder, DecodingError, Limits, Transformations};

/// A decoded PNG.
pub(super) struct Samples {
    /// Row by row, without padding; 16 bits are two bytes, the high one first.
    pub bytes: Vec<u8>,
    /// Gray, gray and alpha, RGB, or RGB and alpha.
    pub channels: usize,
    pub is_deep: bool,
    /// Whether the file holds gray without an alpha channel; a transparent level makes no channel in the file.
    pub is_gray: bool,
}

/// Why it gave no samples.
pub(super) enum Fault {
    Damaged(String),
    /// The system has not so many bytes.
    Memory(usize),
}

/// Decodes the first image to at least 8 bits a sample; palettes and transparent colors are expanded. Needs no more than
/// `max_bytes` beside the samples.
///
/// # Errors
/// If the image data are damaged, or their size is not `width` times `height`.
pub(super) fn decode(bytes: &[u8], width: u32, height: u32, max_bytes: u64) -> Result<Samples, Fault> {
    let damaged = |detail: &str| Fault::Damaged(detail.to_owned());
    let text = |error: DecodingError| Fault::Damaged(error.to_string());
    let mut options = DecodeOptions::default();
    options.set_ignore_adler32(false);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_limits(Limits { bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX) });
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(text)?;
    if (reader.info().width, reader.info().height) != (width, height) {
        return Err(damaged("the headers contradict each other"));
    }
    let is_gray = reader.info().color_type == png::ColorType::Grayscale;
    let length =
        reader.output_buffer_size().ok_or_else(|| damaged("more pixels than this machine can address"))?;
    let mut samples = Vec::new();
    samples.try_reserve_exact(length).map_err(|_| Fault::Memory(length))?;
    samples.resize(length, 0);
    let frame = reader.next_frame(&mut samples).map_err(text)?;
    if (frame.width, frame.height) != (width, height) {
        return Err(damaged("its first frame does not fill it"));
    }
    samples.truncate(frame.buffer_size());
    let is_deep = frame.bit_depth == png::BitDepth::Sixteen;
    Ok(Samples { bytes: samples, channels: frame.color_type.samples(), is_deep, is_gray })
}
