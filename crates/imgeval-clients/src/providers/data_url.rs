//! Images inside of JSON and text.

use base64::{Engine, prelude::BASE64_STANDARD};
use imgeval_core::InputImage;

use crate::transport::mime;

pub(crate) fn base64(image: &InputImage) -> String {
    BASE64_STANDARD.encode(&image.bytes)
}

pub(crate) fn data_url(image: &InputImage) -> String {
    format!("data:{};base64,{}", mime(image.format), base64(image))
}

/// The first image in a text: a data URL anywhere, or the target of Markdown's `![...](...)`.
pub(crate) fn find_image(text: &str) -> Option<&str> {
    let ends = |character: char| {
        character.is_whitespace() || matches!(character, ')' | '"' | '\'' | '>' | '<' | ']')
    };
    let until_end = |rest: &str| rest.find(ends).unwrap_or(rest.len());
    if let Some(start) = text.find("data:image/") {
        let rest = &text[start..];
        return Some(&rest[..until_end(rest)]);
    }
    let mut rest = text;
    while let Some(start) = rest.find("![") {
        rest = &rest[start + 2..];
        let target = rest.split_once("](").map(|(_, target)| target.trim_start());
        if let Some(target) =
            target.filter(|target| target.starts_with("https://") || target.starts_with("http://"))
        {
            return Some(&target[..until_end(target)]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use imgeval_core::ImageFormat;

    use super::*;

    #[test]
    fn images_are_found_in_text() {
        let found = |text| find_image(text).unwrap_or("none");
        assert_eq!(
            found("Here: ![a cat](data:image/png;base64,aGk=) and so on"),
            "data:image/png;base64,aGk="
        );
        assert_eq!(found("data:image/webp;base64,aGk="), "data:image/webp;base64,aGk=");
        assert_eq!(found("![](https://a.example/x.png \"title\")"), "https://a.example/x.png");
        assert_eq!(found("see https://a.example and [this](https://b.example)"), "none");
        assert_eq!(found("!["), "none");
    }

    #[test]
    fn a_data_url_names_the_format() {
        let image = InputImage::new(ImageFormat::Jpeg, *b"hi");
        assert_eq!(data_url(&image), "data:image/jpeg;base64,aGk=");
    }
}
