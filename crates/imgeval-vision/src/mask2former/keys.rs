//! The names that the three families of checkpoints give to the same tensors.
//!
//! Our canonical names are those of mmdetection 2.x. mmdetection 3.x renamed the attention modules; transformers named
//! everything anew and keeps query, key and value of some layers apart.

use std::sync::Arc;

use crate::{
    checkpoint::{Checkpoint, Parameters},
    model_error::ModelError,
};

const MMDETECTION: &str = "panoptic_head.";
const HUGGING_FACE: &str = "model.pixel_level_module.";

/// Who trained and published a checkpoint, which decides the order of some channels, preprocessing and postprocessing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// mmdetection, 2.x or 3.x: the official evaluator's.
    Mmdetection,
    /// transformers.
    HuggingFace,
}

/// The parameters under their canonical names, the prefixes of wrappers taken off, and the family.
///
/// # Errors
/// If the names are not Mask2Former's.
pub(super) fn canonical_parameters(checkpoint: Checkpoint) -> Result<(Family, Parameters), ModelError> {
    let checkpoint = checkpoint.unwrapped(&[MMDETECTION, HUGGING_FACE])?;
    let has = |prefix: &str| checkpoint.tensors().any(|(name, _)| name.starts_with(prefix));
    let family = if has(MMDETECTION) {
        Family::Mmdetection
    } else if has(HUGGING_FACE) {
        Family::HuggingFace
    } else {
        return Err(ModelError::not_this_network(&checkpoint, "Mask2Former with a Swin backbone"));
    };
    let mut parameters = Parameters::with_renamed(Arc::new(checkpoint), |stored| match family {
        Family::Mmdetection => Some((from_mmdetection_3(stored), 0)),
        Family::HuggingFace => from_hugging_face(stored),
    });
    // Computed from the window size; a weight of the training loss; a norm of the whole backbone that transformers makes
    // and does not use.
    parameters.ignore(|name| {
        name.ends_with("relative_position_index")
            || name == "criterion.empty_weight"
            || name.starts_with("model.pixel_level_module.encoder.swin.layernorm.")
    });
    Ok((family, parameters))
}

/// Names of 2.x stay as they are.
fn from_mmdetection_3(stored: &str) -> String {
    if stored.contains(".pixel_decoder.encoder.layers.") {
        return stored.replace(".self_attn.", ".attentions.0.").replace(".ffn.", ".ffns.0.");
    }
    if stored.contains(".transformer_decoder.layers.") {
        return stored
            .replace(".self_attn.", ".attentions.1.")
            .replace(".cross_attn.", ".attentions.0.")
            .replace(".ffn.", ".ffns.0.");
    }
    stored.to_owned()
}

/// The canonical name and which part of it the tensor is, for tensors that are joined.
fn from_hugging_face(stored: &str) -> Option<(String, usize)> {
    let name = stored.strip_prefix("model.").unwrap_or(stored);
    if let Some(rest) = name.strip_prefix("pixel_level_module.encoder.") {
        return backbone(rest);
    }
    if let Some(rest) = name.strip_prefix("pixel_level_module.decoder.") {
        return pixel_decoder(rest).map(|rest| (format!("panoptic_head.pixel_decoder.{rest}"), 0));
    }
    if let Some(rest) = name.strip_prefix("transformer_module.") {
        return transformer_decoder(rest).map(|(rest, part)| (format!("panoptic_head.{rest}"), part));
    }
    let rest = name.strip_prefix("class_predictor.")?;
    Some((format!("panoptic_head.cls_embed.{rest}"), 0))
}

/// Splits `<index>.<rest>`.
fn indexed(name: &str) -> Option<(usize, &str)> {
    let (index, rest) = name.split_once('.')?;
    Some((index.parse().ok()?, rest))
}

