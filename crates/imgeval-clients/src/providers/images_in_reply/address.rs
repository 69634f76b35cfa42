//! An image as a string: base64, a data URL, or an address.

use std::borrow::Cow;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use imgeval_core::{Failure, FailureKind};
use percent_encoding::percent_decode;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// As much base64 as tells the kind of a file.
const START_CHARS: usize = 24;

/// So long is no id that could be base64.
const MIN_UNKNOWN_CHARS: usize = 128;

const EXTENSIONS: [&str; 13] = [
    ".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".heic", ".heif", ".bmp", ".tif", ".tiff", ".jxl",
    ".jfif",
];

/// More prefixes than this are no accident.
const MAX_PREFIXES: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImageSource<'a> {
    /// Base64, perhaps with a `data:` prefix.
    Base64(&'a str),
    /// Where the image lies, perhaps relative to the base URL.
    Url(&'a str),
}

impl<'a> ImageSource<'a> {
    /// The string itself.
    pub(super) fn text(self) -> &'a str {
        match self {
            Self::Base64(text) | Self::Url(text) => text,
        }
    }

    /// What a field means that holds an address: an absolute or relative one, a data URL, or the image itself after all.
    pub(super) fn of_address(text: &'a str) -> Option<Self> {
        let text = unquoted(text);
        if text.is_empty() {
            None
        } else if starts_with(text, "data:") || is_known_base64(text) {
            Self::of_base64(text)
        } else {
            let is_relative = !text.contains(char::is_whitespace);
            (is_absolute(text) || is_relative).then_some(Self::Url(text))
        }
    }

    /// The meaning of a bare string in a place for images, which could also be text or an id.
    pub(super) fn of_string(text: &'a str) -> Option<Self> {
        let bare = unquoted(text);
        let is_relative = bare.starts_with('/') || has_image_name(bare);
        match Self::of_address(bare)? {
            Self::Url(url) if is_absolute(url) || is_relative => Some(Self::Url(url)),
            Self::Url(encoded) if encoded.len() >= MIN_UNKNOWN_CHARS => Self::of_base64(encoded),
            Self::Url(_) => None,
            encoded @ Self::Base64(_) => Some(encoded),
        }
    }

    /// What a field means that holds base64, or an address after all.
    pub(super) fn of_base64(text: &'a str) -> Option<Self> {
        let text = unquoted(text);
        if is_absolute(text) {
            return Some(Self::Url(text));
        }
        let (media_type, encoded) = split_prefixes(text);
        let may_be_image = media_type.is_empty()
            || starts_with(media_type, "image/")
            || starts_with(media_type, "application/octet-stream")
            || is_known_base64(encoded);
        (may_be_image && is_plausible(encoded)).then_some(Self::Base64(text))
    }
}

/// Without blanks and the signs around it that writers of text put there, such as quotes or Python's `b'...'`.
pub(super) fn unquoted(text: &str) -> &str {
    let mut text = text.trim();
    if let Some(inner) =
        text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).filter(|_| text.contains('/'))
    {
        text = inner.trim();
    }
    for (start, end) in [("`", "`"), ("b'", "'"), ("\"", "\""), ("'", "'")] {
        if let Some(inner) = text.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)) {
            text = inner.trim();
        }
    }
    text
}

