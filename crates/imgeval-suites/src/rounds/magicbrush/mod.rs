//! MagicBrush (CC BY 4.0): sessions of up to three turns with masks and the annotators' own results.
//!
//! A split is a folder `dev` or `test` with `edit_sessions.json`, `local_descriptions.json` and `images/<id>/`. A model's outputs
//! lie in `<out>/<id>/`: `<id>_1.png`, and for later turns `<id>_inde_<k>.png` (edited from the annotators' result of the turn before) and
//! `<id>_iter_<k>.png` (edited from the model's own).

mod dataset;
mod outputs;
mod pairs;
#[cfg(test)]
mod tests;

pub use dataset::{read_split, read_split_folder};
pub use outputs::{Outputs, Setting, output_name, read_outputs};
pub use pairs::{FolderListing, ImagePair, PairError, image_pairs, list_images};
