//! Arguments of commands that call a provider.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, ValueEnum};
use imgeval_core::{FailureKind, ImageFormat, RoundContext, SizeRequest, Usd};
use imgeval_settings::{AllowedModels, NamedFiles, Overrides, PromptSettings};
use imgeval_suites::suite::SuiteRef;

use super::{SuiteArgs, SuitesDirArg, suites};
use crate::environment;

/// Which prompts: those of a suite, or the user's own.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("prompts").args(["suite", "cases"]).required(true)))]
pub(crate) struct CasesArgs {
    #[arg(long, value_parser = suites::by_name())]
    pub(crate) suite: Option<SuiteRef>,
    /// Prompts, edits and conversations of your own, one JSON object a line: {"id": "a1", "prompt": "..."}, for an
    /// edit with "images": ["in.png"] and perhaps "mask": "mask.png", for a conversation "rounds": ["...", "..."]
    /// instead of the prompt; paths are relative to the file. "checks" say what must hold of each image, "tag" groups cases;
    /// lines that begin with # are comments. `imgeval init cases` writes an example
    #[arg(long, value_name = "FILE")]
    pub(crate) cases: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) generator: SuiteArgs,
    #[command(flatten)]
    pub(crate) suites: SuitesDirArg,
}

/// Which part of the work, and what is asked of the provider.
#[derive(Debug, Args)]
pub(crate) struct GenerationArgs {
    /// Images for each prompt
    #[arg(long, requires = "model", value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) samples: u32,
    /// Only the first N of the prompts that the other filters leave
    #[arg(long, requires = "model", value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Only prompts with these tags
    #[arg(long, requires = "model", value_name = "TAG,...", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// Only these prompts
    #[arg(long, requires = "model", value_name = "ID,...", value_delimiter = ',')]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) image: ImageArgs,
    #[command(flatten)]
    pub(crate) prompt: PromptArgs,
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
    /// Only say how many calls there are, what they would cost and how long they would take
    #[arg(long, requires = "model")]
    pub(crate) dry_run: bool,
    /// Stop, with exit code 7, before the run's whole cost passes this many US dollars. If they do not cover everything,
    /// up to 40 % are kept back: one call of 50 times the dearest cost so far (and at most 40 % of the limit), or several
    /// of 16 times, pass the limit by 10 % at most. If they do, a call dearer than all before can pass it
    #[arg(long, requires = "model", value_name = "DOLLARS", value_parser = parse_dollars)]
    pub(crate) max_cost: Option<Usd>,
    /// Ask again where the provider's answer was this; what has no answer yet is asked for without being told
    #[arg(long, requires = "model", value_name = "OUTCOME,...", value_delimiter = ',', value_parser = parse_answer_kind)]
    pub(crate) retry: Vec<FailureKind>,
    /// What the model knows of earlier rounds, where cases have several: the provider's own history, the last image alone, or no
    /// rounds at all but one call with all instructions; part of the fingerprint [default: history where the provider has one,
    /// else the last image]
    #[arg(long, requires = "model", value_enum, value_name = "KIND")]
    pub(crate) context: Option<ContextArg>,
    /// Take images of another size than asked for, also those that came before
    #[arg(long, requires = "model")]
    pub(crate) any_size: bool,
}

/// What a model knows of earlier rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ContextArg {
    /// Everything that was asked and answered before
    Conversation,
    /// The last image alone
    Fresh,
    /// All instructions in one call
    Once,
}

impl GenerationArgs {
    pub(crate) fn round_context(&self) -> RoundContext {
        match self.context {
            None => RoundContext::Any,
            Some(ContextArg::Conversation) => RoundContext::Conversation,
            Some(ContextArg::Fresh) => RoundContext::Fresh,
            Some(ContextArg::Once) => RoundContext::Once,
        }
    }
}

/// How the images shall be; what is not given is left to the provider.
#[derive(Debug, Args)]
pub(crate) struct ImageArgs {
    /// Pixels such as 1024x1536, or for some providers a ratio such as 16:9
    #[arg(long, requires = "model", value_name = "SIZE", value_parser = parse_size)]
    pub(crate) size: Option<SizeRequest>,
    /// In the provider's words, such as low, medium or high
    #[arg(long, requires = "model", value_name = "WORD")]
    pub(crate) quality: Option<String>,
    /// In the provider's words, such as transparent or opaque
    #[arg(long, requires = "model", value_name = "WORD")]
    pub(crate) background: Option<String>,
    /// png, jpeg or webp
    #[arg(long, requires = "model", value_name = "FORMAT", value_parser = parse_format)]
    pub(crate) output_format: Option<ImageFormat>,
    /// Seed of each prompt's first image, where the provider takes one; the next images count on from it
    #[arg(long, requires = "model", value_name = "N")]
    pub(crate) image_seed: Option<u64>,
}

