//! The environment variables that settings come from.

use std::path::PathBuf;

use imgeval_clients::ProviderKind;

/// The value of a variable; an empty one is none.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Where the user's own settings and catalog lie. A relative path would be part of the working folder, which is not the user's
/// word.
#[must_use]
pub fn configuration_dir() -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    base.map(|base| base.join("imgeval"))
}

/// Where the vendor's own clients would send requests instead.
pub(crate) fn base_url(kind: ProviderKind) -> Option<String> {
    is_openai(kind).then(|| variable("OPENAI_BASE_URL")).flatten()
}

pub(crate) fn organization(kind: ProviderKind) -> Option<String> {
    is_openai(kind).then(|| variable("OPENAI_ORG_ID")).flatten()
}

pub(crate) fn project(kind: ProviderKind) -> Option<String> {
    is_openai(kind).then(|| variable("OPENAI_PROJECT_ID")).flatten()
}

fn is_openai(kind: ProviderKind) -> bool {
    kind.key_variables().contains(&"OPENAI_API_KEY")
}
