//! From a suite's prompt to the text sent: a declared rewriter, then a template, then a prefix.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

use imgeval_clients::{ChatClient, ChatRewriter, ClientError, ProviderKind};
use imgeval_core::{ImageParameters, Rewriter};
use imgeval_files::{TextError, read_hand_written};

use crate::{AllowedModels, ModelName, Overrides, ResolvedModel, Settings, SettingsError};

const PLACEHOLDER: &str = "{prompt}";
const MAX_TEXT_BYTES: u64 = 1 << 20;

/// How prompts shall be made fit.
#[derive(Debug, Clone, Default)]
pub struct PromptSettings {
    /// Put before every prompt, verbatim.
    pub prefix: Option<String>,
    /// The text to send, with `{prompt}` replaced by the prompt.
    pub template: Option<String>,
    /// System text, which goes along with every prompt.
    pub system: Option<String>,
    /// `none`, `template:FILE` or `chat:PROVIDER:MODEL`.
    pub rewriter: String,
    /// A file with instructions for the chat model that rewrites.
    pub rewriter_instructions: Option<PathBuf>,
}

/// Why prompts cannot be made fit as asked.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("a chat model that rewrites prompts needs instructions")]
    WithoutInstructions,
    #[error("instructions for rewriting need a chat model that rewrites")]
    UnusedInstructions,
    #[error("`{provider}` does not support chat completions")]
    NotChat { provider: String },
    #[error("unknown rewriter `{text}`")]
    NoRewriter { text: String },
    #[error("the template `{template}` has no placeholder for the prompt")]
    Template { template: String },
}

impl PromptError {
    /// What to write instead, as far as it is about the settings and names.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Settings(error) => return error.hint(),
            Self::Client(error) => return Some(error.hint()),
            Self::NotChat { .. } => "use openai-chat, or a provider of that kind in imgeval.toml",
            Self::NoRewriter { .. } => "available: none, template:FILE or chat:PROVIDER:MODEL",
            Self::Template { .. } => "add {prompt} where the prompt belongs",
            Self::Text(_) | Self::WithoutInstructions | Self::UnusedInstructions => return None,
        };
        Some(hint.to_owned())
    }
}

/// How prompts are made fit; every part is declared in the run's fingerprint.
pub struct PromptPipeline {
    prefix: String,
    /// Applied in order; each holds `{prompt}`.
    templates: Vec<String>,
    pub rewriter: Option<Arc<dyn Rewriter>>,
    /// Who that is.
    rewriter_model: Option<ResolvedModel>,
    /// Prompts that are rewritten at the same time.
    pub rewriter_concurrency: NonZeroUsize,
    facts: Vec<(&'static str, String)>,
    /// Warnings about the rewriter to show before anything is sent to it.
    pub warnings: Vec<String>,
}

impl PromptPipeline {
    /// # Errors
    /// If a text cannot be read or used, or the rewriter cannot be reached by the settings.
    pub fn new(
        asked: &PromptSettings,
        settings: &Settings,
        allowed: AllowedModels,
    ) -> Result<Self, PromptError> {
        let mut pipeline = Self {
            prefix: String::new(),
            templates: vec![],
            rewriter: None,
            rewriter_model: None,
            rewriter_concurrency: NonZeroUsize::MIN,
            facts: vec![],
            warnings: vec![],
        };
        match asked.rewriter.split_once(':') {
            None if asked.rewriter == "none" => {}
            Some(("template", file)) => {
                let template = read_hand_written(Path::new(file), MAX_TEXT_BYTES, "the template")?;
                pipeline.add_template("rewriter_template", template.trim_end().to_owned())?;
            }
            Some(("chat", model)) => {
                let instructions =
                    asked.rewriter_instructions.as_ref().ok_or(PromptError::WithoutInstructions)?;
                let instructions = read_hand_written(instructions, MAX_TEXT_BYTES, "the instructions")?;
                let model = settings.resolve(ModelName::parse(model)?, &Overrides::default())?;
                pipeline.add_rewriter(model, instructions.trim(), settings, allowed)?;
            }
            _ => return Err(PromptError::NoRewriter { text: asked.rewriter.clone() }),
        }
        if asked.rewriter_instructions.is_some() && pipeline.rewriter.is_none() {
            return Err(PromptError::UnusedInstructions);
        }
        if let Some(template) = &asked.template {
            pipeline.add_template("prompt_template", template.clone())?;
        }
        if let Some(prefix) = &asked.prefix {
            pipeline.prefix.clone_from(prefix);
            pipeline.facts.push(("prompt_prefix", prefix.clone()));
        }
        if let Some(system) = &asked.system {
            pipeline.facts.push(("system", system.clone()));
        }
        Ok(pipeline)
    }

    fn add_rewriter(
        &mut self,
        model: ResolvedModel,
        instructions: &str,
        settings: &Settings,
        allowed: AllowedModels,
    ) -> Result<(), PromptError> {
        if model.settings.kind != ProviderKind::OpenaiChat {
            return Err(PromptError::NotChat { provider: model.name.provider });
        }
        self.warnings = settings.check_model(&model, &ImageParameters::default(), allowed)?;
        let client = ChatClient::new(&model.settings, &model.name.model, model.entry.clone())?;
        let rewriter: Arc<dyn Rewriter> = Arc::new(ChatRewriter::new(client, instructions, None));
        let meta = rewriter.meta();
        self.facts.push(("rewriter", format!("{} {} {}", meta.provider, meta.endpoint, meta.model)));
        self.rewriter_concurrency = model.settings.limits.concurrent;
        self.rewriter = Some(rewriter);
        self.rewriter_model = Some(model);
        Ok(())
    }

    fn add_template(&mut self, name: &'static str, template: String) -> Result<(), PromptError> {
        if !template.contains(PLACEHOLDER) {
            return Err(PromptError::Template { template });
        }
        self.facts.push((name, template.clone()));
        self.templates.push(template);
        Ok(())
    }

    /// Refuses a rewriter that would be called without a key.
    ///
    /// # Errors
    /// If there is no key.
    pub fn check_key(&self) -> Result<(), SettingsError> {
        self.rewriter_model.as_ref().map_or(Ok(()), ResolvedModel::check_key)
    }

    /// What belongs into the fingerprint.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.facts.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The prompt as it is sent; `rewritten` holds the chat model's versions by the prompts that it was given.
    #[must_use]
    pub fn apply(&self, prompt: &str, rewritten: &BTreeMap<String, String>) -> String {
        let mut text = rewritten.get(prompt).map_or(prompt, String::as_str).to_owned();
        for template in &self.templates {
            text = template.replace(PLACEHOLDER, &text);
        }
        format!("{}{text}", self.prefix)
    }
}
