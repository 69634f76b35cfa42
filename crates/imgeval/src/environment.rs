//! Every environment variable that imgeval reads, but for those of providers' accounts and the user's configuration folder, which
//! `imgeval_settings::environment` reads. Flags win over them.

use std::path::PathBuf;

use imgeval_fetch::weights::{Hub, Places};
pub(crate) use imgeval_settings::environment::variable;
use imgeval_vision::ops::InstructionLimit;

/// Where model weights are kept.
pub(crate) const MODELS_DIR: &str = "IMGEVAL_MODELS_DIR";
/// Where fetched suites are kept.
pub(crate) const SUITES_DIR: &str = "IMGEVAL_SUITES_DIR";
/// Where embeddings of frozen networks are kept.
pub(crate) const EMBEDDINGS_DIR: &str = "IMGEVAL_EMBEDDINGS_DIR";
/// The Python that fetches packages for `models pull`.
pub(crate) const PYTHON: &str = "IMGEVAL_PYTHON";
/// The memory that images may take together, such as `2GiB`.
pub(crate) const MAX_MEMORY: &str = "IMGEVAL_MAX_MEMORY";
/// `avx2` or `portable` to use fewer vector instructions than the processor has, for comparing.
const SIMD: &str = "IMGEVAL_SIMD";
/// Set to anything but 0 to never touch the network.
pub(crate) const OFFLINE: &str = "IMGEVAL_OFFLINE";

/// The settings file.
pub(crate) const SETTINGS: &str = "IMGEVAL_SETTINGS";
/// The user's catalog of models.
pub(crate) const CATALOGUE: &str = "IMGEVAL_CATALOGUE";
/// Set for a process that must end when its standard input does: a step of a study, whose input is held open by the study.
pub(crate) const STEP: &str = "IMGEVAL_STEP";
/// Set to `debug` to log every request, without its content.
pub(crate) const LOG: &str = "IMGEVAL_LOG";

/// The width that tables take, for a terminal that does not tell and for output that goes elsewhere.
pub(crate) const COLUMNS: &str = "IMGEVAL_COLUMNS";
/// Set to anything to see no colors (no-color.org).
pub(crate) const NO_COLOR: &str = "NO_COLOR";
/// `0` turns colors off.
pub(crate) const CLICOLOR: &str = "CLICOLOR";
/// Anything but `0` turns colors on, even where output goes elsewhere.
pub(crate) const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";
/// The kind of terminal; `dumb` ones have no colors.
pub(crate) const TERM: &str = "TERM";

/// The vector instructions that kernels are kept within, if the user asks for fewer than the processor has.
pub(crate) fn instruction_limit() -> Option<InstructionLimit> {
    let asked = variable(SIMD)?;
    Some(if asked == "portable" { InstructionLimit::Portable } else { InstructionLimit::Avx2 })
}

/// In how many threads images are worked on, as Rayon counts them.
pub(crate) fn threads() -> usize {
    let asked = variable("RAYON_NUM_THREADS").and_then(|number| number.parse().ok()).filter(|n| *n > 0);
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// The folder for weights: as set, also where no command line was parsed, else below the user's cache folder, else below the working
/// folder.
pub(crate) fn models_dir(flag: Option<PathBuf>) -> PathBuf {
    flag.or_else(|| set_folder(MODELS_DIR)).unwrap_or_else(|| cache_dir("models"))
}

/// The folder for fetched suites, found in the same way.
pub(crate) fn suites_dir(flag: Option<PathBuf>) -> PathBuf {
    flag.or_else(|| set_folder(SUITES_DIR)).unwrap_or_else(|| cache_dir("suites"))
}

/// The folder for embeddings, found in the same way.
pub(crate) fn embeddings_dir(flag: Option<PathBuf>) -> PathBuf {
    flag.or_else(|| set_folder(EMBEDDINGS_DIR)).unwrap_or_else(|| cache_dir("embeddings"))
}

fn set_folder(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn cache_dir(name: &str) -> PathBuf {
    let base = set_folder("XDG_CACHE_HOME").or_else(|| set_folder("HOME").map(|home| home.join(".cache")));
    base.map_or_else(|| PathBuf::from(format!("imgeval-{name}")), |base| base.join("imgeval").join(name))
}

/// The Hugging Face hub, as its own tools would find it: `HF_HUB_CACHE`, `HF_HOME`, `HF_ENDPOINT` and `HF_TOKEN`.
pub(crate) fn hub() -> Hub {
    Hub::from_variables(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Where weights are on this machine.
pub(crate) fn places(models_dir_flag: Option<PathBuf>) -> Places {
    Places { models_dir: models_dir(models_dir_flag), hub: hub() }
}
