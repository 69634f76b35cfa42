//! Options of `report`, `compare` and `serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use imgeval_metrics::BootstrapSettings;

use super::ModelsDirArg;

/// Table formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// For a terminal
    Text,
    Markdown,
    /// With booktabs rules
    Latex,
    Csv,
    Json,
}

/// How to compare runs.
#[derive(Debug, Clone, Args)]
pub(crate) struct ComparingArgs {
    /// Compare runs even if this field of their protocols differs; may be given several times
    #[arg(long, value_name = "FIELD")]
    pub(crate) allow: Vec<String>,
    /// Random seed of the bootstrap behind intervals and tests
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
    /// Run directory of the same suite; without it, print what differences a comparison with A could detect
    #[arg(value_name = "B")]
    pub(crate) b: Option<PathBuf>,
    /// Without B: print how many prompts or images are needed to detect this difference
    #[arg(long, default_value_t = 0.02, value_name = "D", value_parser = share, conflicts_with = "b")]
    pub(crate) difference: f64,
    /// Without B: correlation of prompt difficulty between the two models, from 0 (none, conservative) to 1
    #[arg(long, default_value_t = 0.0, value_name = "R", value_parser = correlation, conflicts_with = "b")]
    pub(crate) correlation: f64,
    /// Evaluator to compare by: the beginning of its id, or the judge's model; required if several evaluators scored
    /// both runs
    #[arg(long = "evaluator", alias = "observer", value_name = "ID")]
    pub(crate) observer: Option<String>,
    #[command(flatten)]
    pub(crate) comparing: ComparingArgs,
    /// Table format
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) format: TableFormat,
    /// Same as `--format json`
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().map_err(|error| error.to_string())?;
    if value > 0.0 && value < 1.0 { Ok(value) } else { Err("must be between 0 and 1, exclusive".to_owned()) }
}

fn correlation(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("must be from 0 to 1".to_owned()) }
}

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Folder that contains run directories, up to three levels deep
    #[arg(value_name = "FOLDER", default_value = "runs")]
    pub(crate) folder: PathBuf,
    /// Give the run in FOLDER this name, which is shown instead of its model's; an empty text removes it
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run directories, of one suite or of several
    #[arg(value_name = "RUN", required_unless_present = "diagnosis")]
    pub(crate) runs: Vec<PathBuf>,
    /// Write the page, figures and tables to this folder; an existing report there is updated
    #[arg(long, short, value_name = "DIR", required_unless_present = "format")]
    pub(crate) out: Option<PathBuf>,
    /// Write the page as a single file, without the original images
    #[arg(long, requires = "out")]
    pub(crate) single_file: bool,
    /// Print the score tables in this format
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<TableFormat>,
    /// Include 95 % confidence intervals in these tables
    #[arg(long)]
    pub(crate) intervals: bool,
    /// Omit published scores
    #[arg(long)]
    pub(crate) no_published: bool,
    /// Show these cases in the qualitative figure, instead of a random selection of correct and incorrect ones
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(crate) examples: Vec<String>,
    /// Images to compare colors with in the section on weaknesses: a run, or a folder of photographs
    #[arg(long, value_name = "RUN|DIR")]
    pub(crate) reference: Option<String>,
    /// Also include a diagnosis: the folder written by `imgeval diagnose ... --report`; may be given several times
    #[arg(long, value_name = "DIR")]
    pub(crate) diagnosis: Vec<PathBuf>,
    /// Do not draw overlays of measurements on the images
    #[arg(long)]
    pub(crate) no_overlays: bool,
    /// Random seed of this selection
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) examples_seed: u64,
    /// Title of the page
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    #[command(flatten)]
    pub(crate) comparing: ComparingArgs,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Run directories, including unfinished ones, or one folder of runs, which gets an index
    #[arg(value_name = "RUN", required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// Local port; 0 picks a free one
    #[arg(long, default_value_t = 8788, value_name = "PORT")]
    pub(crate) port: u16,
    /// Address to listen on; any other than a loopback address shows the runs to everyone who can reach it
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub(crate) host: std::net::IpAddr,
    /// Check for changes at most this often, in seconds
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) every: u64,
    #[command(flatten)]
    pub(crate) comparing: ComparingArgs,
}
