//! Turns an answer into a sample: hashed, decoded, checked against the requested size, stored. Blocking work.

use std::path::Path;

use imgeval_core::{
    ContentHash, Failure, FailureKind, ImageFormat, ImageRecord, ImageRef, Outcome, SizeRequest,
};
use imgeval_store::{Images, StoreError};

use super::Decode;
use crate::ImageFacts;

/// A checked image.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) outcome: Outcome<ImageRecord>,
    /// The stored image of a failed outcome: it was paid for.
    pub(super) kept_image: Option<ImageRef>,
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
    let (images, hash) = (Images::at(directory), ContentHash::of(bytes));
    match decode(bytes) {
        Ok(facts) => {
            let image = ImageRef { hash, format: facts.format };
            images.put_paid(&image, bytes)?;
            let outcome = judge(image.hash.clone(), facts, wanted);
            let kept_image = outcome.done().is_none().then_some(image);
            Ok(Checked { outcome, kept_image })
        }
        Err(failure) => {
            let mut failure = of_answer(failure);
            // An image that only lacked memory is looked at again, and not paid for again.
            let readable = || ImageFormat::from_extension(other_format(bytes)?);
            let retried = (failure.kind == FailureKind::NotEnoughMemory).then(readable).flatten();
            let kept_image = match (claimed_format(bytes).or(retried), other_format(bytes)) {
                (Some(format), _) => {
                    let image = ImageRef { hash, format };
                    images.put_paid(&image, bytes)?;
                    Some(image)
                }
                (None, Some(extension)) => {
                    let path = images.put_unread(&hash, extension, bytes)?;
                    failure.detail = format!("{}; kept in the run as {}", failure.detail, path.display());
                    None
                }
                (None, None) => None,
            };
            Ok(Checked { outcome: Outcome::Failed(failure), kept_image })
        }
    }
}

/// Looks again at an image that is stored though it failed.
pub(super) fn look_again(
    directory: &Path,
    decode: &Decode,
    wanted: Option<SizeRequest>,
    image: &ImageRef,
) -> Result<Outcome<ImageRecord>, StoreError> {
    let bytes = Images::at(directory).read(image)?;
    Ok(match decode(&bytes) {
        Ok(facts) => judge(image.hash.clone(), facts, wanted),
        Err(failure) => Outcome::Failed(of_answer(failure)),
    })
}

fn judge(hash: ContentHash, facts: ImageFacts, wanted: Option<SizeRequest>) -> Outcome<ImageRecord> {
    let ImageFacts { format, width, height, notes } = facts;
    if let Some(size) = wanted.filter(|size| !size.allows(width, height)) {
        let detail = format!("it has {width}x{height} pixels instead of {size}");
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

/// The usual ending of an image's file name, for formats that are only kept. By the signatures that their specifications give.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    let signatures: [(&[u8], &str); 9] = [
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"BM", "bmp"),
        (b"II*\0", "tiff"),
        (b"MM\0*", "tiff"),
        (b"\xff\x0a", "jxl"),
        (b"\0\0\0\x0cJXL ", "jxl"),
        (b"\0\0\0\x0cjP  ", "jp2"),
        (b"\xff\x4f\xff\x51", "j2k"),
    ];
    match (bytes.get(4..8), bytes.get(8..12)) {
        (Some(b"ftyp"), Some(b"avif" | b"avis")) => Some("avif"),
        (Some(b"ftyp"), Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1")) => {
            Some("heic")
        }
        _ => signatures.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, name)| *name),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_cannot_be_decoded_is_kept_as_it_came() {
        let folder = tempfile::tempdir().unwrap();
        let decode: Decode = std::sync::Arc::new(|_: &[u8]| {
            Err(Failure { kind: FailureKind::UnsupportedFormat, detail: "it is a picture".to_owned() })
        });
        for (bytes, extension) in [
            (b"\0\0\0\x1cftypavif....".as_slice(), "avif"),
            (b"\0\0\0\x18ftypheic....", "heic"),
            (b"\xff\x0a....", "jxl"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
            (b"GIF89a....", "gif"),
            (b"BM....", "bmp"),
            (b"II*\0....", "tiff"),
        ] {
            let checked = take_image(folder.path(), &decode, None, bytes).unwrap();
            let Outcome::Failed(failure) = checked.outcome else { panic!("{extension}") };
            assert_eq!((failure.kind, checked.kept_image), (FailureKind::NotAnImage, None));
            let path = failure.detail.strip_prefix("it is a picture; kept in the run as ").unwrap();
            assert!(path.ends_with(&format!(".{extension}")), "{path}");
            assert_eq!(std::fs::read(folder.path().join(path)).unwrap(), bytes);
        }
        let poor: Decode = std::sync::Arc::new(|_: &[u8]| {
            Err(Failure { kind: FailureKind::NotEnoughMemory, detail: "too large for now".to_owned() })
        });
        for (bytes, format) in [(&b"GIF89a...."[..], ImageFormat::Gif), (b"BM....", ImageFormat::Bmp)] {
            let kept = take_image(folder.path(), &poor, None, bytes).unwrap().kept_image;
            assert_eq!(kept.map(|kept| kept.format), Some(format));
        }
        let checked = take_image(folder.path(), &decode, None, b"plain words").unwrap();
        let Outcome::Failed(failure) = checked.outcome else { panic!("words are no image") };
        assert_eq!(failure.detail, "it is a picture");
    }
}
