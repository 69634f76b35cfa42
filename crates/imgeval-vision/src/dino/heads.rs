//! How many attention heads a network has, which its tensors do not say.

use std::path::Path;

use imgeval_core::json::from_json_str;
use serde_json::Value;

use crate::{clip::Heads, model_error::ModelError};

/// More than any description has.
const MAX_BYTES: u64 = 1 << 20;

const FIELD: &str = "num_attention_heads";

/// Stated beside the weights, or one for every 64 channels.
pub(super) fn beside(weights: &Path) -> Result<Heads, ModelError> {
    let path = if weights.is_dir() { weights.join("config.json") } else { weights.with_extension("json") };
    if !path.is_file() {
        return Ok(Heads::Channels(64));
    }
    let broken = |detail: String| ModelError::Configuration { path: path.clone(), detail };
    let text = imgeval_files::read_text(&path, MAX_BYTES).map_err(|error| broken(error.to_string()))?;
    let description: Value = from_json_str(&text).map_err(|error| broken(error.to_string()))?;
    match description[FIELD].as_u64().and_then(|count| usize::try_from(count).ok()) {
        Some(count) if count > 0 => Ok(Heads::Count(count)),
        _ => Err(broken(format!("`{FIELD}` is {}", description[FIELD]))),
    }
}
