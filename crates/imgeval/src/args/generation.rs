//! Arguments of commands that call a provider.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, ValueEnum};
use imgeval_core::{FailureKind, ImageFormat, RoundContext, SizeRequest, Usd};
use imgeval_settings::{AllowedModels, NamedFiles, Overrides, PromptSettings};
use imgeval_suites::suite::SuiteRef;

use super::{SuiteArgs, SuitesDirArg, suites};
use crate::environment;

/// Which prompts to use: those of a suite, or your own.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("prompts").args(["suite", "cases"]).required(true)))]
pub(crate) struct CasesArgs {
    #[arg(long, value_parser = suites::by_name())]
    pub(crate) suite: Option<SuiteRef>,
    /// File of your own prompts, edits and conversations, one JSON object per line: {"id": "a1", "prompt": "..."};
    /// for an edit, add "images": ["in.png"] and optionally "mask": "mask.png"; for a conversation, give "rounds":
    /// ["...", "..."] instead of the prompt. Paths are relative to the file, "checks" list what must hold for each
    /// image, "tag" groups cases, and lines that begin with # are comments. `imgeval init cases` writes an example
    #[arg(long, value_name = "FILE")]
    pub(crate) cases: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) generator: SuiteArgs,
    #[command(flatten)]
    pub(crate) suites: SuitesDirArg,
}

/// Which part of the work to do, and what to ask of the provider.
#[derive(Debug, Args)]
pub(crate) struct GenerationArgs {
    /// Images per prompt
    #[arg(long, requires = "model", value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) samples: u32,
    /// Use only the first N prompts after the other filters
    #[arg(long, requires = "model", value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Use only prompts with these tags
    #[arg(long, requires = "model", value_name = "TAG,...", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// Use only these prompts
    #[arg(long, requires = "model", value_name = "ID,...", value_delimiter = ',')]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) image: ImageArgs,
    #[command(flatten)]
    pub(crate) prompt: PromptArgs,
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
    /// Print the number of calls and their estimated cost and duration, without calling the provider
    #[arg(long, requires = "model")]
    pub(crate) dry_run: bool,
    /// Stop, with exit code 7, before the run's total cost exceeds this many US dollars. If the limit does not cover
    /// all calls, up to 40 % of it is held back: one call that costs 50 times the most expensive call so far (and at
    /// most 40 % of the limit), or several that cost 16 times as much, exceed the limit by at most 10 %. If the limit
    /// covers all calls, a call that costs more than any before can exceed it
    #[arg(long, requires = "model", value_name = "DOLLARS", value_parser = parse_dollars)]
    pub(crate) max_cost: Option<Usd>,
    /// Ask again where the provider's answer was one of these; samples without an answer are always asked for
    #[arg(long, requires = "model", value_name = "OUTCOME,...", value_delimiter = ',', value_parser = parse_answer_kind)]
    pub(crate) retry: Vec<FailureKind>,
    /// What the model sees of earlier rounds, for cases with several: the provider's own history, only the last
    /// image, or a single call with all instructions; part of the fingerprint [default: the history if the provider
    /// has one, otherwise the last image]
    #[arg(long, requires = "model", value_enum, value_name = "KIND")]
    pub(crate) context: Option<ContextArg>,
    /// Accept images of another size than requested, including those received earlier
    #[arg(long, requires = "model")]
    pub(crate) any_size: bool,
}

/// What a model sees of earlier rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ContextArg {
    /// All earlier instructions and answers
    Conversation,
    /// Only the last image
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

