//! From a suite's prompt to what is sent: a declared rewriter, then a template, then a prefix.

use std::{collections::BTreeMap, num::NonZeroUsize, path::Path, sync::Arc};

use anyhow::Result;
use imgeval_clients::{ChatClient, ChatRewriter, ProviderKind};
use imgeval_core::{ImageParameters, Rewriter};

use crate::{
    args::generation::{PromptArgs, SpendingArgs},
    failure::{CommandError, client_error},
    printer::Printer,
    settings::{ModelName, ResolvedModel, Settings},
    text_file::read_text,
};

const PLACEHOLDER: &str = "{prompt}";
const MAX_TEXT_BYTES: u64 = 1 << 20;

/// How prompts are made fit; every part is declared in the run's fingerprint.
pub(crate) struct PromptPipeline {
    prefix: String,
    /// Applied in order; each holds `{prompt}`.
    templates: Vec<String>,
    pub(crate) rewriter: Option<Arc<dyn Rewriter>>,
    /// Who that is.
    rewriter_model: Option<ResolvedModel>,
    /// Prompts that are rewritten at the same time.
    pub(crate) rewriter_concurrency: NonZeroUsize,
    facts: Vec<(&'static str, String)>,
}

impl PromptPipeline {
    pub(crate) fn new(
        args: &PromptArgs,
        settings: &Settings,
        spending: &SpendingArgs,
        printer: Printer,
    ) -> Result<Self> {
        let mut pipeline = Self {
            prefix: String::new(),
            templates: vec![],
            rewriter: None,
            rewriter_model: None,
            rewriter_concurrency: NonZeroUsize::MIN,
            facts: vec![],
        };
        match args.rewriter.split_once(':') {
            None if args.rewriter == "none" => {}
            Some(("template", file)) => {
                let template = read_text(Path::new(file), MAX_TEXT_BYTES, "the template")?;
                pipeline.add_template("rewriter_template", template.trim_end().to_owned())?;
            }
            Some(("chat", model)) => {
                let instructions = args.rewriter_instructions.as_ref().ok_or_else(|| {
                    CommandError::usage("a chat model that rewrites prompts must be told how")
                        .with_hint("--rewriter-instructions FILE")
                })?;
                let instructions = read_text(instructions, MAX_TEXT_BYTES, "the instructions")?;
                let model = settings.resolve(ModelName::parse(model)?, None)?;
                if model.settings.kind != ProviderKind::OpenaiChat {
                    let message = format!("`{}` does not speak chat completions", model.name.provider);
                    return Err(CommandError::usage(message)
                        .with_hint("openai-chat does, and providers of that kind in imgeval.toml")
                        .into());
                }
                settings.check_model(&model, &ImageParameters::default(), spending, printer)?;
                let client = ChatClient::new(&model.settings, &model.name.model, model.entry.clone());
                let client = client.map_err(|error| client_error(&error))?;
                let rewriter: Arc<dyn Rewriter> =
                    Arc::new(ChatRewriter::new(client, instructions.trim(), None));
                let meta = rewriter.meta();
                pipeline
                    .facts
                    .push(("rewriter", format!("{} {} {}", meta.provider, meta.endpoint, meta.model)));
                pipeline.rewriter_concurrency = model.settings.limits.concurrent;
                pipeline.rewriter = Some(rewriter);
                pipeline.rewriter_model = Some(model);
            }
            _ => {
                let message = format!("`{}` is no rewriter", args.rewriter);
                let hint = "none, template:FILE or chat:PROVIDER:MODEL";
                return Err(CommandError::usage(message).with_hint(hint).into());
            }
        }
        if args.rewriter_instructions.is_some() && pipeline.rewriter.is_none() {
            return Err(
                CommandError::usage("--rewriter-instructions needs --rewriter chat:PROVIDER:MODEL").into()
            );
        }
        if let Some(template) = &args.prompt_template {
            pipeline.add_template("prompt_template", template.clone())?;
        }
        if let Some(prefix) = &args.prompt_prefix {
            pipeline.prefix.clone_from(prefix);
            pipeline.facts.push(("prompt_prefix", prefix.clone()));
        }
        if let Some(system) = &args.system {
            pipeline.facts.push(("system", system.clone()));
        }
        Ok(pipeline)
    }

    fn add_template(&mut self, name: &'static str, template: String) -> Result<(), CommandError> {
        if !template.contains(PLACEHOLDER) {
            let message = format!("the template `{template}` has no place for the prompt");
            return Err(CommandError::usage(message).with_hint("write {prompt} where it belongs"));
        }
        self.facts.push((name, template.clone()));
        self.templates.push(template);
        Ok(())
    }

    /// Refuses a rewriter that would be asked without a key.
    pub(crate) fn check_key(&self) -> Result<(), CommandError> {
        self.rewriter_model.as_ref().map_or(Ok(()), ResolvedModel::check_key)
    }

    /// What belongs into the fingerprint.
    pub(crate) fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.facts.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The prompt as it is sent; `rewritten` holds the chat model's versions by the prompts that it was given.
    pub(crate) fn apply(&self, prompt: &str, rewritten: &BTreeMap<String, String>) -> String {
        let mut text = rewritten.get(prompt).map_or(prompt, String::as_str).to_owned();
        for template in &self.templates {
            text = template.replace(PLACEHOLDER, &text);
        }
        format!("{}{text}", self.prefix)
    }
}
