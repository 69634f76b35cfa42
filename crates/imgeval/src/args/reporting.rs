//! Options of `report`, `compare` and `serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use imgeval_metrics::BootstrapSettings;

/// How tables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// For a terminal
    Text,
    Markdown,
    /// With the rules of booktabs
    Latex,
    Csv,
    Json,
}

/// What runs are compared by.
#[derive(Debug, Clone, Args)]
pub(crate) struct ComparingArgs {
    /// Compare runs though they differ in this field of their protocols; can be given several times
    #[arg(long, value_name = "FIELD")]
    pub(crate) allow: Vec<String>,
    /// Seed of the bootstrap behind intervals and tests
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) bootstrap_seed: u64,
}

impl ComparingArgs {
    pub(crate) fn settings(&self) -> BootstrapSettings {
        BootstrapSettings { seed: self.bootstrap_seed, ..BootstrapSettings::default() }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Run directory
    #[arg(value_name = "A")]
    pub(crate) a: PathBuf,
    /// Run directory of the same suite
    #[arg(value_name = "B")]
    pub(crate) b: PathBuf,
    /// Who scored, by the beginning of its id or by the judge's model; needed where several looked at both runs
    #[arg(long, value_name = "ID")]
    pub(crate) observer: Option<String>,
    #[command(flatten)]
    pub(crate) comparing: ComparingArgs,
    /// How to write the table
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) format: TableFormat,
    /// The same as `--format json`
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run directories, of one suite or of several
    #[arg(value_name = "RUN", required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// Print the score tables in this format
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) format: TableFormat,
    /// Print the 95 % intervals in those tables
    #[arg(long)]
    pub(crate) intervals: bool,
    /// Leave published scores out
    #[arg(long)]
    pub(crate) no_published: bool,
    #[command(flatten)]
    pub(crate) comparing: ComparingArgs,
}
