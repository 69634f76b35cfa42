//! A generator over HTTP, whatever the provider.

use async_trait::async_trait;
use imgeval_core::{
    Answer, Capabilities, Cost, Failure, FailureKind, Generator, GeneratorDown, GeneratorMeta, ImageRequest,
    Outcome, Permit, Usage,
};
use serde_json::Value;

use super::images_in_reply::{ImageSource, decode_image};
use crate::{
    ClientError, ModelEntry, ProviderSettings,
    pricing::estimate_tokens,
    transport::{ApiRequest, Call, Exchange, ReplyReader, Transport, Tries},
};

/// Translates between us and one provider.
pub(crate) trait HttpProvider: ReplyReader {
    /// See [`GeneratorMeta::version`].
    fn version(&self) -> u32;

    fn capabilities(&self) -> Capabilities;

    /// Words the request, which asks for nothing beyond the capabilities.
    fn request(&self, request: &ImageRequest) -> Result<ApiRequest, Failure>;

    /// Reads a reply that was judged to be an answer.
    fn read<'a>(&self, reply: &'a Value) -> ProviderAnswer<'a>;
}

/// What an answer holds.
#[derive(Debug)]
pub(crate) struct ProviderAnswer<'a> {
    pub(crate) image: Result<ImageSource<'a>, Failure>,
    pub(crate) usage: Usage,
    /// What the provider says that it bills.
    pub(crate) billed: Option<Cost>,
    pub(crate) revised_prompt: Option<String>,
    pub(crate) state: Option<String>,
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
        let meta = transport.meta(model, provider.version());
        Ok(Self { meta, transport, provider, entry })
    }

    /// Asks, and once more with the whole conversation if the server has forgotten it.
    async fn exchange(
        &self,
        request: &ImageRequest,
        worded: &ApiRequest,
        permit: &dyn Permit,
    ) -> Result<Exchange, GeneratorDown> {
        let tokens = estimate_tokens(self.entry.as_ref(), request);
        let (reader, earlier) = (&self.provider, Tries::default());
        let first = self.transport.call(Call { request: worded, reader, permit, tokens, earlier }).await?;
        if !first.is_forgotten || request.history.iter().all(|turn| turn.state.is_none()) {
            return Ok(first);
        }
        let mut retold = request.clone();
        retold.history.iter_mut().for_each(|turn| turn.state = None);
        let Ok(worded) = self.provider.request(&retold) else { return Ok(first) };
        let earlier = first.tries;
        self.transport.call(Call { request: &worded, reader, permit, tokens, earlier }).await
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

    async fn generate(&self, request: &ImageRequest, permit: &dyn Permit) -> Result<Answer, GeneratorDown> {
        let worded = check(self.capabilities(), request).and_then(|()| self.provider.request(request));
        let worded = match worded {
            Ok(worded) => worded,
            Err(failure) => return Ok(Answer { outcome: Outcome::Failed(failure), ..Answer::not_sent() }),
        };
        let Exchange { outcome, raw, tries, down, held, .. } =
            self.exchange(request, &worded, permit).await?;
        drop(worded);
        let answer = Answer { raw, tries: tries.sent, lost_tries: tries.lost, down, ..Answer::not_sent() };
        let reply = match outcome {
            Outcome::Done(reply) => reply,
            Outcome::Failed(failure) => return Ok(Answer { outcome: Outcome::Failed(failure), ..answer }),
        };
        let read = self.provider.read(&reply);
        let cost = read.billed.or_else(|| {
            let entry = self.entry.as_ref()?;
            match &read.image {
                Ok(_) => entry.cost(&read.usage, &request.parameters),
                // The price of an image is not that of a "no".
                Err(_) => entry.cost_without_image(&read.usage),
            }
        });
        // A long string of base64 has not passed the redactor yet.
        let redact = |text: String| self.transport.redact(&text);
        let answer = Answer {
            usage: read.usage,
            cost,
            revised_prompt: read.revised_prompt.map(redact),
            state: read.state.map(redact),
            ..answer
        };
        let address = match read.image {
            Err(Failure { kind, detail }) => {
                let failure = Failure { kind, detail: redact(detail) };
                return Ok(Answer { outcome: Outcome::Failed(failure), ..answer });
            }
            Ok(ImageSource::Base64(text)) => {
                let outcome = decode_image(text).map_or_else(Outcome::Failed, Outcome::Done);
                return Ok(Answer { outcome, ..answer });
            }
            Ok(ImageSource::Url(url)) => url.to_owned(),
        };
        // The image needs this room for itself.
        drop((reply, held));
        Ok(match self.transport.download(&address, permit).await {
            Ok(bytes) => Answer { outcome: Outcome::Done(bytes), ..answer },
            Err(failure) => {
                // The image was made and did not arrive; what it cost is lost only where nobody told it.
                let lost_tries = answer.lost_tries + u32::from(answer.cost.is_none());
                Answer { outcome: Outcome::Failed(failure), lost_tries, ..answer }
            }
        })
    }
}

/// Refuses what the provider would ignore.
pub(super) fn check(can: Capabilities, request: &ImageRequest) -> Result<(), Failure> {
    match request.unsupported_by(can) {
        Some(what) => Err(Failure {
            kind: FailureKind::RejectedRequest,
            detail: format!(
                "this interface takes no request with {what}; leave it away or choose another provider"
            ),
        }),
        None => Ok(()),
    }
}

/// Refuses a mask that has nothing to lie on, for interfaces that take masks.
pub(super) fn check_mask(request: &ImageRequest) -> Result<(), Failure> {
    if request.mask.is_some() && request.images_to_edit().is_empty() {
        let detail = "a mask was given without an image to edit".to_owned();
        return Err(Failure { kind: FailureKind::RejectedRequest, detail });
    }
    Ok(())
}
