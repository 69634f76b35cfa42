//! Which providers, models, keys and limits a user has set.
//!
//! - [`Settings`] reads `imgeval.toml` and the catalog, and resolves the name of a model or judge to everything that is
//!   needed to call it.
//! - [`TrustList`] holds which settings files of working folders their user trusts, [`ShownFile`] what one of them says.
//! - [`PromptPipeline`] makes a suite's prompts fit for a model.
//!
//! Errors say what is wrong and, as far as it is about the settings, what to write instead. How a program is told otherwise is
//! for the program to say.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

pub mod environment;
mod error;
mod prompts;
mod settings;
mod trust;

pub use error::{RemoteSetting, SettingsError, UntrustedUse};
pub use prompts::{PromptError, PromptPipeline, PromptSettings};
pub use settings::{
    AllowedModels, FILE_NAME, ModelName, NamedFiles, Overrides, ResolvedModel, Settings, ShownFile,
};
pub use trust::{TrustList, TrustState, hash_of};