/// Image options; the provider decides about those left out.
#[derive(Debug, Args)]
pub(crate) struct ImageArgs {
    /// Size in pixels such as 1024x1536, or for some providers a ratio such as 16:9
    #[arg(long, requires = "model", value_name = "SIZE", value_parser = parse_size)]
    pub(crate) size: Option<SizeRequest>,
    /// Quality in the provider's terms, such as low, medium or high
    #[arg(long, requires = "model", value_name = "WORD")]
    pub(crate) quality: Option<String>,
    /// Background in the provider's terms, such as transparent or opaque
    #[arg(long, requires = "model", value_name = "WORD")]
    pub(crate) background: Option<String>,
    /// File format: png, jpeg or webp
    #[arg(long, requires = "model", value_name = "FORMAT", value_parser = parse_format)]
    pub(crate) output_format: Option<ImageFormat>,
    /// Seed of each prompt's first image, if the provider accepts one; later images use the following numbers
    #[arg(long, requires = "model", value_name = "N")]
    pub(crate) image_seed: Option<u64>,
}

/// How a suite's prompt becomes the text sent; all of it is part of the fingerprint.
#[derive(Debug, Args)]
pub(crate) struct PromptArgs {
    /// Text to put before every prompt, verbatim
    #[arg(long, requires = "model", value_name = "TEXT")]
    pub(crate) prompt_prefix: Option<String>,
    /// Text to send, with {prompt} replaced by the prompt
    #[arg(long, requires = "model", value_name = "TEXT")]
    pub(crate) prompt_template: Option<String>,
    /// System prompt, if the provider accepts one
    #[arg(long, requires = "model", value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Rewriter for the prompts: none, template:FILE (a text that contains {prompt}), or a chat model such as
    /// chat:openai-chat:MODEL; rewritten prompts are stored in the run
    #[arg(long, requires = "model", value_name = "WHO", default_value = "none")]
    pub(crate) rewriter: String,
    /// Instructions for the chat model that rewrites
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

/// Where and how fast to send requests; imgeval.toml has more settings, also per provider.
#[derive(Debug, Args)]
pub(crate) struct ProviderArgs {
    /// Base URL instead of the provider's own
    #[arg(long, requires = "model", value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// File that holds the API key, instead of the provider's environment variable
    #[arg(long, requires = "model", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Maximum concurrent calls
    #[arg(long, requires = "model", value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// Maximum requests per minute
    #[arg(long, requires = "model", value_name = "N")]
    pub(crate) rpm: Option<std::num::NonZeroU32>,
    /// Maximum tokens per minute
    #[arg(long, requires = "model", value_name = "N")]
    pub(crate) tpm: Option<std::num::NonZeroU32>,
    /// Time limit for one call, in seconds
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

/// Consent that calls with a cost need.
#[derive(Debug, Args)]
pub(crate) struct SpendingArgs {
    /// Start without asking, even if the estimate is above $5 (or `ask_above_usd` in imgeval.toml) and there is no
    /// cost limit; outside a terminal, such a run needs this or a limit
    #[arg(long)]
    pub(crate) yes: bool,
    /// Allow models that the catalog does not list or lists as retired, and sizes and qualities that it rules out
    #[arg(long)]
    pub(crate) any_model: bool,
}

impl SpendingArgs {
    pub(crate) fn allowed_models(&self) -> AllowedModels {
        if self.any_model { AllowedModels::Any } else { AllowedModels::Known }
    }
}

/// Settings files.
#[derive(Debug, Args)]
pub(crate) struct SettingsFiles {
    /// Settings file [default: imgeval.toml here, as far as `imgeval trust` allows, then imgeval/imgeval.toml in the
    /// user's configuration folder]
    #[arg(long, value_name = "FILE", env = environment::SETTINGS)]
    pub(crate) settings: Option<PathBuf>,
    /// Model prices and limits that extend or replace the built-in ones [default: imgeval/models.toml in the user's
    /// configuration folder]
    #[arg(long = "catalog", alias = "catalogue", value_name = "FILE", env = environment::CATALOGUE)]
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
        .ok_or_else(|| "must be a positive number of seconds".to_owned())
}

fn parse_answer_kind(text: &str) -> Result<FailureKind, String> {
    let kind = FailureKind::from_code(text).filter(|kind| FailureKind::ANSWERS.contains(kind));
    kind.ok_or_else(|| {
        let codes: Vec<&str> = FailureKind::ANSWERS.iter().map(|kind| kind.code()).collect();
        format!("must be one of {}", codes.join(", "))
    })
}
