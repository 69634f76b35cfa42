//! Text from chat models for rewriting prompts.

use async_trait::async_trait;
use imgeval_core::{
    ContentHash, Cost, Decoding, EndpointMeta, Failure, FailureKind, JudgeQuestion, Outcome, Permit,
    ProviderDown, QuestionPart, Rewriter, TextAnswer, answer_of,
};

use crate::{
    ClientError, ModelEntry, ProviderSettings,
    judges::{ChatText, TextClient},
};

/// Talks to one chat model over chat completions.
pub struct ChatClient(TextClient<ChatText>);

impl ChatClient {
    /// # Errors
    /// If the settings cannot be used; nothing is sent here.
    pub fn new(
        settings: &ProviderSettings,
        model: &str,
        entry: Option<ModelEntry>,
    ) -> Result<Self, ClientError> {
        let provider = ChatText::of(model, entry.as_ref());
        TextClient::new(settings, model, provider, entry).map(Self)
    }

    #[must_use]
    pub fn meta(&self) -> &EndpointMeta {
        self.0.meta()
    }

    /// What a question is thought to cost at most; `None` if no price is known.
    #[must_use]
    pub fn estimate(&self, question: &JudgeQuestion) -> Option<Cost> {
        self.0.estimate(question)
    }

    /// Asks, again where that can help and is permitted; an answer that broke off counts as none. Without permission to send
    /// even once, the outcome is [`FailureKind::Interrupted`] after no try.
    ///
    /// # Errors
    /// If no further call can succeed either, and no try was lost. Everything else is an outcome of this one.
    pub async fn ask(
        &self,
        question: &JudgeQuestion,
        permit: &dyn Permit,
    ) -> Result<TextAnswer, ProviderDown> {
        let (mut answer, is_cut) = self.0.ask(question, permit).await?;
        // It would be taken for a whole one.
        if is_cut && answer.outcome.done().is_some() {
            let detail = "no complete answer arrived (length)".to_owned();
            answer.outcome = Outcome::Failed(Failure { kind: FailureKind::EmptyReply, detail });
        }
        Ok(answer)
    }
}

/// Rewrites prompts with a chat model: the instructions are the system's message, the prompt is the user's.
pub struct ChatRewriter {
    meta: EndpointMeta,
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

    fn question(&self, prompt: &str) -> JudgeQuestion {
        JudgeQuestion {
            system: Some(self.instructions.clone()),
            parts: vec![QuestionPart::Text(prompt.to_owned())],
            decoding: Decoding { temperature: self.temperature, ..Decoding::default() },
        }
    }
}

/// The prompt in a model's text, which may hold its thoughts too.
fn prompt_of(text: &str) -> Outcome<String> {
    let prompt = answer_of(text);
    if prompt.is_empty() {
        let detail = "no prompt arrived, only thoughts".to_owned();
        return Outcome::Failed(Failure { kind: FailureKind::EmptyReply, detail });
    }
    Outcome::Done(prompt.into_owned())
}

#[async_trait]
impl Rewriter for ChatRewriter {
    fn meta(&self) -> &EndpointMeta {
        &self.meta
    }

    fn estimate(&self, prompt: &str) -> Option<Cost> {
        self.client.estimate(&self.question(prompt))
    }

    async fn rewrite(&self, prompt: &str, permit: &dyn Permit) -> Result<TextAnswer, ProviderDown> {
        let mut answer = self.client.ask(&self.question(prompt), permit).await?;
        answer.outcome = match answer.outcome {
            Outcome::Done(text) => prompt_of(&text),
            failed @ Outcome::Failed(_) => failed,
        };
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_never_become_a_prompt() {
        for text in [
            "A red cat.",
            "<think>a dog?</think>\n\nA red cat.",
            "a dog?\n</THINK>\nA red cat.",
            "<|channel|>analysis<|message|>a dog?<|end|><|start|>assistant<|channel|>final<|message|>A red cat.",
        ] {
            assert_eq!(prompt_of(text), Outcome::Done("A red cat.".to_owned()), "{text}");
        }
        for text in ["<think>A red cat.", "<thinking>a dog</thinking>\n", "A red cat.</think>"] {
            let Outcome::Failed(failure) = prompt_of(text) else { panic!("{text}") };
            assert_eq!(failure.kind, FailureKind::EmptyReply, "{text}");
        }
    }
}
