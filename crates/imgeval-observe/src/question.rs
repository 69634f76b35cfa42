//! From protocol, case and images to the question for a judge.

use std::{collections::BTreeMap, path::Path};

use imgeval_core::{
    Failure, FailureKind, ImageFormat, ImageRef, InputImage, JudgeQuestion, Pixels, QuestionPart, sentence_of,
};
use imgeval_store::Images;
use imgeval_suites::judged::{Attachment, Field, ImagePreparation, JudgeProtocol, MessagePart};
use imgeval_vision::{
    image_file::{DecodeLimits, LITTLE_WORK, inspect_and_decode_for},
    resample::pillow::{self, Filter},
};

/// Bytes for each pixel of the image that comes.
const SCALE_AND_ENCODE: u64 = 2 * LITTLE_WORK;

/// Binds the protocol's wording and loads its images; `images` gives all of a kind, in order.
///
/// # Errors
/// If the case lacks what the wording names, or an image cannot be read.
pub fn make_question(
    protocol: &JudgeProtocol,
    fields: &BTreeMap<Field, &str>,
    images: impl Fn(Attachment) -> Result<Vec<InputImage>, Failure>,
) -> Result<JudgeQuestion, Failure> {
    let lacks = |error: imgeval_suites::judged::MissingField| {
        not_accessible(format!("the case does not fit the protocol: {}", sentence_of(&error)))
    };
    let system = protocol.bind_system(fields).map_err(lacks)?;
    let mut parts = Vec::new();
    for part in &protocol.message {
        match part {
            MessagePart::Text(template) => {
                parts.push(QuestionPart::Text(template.bind(fields).map_err(lacks)?));
            }
            MessagePart::Assistant(template) => {
                parts.push(QuestionPart::Assistant(template.bind(fields).map_err(lacks)?));
            }
            MessagePart::Image(attachment) => {
                for image in images(*attachment)? {
                    parts.push(QuestionPart::Image(prepare(image, protocol.preparation)?));
                }
            }
        }
    }
    Ok(JudgeQuestion { system, parts, decoding: protocol.decoding.clone() })
}

/// An image of the run, as stored.
///
/// # Errors
/// If it is missing or damaged.
pub fn load_image(run: &Path, image: &ImageRef) -> Result<InputImage, Failure> {
    let bytes = Images::at(run)
        .read(image)
        .map_err(|error| Failure { kind: FailureKind::of_unread(&error), detail: sentence_of(&error) })?;
    Ok(InputImage { hash: image.hash.clone(), format: image.format, bytes: bytes.into() })
}

/// The pixels of an image of the run. Whether it is too large was decided when it was taken in.
pub(crate) fn load_pixels(run: &Path, image: &ImageRef) -> Result<Pixels, Failure> {
    let image = load_image(run, image)?;
    let limits = DecodeLimits { max_pixels: u64::MAX };
    let decoded = inspect_and_decode_for(&image.bytes, &limits, LITTLE_WORK);
    decoded.map(|decoded| decoded.pixels).map_err(|error| error.failure())
}

/// Makes an image as the protocol wants it; one that is so already keeps its bytes. Formats that judges do not take
/// become PNG.
fn prepare(image: InputImage, wanted: ImagePreparation) -> Result<InputImage, Failure> {
    if wanted == ImagePreparation::default() && image.format.is_common() {
        return Ok(image);
    }
    // Whether an image is too large was decided when it came into the run.
    let decoded =
        inspect_and_decode_for(&image.bytes, &DecodeLimits { max_pixels: u64::MAX }, SCALE_AND_ENCODE);
    let pixels = decoded.map_err(|error| error.failure())?.pixels;
    let (width, height) = (pixels.width(), pixels.height());
    let longest = width.max(height);
    let limit = wanted.longest_side.unwrap_or(longest);
    let as_it_is = if image.format.is_common() { image.format } else { ImageFormat::Png };
    let format = wanted.format.unwrap_or(as_it_is);
    if longest <= limit && format == image.format {
        return Ok(image);
    }
    let pixels = if longest > limit {
        let side =
            |side: u32| ((f64::from(side) * f64::from(limit) / f64::from(longest)).round() as u32).max(1);
        pillow::resize(&pixels, side(width), side(height), Filter::Lanczos)
    } else {
        pixels
    };
    let bytes = encode(&pixels, format).map_err(not_accessible)?;
    Ok(InputImage::new(format, bytes))
}

fn encode(pixels: &imgeval_core::Pixels, format: ImageFormat) -> Result<Vec<u8>, String> {
    imgeval_vision::image_file::encode(pixels, format).map_err(|error| error.to_string())
}

fn not_accessible(detail: String) -> Failure {
    Failure { kind: FailureKind::NotAccessible, detail }
}

#[cfg(test)]
mod tests {
    use imgeval_suites::judged::Template;

    use super::*;

    #[test]
    fn a_talk_may_show_several_images_and_earlier_replies() {
        let template = |text: &str| Template::parse(text).unwrap();
        let protocol = JudgeProtocol {
            message: vec![
                MessagePart::Image(Attachment::Sources),
                MessagePart::Text(template("{instruction}")),
                MessagePart::Assistant(template("{first_reply}")),
                MessagePart::Image(Attachment::Answer),
            ],
            preparation: ImagePreparation::default(),
            ..JudgeProtocol::reason_edit()
        };
        let fields = BTreeMap::from([(Field::Instruction, "{first_reply}"), (Field::FirstReply, "{x}")]);
        let image = |byte: u8| InputImage::new(ImageFormat::Png, vec![byte]);
        let images = |attachment| match attachment {
            Attachment::Sources => Ok(vec![image(1), image(2)]),
            _ => Ok(vec![image(3)]),
        };
        let question = make_question(&protocol, &fields, images).unwrap();
        let parts = [
            QuestionPart::Image(image(1)),
            QuestionPart::Image(image(2)),
            QuestionPart::Text("{first_reply}".to_owned()),
            QuestionPart::Assistant("{x}".to_owned()),
            QuestionPart::Image(image(3)),
        ];
        assert_eq!(question.parts, parts);
    }
}
