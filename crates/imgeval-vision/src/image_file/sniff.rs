//! What a file is, judged by its first bytes.

use imgeval_core::ImageFormat;

/// What the first bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sniffed {
    Supported(ImageFormat),
    /// For people, such as `a GIF image`.
    Other(&'static str),
}

/// Signatures at the start of a file. Sources: the formats' specifications.
const SIGNATURES: &[(&[u8], Sniffed)] = &[
    (b"\x89PNG\r\n\x1a\n", Sniffed::Supported(ImageFormat::Png)),
    (b"\xff\xd8\xff", Sniffed::Supported(ImageFormat::Jpeg)),
    (b"GIF87a", Sniffed::Other("a GIF image")),
    (b"GIF89a", Sniffed::Other("a GIF image")),
    (b"BM", Sniffed::Other("a BMP image")),
    (b"II*\0", Sniffed::Other("a TIFF image")),
    (b"MM\0*", Sniffed::Other("a TIFF image")),
    (b"\0\0\x01\0", Sniffed::Other("a Windows icon")),
    (b"8BPS", Sniffed::Other("a Photoshop document")),
    (b"qoif", Sniffed::Other("a QOI image")),
    (b"\xff\x0a", Sniffed::Other("a JPEG XL image")),
    (b"\0\0\0\x0cJXL ", Sniffed::Other("a JPEG XL image")),
    (b"\0\0\0\x0cjP  ", Sniffed::Other("a JPEG 2000 image")),
    (b"\xff\x4f\xff\x51", Sniffed::Other("a JPEG 2000 image")),
    (b"\x76\x2f\x31\x01", Sniffed::Other("an OpenEXR image")),
    (b"%PDF-", Sniffed::Other("a PDF document")),
    (b"PK\x03\x04", Sniffed::Other("a ZIP archive")),
    (b"\x1f\x8b", Sniffed::Other("gzip data")),
    (b"version https://git-lfs", Sniffed::Other("a Git LFS pointer; fetch the file itself")),
];

pub(crate) fn sniff(bytes: &[u8]) -> Sniffed {
    if let Some((_, sniffed)) = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return *sniffed;
    }
    if bytes.starts_with(b"RIFF") {
        let is_webp = bytes.get(8..12) == Some(b"WEBP");
        return if is_webp { Sniffed::Supported(ImageFormat::WebP) } else { Sniffed::Other("a RIFF file") };
    }
    match (bytes.get(4..8), bytes.get(8..12)) {
        (Some(b"ftyp"), Some(b"avif" | b"avis")) => Sniffed::Other("an AVIF image"),
        (Some(b"ftyp"), Some(b"heic" | b"heix" | b"mif1" | b"msf1")) => Sniffed::Other("a HEIF image"),
        (Some(b"ftyp"), Some(_)) => Sniffed::Other("an MP4 file"),
        _ => Sniffed::Other(sniff_text(bytes)),
    }
}

fn sniff_text(bytes: &[u8]) -> &'static str {
    let head = &bytes[..bytes.len().min(512)];
    let text = head.trim_ascii_start().to_ascii_lowercase();
    if text.starts_with(b"<!doctype html") || text.starts_with(b"<html") {
        "an HTML page"
    } else if text.starts_with(b"<svg") {
        "an SVG drawing"
    } else if text.starts_with(b"<?xml") {
        "an XML document"
    } else if text.starts_with(b"{") || text.starts_with(b"[") {
        "JSON text"
    } else if head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        "plain text"
    } else {
        "unknown data"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_named() {
        let check = |bytes: &[u8], name: &'static str| assert_eq!(sniff(bytes), Sniffed::Other(name));
        check(b"GIF89a....", "a GIF image");
        check(b"RIFF\x10\0\0\0WAVE", "a RIFF file");
        check(b"\0\0\0\x1cftypavif....", "an AVIF image");
        check(b"  \n<!DOCTYPE HTML><title>404</title>", "an HTML page");
        check(b"{\"error\": \"no\"}", "JSON text");
        check(b"not found", "plain text");
        check(b"\x01\x02\x03", "unknown data");
    }

    #[test]
    fn supported_formats_are_known_by_their_bytes() {
        assert_eq!(sniff(b"\xff\xd8\xff\xe0"), Sniffed::Supported(ImageFormat::Jpeg));
        assert_eq!(sniff(b"RIFF\x10\0\0\0WEBPVP8 "), Sniffed::Supported(ImageFormat::WebP));
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n"), Sniffed::Supported(ImageFormat::Png));
    }
}
