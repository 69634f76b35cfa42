//! Options of `report`, `compare` and `serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use imgeval_metrics::BootstrapSettings;

use super::ModelsDirArg;

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
    /// Run directory of the same suite; without it, what a comparison of A could find is told
    #[arg(value_name = "B")]
    pub(crate) b: Option<PathBuf>,
    /// Without B: tell how many prompts or images it would take to find this difference
    #[arg(long, default_value_t = 0.02, value_name = "D", value_parser = share, conflicts_with = "b")]
    pub(crate) difference: f64,
    /// Without B: how far the same prompts are hard for both models, from 0 (not at all, cautious) to 1
    #[arg(long, default_value_t = 0.0, value_name = "R", value_parser = correlation, conflicts_with = "b")]
    pub(crate) correlation: f64,
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

fn share(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().map_err(|error| error.to_string())?;
    if value > 0.0 && value < 1.0 { Ok(value) } else { Err("must lie between 0 and 1".to_owned()) }
}

fn correlation(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("must lie from 0 to 1".to_owned()) }
}

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Folder that holds run directories, up to three levels deep
    #[arg(value_name = "FOLDER", default_value = "runs")]
    pub(crate) folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run directories, of one suite or of several
    #[arg(value_name = "RUN", required_unless_present = "diagnosis")]
    pub(crate) runs: Vec<PathBuf>,
    /// Write page, figures and tables into this folder; an earlier report there is brought up to date
    #[arg(long, short, value_name = "DIR", required_unless_present = "format")]
    pub(crate) out: Option<PathBuf>,
    /// Write the page as one file that can be sent around: without the original images
    #[arg(long, requires = "out")]
    pub(crate) single_file: bool,
    /// Print the score tables in this format
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<TableFormat>,
    /// Print the 95 % intervals in those tables
    #[arg(long)]
    pub(crate) intervals: bool,
    /// Leave published scores out
    #[arg(long)]
    pub(crate) no_published: bool,
    /// Show these cases in the qualitative figure, instead of a sample of right and wrong ones
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(crate) examples: Vec<String>,
    /// Images to compare colors with in the section on weaknesses: a run, or a folder of photographs
    #[arg(long, value_name = "RUN|DIR")]
    pub(crate) reference: Option<String>,
    /// Also show what a diagnosis found: the folder that `imgeval diagnose ... --report` wrote; may be given several times
    #[arg(long, value_name = "DIR")]
    pub(crate) diagnosis: Vec<PathBuf>,
    /// Draw no overlays of what was measured in the images
    #[arg(long)]
    pub(crate) no_overlays: bool,
    /// Seed of that sample
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) examples_seed: u64,
    /// Heading of the page
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    #[command(flatten)]
    pub(crate) comparing: ComparingArgs,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Run directories, which may still be growing, or one folder that holds runs: it gets an index
    #[arg(value_name = "RUN", required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// Port on this machine; 0 takes any that is free
    #[arg(long, default_value_t = 8788, value_name = "PORT")]
    pub(crate) port: u16,
    /// Address to listen on; anything but this machine's own shows the runs to everybody who can reach it
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub(crate) host: std::net::IpAddr,
    /// Look for news at most this often, in seconds
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) every: u64,
    #[command(flatten)]
    pub(crate) comparing: ComparingArgs,
}
