//! Questions over Google's `models/MODEL:generateContent`. Facts from <https://ai.google.dev/api/generate-content>.
//!
//! Further fields of a question go into `generationConfig`, where this interface has what others have at the top.

use std::time::Duration;

use imgeval_core::{Decoding, Failure, FailureKind, JudgeQuestion, JudgeTurn, QuestionPart};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    decoding::{N_ALTERNATIVES, add_fields, refuse, schema, temperature},
    text_client::{TextProvider, TextReply},
};
use crate::{
    ProviderKind,
    providers::{
        Gemini, chat_reply, gemini_reply,
        outcomes::{Holds, judge, why_ended, why_stopped},
    },
    transport::{ApiRequest, Body, Reply, ReplyReader, Told, Verdict, words},
};

/// Of several candidates only the first would be read.
const FORBIDDEN: &[&str] = &["candidateCount"];

pub(crate) struct GeminiText(Gemini);

impl GeminiText {
    pub(crate) fn new(model: &str) -> Self {
        Self(Gemini::new(model))
    }
}

impl ReplyReader for GeminiText {
    fn judge(&self, reply: &Reply) -> Verdict {
        judge(ProviderKind::Gemini, self.0.model(), reply, || Holds::Nothing)
    }

    fn told(&self, json: &Value) -> Told {
        self.0.told(json)
    }

    fn requested_wait(&self, reply: &Reply) -> Option<Duration> {
        self.0.requested_wait(reply)
    }

    fn may_hold_images(&self) -> bool {
        false
    }
}

impl TextProvider for GeminiText {
    fn version(&self) -> u32 {
        1
    }

    fn request(&self, question: &JudgeQuestion) -> Result<ApiRequest, Failure> {
        let part = |part: &QuestionPart| match part {
            QuestionPart::Text(text) | QuestionPart::Assistant(text) => json!({ "text": text }),
            QuestionPart::Image(image) => json!({"inlineData": gemini_reply::inline(image)}),
        };
        let content = |turn: JudgeTurn| match turn {
            JudgeTurn::User(parts) => {
                json!({"role": "user", "parts": parts.iter().map(part).collect::<Value>()})
            }
            JudgeTurn::Assistant(words) => json!({"role": "model", "parts": [{"text": words}]}),
        };
        let contents: Value = question.turns().into_iter().map(content).collect();
        let mut body = json!({ "contents": contents });
        if let Some(system) = &question.system {
            body["systemInstruction"] = json!({"parts": [{"text": system}]});
        }
        let configuration = configuration(&question.decoding)?;
        if !configuration.is_empty() {
            body["generationConfig"] = configuration.into();
        }
        Ok(ApiRequest { method: Method::POST, path: self.0.path(), body: Body::Json(body) })
    }

    fn read(&self, reply: &Value) -> TextReply {
        let reply = chat_reply::unwrapped(reply);
        let text = chat_reply::words_of(reply);
        let text = match why_stopped(reply) {
            Some(failure) => Err(failure),
            None if text.is_empty() => {
                let detail = format!("no text arrived ({})", words(&gemini_reply::finish(reply)));
                Err(why_ended(reply).unwrap_or(Failure { kind: FailureKind::EmptyReply, detail }))
            }
            None => Ok(text),
        };
        TextReply {
            text,
            is_cut: gemini_reply::is_cut(reply),
            usage: gemini_reply::usage(gemini_reply::field(reply, "usageMetadata"), false),
            billed: None,
        }
    }
}

fn configuration(decoding: &Decoding) -> Result<Map<String, Value>, Failure> {
    let Decoding { temperature: warmth, max_tokens, seed, schema: shape, log_probabilities, extra } =
        decoding;
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    if let Some(warmth) = warmth {
        add("temperature", temperature(*warmth)?);
    }
    if let Some(limit) = max_tokens {
        add("maxOutputTokens", (*limit).into());
    }
    if let Some(seed) = seed {
        let seed = i32::try_from(*seed)
            .map_err(|_| refuse(format!("this interface accepts seeds up to {}, not {seed}", i32::MAX)))?;
        add("seed", seed.into());
    }
    if let Some(shape) = shape {
        add("responseMimeType", "application/json".into());
        add("responseJsonSchema", schema(shape)?);
    }
    if *log_probabilities {
        add("responseLogprobs", true.into());
        add("logprobs", N_ALTERNATIVES.into());
    }
    add_fields(&mut fields, extra, FORBIDDEN)?;
    Ok(fields)
}
