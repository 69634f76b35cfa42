//! The two families of names for CLIP's tensors. Our canonical names are OpenAI's, which open_clip shares.

use std::sync::Arc;

use crate::{
    checkpoint::{Checkpoint, Parameters},
    model_error::ModelError,
};

const OPENAI: &str = "visual.class_embedding";
const HUGGING_FACE: &str = "vision_model.embeddings.class_embedding";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    OpenAi,
    HuggingFace,
}

/// The parameters under their canonical names, the prefixes of wrappers taken off.
///
/// # Errors
/// If the names are not CLIP's.
pub fn canonical_parameters(checkpoint: Checkpoint) -> Result<(Family, Parameters), ModelError> {
    let checkpoint = checkpoint.unwrapped(&[OPENAI, HUGGING_FACE])?;
    let family = if checkpoint.info(OPENAI).is_some() {
        Family::OpenAi
    } else if checkpoint.info(HUGGING_FACE).is_some() {
        Family::HuggingFace
    } else {
        return Err(ModelError::not_this_network(&checkpoint, "a CLIP model"));
    };
    let mut parameters = Parameters::with_renamed(Arc::new(checkpoint), |stored| match family {
        Family::OpenAi => Some((stored.to_owned(), 0)),
        Family::HuggingFace => canonical_name(stored),
    });
    // The temperature of training, counters, and what follows from the shapes. GenEval scales by a fixed 100.
    parameters.ignore(|name| {
        name.ends_with("position_ids")
            || ["logit_scale", "input_resolution", "context_length", "vocab_size", "attn_mask"]
                .contains(&name)
    });
    Ok((family, parameters))
}

/// The canonical name of a tensor in Hugging Face's layout, and which part of it the tensor is: queries, keys and values are one tensor
/// in OpenAI's.
#[must_use]
pub fn canonical_name(stored: &str) -> Option<(String, usize)> {
    const WHOLE: &[(&str, &str)] = &[
        ("text_model.embeddings.token_embedding.weight", "token_embedding.weight"),
        ("text_model.embeddings.position_embedding.weight", "positional_embedding"),
        ("text_model.final_layer_norm.weight", "ln_final.weight"),
        ("text_model.final_layer_norm.bias", "ln_final.bias"),
        ("text_projection.weight", "text_projection"),
        ("vision_model.embeddings.class_embedding", "visual.class_embedding"),
        ("vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight"),
        ("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"),
        // The name has been misspelt since the first release.
        ("vision_model.pre_layrnorm.weight", "visual.ln_pre.weight"),
        ("vision_model.pre_layrnorm.bias", "visual.ln_pre.bias"),
        ("vision_model.post_layernorm.weight", "visual.ln_post.weight"),
        ("vision_model.post_layernorm.bias", "visual.ln_post.bias"),
        ("visual_projection.weight", "visual.proj"),
    ];
    if let Some((_, canonical)) = WHOLE.iter().find(|(name, _)| *name == stored) {
        return Some(((*canonical).to_owned(), 0));
    }
    let (tower, rest) = match stored.strip_prefix("text_model.encoder.layers.") {
        Some(rest) => ("", rest),
        None => ("visual.", stored.strip_prefix("vision_model.encoder.layers.")?),
    };
    let (layer, rest) = rest.split_once('.')?;
    const PARTS: &[(&str, &str, usize)] = &[
        ("self_attn.q_proj.", "attn.in_proj_", 0),
        ("self_attn.k_proj.", "attn.in_proj_", 1),
        ("self_attn.v_proj.", "attn.in_proj_", 2),
        ("self_attn.out_proj.", "attn.out_proj.", 0),
        ("layer_norm1.", "ln_1.", 0),
        ("layer_norm2.", "ln_2.", 0),
        ("mlp.fc1.", "mlp.c_fc.", 0),
        ("mlp.fc2.", "mlp.c_proj.", 0),
    ];
    let (rest, to, part) =
        PARTS.iter().find_map(|&(from, to, part)| rest.strip_prefix(from).map(|rest| (rest, to, part)))?;
    Some((format!("{tower}transformer.resblocks.{layer}.{to}{rest}"), part))
}
