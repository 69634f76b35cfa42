//! A model that answers in words, over HTTP, whatever the interface.

use async_trait::async_trait;
use imgeval_core::{
    Cost, EndpointMeta, Failure, FailureKind, Judge, JudgeQuestion, Outcome, Permit, ProviderDown,
    TextAnswer, Usage, WholeReply,
};
use serde_json::Value;

use crate::{
    ClientError, ModelEntry, ProviderSettings,
    endpoint::Endpoint,
    pricing::estimate_question_tokens,
    transport::{ApiRequest, Kept, MAX_RAW_BYTES, ReplyReader, Tries},
};

/// How long an answer is taken to be in estimates where the question does not limit it, in tokens, thoughts included.
const ANSWER_TOKENS: u64 = 2000;

/// Translates between us and one kind of interface.
pub(crate) trait TextProvider: ReplyReader {
    /// See [`EndpointMeta::version`].
    fn version(&self) -> u32;

    /// Words the request.
    fn request(&self, question: &JudgeQuestion) -> Result<ApiRequest, Failure>;

    /// Reads a reply that was judged to be an answer.
    fn read(&self, reply: &Value) -> TextReply;
}

/// What an answer holds.
pub(crate) struct TextReply {
    /// The words without the blanks around them, never empty.
    pub(crate) text: Result<String, Failure>,
    /// The words broke off at the length limit.
    pub(crate) is_cut: bool,
    pub(crate) usage: Usage,
    /// What the provider says that it bills.
    pub(crate) billed: Option<Cost>,
}

pub(crate) struct TextClient<P>(Endpoint<P>);

impl<P: TextProvider> TextClient<P> {
    pub(crate) fn new(
        settings: &ProviderSettings,
        model: &str,
        provider: P,
        entry: Option<ModelEntry>,
    ) -> Result<Self, ClientError> {
        Endpoint::new(settings, model, provider.version(), provider, entry).map(Self)
    }

    pub(crate) fn meta(&self) -> &EndpointMeta {
        &self.0.meta
    }

    pub(crate) fn estimate(&self, question: &JudgeQuestion) -> Option<Cost> {
        let n_output_tokens = question.decoding.max_tokens.map_or(ANSWER_TOKENS, u64::from);
        let n_images = question.images().count() as u64;
        self.0.entry.as_ref()?.estimate_question(question.texts(), n_images, n_output_tokens)
    }

    /// Asks; with the answer comes whether it broke off.
    pub(crate) async fn ask(
        &self,
        question: &JudgeQuestion,
        permit: &dyn Permit,
    ) -> Result<(TextAnswer, bool), ProviderDown> {
        let mut answer = TextAnswer {
            outcome: Outcome::Done(String::new()),
            usage: Usage::default(),
            cost: None,
            raw: String::new(),
            whole: None,
            unused: None,
            wasted: None,
            tries: 0,
            lost_tries: 0,
            down: None,
        };
        let request = match self.0.provider.request(question) {
            Ok(request) => request,
            Err(failure) => return Ok((TextAnswer { outcome: Outcome::Failed(failure), ..answer }, false)),
        };
        let tokens = estimate_question_tokens(question.texts(), question.images().count())
            + question.decoding.max_tokens.map_or(0, u64::from);
        let exchange = self.0.call(&request, permit, tokens, Tries::default()).await?;
        let Kept { raw, whole, unused, usage: wasted_usage, wasted } = exchange.kept;
        answer = TextAnswer {
            usage: wasted_usage,
            raw,
            whole,
            unused,
            wasted,
            tries: exchange.tries.sent,
            lost_tries: exchange.tries.lost,
            down: exchange.down,
            ..answer
        };
        let reply = match exchange.outcome {
            Outcome::Done(reply) => self.0.provider.read(&reply),
            Outcome::Failed(failure) => {
                return Ok((TextAnswer { outcome: Outcome::Failed(failure), ..answer }, false));
            }
        };
        // Replies of which the status already says that they hold nothing were no loss.
        answer.unused = answer.unused.filter(WholeReply::is_success);
        answer.cost = reply.billed.or_else(|| self.0.entry.as_ref()?.cost_without_image(&reply.usage));
        answer.usage = reply.usage.plus(wasted_usage);
        answer.outcome = outcome_of(reply.text);
        Ok((answer, reply.is_cut))
    }
}

pub(crate) fn outcome_of(text: Result<String, Failure>) -> Outcome<String> {
    match text.and_then(limited) {
        Ok(text) => Outcome::Done(text),
        Err(failure) => Outcome::Failed(failure),
    }
}

/// Refuses an answer that cannot be kept whole: its beginning alone could say something else.
fn limited(text: String) -> Result<String, Failure> {
    if text.len() <= MAX_RAW_BYTES {
        return Ok(text);
    }
    let (length, limit) = (text.len(), MAX_RAW_BYTES >> 10);
    let detail = format!("the answer has {length} bytes, more than the limit of {limit} KiB");
    Err(Failure { kind: FailureKind::Unparsed, detail })
}

#[async_trait]
impl<P: TextProvider> Judge for TextClient<P> {
    fn meta(&self) -> &EndpointMeta {
        &self.0.meta
    }

    fn estimate(&self, question: &JudgeQuestion) -> Option<Cost> {
        self.estimate(question)
    }

    async fn judge(&self, question: &JudgeQuestion, permit: &dyn Permit) -> Result<TextAnswer, ProviderDown> {
        self.ask(question, permit).await.map(|(answer, _)| answer)
    }
}
