//! What a CLIP model's tensors do not tell: `config.json` of transformers or `open_clip_config.json`, if one lies there.

use std::path::Path;

use serde_json::Value;

use crate::{model_error::ModelError, ops::Activation};

/// More than any configuration has.
const MAX_BYTES: u64 = 1 << 20;

/// Heads and activation; what is not said is as in OpenAI's models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Configuration {
    pub(super) vision_heads: Option<usize>,
    pub(super) text_heads: Option<usize>,
    pub(super) vision_activation: Activation,
    pub(super) text_activation: Activation,
}

impl Configuration {
    pub(super) const OPENAI: Self = Self {
        vision_heads: None,
        text_heads: None,
        vision_activation: Activation::QuickGelu,
        text_activation: Activation::QuickGelu,
    };

    /// From the folder of the weights.
    pub(super) fn load(weights: &Path) -> Result<Self, ModelError> {
        let folder = if weights.is_dir() { weights } else { weights.parent().unwrap_or(weights) };
        let hugging_face = folder.join("config.json");
        if hugging_face.is_file() {
            return Self::from_hugging_face(&read(&hugging_face)?, &hugging_face);
        }
        let open_clip = folder.join("open_clip_config.json");
        if open_clip.is_file() {
            let model = &read(&open_clip)?["model_cfg"];
            // open_clip's own models use the exact form unless they say otherwise.
            let is_quick = model["quick_gelu"].as_bool().unwrap_or(false);
            let activation = if is_quick { Activation::QuickGelu } else { Activation::Gelu };
            let heads = model["text_cfg"]["heads"].as_u64().and_then(|heads| usize::try_from(heads).ok());
            let activations =
                Self { vision_activation: activation, text_activation: activation, ..Self::OPENAI };
            return Ok(Self { text_heads: heads, ..activations });
        }
        Ok(Self::OPENAI)
    }

    fn from_hugging_face(config: &Value, path: &Path) -> Result<Self, ModelError> {
        let heads = |tower: &str| -> Result<Option<usize>, ModelError> {
            match &config[tower]["num_attention_heads"] {
                Value::Null => Ok(None),
                heads => match heads.as_u64().and_then(|heads| usize::try_from(heads).ok()) {
                    Some(heads) if heads > 0 => Ok(Some(heads)),
                    _ => Err(broken(path, &format!("`{tower}.num_attention_heads` is {heads}"))),
                },
            }
        };
        let activation = |tower: &str| match &config[tower]["hidden_act"] {
            Value::Null => Ok(Activation::QuickGelu),
            Value::String(name) if name == "quick_gelu" => Ok(Activation::QuickGelu),
            Value::String(name) if name == "gelu" => Ok(Activation::Gelu),
            other => {
                Err(broken(path, &format!("`{tower}.hidden_act` is {other}, known are quick_gelu and gelu")))
            }
        };
        Ok(Self {
            vision_heads: heads("vision_config")?,
            text_heads: heads("text_config")?,
            vision_activation: activation("vision_config")?,
            text_activation: activation("text_config")?,
        })
    }
}

fn broken(path: &Path, detail: &str) -> ModelError {
    ModelError::Configuration { path: path.to_owned(), detail: detail.to_owned() }
}

fn read(path: &Path) -> Result<Value, ModelError> {
    let size = path.metadata().map_err(|error| broken(path, &error.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(broken(path, "far too large for a configuration"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| broken(path, &error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| broken(path, &error.to_string()))
}
