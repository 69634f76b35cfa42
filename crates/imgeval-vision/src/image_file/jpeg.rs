//! JPEG through libjpeg-turbo's decoder, which OpenCV uses too, so that pixels are the same to the last bit.
//!
//! The decoder is mozjpeg's copy of it, compiled from C. It reports a fatal error by unwinding and a damaged file by a
//! warning after which it goes on with made-up values; both end the decoding here and become a [`Fault`].

use std::{io, panic, ptr};

use mozjpeg::{ColorSpace, Decompress, decompress::DecompressStarted};
use mozjpeg_sys::{
    J_MESSAGE_CODE, JERR_BAD_PRECISION, JERR_CONVERSION_NOTIMPL, JERR_EMPTY_IMAGE, JERR_OUT_OF_MEMORY,
    JERR_SOF_UNSUPPORTED, JWRN_HIT_MARKER, JWRN_HUFF_BAD_CODE, JWRN_MUST_RESYNC, jpeg_common_struct,
    jpeg_error_mgr,
};

use super::reader::Reading;

/// Missing in mozjpeg-sys, which numbers the messages as in a build without arithmetic decoding. Source: libjpeg-turbo,
/// `jerror.h`.
const JWRN_ARITH_BAD_CODE: J_MESSAGE_CODE = 126;

/// Why the decoder gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("damaged image data")]
    Damaged,
    #[error("the image has {0} color components, which cannot be converted to RGB")]
    Components(usize),
    #[error("{0}")]
    Unsupported(&'static str),
    #[error("not enough memory for the decoder")]
    Memory,
    /// The number is libjpeg's.
    #[error("the decoder rejects it (libjpeg error {0})")]
    Other(i32),
}

/// Decodes a whole file to the RGB bytes of `width` times `height` pixels, as they are stored.
///
/// # Errors
/// If the file is damaged, of a kind that the decoder does not know, or of another size.
pub(super) fn decode(bytes: &[u8], width: u32, height: u32, reading: Reading) -> Result<Vec<u8>, Fault> {
    panic::catch_unwind(|| decode_or_unwind(bytes, width, height, reading))
        .unwrap_or_else(|payload| Err(payload.downcast_ref().copied().unwrap_or(Fault::Other(0))))
}

fn decode_or_unwind(bytes: &[u8], width: u32, height: u32, reading: Reading) -> Result<Vec<u8>, Fault> {
    let damaged = |_: io::Error| Fault::Damaged;
    let decoder = Decompress::with_err(error_manager()).from_mem(bytes).map_err(damaged)?;
    if usize::try_from(width) != Ok(decoder.width()) || usize::try_from(height) != Ok(decoder.height()) {
        return Err(Fault::Damaged);
    }
    match decoder.components().len() {
        1 | 3 => read(decoder.to_colorspace(ColorSpace::JCS_RGB).map_err(damaged)?),
        // The decoder turns YCCK into CMYK and leaves the last step to its caller.
        4 => {
            let samples = read(decoder.to_colorspace(ColorSpace::JCS_CMYK).map_err(damaged)?)?;
            Ok(match reading {
                Reading::OpenCv => cmyk_to_rgb(samples, opencv_ink),
                Reading::Pillow => cmyk_to_rgb(samples, pillow_ink),
            })
        }
        other => Err(Fault::Components(other)),
    }
}

fn read(mut started: DecompressStarted<&[u8]>) -> Result<Vec<u8>, Fault> {
    let length = started.min_flat_buffer_size();
    let mut samples = Vec::new();
    samples.try_reserve_exact(length).map_err(|_| Fault::Memory)?;
    samples.resize(length, 0);
    let read = started.read_scanlines_into(&mut samples).map_err(|_| Fault::Damaged)?.len();
    if read == length { Ok(samples) } else { Err(Fault::Damaged) }
}

/// How much of the light `k` is taken away by ink of which 255 is none, in OpenCV: at most `k`.
fn opencv_ink(ink: i32, k: i32) -> i32 {
    ((255 - ink) * k) >> 8
}

/// The same in Pillow, which divides by 255 and rounds to the nearest (`MULDIV255`).
fn pillow_ink(ink: i32, k: i32) -> i32 {
    let product = (255 - ink) * k + 128;
    ((product >> 8) + product) >> 8
}

