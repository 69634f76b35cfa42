//! Re-reads stored replies as if they had just arrived, and sends nothing. Pure: the same reply always gives the same
//! reading.

use imgeval_core::{Failure, FailureKind, ImageParameters, Outcome, ReadImage, Reading};
use serde_json::Value;

use crate::{
    ModelEntry, ProviderKind, Redactor,
    judges::{ChatText, GeminiText, TextProvider, outcome_of},
    providers::{
        Gemini, HttpProvider, OpenaiChat, OpenaiImages, OpenaiResponses, ReadAnswer, price_told, read_answer,
    },
    transport::{
        Reply, ReplyReader, Told, Verdict, redact_and_keep,
        wire::{WireReply, read_reply},
        words,
    },
};

/// What a reply of an image provider says; `None` if the provider is a program or folder of this machine, which sends none.
/// A failure of the kind [`FailureKind::Transport`] says that there is no answer in it.
#[must_use]
pub fn reread_image(
    kind: ProviderKind,
    model: &str,
    entry: Option<&ModelEntry>,
    parameters: &ImageParameters,
    status: u16,
    text: &str,
) -> Option<Reading<ReadImage>> {
    let asked = Asked { entry, parameters };
    Some(match kind {
        ProviderKind::OpenaiImages => asked.read(&OpenaiImages::new(model, false), status, text),
        ProviderKind::OpenaiResponses => asked.read(&OpenaiResponses::new(model), status, text),
        ProviderKind::OpenaiChat => asked.read(&OpenaiChat::new(model), status, text),
        ProviderKind::Gemini => asked.read(&Gemini::new(model), status, text),
        ProviderKind::Command | ProviderKind::CommandLines | ProviderKind::Folder => return None,
    })
}

/// What a judge's reply says; `None` if no judge is of this kind.
#[must_use]
pub fn reread_words(
    kind: ProviderKind,
    model: &str,
    entry: Option<&ModelEntry>,
    status: u16,
    text: &str,
) -> Option<Reading<String>> {
    let kind = kind.judge_kind()?;
    Some(if kind == ProviderKind::Gemini {
        read_words(&GeminiText::new(model), entry, status, text)
    } else {
        read_words(&ChatText::of(model, entry), entry, status, text)
    })
}

struct Asked<'a> {
    entry: Option<&'a ModelEntry>,
    parameters: &'a ImageParameters,
}

impl Asked<'_> {
    fn read(&self, provider: &impl HttpProvider, status: u16, text: &str) -> Reading<ReadImage> {
        let (reply, raw) = match judge(provider, self.entry, status, text) {
            Ok(answer) => answer,
            Err(reading) => return *reading,
        };
        let ReadAnswer { image, usage, cost, revised_prompt, state, .. } =
            read_answer(provider, self.entry, self.parameters, &reply);
        let outcome = image.map_or_else(Outcome::Failed, Outcome::Done);
        Reading { outcome, usage, cost, revised_prompt, state, raw }
    }
}

fn read_words(
    provider: &impl TextProvider,
    entry: Option<&ModelEntry>,
    status: u16,
    text: &str,
) -> Reading<String> {
    let (reply, raw) = match judge(provider, entry, status, text) {
        Ok(answer) => answer,
        Err(reading) => return *reading,
    };
    let read = provider.read(&reply);
    let cost = read.billed.or_else(|| entry?.cost_without_image(&read.usage));
    let outcome = outcome_of(read.text);
    Reading { outcome, usage: read.usage, cost, revised_prompt: None, state: None, raw }
}

