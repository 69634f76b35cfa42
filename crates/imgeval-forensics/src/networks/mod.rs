//! Networks that more than one detector is made of.
//!
//! - [`resnet`]: ResNet-50 and its first layers; [`convnext`]: ConvNeXt; [`map`]: what goes through them.
//! - [`frequency_grades`]: which windows of an image are smooth and which are busy.
//! - [`clip_trunk`]: the vision encoder of CLIP; [`clip_files`]: how it lies in files, beside a head or with one.
//! - [`vit`]: transformers under timm's names. [`folded`]: layers whose weights lie in parts.
//! - [`multihead`]: PyTorch's attention layer. [`wavelet_adapter`], [`prompts`]: the parts of FatFormer.
//! - [`heads`]: from the last tensor to logits.

pub mod clip_files;
pub mod clip_trunk;
pub mod convnext;
pub mod folded;
pub mod frequency_grades;
pub mod heads;
pub mod map;
pub mod multihead;
pub mod prompts;
pub mod resnet;
pub mod vit;
pub mod wavelet_adapter;
