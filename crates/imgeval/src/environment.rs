//! Every environment variable that imgeval reads, in one place. Flags win over them.

use std::path::PathBuf;

use imgeval_vision::weights::{Hub, Places};

/// Where model weights are kept.
pub(crate) const MODELS_DIR: &str = "IMGEVAL_MODELS_DIR";
/// The Python that fetches packages for `models pull`.
pub(crate) const PYTHON: &str = "IMGEVAL_PYTHON";
/// Set to anything but 0 to never touch the network.
pub(crate) const OFFLINE: &str = "IMGEVAL_OFFLINE";

/// The folder for weights: as set, else below the user's cache folder, else below the working folder.
pub(crate) fn models_dir(flag: Option<PathBuf>) -> PathBuf {
    let below_cache = |base: PathBuf| base.join("imgeval").join("models");
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    flag.or_else(|| variable("XDG_CACHE_HOME").map(below_cache))
        .or_else(|| variable("HOME").map(|home| below_cache(home.join(".cache"))))
        .unwrap_or_else(|| PathBuf::from("imgeval-models"))
}

/// The Hugging Face hub, as its own tools would find it: `HF_HUB_CACHE`, `HF_HOME`, `HF_ENDPOINT` and `HF_TOKEN`.
pub(crate) fn hub() -> Hub {
    Hub::from_variables(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Where weights lie on this machine.
pub(crate) fn places(models_dir_flag: Option<PathBuf>) -> Places {
    Places { models_dir: models_dir(models_dir_flag), hub: hub() }
}
