//! A request, stored so that it can be rebuilt for every attempt.

use bytes::Bytes;
use imgeval_core::{ImageFormat, InputImage};
use reqwest::{Method, multipart};

/// A request as a provider words it.
#[derive(Debug, Clone)]
pub(crate) struct ApiRequest {
    pub(crate) method: Method,
    /// Below the base URL, with a leading slash.
    pub(crate) path: String,
    pub(crate) body: Body,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Empty,
    Json(serde_json::Value),
    Multipart(Vec<Part>),
}

/// One field of a multipart form.
#[derive(Clone)]
pub(crate) struct Part {
    name: String,
    file_name: Option<String>,
    mime: Option<&'static str>,
    bytes: Bytes,
}

impl Part {
    pub(crate) fn text(name: &str, value: impl Into<String>) -> Self {
        let bytes = Bytes::from(value.into());
        Self { name: name.to_owned(), file_name: None, mime: None, bytes }
    }

    /// A file whose name, such as `image-1.png`, follows from its format.
    pub(crate) fn image(name: &str, stem: &str, image: &InputImage) -> Self {
        Self {
            name: name.to_owned(),
            file_name: Some(format!("{stem}.{}", image.format.extension())),
            mime: Some(mime(image.format)),
            bytes: Bytes::from_owner(image.bytes.clone()),
        }
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Part({}, {} bytes)", self.name, self.bytes.len())
    }
}

/// The media type that servers want to see on an image.
pub(crate) fn mime(format: ImageFormat) -> &'static str {
    format.media_type()
}

impl Body {
    /// Adds the body to a request.
    pub(crate) fn attach(
        &self,
        builder: reqwest::RequestBuilder,
    ) -> Result<reqwest::RequestBuilder, reqwest::Error> {
        Ok(match self {
            Self::Empty => builder,
            Self::Json(value) => builder.json(value),
            Self::Multipart(parts) => {
                let mut form = multipart::Form::new();
                for part in parts {
                    let length = part.bytes.len() as u64;
                    let mut sent = multipart::Part::stream_with_length(part.bytes.clone(), length);
                    if let Some(file_name) = &part.file_name {
                        sent = sent.file_name(file_name.clone());
                    }
                    if let Some(mime) = part.mime {
                        sent = sent.mime_str(mime)?;
                    }
                    form = form.part(part.name.clone(), sent);
                }
                builder.multipart(form)
            }
        })
    }
}
