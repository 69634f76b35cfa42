//! Networks that more than one detector is made of.
//!
//! - [`resnet`]: ResNet-50 and its first layers; [`convnext`]: ConvNeXt; [`map`]: what goes through them.
//! - [`frequency_grades`]: which windows of an image are smooth and which are busy.

pub mod convnext;
pub mod frequency_grades;
pub mod map;
pub mod resnet;
