//! Registration and what follows from it against `shared/golden/drift`, if it is there (NumPy, SciPy, Pillow). The whole
//! sets take some seconds each in an optimized build, so every run takes a few and `--ignored` takes all.

use std::path::{Path, PathBuf};

use imgeval_core::{GrayPixels, Pixels};
use imgeval_metrics::{
    locality::{EditedRegion, measure_outside_mask},
    registration::{
        AlignedPair, Alignment, Status, likeness_after, likeness_at, likeness_before, register,
        tile_survival_at,
    },
};
use imgeval_vision::image_file::{DecodeLimits, load_image};
use serde_json::Value;

struct Golden {
    shared: PathBuf,
}

impl Golden {
    fn new() -> Option<Self> {
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
        shared.join("golden/drift").is_dir().then_some(Self { shared })
    }

    fn json(&self, name: &str) -> Value {
        let path = self.shared.join("golden/drift").join(name);
        serde_json::from_slice(&imgeval_files::read_regular(&path, u64::MAX).unwrap()).unwrap()
    }

    fn image(&self, name: &Value) -> Pixels {
        let name = name.as_str().unwrap();
        let places = ["golden/drift", "data/images"].map(|folder| self.shared.join(folder).join(name));
        let path = places.iter().find(|path| path.is_file()).unwrap();
        load_image(path, &DecodeLimits { max_pixels: u64::MAX }).unwrap().pixels
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn alignment(value: &Value) -> Alignment {
    let two = |name: &str| [0, 1].map(|axis| number(&value[name][axis]));
    Alignment { a: two("a"), b: two("b") }
}

fn check_registration(golden: &Golden, case: &Value, worst: &mut [f64; 2]) {
    let name = case["name"].as_str().unwrap();
    let (source, edited) = (golden.image(&case["source"]), golden.image(&case["edited"]));
    let found = register(&source, &edited).unwrap();
    let error = |expected: &Value| {
        alignment(expected).corner_distance(&found.alignment, (source.width(), source.height()))
    };
    if let Some(required) = case.get("required_corner_error") {
        let error = error(&case["truth"]);
        assert!(error <= number(required) && found.status == Status::Ok, "{name}: {error}, {found:?}");
        worst[0] = worst[0].max(error / number(required));
        let mask = &case["mask"];
        if let (Some(_), Some(reference)) = (mask.as_str(), case.get("edited_region_iou")) {
            let pair = AlignedPair::new(&source, &edited, &found.alignment, 512);
            let iou =
                overlap_with(&pair, &GrayPixels::luma_of(&golden.image(mask)), &alignment(&case["truth"]));
            assert!(iou >= 0.8, "{name}: {iou}, reference {reference}");
        }
        return;
    }
    match case["required_status"].as_str().unwrap() {
        "ok" => {
            let error = error(&case["reference"]);
            assert!(found.status == Status::Ok && error <= 0.01, "{name}: {error}, {found:?}");
            worst[1] = worst[1].max(error);
        }
        "failed" => assert_eq!(found.status, Status::Failed, "{name}: {found:?}"),
        _ => assert_ne!(found.status, Status::Ok, "{name}: {found:?}"),
    }
}

/// Intersection over union of the region that is found and a mask in the edited frame.
fn overlap_with(pair: &AlignedPair, mask: &GrayPixels, truth: &Alignment) -> f64 {
    let region = EditedRegion::find(pair).unwrap().region;
    let (width, height) = (pair.width(), pair.height());
    let place = |index: usize, n: usize, axis: usize, side: u32| {
        let share = ((index as f64 + 0.5) / n as f64 - truth.b[axis]) / truth.a[axis];
        (0.0..1.0).contains(&share).then_some((share * f64::from(side)) as usize)
    };
    let (mut both, mut either) = (0.0, 0.0);
    for (index, (found, inside)) in region.values().iter().zip(pair.is_inside()).enumerate() {
        let x = place(index % width, width, 0, mask.width());
        let y = place(index / width, height, 1, mask.height());
        let edited = x.zip(y).is_some_and(|(x, y)| mask.values()[y * mask.width() as usize + x] > 127);
        let edited = edited && *inside;
        both += f64::from(u8::from(edited && *found));
        either += f64::from(u8::from(edited || *found));
    }
    both / either
}

fn check_registrations(is_taken: impl Fn(&str) -> bool) {
    let Some(golden) = Golden::new() else { return };
    let expected = golden.json("expected_registration.json");
    let mut worst = [0.0; 2];
    for set in ["warps", "hard", "real"] {
        for case in expected[set].as_array().unwrap() {
            if is_taken(case["name"].as_str().unwrap()) {
                check_registration(&golden, case, &mut worst);
            }
        }
    }
    assert!(worst[0] > 0.0 && worst[1] > 0.0);
}

#[test]
fn some_registrations_are_right() {
    check_registrations(|name| {
        ["warp_04", "warp_09", "hard_00", "panda_magicbrush", "panda_gpt4o", "neg_0"].contains(&name)
    });
}

#[test]
#[ignore = "takes half a minute"]
fn all_registrations_are_right() {
    check_registrations(|_| true);
}

#[test]
fn identity_edits_are_measured() {
    let Some(golden) = Golden::new() else { return };
    for case in golden.json("expected_identity.json").as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (source, edited) = (golden.image(&case["source"]), golden.image(&case["edited"]));
        let close = |what: &str, found: f64, expected: &Value, tolerance: f64| {
            let expected = number(expected);
            assert!((found - expected).abs() <= tolerance, "{name} {what}: {found} instead of {expected}");
        };
        let before = likeness_before(&source, &edited).unwrap();
        close("psnr before", before.psnr, &case["before"]["psnr"], 1e-4);
        close("ssim before", before.ssim, &case["before"]["ssim"], 1e-5);
        let truth = alignment(&case["truth"]);
        let (at_truth, expected) = (likeness_at(&source, &edited, &truth).unwrap(), &case["after_true"]);
        close("psnr after", at_truth.likeness.psnr, &expected["psnr"], 0.02);
        close("ssim after", at_truth.likeness.ssim, &expected["ssim"], 1e-4);
        close("valid share", at_truth.valid_share, &expected["valid_share"], 1e-6);
        let tiles = tile_survival_at(&source, &edited, &truth);
        close("survival", tiles.survival.unwrap(), &case["tiles"]["survival"], 0.04);

        let found = register(&source, &edited).unwrap();
        assert_eq!(found.status, Status::Ok, "{name}");
        if name == "redraw" {
            assert!(found.framing.cut_off <= 0.02);
            continue;
        }
        let frame = &case["truth"]["frame"];
        close("cut_off", found.framing.cut_off, &frame["cut_off"], 0.001);
        close("new_share", found.framing.new_share, &frame["new_share"], 0.001);
        close("aspect_change", found.framing.aspect_change, &frame["aspect_change"], 1e-8);
        let after = likeness_after(&source, &edited, &found).unwrap();
        close("own psnr after", after.likeness.psnr, &expected["psnr"], 1.0);
        close("own ssim after", after.likeness.ssim, &expected["ssim"], 0.015);
    }
}

#[test]
fn masked_edits_are_measured() {
    let Some(golden) = Golden::new() else { return };
    for case in golden.json("expected_masked.json").as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (source, edited) = (golden.image(&case["source"]), golden.image(&case["edited"]));
        let mask = GrayPixels::luma_of(&golden.image(&case["mask"]));
        let pair = AlignedPair::new(&source, &edited, &Alignment::IDENTITY, 512);
        let found = measure_outside_mask(&pair, &mask).unwrap();
        let (truth, reference) = (&case["truth"], &case["with_mask"]);
        let tone_tolerance = if case["leak"] == "blur" { 0.8 } else { 0.5 };
        let (tone, content) = (number(&truth["tone_dE"]), number(&truth["content_dE"]));
        assert!((found.tone_de - tone).abs() <= tone_tolerance, "{name}: {found:?}");
        assert!((found.content_de - content).abs() <= (0.12 * content).max(1.0), "{name}: {found:?}");
        assert!((found.tone_de - number(&reference["tone_dE"])).abs() < 0.01, "{name}: {found:?}");
        assert!((found.content_de - number(&reference["content_dE"])).abs() < 0.01, "{name}: {found:?}");
        assert!(
            (found.outside_share - number(&reference["outside_share"])).abs() < 1e-6,
            "{name}: {found:?}"
        );
        if case["leak"] != "shift_patch" {
            let iou = overlap_with(&pair, &mask, &Alignment::IDENTITY);
            assert!(iou >= 0.7, "{name}: {iou}");
        }
    }
}
