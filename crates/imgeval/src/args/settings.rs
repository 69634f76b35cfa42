//! Arguments of `imgeval doctor` and `imgeval trust`.

use std::path::PathBuf;

use clap::{Args, builder::FalseyValueParser};
use imgeval_settings::FILE_NAME;

use super::{ModelsDirArg, generation::SettingsFiles};
use crate::environment;

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Check only these models (PROVIDER:MODEL) or providers [default: every provider that has a key or is in the
    /// settings]
    #[arg(value_name = "WHAT")]
    pub(crate) names: Vec<String>,
    /// Do not access the network
    #[arg(long, env = environment::OFFLINE, value_parser = FalseyValueParser::new())]
    pub(crate) offline: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) files: SettingsFiles,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
}

#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// Settings file
    #[arg(value_name = "FILE", default_value = FILE_NAME)]
    pub(crate) file: PathBuf,
    /// List trusted files and whether they have changed
    #[arg(long, conflicts_with = "revoke")]
    pub(crate) list: bool,
    /// Revoke trust in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) revoke: Option<PathBuf>,
    /// Do not ask for confirmation after showing what the file says
    #[arg(long)]
    pub(crate) yes: bool,
}