/// Whether `text` starts with `prefix`, which is ASCII, whatever the case of its letters.
pub(super) fn starts_with(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

pub(super) fn is_absolute(address: &str) -> bool {
    starts_with(address, "http://") || starts_with(address, "https://")
}

/// Whether the last part of the path ends as images do.
pub(super) fn has_image_name(address: &str) -> bool {
    let path =
        address.split(['?', '#']).next().unwrap_or(address).trim_end_matches(['.', ',', ';', '!', '*']);
    let path = path.to_ascii_lowercase();
    EXTENSIONS.iter().any(|extension| path.ends_with(extension))
}

/// Splits a data URL into its media type, if it has a prefix, and what follows all of its prefixes.
fn split_prefixes(text: &str) -> (&str, &str) {
    let (mut media_type, mut rest) = ("", text);
    for _ in 0..MAX_PREFIXES {
        if !starts_with(rest, "data:") {
            break;
        }
        let Some((head, encoded)) = rest.split_once(',') else { break };
        (media_type, rest) = (&head["data:".len()..], encoded.trim_start());
    }
    (media_type, rest)
}

/// Whether the beginning could be base64, perhaps in the alphabet for URLs or percent-encoded.
fn is_plausible(encoded: &str) -> bool {
    let mut start = encoded.bytes().filter(|byte| !byte.is_ascii_whitespace()).take(START_CHARS).peekable();
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_%\\".contains(&byte);
    start.peek().is_some() && start.all(is_one)
}

/// Whether base64 decodes to the beginning of an image. Signatures from the formats' specifications.
pub(super) fn is_known_base64(text: &str) -> bool {
    let start: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).take(START_CHARS).collect();
    if start.len() < START_CHARS || !is_plausible(text) {
        return false;
    }
    let Ok(bytes) = LENIENT.decode(in_standard_alphabet(&start)) else { return false };
    let known: [&[u8]; 10] = [
        b"\x89PNG\r\n",
        b"\xff\xd8\xff",
        b"GIF8",
        b"II*\0",
        b"MM\0*",
        b"\xff\x0a",
        b"\0\0\0\x0cJXL ",
        b"\0\0\0\x0cjP  ",
        b"qoif",
        b"<svg ",
    ];
    known.iter().any(|signature| bytes.starts_with(signature))
        || (bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"))
        || bytes.get(4..8) == Some(b"ftyp")
        || (bytes.starts_with(b"BM") && bytes.get(6..10) == Some(&[0; 4]))
}

/// Decodes base64: with or without padding, line ends or prefixes, in either alphabet, perhaps percent-encoded.
///
/// # Errors
/// With [`FailureKind::NotAnImage`] if it is no base64, with [`FailureKind::EmptyReply`] if there is nothing in it.
pub(crate) fn decode_image(text: &str) -> Result<Vec<u8>, Failure> {
    let (media_type, encoded) = split_prefixes(unquoted(text));
    let is_base64 = media_type.is_empty() || media_type.to_ascii_lowercase().ends_with("base64");
    let decoded = if is_base64 {
        // Nearly all of it is plain and is read only once.
        LENIENT.decode(encoded).or_else(|_| {
            let encoded = with_plus_signs(encoded);
            LENIENT.decode(in_standard_alphabet(&plain(&encoded)))
        })
    } else {
        Ok(percent_decode(encoded.as_bytes()).collect())
    };
    let bytes = decoded.map_err(|error| Failure {
        kind: FailureKind::NotAnImage,
        detail: format!("the image in the reply is not base64: {error}"),
    })?;
    if bytes.is_empty() {
        let detail = "the image in the reply is empty".to_owned();
        return Err(Failure { kind: FailureKind::EmptyReply, detail });
    }
    Ok(bytes)
}

/// With the plus signs that were taken for blanks, as in forms. Blanks that part lines of one length are not such.
fn with_plus_signs(encoded: &str) -> Cow<'_, str> {
    let encoded = encoded.trim();
    let mut lengths = encoded.split(' ').map(str::len);
    let first = lengths.next().unwrap_or(0);
    let are_lines = lengths.rev().skip(1).all(|length| length == first);
    if are_lines || encoded.contains('+') || encoded.contains(['\n', '\r', '%', '\\', '\t']) {
        return encoded.into();
    }
    encoded.replace(' ', "+").into()
}

/// Without percent-encoding, and without line ends, be they written out or not.
fn plain(encoded: &str) -> Vec<u8> {
    let decoded: Cow<'_, [u8]> = percent_decode(encoded.as_bytes()).into();
    let mut plain = Vec::with_capacity(decoded.len());
    let mut bytes = decoded.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && bytes.next_if(|next| matches!(next, b'n' | b'r')).is_some() {
            continue;
        }
        if !byte.is_ascii_whitespace() {
            plain.push(byte);
        }
    }
    plain
}

