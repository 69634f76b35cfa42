//! What came back becomes a sample: hashed, decoded, held against the size asked for, stored. Blocking work.

use std::path::Path;

use imgeval_core::{ContentHash, Failure, FailureKind, ImageFormat, ImageRecord, Outcome, SizeRequest};
use imgeval_store::{RunWriter, StoreError};

use super::{Decode, StoredInput};
use crate::ImageFacts;

/// A checked image.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) outcome: Outcome<ImageRecord>,
    /// The stored image of a failed outcome: it was paid for.
    pub(super) kept_image: Option<(ContentHash, ImageFormat)>,
}

impl Checked {
    pub(super) fn failed(failure: Failure) -> Self {
        Self { outcome: Outcome::Failed(failure), kept_image: None }
    }
}

/// Checks and stores an image; `wanted` is the size that it must have. An image that fails is stored too, if its first
/// bytes say what it is.
pub(super) fn take_image(
    directory: &Path,
    decode: &Decode,
    wanted: Option<SizeRequest>,
    bytes: &[u8],
) -> Result<Checked, StoreError> {
    let hash = ContentHash::of(bytes);
    match decode(bytes) {
        Ok(facts) => {
            RunWriter::put_paid_image(directory, &hash, facts.format, bytes)?;
            let format = facts.format;
            let outcome = judge(hash.clone(), facts, wanted);
            let kept_image = outcome.done().is_none().then_some((hash, format));
            Ok(Checked { outcome, kept_image })
        }
        Err(failure) => {
            let kept_image = claimed_format(bytes).map(|format| (hash, format));
            if let Some((hash, format)) = &kept_image {
                RunWriter::put_paid_image(directory, hash, *format, bytes)?;
            }
            Ok(Checked { outcome: Outcome::Failed(of_answer(failure)), kept_image })
        }
    }
}

/// Looks again at an image that is stored though it failed.
pub(super) fn look_again(
    directory: &Path,
    decode: &Decode,
    wanted: Option<SizeRequest>,
    image: &StoredInput,
) -> Result<Outcome<ImageRecord>, StoreError> {
    let bytes = RunWriter::read_image(directory, &image.hash, image.format)?;
    Ok(match decode(&bytes) {
        Ok(facts) => judge(image.hash.clone(), facts, wanted),
        Err(failure) => Outcome::Failed(of_answer(failure)),
    })
}

fn judge(hash: ContentHash, facts: ImageFacts, wanted: Option<SizeRequest>) -> Outcome<ImageRecord> {
    let ImageFacts { format, width, height, notes } = facts;
    if let Some(size) = wanted.filter(|size| !size.allows(width, height)) {
        let detail = format!("it has {width}x{height} pixels, asked for was {size}");
        return Outcome::Failed(Failure { kind: FailureKind::WrongSize, detail });
    }
    Outcome::Done(ImageRecord { hash, format, width, height, notes })
}

/// A provider's answer that is no image is an answer, unlike a file that is none.
fn of_answer(failure: Failure) -> Failure {
    let kind = match failure.kind {
        FailureKind::EmptyFile | FailureKind::Unreadable | FailureKind::UnsupportedFormat => {
            FailureKind::NotAnImage
        }
        kind => kind,
    };
    Failure { kind, ..failure }
}

/// By the signatures that the formats' specifications give.
fn claimed_format(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(ImageFormat::Png)
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some(ImageFormat::Jpeg)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(ImageFormat::WebP)
    } else {
        None
    }
}