/// The reply's JSON and its text without images if it is an answer, else what it says instead.
fn judge<T>(
    reader: &(impl ReplyReader + ?Sized),
    entry: Option<&ModelEntry>,
    status: u16,
    text: &str,
) -> Result<(Value, String), Box<Reading<T>>> {
    let failed = |failure: Failure, told: Told, raw: String| {
        let cost = price_told(entry, &told);
        let outcome = Outcome::Failed(failure);
        Err(Box::new(Reading { outcome, usage: told.usage, cost, revised_prompt: None, state: None, raw }))
    };
    let no_answer = |detail: String| Failure { kind: FailureKind::Transport, detail };
    let mut json = match read_reply(text.as_bytes()) {
        Ok(WireReply { json, .. }) => json,
        Err(error) => {
            let detail = format!("could not read the stored reply: {error}");
            return failed(no_answer(detail), Told::default(), String::new());
        }
    };
    // Secrets were held back when it was kept.
    let raw = redact_and_keep(&mut json, &Redactor::default(), reader.may_hold_images());
    let reply = Reply { status, json, text: words(&raw) };
    match reader.judge(&reply) {
        Verdict::Answer => Ok((reply.json, raw)),
        Verdict::Failed(failure) | Verdict::Forgotten(failure) => {
            failed(failure, reader.told(&reply.json), raw)
        }
        Verdict::Down(down) => failed(no_answer(down.message), reader.told(&reply.json), raw),
        Verdict::RateLimited(detail) | Verdict::ServerFailed(detail) => {
            failed(no_answer(detail), reader.told(&reply.json), raw)
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::json;

    use super::*;

    fn image(kind: ProviderKind, reply: &Value) -> Reading<ReadImage> {
        let parameters = ImageParameters::default();
        reread_image(kind, "m", None, &parameters, 200, &reply.to_string()).unwrap()
    }

    #[test]
    fn a_kept_reply_of_every_provider_gives_its_image_and_what_it_told() {
        let data = STANDARD.encode(b"an image");
        let url = format!("data:image/png;base64,{data}");
        let parts = json!([{"inlineData": {"mimeType": "image/png", "data": data}}]);
        for (kind, reply) in [
            (ProviderKind::OpenaiImages, json!({"data": [{"b64_json": data, "revised_prompt": "a"}]})),
            (
                ProviderKind::OpenaiResponses,
                json!({"id": "r", "output": [{"type": "image_generation_call", "result": data}]}),
            ),
            (
                ProviderKind::OpenaiChat,
                json!({"choices": [{"message": {"images": [{"image_url": {"url": url}}]}}],
                       "usage": {"completion_tokens": 9, "cost": 0.5}}),
            ),
            (ProviderKind::Gemini, json!({"candidates": [{"content": {"parts": parts}}]})),
        ] {
            let reading = image(kind, &reply);
            assert_eq!(reading.outcome, Outcome::Done(ReadImage::Bytes(b"an image".to_vec())), "{kind}");
            let told = (reading.cost.is_some(), reading.usage.text_output);
            let expected = if kind == ProviderKind::OpenaiChat { (true, Some(9)) } else { (false, None) };
            assert_eq!(told, expected, "{kind}");
        }
        let address = json!({"data": [{"url": "https://images.example/1.png"}]});
        let expected = ReadImage::Address("https://images.example/1.png".to_owned());
        assert_eq!(image(ProviderKind::OpenaiImages, &address).outcome, Outcome::Done(expected));
    }

    #[test]
    fn what_is_no_answer_says_so() {
        let kind = |status, text: &str| {
            let parameters = ImageParameters::default();
            let reading = reread_image(ProviderKind::OpenaiImages, "m", None, &parameters, status, text);
            match reading.unwrap().outcome {
                Outcome::Failed(failure) => failure.kind,
                Outcome::Done(image) => panic!("{image:?}"),
            }
        };
        assert_eq!(kind(200, "<html>"), FailureKind::Transport);
        assert_eq!(kind(500, "{}"), FailureKind::Transport);
        assert_eq!(kind(401, "{}"), FailureKind::Transport);
        assert_eq!(kind(200, r#"{"data": []}"#), FailureKind::EmptyReply);
        let moderated = r#"{"error": {"code": "moderation_blocked", "message": "no"}}"#;
        assert_eq!(kind(400, moderated), FailureKind::Moderated);
        let parameters = ImageParameters::default();
        assert_eq!(reread_image(ProviderKind::Command, "m", None, &parameters, 200, "{}"), None);
    }

    #[test]
    fn a_judges_kept_reply_gives_its_words() {
        let chat = json!({"choices": [{"message": {"content": " Score: 1 "}}]}).to_string();
        let gemini = json!({"candidates": [{"content": {"parts": [{"text": "Score: 1"}]}}]}).to_string();
        for (kind, text) in [
            (ProviderKind::OpenaiImages, &chat),
            (ProviderKind::OpenaiChat, &chat),
            (ProviderKind::Gemini, &gemini),
        ] {
            let reading = reread_words(kind, "m", None, 200, text).unwrap();
            assert_eq!(reading.outcome, Outcome::Done("Score: 1".to_owned()), "{kind}");
        }
        let silent = reread_words(ProviderKind::OpenaiChat, "m", None, 200, r#"{"choices": []}"#).unwrap();
        assert!(matches!(silent.outcome, Outcome::Failed(Failure { kind: FailureKind::EmptyReply, .. })));
        assert!(reread_words(ProviderKind::Folder, "m", None, 200, &chat).is_none());
    }
}