fn in_standard_alphabet(encoded: &[u8]) -> Vec<u8> {
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => *byte,
    };
    encoded.iter().map(standard).collect()
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};

    use super::*;

    /// Long enough for line ends, and with `+` and `/` in its base64.
    fn picture() -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        bytes.extend((0_u8..=255).map(|byte| byte.wrapping_mul(59)));
        bytes.extend([0xfb, 0xff, 0xfe]);
        bytes
    }

    #[test]
    fn base64_is_read_in_all_its_forms() {
        let standard = BASE64_STANDARD.encode(picture());
        assert!(standard.contains('+') && standard.contains('/'));
        let wrapped = |end: &str| {
            let lines: Vec<&str> =
                standard.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
            lines.join(end)
        };
        let percent = standard.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        for text in [
            standard.clone(),
            standard.trim_end_matches('=').to_owned(),
            BASE64_URL_SAFE.encode(picture()),
            BASE64_URL_SAFE_NO_PAD.encode(picture()),
            wrapped("\n"),
            wrapped("\r\n"),
            wrapped("\\n"),
            wrapped(" "),
            format!(" {standard}\n"),
            format!("b'{standard}'"),
            percent.clone(),
            format!("data:image/png;base64,{standard}"),
            format!("data:image/png;base64, {standard}"),
            format!("DATA:IMAGE/PNG;BASE64,{standard}"),
            format!("data:;base64,{standard}"),
            format!("data:image/png;charset=utf-8;base64,{standard}"),
            format!("data:image/png;base64,data:image/png;base64,{standard}"),
            format!("data:image/jpeg;base64,data:image/png;base64,{}", wrapped("\n")),
            format!("data:image/png;base64,{percent}"),
            format!("data:image/png;base64,{}", BASE64_URL_SAFE_NO_PAD.encode(picture())),
        ] {
            assert_eq!(decode_image(&text).unwrap(), picture(), "{text}");
            assert!(matches!(ImageSource::of_address(&text), Some(ImageSource::Base64(_))), "{text}");
            assert!(matches!(ImageSource::of_base64(&text), Some(ImageSource::Base64(_))), "{text}");
        }
    }

    #[test]
    fn plus_signs_that_became_blanks_are_put_back() {
        let bytes = [picture(), vec![0; 3]].concat();
        let blank = BASE64_STANDARD.encode(&bytes).replace('+', " ");
        assert!(blank.matches(' ').count() > 2);
        assert_eq!(decode_image(&blank).unwrap(), bytes);
        assert_eq!(decode_image(&format!("data:image/png;base64,{blank}")).unwrap(), bytes);
    }

    #[test]
    fn garbage_is_no_image() {
        assert_eq!(decode_image("<html>").unwrap_err().kind, FailureKind::NotAnImage);
        assert_eq!(decode_image("").unwrap_err().kind, FailureKind::EmptyReply);
        assert_eq!(decode_image("data:image/svg+xml,%3Csvg%3E").unwrap(), b"<svg>");
        for text in [
            "",
            " ",
            "<html><body>",
            "the image: none",
            "data:application/pdf;base64,JVBERi0=",
            "data:audio/wav;base64,UklGRgAA",
        ] {
            assert_eq!(ImageSource::of_base64(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_is_known_wherever_it_stands() {
        for text in ["https://a.example/x.png?a=b", "HTTP://a.example/x"] {
            assert_eq!(ImageSource::of_base64(text), Some(ImageSource::Url(text)));
            assert_eq!(ImageSource::of_address(text), Some(ImageSource::Url(text)));
        }
        assert_eq!(ImageSource::of_address(" </files/a.png> "), Some(ImageSource::Url("/files/a.png")));
        assert_eq!(ImageSource::of_address("files/a"), Some(ImageSource::Url("files/a")));
        assert_eq!(ImageSource::of_address(""), None);
        let jpeg = BASE64_STANDARD.encode(b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01");
        assert!(jpeg.starts_with('/'), "it looks like a path");
        assert_eq!(ImageSource::of_address(&jpeg), Some(ImageSource::Base64(&jpeg)));
    }
}
