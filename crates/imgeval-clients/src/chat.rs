//! Text from chat models: for rewriting prompts, and whatever else wants an answer in words.

use async_trait::async_trait;
use imgeval_core::{
    ContentHash, Cost, GeneratorDown, GeneratorMeta, InputImage, Outcome, Permit, Rewriter, TextAnswer, Usage,
};
use reqwest::Method;
use serde_json::json;

use crate::{
    ClientError, ModelEntry, ProviderSettings,
    pricing::estimate_question_tokens,
    providers::{chat_reply, user_message},
    transport::{ApiRequest, Body, Call, Reply, ReplyReader, Transport, Tries, Verdict},
};

/// How long a rewritten prompt is taken to be in estimates, in tokens, thoughts included.
const REWRITE_TOKENS: u64 = 2000;

/// One question to a chat model.
#[derive(Debug, Clone, Default)]
pub struct ChatQuestion {
    pub system: Option<String>,
    pub text: String,
    /// For models that see.
    pub images: Vec<InputImage>,
    /// Not sent where `None`; some models take none.
    pub temperature: Option<f64>,
}

/// Talks to one chat model over chat completions.
pub struct ChatClient {
    meta: GeneratorMeta,
    transport: Transport,
    reader: Reader,
    entry: Option<ModelEntry>,
}

struct Reader {
    model: String,
}

impl ReplyReader for Reader {
    fn judge(&self, reply: &Reply) -> Verdict {
        chat_reply::judge(&self.model, reply)
    }
}

impl ChatClient {
    /// # Errors
    /// If the settings cannot be used; nothing is sent here.
    pub fn new(
        settings: &ProviderSettings,
        model: &str,
        entry: Option<ModelEntry>,
    ) -> Result<Self, ClientError> {
        let transport = Transport::new(settings)?;
        let meta = transport.meta(model, 1);
        Ok(Self { meta, transport, reader: Reader { model: model.to_owned() }, entry })
    }

    #[must_use]
    pub fn meta(&self) -> &GeneratorMeta {
        &self.meta
    }

    /// What a text and an answer of so many tokens are thought to cost; `None` if no price is known.
    #[must_use]
    pub fn estimate(&self, text: &str, n_output_tokens: u64) -> Option<Cost> {
        self.entry.as_ref()?.estimate_text(text, n_output_tokens)
    }

    /// Asks, again where that can help and is permitted. Without permission to send even once, the outcome is
    /// [`FailureKind::Interrupted`](imgeval_core::FailureKind::Interrupted) after no try.
    ///
    /// # Errors
    /// If no further call can succeed either, and no try was lost. Everything else is an outcome of this one.
    pub async fn ask(
        &self,
        question: &ChatQuestion,
        permit: &dyn Permit,
    ) -> Result<TextAnswer, GeneratorDown> {
        let texts = question.system.iter().chain([&question.text]).map(String::as_str);
        let tokens = estimate_question_tokens(texts, question.images.len());
        let (request, earlier) = (self.request(question), Tries::default());
        let call = Call { request: &request, reader: &self.reader, permit, tokens, earlier };
        let exchange = self.transport.call(call).await?;
        let mut answer = TextAnswer {
            outcome: Outcome::Done(String::new()),
            usage: Usage::default(),
            cost: None,
            raw: exchange.raw,
            tries: exchange.tries.sent,
            lost_tries: exchange.tries.lost,
            down: exchange.down,
        };
        let reply = match exchange.outcome {
            Outcome::Done(reply) => reply,
            Outcome::Failed(failure) => {
                return Ok(TextAnswer { outcome: Outcome::Failed(failure), ..answer });
            }
        };
        answer.usage = chat_reply::usage(&reply["usage"]);
        answer.cost = chat_reply::billed(&reply["usage"])
            .or_else(|| self.entry.as_ref()?.cost_without_image(&answer.usage));
        let choice = &reply["choices"][0];
        let text = chat_reply::text(&choice["message"]);
        let is_refused =
            choice["message"]["refusal"].as_str().is_some_and(|refusal| !refusal.trim().is_empty());
        // An answer that broke off would be taken for a whole one.
        let is_cut = matches!(choice["finish_reason"].as_str(), Some("length" | "content_filter"));
        answer.outcome = if text.is_empty() || is_refused || is_cut {
            Outcome::Failed(chat_reply::failure(&reply, "", "whole answer"))
        } else {
            Outcome::Done(text)
        };
        Ok(answer)
    }

    fn request(&self, question: &ChatQuestion) -> ApiRequest {
        let mut messages = Vec::new();
        messages.extend(question.system.as_ref().map(|system| json!({"role": "system", "content": system})));
        messages.push(user_message(&question.text, &question.images));
        let mut body = json!({"model": self.meta.model, "messages": messages});
        if let Some(temperature) = question.temperature {
            body["temperature"] = temperature.into();
        }
        ApiRequest { method: Method::POST, path: "/chat/completions".to_owned(), body: Body::Json(body) }
    }
}

/// Rewrites prompts with a chat model: the instructions are the system's message, the prompt is the user's.
pub struct ChatRewriter {
    meta: GeneratorMeta,
    client: ChatClient,
    instructions: String,
    temperature: Option<f64>,
}

impl ChatRewriter {
    /// The temperature is sent only if there is one.
    #[must_use]
    pub fn new(client: ChatClient, instructions: &str, temperature: Option<f64>) -> Self {
        let mut meta = client.meta().clone();
        let temperature_text = temperature.map(|value| format!(", temperature {value}")).unwrap_or_default();
        let hash = ContentHash::of(instructions.as_bytes());
        meta.model = format!("{}, instructions {hash}{temperature_text}", meta.model);
        Self { meta, client, instructions: instructions.to_owned(), temperature }
    }
}

#[async_trait]
impl Rewriter for ChatRewriter {
    fn meta(&self) -> &GeneratorMeta {
        &self.meta
    }

    fn estimate(&self, prompt: &str) -> Option<Cost> {
        self.client.estimate(&format!("{}{prompt}", self.instructions), REWRITE_TOKENS)
    }

    async fn rewrite(&self, prompt: &str, permit: &dyn Permit) -> Result<TextAnswer, GeneratorDown> {
        let question = ChatQuestion {
            system: Some(self.instructions.clone()),
            text: prompt.to_owned(),
            images: Vec::new(),
            temperature: self.temperature,
        };
        self.client.ask(&question, permit).await
    }
}
