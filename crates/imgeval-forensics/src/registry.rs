//! Every detector that is known here.

use crate::{
    detectors::{aide::AIDE, cnnspot::CNNSPOT, drct::DRCT, npr::NPR, safe::SAFE},
    port::Description,
};

/// In the order in which lists show them.
pub static DETECTORS: &[&Description] = &[&CNNSPOT, &NPR, &SAFE, &DRCT, &AIDE];

/// The detector of an id.
#[must_use]
pub fn description(id: &str) -> Option<&'static Description> {
    DETECTORS.iter().find(|description| description.id == id).copied()
}
