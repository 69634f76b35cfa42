//! Holds back keys in what a local program says: it inherits the environment, and with it the keys of providers.

use async_trait::async_trait;
use imgeval_core::{
    Answer, Capabilities, Cost, EndpointMeta, Failure, Generator, ImageRequest, Outcome, Permit, ProviderDown,
};

use crate::Redactor;

/// A generator whose texts pass the redactor. The image and the state of a conversation stay as they are.
pub(crate) struct Redacted<G> {
    pub(crate) inner: G,
    pub(crate) redactor: Redactor,
}

#[async_trait]
impl<G: Generator> Generator for Redacted<G> {
    fn meta(&self) -> &EndpointMeta {
        self.inner.meta()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn estimate(&self, request: &ImageRequest) -> Option<Cost> {
        self.inner.estimate(request)
    }

    async fn generate(&self, request: &ImageRequest, permit: &dyn Permit) -> Result<Answer, ProviderDown> {
        let hold_back = |text: String| self.redactor.redact(&text);
        let answer = self
            .inner
            .generate(request, permit)
            .await
            .map_err(|down| ProviderDown { message: hold_back(down.message), hint: hold_back(down.hint) })?;
        let outcome = match answer.outcome {
            Outcome::Failed(Failure { kind, detail }) => {
                Outcome::Failed(Failure { kind, detail: hold_back(detail) })
            }
            done @ Outcome::Done(_) => done,
        };
        let revised_prompt = answer.revised_prompt.map(hold_back);
        Ok(Answer { outcome, revised_prompt, raw: hold_back(answer.raw), ..answer })
    }
}
