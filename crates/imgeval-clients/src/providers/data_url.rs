//! Images inside JSON and text.

use base64::{Engine, prelude::BASE64_STANDARD};
use imgeval_core::InputImage;

use crate::transport::mime;

pub(crate) fn base64(image: &InputImage) -> String {
    BASE64_STANDARD.encode(&image.bytes)
}

pub(crate) fn data_url(image: &InputImage) -> String {
    format!("data:{};base64,{}", mime(image.format), base64(image))
}

#[cfg(test)]
mod tests {
    use imgeval_core::ImageFormat;

    use super::*;

    #[test]
    fn a_data_url_names_the_format() {
        let image = InputImage::new(ImageFormat::Jpeg, *b"hi");
        assert_eq!(data_url(&image), "data:image/jpeg;base64,aGk=");
    }
}
