//! Questions over chat completions, as OpenAI, vLLM, llama.cpp, Ollama, OpenRouter and others serve them. Facts from OpenAI's
//! published OpenAPI document (`CreateChatCompletionRequest`, `CreateChatCompletionResponse`).
//!
//! Images travel as data URLs with the type that they have. WISE's own scripts call every image a PNG and send the system's
//! text as a list of one part; neither is said to change what a model sees.

use std::time::Duration;

use imgeval_core::{Decoding, Failure, JudgeQuestion, JudgeTurn, QuestionPart};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    decoding::{N_ALTERNATIVES, add_fields, refuse, schema, temperature},
    text_client::{TextProvider, TextReply},
};
use crate::{
    ModelEntry,
    providers::{
        chat_reply, image_part,
        outcomes::{Holds, requested_wait, why_stopped},
    },
    transport::{ApiRequest, Body, Reply, ReplyReader, Told, Verdict},
};

/// Of several choices only the first would be read.
const FORBIDDEN: &[&str] = &["n"];

pub(crate) struct ChatText {
    model: String,
    /// The length limit goes by its newer name, without which some models refuse the request.
    max_completion_tokens: bool,
}

impl ChatText {
    pub(crate) fn of(model: &str, entry: Option<&ModelEntry>) -> Self {
        let max_completion_tokens = entry.is_some_and(|entry| entry.max_completion_tokens);
        Self { model: model.to_owned(), max_completion_tokens }
    }

    fn add_decoding(&self, body: &mut Map<String, Value>, decoding: &Decoding) -> Result<(), Failure> {
        let Decoding { temperature: warmth, max_tokens, seed, schema: shape, log_probabilities, extra } =
            decoding;
        let mut add = |name: &str, value: Value| body.insert(name.to_owned(), value);
        if let Some(warmth) = warmth {
            add("temperature", temperature(*warmth)?);
        }
        if let Some(limit) = max_tokens {
            let name = if self.max_completion_tokens { "max_completion_tokens" } else { "max_tokens" };
            add(name, (*limit).into());
        }
        if let Some(seed) = seed {
            let seed = i64::try_from(*seed).map_err(|_| {
                refuse(format!("this interface accepts seeds up to {}, not {seed}", i64::MAX))
            })?;
            add("seed", seed.into());
        }
        if let Some(shape) = shape {
            let shape = json!({"name": shape.name, "schema": schema(shape)?, "strict": true});
            add("response_format", json!({"type": "json_schema", "json_schema": shape}));
        }
        if *log_probabilities {
            add("logprobs", true.into());
            // Without a number vendors add none and llama.cpp twenty.
            add("top_logprobs", N_ALTERNATIVES.into());
        }
        add_fields(body, extra, FORBIDDEN)
    }
}

impl ReplyReader for ChatText {
    fn judge(&self, reply: &Reply) -> Verdict {
        chat_reply::judge(&self.model, reply, || Holds::Nothing)
    }

    fn requested_wait(&self, reply: &Reply) -> Option<Duration> {
        requested_wait(&reply.json)
    }

    fn told(&self, json: &Value) -> Told {
        chat_reply::told(json)
    }

    fn may_hold_images(&self) -> bool {
        false
    }
}

impl TextProvider for ChatText {
    fn version(&self) -> u32 {
        1
    }

    fn request(&self, question: &JudgeQuestion) -> Result<ApiRequest, Failure> {
        let mut messages = Vec::new();
        messages.extend(question.system.as_ref().map(|system| json!({"role": "system", "content": system})));
        messages.extend(question.turns().into_iter().map(|turn| match turn {
            JudgeTurn::User(parts) => json!({"role": "user", "content": content(parts)}),
            JudgeTurn::Assistant(words) => json!({"role": "assistant", "content": words}),
        }));
        let mut body = Map::new();
        body.insert("model".to_owned(), self.model.clone().into());
        body.insert("messages".to_owned(), messages.into());
        // Some servers stream unless they are told not to.
        body.insert("stream".to_owned(), false.into());
        self.add_decoding(&mut body, &question.decoding)?;
        let path = "/chat/completions".to_owned();
        Ok(ApiRequest { method: Method::POST, path, body: Body::Json(body.into()) })
    }

    fn read(&self, reply: &Value) -> TextReply {
        let answer = chat_reply::unwrapped(reply);
        let text = chat_reply::words_of(answer);
        let is_refused = chat_reply::refusal(&answer["choices"][0]["message"]).is_some();
        // Half of the words could say something else.
        let is_stopped = why_stopped(reply).is_some();
        TextReply {
            text: if text.is_empty() || is_refused || is_stopped {
                Err(chat_reply::failure(reply, "", "words"))
            } else {
                Ok(text)
            },
            is_cut: chat_reply::is_cut(reply),
            usage: chat_reply::usage(&reply["usage"]),
            billed: chat_reply::billed(&reply["usage"]),
        }
    }
}

/// Words alone go as plain text: some servers take nothing else.
fn content(parts: &[QuestionPart]) -> Value {
    if let [QuestionPart::Text(text)] = parts {
        return text.clone().into();
    }
    let part = |part: &QuestionPart| match part {
        QuestionPart::Text(text) | QuestionPart::Assistant(text) => json!({"type": "text", "text": text}),
        QuestionPart::Image(image) => image_part(image),
    };
    parts.iter().map(part).collect()
}
