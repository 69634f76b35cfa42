//! What a CLIP model's tensors do not tell: `config.json` of transformers or `open_clip_config.json`, if one lies there.

use std::path::Path;

use imgeval_core::json::from_json_str;
use serde_json::Value;

use crate::{model_error::ModelError, ops::Activation};

/// More than any configuration has.
const MAX_BYTES: u64 = 1 << 20;

/// How the channels of a tower are cut into attention heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heads {
    Count(usize),
    /// So many channels each.
    Channels(usize),
}

impl Heads {
    const OPENAI: Self = Self::Channels(64);

    /// In a tower of this width; none if a head is wider than that.
    pub fn of(self, width: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Channels(channels) => width / channels.max(1),
        }
    }
}

/// Heads and activation; what is not said is as in OpenAI's models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configuration {
    pub vision_heads: Heads,
    pub text_heads: Heads,
    pub vision_activation: Activation,
    pub text_activation: Activation,
}

impl Configuration {
    pub const OPENAI: Self = Self {
        vision_heads: Heads::OPENAI,
        text_heads: Heads::OPENAI,
        vision_activation: Activation::QuickGelu,
        text_activation: Activation::QuickGelu,
    };

    /// From the folder of the weights.
    pub fn load(weights: &Path) -> Result<Self, ModelError> {
        let folder = if weights.is_dir() { weights } else { weights.parent().unwrap_or(weights) };
        let hugging_face = folder.join("config.json");
        if hugging_face.is_file() {
            return Self::from_hugging_face(&read(&hugging_face)?, &hugging_face);
        }
        let open_clip = folder.join("open_clip_config.json");
        if open_clip.is_file() {
            return Self::from_open_clip(&read(&open_clip)?["model_cfg"], &open_clip);
        }
        Ok(Self::OPENAI)
    }

    fn from_open_clip(model: &Value, path: &Path) -> Result<Self, ModelError> {
        // open_clip's own models use the exact form unless they say otherwise.
        let is_quick = model["quick_gelu"].as_bool().unwrap_or(false);
        let activation = if is_quick { Activation::QuickGelu } else { Activation::Gelu };
        let head_width = count(model, "vision_cfg", "head_width", path)?;
        let text_heads = count(model, "text_cfg", "heads", path)?;
        Ok(Self {
            vision_heads: head_width.map_or(Heads::OPENAI, Heads::Channels),
            text_heads: text_heads.map_or(Heads::OPENAI, Heads::Count),
            vision_activation: activation,
            text_activation: activation,
        })
    }

    fn from_hugging_face(config: &Value, path: &Path) -> Result<Self, ModelError> {
        let heads = |tower: &str| -> Result<Heads, ModelError> {
            let heads = count(config, tower, "num_attention_heads", path)?;
            Ok(heads.map_or(Heads::OPENAI, Heads::Count))
        };
        let activation = |tower: &str| match &config[tower]["hidden_act"] {
            Value::Null => Ok(Activation::QuickGelu),
            Value::String(name) if name == "quick_gelu" => Ok(Activation::QuickGelu),
            Value::String(name) if name == "gelu" => Ok(Activation::Gelu),
            other => Err(broken(
                path,
                &format!("`{tower}.hidden_act` is {other}; supported are quick_gelu and gelu"),
            )),
        };
        Ok(Self {
            vision_heads: heads("vision_config")?,
            text_heads: heads("text_config")?,
            vision_activation: activation("vision_config")?,
            text_activation: activation("text_config")?,
        })
    }
}

/// A number above zero, if it is said.
fn count(config: &Value, tower: &str, field: &str, path: &Path) -> Result<Option<usize>, ModelError> {
    let value = &config[tower][field];
    if value.is_null() {
        return Ok(None);
    }
    match value.as_u64().and_then(|count| usize::try_from(count).ok()) {
        Some(count) if count > 0 => Ok(Some(count)),
        _ => Err(broken(path, &format!("`{tower}.{field}` is {value}"))),
    }
}

fn broken(path: &Path, detail: &str) -> ModelError {
    ModelError::Configuration { path: path.to_owned(), detail: detail.to_owned() }
}

fn read(path: &Path) -> Result<Value, ModelError> {
    let text = imgeval_files::read_text(path, MAX_BYTES).map_err(|error| broken(path, &error.to_string()))?;
    from_json_str(text.trim_start_matches('\u{feff}')).map_err(|error| broken(path, &error.to_string()))
}