/// From the suite's prompt to what is sent; all of it is part of the fingerprint.
#[derive(Debug, Args)]
pub(crate) struct PromptArgs {
    /// Put before every prompt, as it stands
    #[arg(long, requires = "model", value_name = "TEXT")]
    pub(crate) prompt_prefix: Option<String>,
    /// What is sent, with the prompt in the place of {prompt}
    #[arg(long, requires = "model", value_name = "TEXT")]
    pub(crate) prompt_template: Option<String>,
    /// System text, where the provider takes one
    #[arg(long, requires = "model", value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Who rewrites the prompts first: none, template:FILE (a text with {prompt} in it), or a chat model, such as
    /// chat:openai-chat:MODEL; rewritten prompts are kept in the run
    #[arg(long, requires = "model", value_name = "WHO", default_value = "none")]
    pub(crate) rewriter: String,
    /// What the chat model is told about rewriting
    #[arg(long, requires = "model", value_name = "FILE")]
    pub(crate) rewriter_instructions: Option<PathBuf>,
}

impl PromptArgs {
    pub(crate) fn settings(&self) -> PromptSettings {
        PromptSettings {
            prefix: self.prompt_prefix.clone(),
            template: self.prompt_template.clone(),
            system: self.system.clone(),
            rewriter: self.rewriter.clone(),
            rewriter_instructions: self.rewriter_instructions.clone(),
        }
    }
}

/// Where requests go and how fast; more, also for each provider by itself, in imgeval.toml.
#[derive(Debug, Args)]
pub(crate) struct ProviderArgs {
    /// Base URL instead of the provider's own
    #[arg(long, requires = "model", value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// File that holds the API key, instead of the provider's environment variable
    #[arg(long, requires = "model", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Calls at the same time
    #[arg(long, requires = "model", value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// Requests a minute
    #[arg(long, requires = "model", value_name = "N")]
    pub(crate) rpm: Option<std::num::NonZeroU32>,
    /// Tokens a minute
    #[arg(long, requires = "model", value_name = "N")]
    pub(crate) tpm: Option<std::num::NonZeroU32>,
    /// Seconds that one call may take
    #[arg(long, requires = "model", value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) files: SettingsFiles,
    #[command(flatten)]
    pub(crate) spending: SpendingArgs,
}

impl ProviderArgs {
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            base_url: self.base_url.clone(),
            key_file: self.key_file.clone(),
            concurrency: self.concurrency,
            requests_per_minute: self.rpm,
            tokens_per_minute: self.tpm,
            timeout: self.timeout,
        }
    }
}

/// What a call that costs money asks of its user.
#[derive(Debug, Args)]
pub(crate) struct SpendingArgs {
    /// Start without asking, even if the estimate is above $5 (or `ask_above_usd` in imgeval.toml) and nothing limits the cost;
    /// without a terminal such a run needs this or a limit
    #[arg(long)]
    pub(crate) yes: bool,
    /// Allow models that the catalogue does not list or lists as retired, and sizes and qualities that it rules out
    #[arg(long)]
    pub(crate) any_model: bool,
}

impl SpendingArgs {
    pub(crate) fn allowed_models(&self) -> AllowedModels {
        if self.any_model { AllowedModels::Any } else { AllowedModels::Known }
    }
}

/// Files with settings.
#[derive(Debug, Args)]
pub(crate) struct SettingsFiles {
    /// Settings [default: imgeval.toml here, as far as `imgeval trust` lets it, then imgeval/imgeval.toml in the user's
    /// configuration folder]
    #[arg(long, value_name = "FILE", env = environment::SETTINGS)]
    pub(crate) settings: Option<PathBuf>,
    /// Models with prices and limits that add to or replace the built-in ones [default: imgeval/models.toml in the
    /// user's configuration folder]
    #[arg(long, value_name = "FILE", env = environment::CATALOGUE)]
    pub(crate) catalogue: Option<PathBuf>,
}

impl SettingsFiles {
    pub(crate) fn named(&self) -> NamedFiles {
        NamedFiles { settings: self.settings.clone(), catalogue: self.catalogue.clone() }
    }
}

pub(super) fn parse_dollars(text: &str) -> Result<Usd, String> {
    let dollars = text.trim_start_matches('$').parse().ok();
    dollars.and_then(Usd::from_dollars).ok_or_else(|| "must be an amount such as 20 or 0.50".to_owned())
}

fn parse_size(text: &str) -> Result<SizeRequest, String> {
    SizeRequest::parse(text)
        .ok_or_else(|| "must be pixels such as 1024x1024 or a ratio such as 16:9".to_owned())
}

fn parse_format(text: &str) -> Result<ImageFormat, String> {
    let format = ImageFormat::from_extension(text).filter(|format| format.is_common());
    format.ok_or_else(|| "must be png, jpeg or webp".to_owned())
}

pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "must be a number of seconds above 0".to_owned())
}

fn parse_answer_kind(text: &str) -> Result<FailureKind, String> {
    let kind = FailureKind::from_code(text).filter(|kind| FailureKind::ANSWERS.contains(kind));
    kind.ok_or_else(|| {
        let codes: Vec<&str> = FailureKind::ANSWERS.iter().map(|kind| kind.code()).collect();
        format!("must be one of {}", codes.join(", "))
    })
}
