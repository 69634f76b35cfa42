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
    (b"GIF87a", Sniffed::Supported(ImageFormat::Gif)),
    (b"GIF89a", Sniffed::Supported(ImageFormat::Gif)),
    (b"BM", Sniffed::Supported(ImageFormat::Bmp)),
    (b"II*\0", Sniffed::Supported(ImageFormat::Tiff)),
    (b"MM\0*", Sniffed::Supported(ImageFormat::Tiff)),
    (b"II+\0", Sniffed::Other("a BigTIFF image")),
    (b"MM\0+", Sniffed::Other("a BigTIFF image")),
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
    if bytes.get(4..8) == Some(b"ftyp") {
        return Sniffed::Other(sniff_brands(bytes));
    }
    match bytes {
        [b'P', b'1'..=b'6', b' ' | b'\t' | b'\r' | b'\n' | b'#', ..] => Sniffed::Supported(ImageFormat::Pnm),
        _ => Sniffed::Other(sniff_text(bytes)),
    }
}

/// What the brands of an ISO media file stand for. Sources: ISO/IEC 14496-12, 4.3; ISO/IEC 23008-12, annex B; AVIF 1.1,
/// section 6; the registry at mp4ra.org.
fn sniff_brands(bytes: &[u8]) -> &'static str {
    let length = bytes.first_chunk().map_or(0, |length| u32::from_be_bytes(*length));
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
    // The major brand, the minor version, then the compatible brands, such as `avif` in a file of major brand `mif1`.
    let mut brands = bytes.get(8..length.max(12)).unwrap_or_default().chunks_exact(4);
    let brands: Vec<&[u8]> =
        brands.by_ref().enumerate().filter(|(index, _)| *index != 1).map(|(_, brand)| brand).collect();
    let names = |known: &[&[u8]]| brands.iter().any(|brand| known.contains(brand));
    if names(&[b"avif", b"avis"]) {
        "an AVIF image"
    } else if names(&[
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"miaf",
    ]) {
        "a HEIF image"
    } else if names(&[b"crx "]) {
        "a Canon raw photo"
    } else {
        "an MP4 file"
    }
}

fn sniff_text(bytes: &[u8]) -> &'static str {
    let head = &bytes[..bytes.len().min(512)];
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = head.trim_ascii_start().to_ascii_lowercase();
    if text.starts_with(b"<!doctype html") || text.starts_with(b"<html") {
        "an HTML page"
    } else if text.starts_with(b"<svg") {
        "an SVG drawing"
    } else if text.starts_with(b"<?xml") {
        "an XML document"
    } else if text.starts_with(b"{") || text.starts_with(b"[") {
        "JSON text"
    } else if text.starts_with(b"data:") {
        "a data URL; decode it first"
    } else if is_base64(head) {
        "Base64 text; decode it first"
    } else if head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        "plain text"
    } else {
        "unknown data"
    }
}

/// Long lines of nothing but Base64's letters; short ones may be words.
fn is_base64(head: &[u8]) -> bool {
    let line = head.trim_ascii_start();
    let line = line.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    line.len() >= 60 && line.iter().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_named() {
        let check = |bytes: &[u8], name: &'static str| assert_eq!(sniff(bytes), Sniffed::Other(name));
        check(b"\xff\x0a....", "a JPEG XL image");
        check(b"RIFF\x10\0\0\0WAVE", "a RIFF file");
        check(b"\0\0\0\x1cftypavif....", "an AVIF image");
        check(b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1miaf", "an AVIF image");
        check(b"\0\0\0\x18ftypmif1\0\0\0\0heicmif1", "a HEIF image");
        check(b"\0\0\0\x18ftypheim\0\0\0\0", "a HEIF image");
        check(b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "a Canon raw photo");
        check(b"\0\0\0\x18ftypisom\0\0\0\0mp41", "an MP4 file");
        check(b"II+\0\x08\0\0\0", "a BigTIFF image");
        check(b"  \n<!DOCTYPE HTML><title>404</title>", "an HTML page");
        check(b"\xef\xbb\xbf<html>", "an HTML page");
        check(b"data:image/png;base64,iVBORw0KGgo", "a data URL; decode it first");
        check(&[b'A'; 80], "Base64 text; decode it first");
        check(b"{\"error\": \"no\"}", "JSON text");
        check(b"not found", "plain text");
        check(b"\x01\x02\x03", "unknown data");
    }

    #[test]
    fn supported_formats_are_known_by_their_bytes() {
        assert_eq!(sniff(b"\xff\xd8\xff\xe0"), Sniffed::Supported(ImageFormat::Jpeg));
        assert_eq!(sniff(b"RIFF\x10\0\0\0WEBPVP8 "), Sniffed::Supported(ImageFormat::WebP));
        assert_eq!(sniff(b"GIF87a"), Sniffed::Supported(ImageFormat::Gif));
        assert_eq!(sniff(b"BM\x36"), Sniffed::Supported(ImageFormat::Bmp));
        assert_eq!(sniff(b"MM\0*"), Sniffed::Supported(ImageFormat::Tiff));
        assert_eq!(sniff(b"P6\n2 1 255\n"), Sniffed::Supported(ImageFormat::Pnm));
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n"), Sniffed::Supported(ImageFormat::Png));
    }
}
