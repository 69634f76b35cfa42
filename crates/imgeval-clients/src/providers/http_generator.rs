//! A generator over HTTP, whatever the provider.

use async_trait::async_trait;
use imgeval_core::{
    Answer, Capabilities, Cost, EndpointMeta, Failure, FailureKind, Generator, ImageParameters, ImageRequest,
    Outcome, Permit, ProviderDown, ReadImage, Usage, WholeReply,
};
use serde_json::Value;

use super::images_in_reply::{ImageSource, decode_image, find_image};
use crate::{
    ClientError, ModelEntry, ProviderSettings,
    endpoint::Endpoint,
    pricing::estimate_tokens,
    transport::{ApiRequest, Exchange, Kept, ReplyReader, Told, Tries},
};

/// Translates between us and one provider.
pub(crate) trait HttpProvider: ReplyReader {
    /// See [`EndpointMeta::version`].
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

/// An answer as far as the reply alone determines it, its image decoded from base64.
pub(crate) struct ReadAnswer {
    pub(crate) image: Result<ReadImage, Failure>,
    pub(crate) usage: Usage,
    pub(crate) cost: Option<Cost>,
    pub(crate) revised_prompt: Option<String>,
    pub(crate) state: Option<String>,
    /// Whether there are more images in it than the one that is taken.
    pub(crate) has_more: bool,
}

/// Reads a reply that was judged to be an answer, whether it has just come or was kept.
pub(crate) fn read_answer(
    provider: &impl HttpProvider,
    entry: Option<&ModelEntry>,
    parameters: &ImageParameters,
    reply: &Value,
) -> ReadAnswer {
    let ProviderAnswer { image, usage, billed, revised_prompt, state } = provider.read(reply);
    let cost = billed.or_else(|| match &image {
        Ok(_) => entry?.cost(&usage, parameters),
        // The price of an image is not that of a "no".
        Err(_) => entry?.cost_without_image(&usage),
    });
    let image = image.and_then(|source| match source {
        ImageSource::Base64(text) => decode_image(text).map(ReadImage::Bytes),
        ImageSource::Url(url) => Ok(ReadImage::Address(url.to_owned())),
    });
    let has_more = find_image(reply).is_some_and(|found| found.n_others > 0);
    ReadAnswer { image, usage, cost, revised_prompt, state, has_more }
}

/// The cost of an unusable reply, from the usage that it reported.
pub(crate) fn price_told(entry: Option<&ModelEntry>, told: &Told) -> Option<Cost> {
    told.billed.clone().or_else(|| entry?.cost_without_image(&told.usage))
}

pub(crate) struct HttpGenerator<P>(Endpoint<P>);

impl<P: HttpProvider> HttpGenerator<P> {
    pub(crate) fn new(
        settings: &ProviderSettings,
        model: &str,
        provider: P,
        entry: Option<ModelEntry>,
    ) -> Result<Self, ClientError> {
        Endpoint::new(settings, model, provider.version(), provider, entry).map(Self)
    }

    /// Asks, and once more with the whole conversation if the server has forgotten it.
    async fn exchange(
        &self,
        request: &ImageRequest,
        worded: &ApiRequest,
        permit: &dyn Permit,
    ) -> Result<Exchange, ProviderDown> {
        let tokens = estimate_tokens(self.0.entry.as_ref(), request);
        let first = self.0.call(worded, permit, tokens, Tries::default()).await?;
        if !first.is_forgotten || request.history.iter().all(|turn| turn.state.is_none()) {
            return Ok(first);
        }
        let mut retold = request.clone();
        retold.history.iter_mut().for_each(|turn| turn.state = None);
        let Ok(worded) = self.0.provider.request(&retold) else { return Ok(first) };
        self.0.call(&worded, permit, tokens, first.tries).await
    }
}

#[async_trait]
impl<P: HttpProvider> Generator for HttpGenerator<P> {
    fn meta(&self) -> &EndpointMeta {
        &self.0.meta
    }

    fn capabilities(&self) -> Capabilities {
        self.0.provider.capabilities()
    }

    fn estimate(&self, request: &ImageRequest) -> Option<Cost> {
        self.0.entry.as_ref()?.estimate(request)
    }

    async fn generate(&self, request: &ImageRequest, permit: &dyn Permit) -> Result<Answer, ProviderDown> {
        let worded = check(self.capabilities(), request).and_then(|()| self.0.provider.request(request));
        let worded = match worded {
            Ok(worded) => worded,
            Err(failure) => return Ok(Answer { outcome: Outcome::Failed(failure), ..Answer::not_sent() }),
        };
        let Exchange { outcome, kept, tries, down, .. } = self.exchange(request, &worded, permit).await?;
        drop(worded);
        let Kept { raw, whole, unused, usage: wasted_usage, wasted } = kept;
        let mut answer = Answer {
            usage: wasted_usage,
            raw,
            wasted,
            tries: tries.sent,
            lost_tries: tries.lost,
            down,
            ..Answer::not_sent()
        };
        let reply = match outcome {
            Outcome::Done(reply) => reply,
            Outcome::Failed(failure) => {
                return Ok(Answer { outcome: Outcome::Failed(failure), whole, unused, ..answer });
            }
        };
        // Replies of which the status already says that they hold nothing were no loss.
        answer.unused = unused.filter(WholeReply::is_success);
        let read = read_answer(&self.0.provider, self.0.entry.as_ref(), &request.parameters, &reply);
        drop(reply);
        answer.whole = whole.map(|whole| whole.announcing(read.has_more));
        answer.usage = read.usage.plus(wasted_usage);
        answer.cost = read.cost;
        // A long string of base64 has not passed the redactor yet.
        let redact = |text: String| self.0.transport.redact(&text);
        answer.revised_prompt = read.revised_prompt.map(redact);
        answer.state = read.state.map(redact);
        let address = match read.image {
            Err(Failure { kind, detail }) => {
                let failure = Failure { kind, detail: redact(detail) };
                return Ok(Answer { outcome: Outcome::Failed(failure), ..answer });
            }
            Ok(ReadImage::Bytes(bytes)) => return Ok(Answer { outcome: Outcome::Done(bytes), ..answer }),
            Ok(ReadImage::Address(address)) => address,
        };
        // The image needs this room for itself.
        answer.whole = answer.whole.map(|whole| self.0.transport.linger(whole));
        Ok(match self.0.transport.download(&address, permit).await {
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
        Some(part) => Err(Failure {
            kind: FailureKind::RejectedRequest,
            detail: format!(
                "this interface does not accept a request with {}; leave it out or choose another provider",
                part.words()
            ),
        }),
        None => Ok(()),
    }
}

/// Refuses a mask without an image, for interfaces that accept masks.
pub(super) fn check_mask(request: &ImageRequest) -> Result<(), Failure> {
    if request.mask.is_some() && request.images_to_edit().is_empty() {
        let detail = "a mask was given without an image to edit".to_owned();
        return Err(Failure { kind: FailureKind::RejectedRequest, detail });
    }
    Ok(())
}
