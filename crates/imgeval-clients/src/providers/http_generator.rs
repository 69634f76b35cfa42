//! A generator over HTTP, whatever the provider.

use async_trait::async_trait;
use imgeval_core::{
    Answer, Capabilities, Cost, Failure, FailureKind, Generator, GeneratorDown, GeneratorMeta, ImageRequest,
    Outcome, Permit, SizeRequest, Usage,
};
use serde_json::Value;

use super::image_data::decode_image;
use crate::{
    ClientError, ModelEntry, ProviderSettings,
    transport::{ApiRequest, ReplyReader, Transport},
};

/// Translates between us and one provider.
pub(crate) trait HttpProvider: ReplyReader {
    /// See [`GeneratorMeta::version`].
    fn version(&self) -> u32;

    fn capabilities(&self) -> Capabilities;

    /// Words the request, which asks for nothing beyond the capabilities.
    fn request(&self, request: &ImageRequest) -> Result<ApiRequest, Failure>;

    /// Reads a reply that was judged to be an answer.
    fn read(&self, reply: &Value) -> ProviderAnswer;
}

/// What an answer holds.
#[derive(Debug)]
pub(crate) struct ProviderAnswer {
    pub(crate) image: Result<ImageSource, Failure>,
    pub(crate) usage: Usage,
    /// What the provider says that it bills.
    pub(crate) billed: Option<Cost>,
    pub(crate) revised_prompt: Option<String>,
    pub(crate) state: Option<String>,
}

#[derive(Debug)]
pub(crate) enum ImageSource {
    /// Base64, perhaps with a `data:` prefix.
    Base64(String),
    /// Where the image lies.
    Url(String),
}

pub(crate) struct HttpGenerator<P> {
    meta: GeneratorMeta,
    transport: Transport,
    provider: P,
    entry: Option<ModelEntry>,
}

impl<P: HttpProvider> HttpGenerator<P> {
    pub(crate) fn new(
        settings: &ProviderSettings,
        model: &str,
        provider: P,
        entry: Option<ModelEntry>,
    ) -> Result<Self, ClientError> {
        let transport = Transport::new(settings)?;
        let meta = GeneratorMeta {
            provider: settings.kind.name().to_owned(),
            endpoint: transport.endpoint().to_owned(),
            model: model.to_owned(),
            version: provider.version(),
        };
        Ok(Self { meta, transport, provider, entry })
    }

    async fn fetch(&self, source: ImageSource) -> Result<Vec<u8>, Failure> {
        match source {
            ImageSource::Base64(text) => decode_image(&text),
            ImageSource::Url(url) if url.starts_with("data:") => decode_image(&url),
            ImageSource::Url(url) => self.transport.download(&url).await,
        }
    }
}

#[async_trait]
impl<P: HttpProvider> Generator for HttpGenerator<P> {
    fn meta(&self) -> &GeneratorMeta {
        &self.meta
    }

    fn capabilities(&self) -> Capabilities {
        self.provider.capabilities()
    }

    fn estimate(&self, request: &ImageRequest) -> Option<Cost> {
        self.entry.as_ref()?.estimate(request)
    }

    async fn generate(&self, request: &ImageRequest, _permit: &dyn Permit) -> Result<Answer, GeneratorDown> {
        let mut answer = Answer {
            outcome: Outcome::Done(Vec::new()),
            usage: Usage::default(),
            cost: None,
            revised_prompt: None,
            state: None,
            raw: String::new(),
            tries: 0,
            lost_tries: 0,
            down: None,
        };
        let worded = check(self.capabilities(), request).and_then(|()| self.provider.request(request));
        let worded = match worded {
            Ok(worded) => worded,
            Err(failure) => return Ok(Answer { outcome: Outcome::Failed(failure), ..answer }),
        };
        let exchange = self.transport.call(&worded, &self.provider).await?;
        answer.raw = exchange.raw;
        answer.tries = exchange.tries;
        answer.lost_tries = exchange.lost_tries;
        let reply = match exchange.outcome {
            Outcome::Done(reply) => reply,
            Outcome::Failed(failure) => return Ok(Answer { outcome: Outcome::Failed(failure), ..answer }),
        };
        let read = self.provider.read(&reply);
        drop(reply);
        answer.cost = read.billed.or_else(|| {
            let entry = self.entry.as_ref()?;
            match &read.image {
                Ok(_) => entry.cost(&read.usage, &request.parameters),
                // The price of an image is not that of a "no".
                Err(_) => entry.cost_without_image(&read.usage),
            }
        });
        answer.usage = read.usage;
        answer.revised_prompt = read.revised_prompt;
        answer.state = read.state;
        answer.outcome = match read.image {
            Err(failure) => Outcome::Failed(failure),
            Ok(source) => match self.fetch(source).await {
                Ok(bytes) => Outcome::Done(bytes),
                Err(failure) => {
                    // The image was made, and did not arrive.
                    answer.lost_tries += u32::from(failure.kind == FailureKind::Transport);
                    Outcome::Failed(failure)
                }
            },
        };
        Ok(answer)
    }
}

/// Refuses what the provider would ignore.
pub(super) fn check(can: Capabilities, request: &ImageRequest) -> Result<(), Failure> {
    let parameters = &request.parameters;
    let pixels = matches!(parameters.size, Some(SizeRequest::Pixels { .. }));
    let aspect = matches!(parameters.size, Some(SizeRequest::Aspect { .. }));
    let asked = [
        (pixels, can.size_in_pixels, "a size in pixels"),
        (aspect, can.aspect_ratio, "an aspect ratio"),
        (parameters.quality.is_some(), can.quality, "a quality"),
        (parameters.background.is_some(), can.background, "a background"),
        (parameters.output_format.is_some(), can.output_format, "an output format"),
        (request.seed.is_some(), can.seed, "a seed"),
        (request.system.is_some(), can.system, "a system prompt"),
        (!request.images.is_empty(), can.edit, "an image to edit"),
        (request.images.len() > 1, can.several_images, "several images"),
        (request.mask.is_some(), can.mask, "a mask"),
        (!request.history.is_empty(), can.rounds, "further rounds"),
    ];
    match asked.into_iter().find(|(asked, can, _)| *asked && !can) {
        Some((_, _, what)) => Err(Failure {
            kind: FailureKind::RejectedRequest,
            detail: format!(
                "this interface takes no request with {what}; leave it away or choose another provider"
            ),
        }),
        None => Ok(()),
    }
}
