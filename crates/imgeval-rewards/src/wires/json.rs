//! JSON bodies, and images in them.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value as Json};

use super::Refusal;
use crate::question::Picture;

pub(super) fn object_of(body: &[u8]) -> Result<Map<String, Json>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Json::Object(fields)) => Ok(fields),
        Ok(other) => Err(Refusal::bad_request(format!("the body is {}, not an object", kind_of(&other)))),
        Err(error) => Err(Refusal::bad_request(format!("the body is not JSON: {error}"))),
    }
}

/// The list under a name.
pub(super) fn list_of<'a>(fields: &'a Map<String, Json>, name: &str) -> Result<&'a [Json], Refusal> {
    match fields.get(name) {
        Some(Json::Array(items)) => Ok(items),
        Some(other) => Err(Refusal::bad_request(format!("`{name}` is {}, not a list", kind_of(other)))),
        None => Err(Refusal::bad_request(format!("the request has no `{name}`"))),
    }
}

/// An image in base64, with or without the head of a data URL.
pub(super) fn picture_of(text: &str) -> Result<Picture, String> {
    let data = match text.strip_prefix("data:") {
        Some(url) => url.split_once(";base64,").ok_or("its data URL has no base64 in it")?.1,
        None => text,
    };
    let bytes = BASE64_STANDARD.decode(data).map_err(|_| "it is not base64".to_owned())?;
    Ok(Picture::Encoded(Arc::from(bytes)))
}

pub(super) fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