/// Adobe stores ink inverted, so that 255 is none. Both libraries read files without Adobe's marker the same way.
fn cmyk_to_rgb(mut samples: Vec<u8>, taken: impl Fn(i32, i32) -> i32) -> Vec<u8> {
    let count = samples.len() / 4;
    for index in 0..count {
        let [c, m, y, k] = [0, 1, 2, 3].map(|channel| i32::from(samples[4 * index + channel]));
        for (channel, ink) in [c, m, y].into_iter().enumerate() {
            // Within 0 to k, since at most k is taken away.
            samples[3 * index + channel] = (k - taken(ink, k)) as u8;
        }
    }
    samples.truncate(3 * count);
    samples
}

/// Hooks that the decoder calls with its errors and warnings; nothing is printed.
fn error_manager() -> jpeg_error_mgr {
    jpeg_error_mgr {
        error_exit: Some(on_error),
        emit_message: Some(on_message),
        output_message: Some(ignore),
        format_message: None,
        reset_error_mgr: Some(ignore),
        msg_code: 0,
        msg_parm: Default::default(),
        trace_level: 0,
        num_warnings: 0,
        jpeg_message_table: ptr::null(),
        last_jpeg_message: 0,
        addon_message_table: ptr::null(),
        first_addon_message: 0,
        last_addon_message: 0,
    }
}

extern "C-unwind" fn ignore(_: &mut jpeg_common_struct) {}

extern "C-unwind" fn on_error(decoder: &mut jpeg_common_struct) {
    let fault = match message_code(decoder) {
        JERR_EMPTY_IMAGE => Fault::Unsupported("the header states no height or width"),
        JERR_BAD_PRECISION => Fault::Unsupported("samples that are not 8 bits"),
        JERR_SOF_UNSUPPORTED => Fault::Unsupported("a lossless or hierarchical JPEG"),
        JERR_CONVERSION_NOTIMPL => Fault::Unsupported("a color space that cannot be converted to RGB"),
        JERR_OUT_OF_MEMORY => Fault::Memory,
        code => Fault::Other(code),
    };
    // Without the panic hook, which would print.
    panic::resume_unwind(Box::new(fault));
}

/// Warnings have the level -1. Those about bytes between segments or odd headers change no pixel; the others mean that
/// image data are missing or wrong, and the decoder would fill in gray.
extern "C-unwind" fn on_message(decoder: &mut jpeg_common_struct, level: i32) {
    let is_damage = || {
        matches!(
            message_code(decoder),
            JWRN_HIT_MARKER | JWRN_HUFF_BAD_CODE | JWRN_ARITH_BAD_CODE | JWRN_MUST_RESYNC
        )
    };
    if level < 0 && is_damage() {
        panic::resume_unwind(Box::new(Fault::Damaged));
    }
}

fn message_code(decoder: &jpeg_common_struct) -> J_MESSAGE_CODE {
    #[expect(unsafe_code, reason = "the decoder gives its error manager as a pointer only")]
    // SAFETY: the decoder calls the two hooks with its own structure, whose `err` points to the manager that
    // `Decompress` boxed and keeps until after the decoder is destroyed. The manager is only read, and nobody else
    // uses it while a hook runs, because the decoder belongs to one thread.
    let code = unsafe { (*decoder.err).msg_code };
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_becomes_rgb_as_opencv_computes_it() {
        // Reference: scripts/reference/image_files.py, cmyk.jpg, and the formula by hand.
        assert_eq!(cmyk_to_rgb(vec![255, 255, 255, 255], opencv_ink), [255, 255, 255]);
        assert_eq!(cmyk_to_rgb(vec![0, 128, 255, 200, 10, 20, 30, 0], opencv_ink), [1, 101, 200, 0, 0, 0]);
    }

    #[test]
    fn what_is_no_jpeg_is_refused_without_a_panic() {
        for bytes in [&b""[..], b"\xff\xd8", b"\xff\xd8\xff\xd9", b"GIF89a"] {
            assert!(decode(bytes, 1, 1, Reading::OpenCv).is_err());
        }
    }
}
