//! Images as they stand in JSON.

use base64::{
    DecodeError, Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use imgeval_core::{Failure, FailureKind};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes base64, with or without padding, line ends or a `data:` prefix.
///
/// # Errors
/// With [`FailureKind::NotAnImage`] if it is no base64, with [`FailureKind::EmptyReply`] if there is nothing in it.
pub(crate) fn decode_image(text: &str) -> Result<Vec<u8>, Failure> {
    let encoded = match text.strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,").map_or(rest, |(_, encoded)| encoded),
        None => text,
    };
    // Nearly all of it comes without line ends, and is read only once.
    let decoded = LENIENT.decode(encoded).or_else(|error| match error {
        DecodeError::InvalidByte(_, byte) if byte.is_ascii_whitespace() => {
            let encoded: Vec<u8> = encoded.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            LENIENT.decode(encoded)
        }
        error => Err(error),
    });
    let bytes = decoded.map_err(|error| Failure {
        kind: FailureKind::NotAnImage,
        detail: format!("the image in the reply is no base64: {error}"),
    })?;
    if bytes.is_empty() {
        let detail = "the image in the reply is empty".to_owned();
        return Err(Failure { kind: FailureKind::EmptyReply, detail });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_leniently_and_garbage_is_no_image() {
        for text in ["aGk=", "aGk", "a\nGk=\r\n", "aGk=\n", "aGk\r\n", "data:image/png;base64,aGk="] {
            assert_eq!(decode_image(text).unwrap(), b"hi", "{text}");
        }
        assert_eq!(decode_image("<html>").unwrap_err().kind, FailureKind::NotAnImage);
        assert_eq!(decode_image("").unwrap_err().kind, FailureKind::EmptyReply);
    }
}
