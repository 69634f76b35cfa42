//! CLIP, which names the colour of a found object.

pub mod tokenizer;