fn backbone(name: &str) -> Option<(String, usize)> {
    if let Some(rest) = name.strip_prefix("embeddings.") {
        let rest = rest.replace("patch_embeddings.projection", "projection");
        return Some((format!("backbone.patch_embed.{rest}"), 0));
    }
    if let Some(rest) = name.strip_prefix("hidden_states_norms.stage") {
        let (stage, rest) = indexed(rest)?;
        return Some((format!("backbone.norm{}.{rest}", stage.checked_sub(1)?), 0));
    }
    let (stage, rest) = indexed(name.strip_prefix("encoder.layers.")?)?;
    let Some(rest) = rest.strip_prefix("blocks.") else {
        return Some((format!("backbone.stages.{stage}.{rest}"), 0));
    };
    let (block, rest) = indexed(rest)?;
    const RENAMED: &[(&str, &str, usize)] = &[
        ("layernorm_before.", "norm1.", 0),
        ("layernorm_after.", "norm2.", 0),
        ("attention.self.query.", "attn.w_msa.qkv.", 0),
        ("attention.self.key.", "attn.w_msa.qkv.", 1),
        ("attention.self.value.", "attn.w_msa.qkv.", 2),
        ("attention.self.", "attn.w_msa.", 0),
        ("attention.output.dense.", "attn.w_msa.proj.", 0),
        ("intermediate.dense.", "ffn.layers.0.0.", 0),
        ("output.dense.", "ffn.layers.1.", 0),
    ];
    let (rest, part) = rename(rest, RENAMED)?;
    Some((format!("backbone.stages.{stage}.blocks.{block}.{rest}"), part))
}

fn pixel_decoder(name: &str) -> Option<String> {
    if name == "level_embed" {
        return Some("level_encoding.weight".to_owned());
    }
    if let Some(rest) = name.strip_prefix("input_projections.") {
        let (level, rest) = indexed(rest)?;
        let (rest, _) = rename(rest, &[("0.", "conv.", 0), ("1.", "gn.", 0)])?;
        return Some(format!("input_convs.{level}.{rest}"));
    }
    if let Some(rest) = name.strip_prefix("encoder.layers.") {
        let (layer, rest) = indexed(rest)?;
        const RENAMED: &[(&str, &str, usize)] = &[
            ("self_attn.", "attentions.0.", 0),
            ("self_attn_layer_norm.", "norms.0.", 0),
            ("final_layer_norm.", "norms.1.", 0),
            ("fc1.", "ffns.0.layers.0.0.", 0),
            ("fc2.", "ffns.0.layers.1.", 0),
        ];
        let (rest, _) = rename(rest, RENAMED)?;
        return Some(format!("encoder.layers.{layer}.{rest}"));
    }
    const RENAMED: &[(&str, &str, usize)] = &[
        ("adapter_1.0.", "lateral_convs.0.conv.", 0),
        ("adapter_1.1.", "lateral_convs.0.gn.", 0),
        ("layer_1.0.", "output_convs.0.conv.", 0),
        ("layer_1.1.", "output_convs.0.gn.", 0),
        ("mask_projection.", "mask_feature.", 0),
    ];
    rename(name, RENAMED).map(|(name, _)| name)
}

fn transformer_decoder(name: &str) -> Option<(String, usize)> {
    if let Some(rest) = name.strip_prefix("decoder.layers.") {
        let (layer, rest) = indexed(rest)?;
        const RENAMED: &[(&str, &str, usize)] = &[
            ("cross_attn.", "attentions.0.attn.", 0),
            ("cross_attn_layer_norm.", "norms.0.", 0),
            ("self_attn.q_proj.", "attentions.1.attn.in_proj_", 0),
            ("self_attn.k_proj.", "attentions.1.attn.in_proj_", 1),
            ("self_attn.v_proj.", "attentions.1.attn.in_proj_", 2),
            ("self_attn.out_proj.", "attentions.1.attn.out_proj.", 0),
            ("self_attn_layer_norm.", "norms.1.", 0),
            ("final_layer_norm.", "norms.2.", 0),
            ("fc1.", "ffns.0.layers.0.0.", 0),
            ("fc2.", "ffns.0.layers.1.", 0),
        ];
        let (rest, part) = rename(rest, RENAMED)?;
        return Some((format!("transformer_decoder.layers.{layer}.{rest}"), part));
    }
    if let Some(rest) = name.strip_prefix("decoder.mask_predictor.mask_embedder.") {
        // Each layer sits in a sequence of its own; mmdetection counts the activations between them.
        let (layer, rest) = indexed(rest)?;
        return Some((format!("mask_embed.{}.{}", 2 * layer, rest.strip_prefix("0.")?), 0));
    }
    const RENAMED: &[(&str, &str, usize)] = &[
        ("queries_embedder.", "query_embed.", 0),
        ("queries_features.", "query_feat.", 0),
        ("level_embed.", "level_embed.", 0),
        ("decoder.layernorm.", "transformer_decoder.post_norm.", 0),
    ];
    rename(name, RENAMED)
}

/// Replaces the first prefix of the table that fits.
fn rename(name: &str, table: &[(&str, &str, usize)]) -> Option<(String, usize)> {
    let (rest, to, part) =
        table.iter().find_map(|&(from, to, part)| name.strip_prefix(from).map(|rest| (rest, to, part)))?;
    Some((format!("{to}{rest}"), part))
}
