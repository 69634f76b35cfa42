//! Against torchmetrics: `tests/fixtures/lpips`, made by `scripts/reference/edit_metrics.py`. The distances of whole edits are
//! compared in the crate `imgeval`.

use std::path::{Path, PathBuf};

use super::Lpips;
use crate::random_weights::ramp_picture;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lpips").join(name)
}

fn load(trunk: &str, heads: &str) -> Result<Lpips, crate::ModelError> {
    Lpips::load(&fixture(trunk), &fixture(heads))
}

fn numbers(width: u32, height: u32) -> Vec<f32> {
    ramp_picture(41, width, height).rgb().iter().map(|value| f32::from(*value) / 255.0).collect()
}

#[test]
fn the_canary_holds() {
    Lpips::canary().unwrap();
}

#[test]
fn equal_pictures_have_no_distance_and_order_does_not_matter() {
    let lpips = load("trunk.pth", "heads.pth").unwrap();
    let first = numbers(45, 33);
    let second: Vec<f32> = first.iter().map(|number| number * 0.5).collect();
    assert_eq!(lpips.distance(&first, &first, (45, 33)).unwrap(), 0.0);
    let there = lpips.distance(&first, &second, (45, 33)).unwrap();
    let back = lpips.distance(&second, &first, (45, 33)).unwrap();
    assert!(there > 0.01 && there == back, "{there} and {back}");
}

#[test]
fn small_pictures_and_wrong_slices_are_refused() {
    let lpips = load("trunk.pth", "heads.pth").unwrap();
    let picture = numbers(32, 32);
    assert!(lpips.distance(&picture, &picture, (32, 32)).is_ok());
    let error = lpips.distance(&picture, &picture, (31, 40)).unwrap_err();
    assert_eq!(error.to_string(), "the network failed: an image of 31x40 pixels is too small");
    assert!(lpips.distance(&picture, &picture[3..], (32, 32)).is_err());
    let features = |width, height| lpips.features(&numbers(width, height), (width, height)).unwrap();
    let error = lpips.distance_between(&features(32, 40), &features(40, 32)).unwrap_err();
    assert!(matches!(error, crate::ModelError::OtherSize), "{error}");
}

#[test]
fn weights_of_another_network_are_named() {
    let refused = |trunk: &str, heads: &str| load(trunk, heads).err().unwrap().to_string();
    let no_trunk = refused("heads.pth", "heads.pth");
    assert!(
        no_trunk.contains("does not contain SqueezeNet 1.1; ") && no_trunk.contains("`lin0"),
        "{no_trunk}"
    );
    let no_heads = refused("trunk.pth", "trunk.pth");
    assert!(
        no_heads.contains("does not contain the linear heads of LPIPS; ") && no_heads.contains("`features."),
        "{no_heads}"
    );
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/edit_metrics");
    let heads = shared.join("lpips_squeeze_heads.pth");
    if heads.is_file() {
        let error = Lpips::load(&fixture("trunk.pth"), &heads).err().unwrap().to_string();
        assert!(
            error.contains("7 of another shape: `lin0.model.1.weight` [1, 64, 1, 1] instead of"),
            "{error}"
        );
    }
}
