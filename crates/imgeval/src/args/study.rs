//! Arguments of `imgeval init` and `imgeval study`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct InitArgs {
    #[command(subcommand)]
    pub(crate) command: Option<InitCommand>,
    /// File to write; an existing file is left alone
    #[arg(value_name = "FILE", default_value = "study.toml")]
    pub(crate) file: PathBuf,
    /// Write a published study instead of the commented template
    #[arg(long, value_name = "STUDY")]
    pub(crate) like: Option<PublishedStudy>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InitCommand {
    /// Write a commented file of cases with checks, for --cases
    Cases {
        /// File to write; an existing file is left alone
        #[arg(value_name = "FILE", default_value = "cases.jsonl")]
        file: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PublishedStudy {
    /// GPT-ImgEval (arXiv 2504.02782)
    GptImgeval,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct StudyArgs {
    #[command(subcommand)]
    pub(crate) command: Option<StudyCommand>,
    #[command(flatten)]
    pub(crate) file: StudyFileArgs,
    /// Show what would be done, what it would cost and what is missing; ask no provider anything
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Run only steps whose ids begin with this, such as geneval or diagnose/forensics; may be given several times
    #[arg(long, value_name = "STEP")]
    pub(crate) only: Vec<String>,
    /// Run finished steps again
    #[arg(long)]
    pub(crate) again: bool,
    /// Start without `max_cost` in the file
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StudyCommand {
    /// Show which steps are done, failed or still to do
    Status(StudyFileArgs),
}

#[derive(Debug, Args)]
pub(crate) struct StudyFileArgs {
    /// File of the study, as `imgeval init` writes one
    #[arg(value_name = "FILE", default_value = "study.toml")]
    pub(crate) file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
