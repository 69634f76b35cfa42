//! Options of `completions` and `manual`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell to complete commands in
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManualArgs {
    /// Folder for the man pages; made if it does not exist
    #[arg(value_name = "DIR", required_unless_present = "markdown")]
    pub(crate) folder: Option<PathBuf>,
    /// Print every help page as one Markdown document instead
    #[arg(long, conflicts_with = "folder")]
    pub(crate) markdown: bool,
}
