//! Images in one value of a reply, such as a part of a message or a slot of a list.

use serde_json::Value;

use super::{
    address::{ImageSource, is_known_base64},
    find::{Class, Finder, Place},
    text::is_called_preview,
};

/// Fields that hold base64.
const ENCODED: [&str; 19] = [
    "b64_json",
    "b64_image",
    "image_b64",
    "base64_image",
    "base64Image",
    "imageBase64",
    "img_base64",
    "encoded_image",
    "encodedImage",
    "image_base64",
    "base64",
    "b64",
    "imageBytes",
    "image_bytes",
    "bytesBase64Encoded",
    "bytes_base64_encoded",
    "image_data",
    "imageData",
    "binary",
];

/// Fields that hold where an image lies, or a data URL.
const ADDRESSES: [&str; 14] = [
    "image_url",
    "imageUrl",
    "img_url",
    "url",
    "fileUri",
    "file_uri",
    "uri",
    "gcsUri",
    "download_url",
    "signed_url",
    "signedUrl",
    "src",
    "image",
    "sample",
];

/// Fields in which another object holds the image.
const NESTED: [&str; 11] = [
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "image_url",
    "imageUrl",
    "image",
    "source",
    "output_image",
    "file",
    "blob",
];

/// Fields that name a media type.
const MEDIA_TYPES: [&str; 5] = ["mimeType", "mime_type", "media_type", "mediaType", "content_type"];

impl<'a> Finder<'a> {
    /// An image in a place for images: a string, or an object of any known shape.
    pub(super) fn image(&mut self, value: &'a Value, place: Place<'a>) {
        match value {
            Value::String(text) => self.add(ImageSource::of_string(text), place),
            Value::Array(items) => items.iter().for_each(|item| self.image(item, Place { item, ..place })),
            Value::Object(_) => self.object(value, place),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn object(&mut self, value: &'a Value, place: Place<'a>) {
        if is_of_another_kind(value) {
            return;
        }
        let place = Place { class: place.class.min(class_of(value)), ..place };
        let n_before = self.n_found();
        // Some name a list as others name a string.
        for name in ENCODED.iter().chain(&ADDRESSES).filter(|name| **name != "image") {
            let items = value[*name].as_array().map(Vec::as_slice).unwrap_or_default();
            for text in items.iter().filter_map(Value::as_str) {
                self.add(ImageSource::of_string(text), place);
            }
        }
        if self.n_found() > n_before {
            return;
        }
        let text = |name: &&str| value[*name].as_str().filter(|text| !text.trim().is_empty());
        let encoded = ENCODED.iter().filter_map(text).find_map(ImageSource::of_base64);
        let is_call = value["type"] == "image_generation_call";
        let result = text(&"result").filter(|text| is_call || is_known_base64(text));
        // Many objects have a field of this name.
        let data = text(&"data")
            .filter(|text| names_image(value) || is_known_base64(text) || text.starts_with("data:image/"));
        let encoded = encoded
            .or_else(|| result.and_then(ImageSource::of_base64))
            .or_else(|| data.and_then(ImageSource::of_base64));
        if encoded.is_some() {
            return self.add(encoded, place);
        }
        for name in NESTED {
            if value[name].is_object() {
                self.object(&value[name], place);
            } else if name == "image" && value[name].is_array() {
                self.image(&value[name], place);
            }
            if self.n_found() > n_before {
                return;
            }
        }
        let address = ADDRESSES.iter().filter_map(text).find_map(ImageSource::of_address);
        if address.is_some() {
            return self.add(address, place);
        }
        // What stands where base64 must stand is no image, which is another answer than none.
        let garbage = ENCODED.iter().find_map(text).map(ImageSource::Base64);
        self.add(garbage, Place { class: Class::Garbage, ..place });
    }
}

/// A draft, a preview, or an answer, by what the object says of itself.
pub(super) fn class_of(value: &Value) -> Class {
    let kind = value["type"].as_str().unwrap_or_default();
    let is_thought =
        value["thought"] == true || kind.starts_with("reasoning") || kind.starts_with("thinking");
    let is_preview = is_called_preview(kind)
        || ["partial_image_index", "partialImageIndex"].iter().any(|name| !value[*name].is_null())
        || ["is_preview", "preview", "partial", "is_partial"].iter().any(|name| value[*name] == true);
    if is_thought {
        Class::Thought
    } else if is_preview {
        Class::Preview
    } else {
        Class::Answer
    }
}

/// Whether the object says that it is an image.
fn names_image(value: &Value) -> bool {
    let kinds = MEDIA_TYPES.iter().chain(&["type"]).filter_map(|name| value[*name].as_str());
    kinds.into_iter().any(|kind| kind.to_ascii_lowercase().contains("image"))
        || value["type"] == "base64"
        || is_bare(value)
}

/// Nothing but the data, as some servers leave out the media type.
fn is_bare(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| fields.len() == 1)
}

/// Sound, video or a document.
fn is_of_another_kind(value: &Value) -> bool {
    let is_other = |media_type: &str| {
        let media_type = media_type.to_ascii_lowercase();
        media_type.contains('/')
            && !media_type.starts_with("image/")
            && media_type != "application/octet-stream"
    };
    let kind = value["type"].as_str().unwrap_or_default();
    MEDIA_TYPES.iter().filter_map(|name| value[*name].as_str()).any(is_other)
        || ["audio", "video"].iter().any(|other| kind.contains(other))
        || is_other(kind)
}
