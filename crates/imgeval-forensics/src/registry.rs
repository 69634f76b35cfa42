//! Every detector that is known here.

use crate::{
    detectors::{
        aide::AIDE, bfree::B_FREE, c2p_clip::C2P_CLIP, clipdet::CLIPDET, cnnspot::CNNSPOT,
        community_forensics::COMMUNITY_FORENSICS, drct::DRCT, effort::EFFORT, fatformer::FATFORMER, npr::NPR,
        rine::RINE, safe::SAFE, univfd::UNIVFD,
    },
    port::Description,
};

/// In the order in which lists show them: those that need no login and have a permissive license first.
pub static DETECTORS: &[&Description] = &[
    &COMMUNITY_FORENSICS,
    &RINE,
    &UNIVFD,
    &CNNSPOT,
    &NPR,
    &SAFE,
    &DRCT,
    &AIDE,
    &EFFORT,
    &C2P_CLIP,
    &FATFORMER,
    &CLIPDET,
    &B_FREE,
];

/// The detector of an id.
#[must_use]
pub fn description(id: &str) -> Option<&'static Description> {
    DETECTORS.iter().find(|description| description.id == id).copied()
}
