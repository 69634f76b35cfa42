//! `imgeval metrics edit`, against torchmetrics: the reduced networks of imgeval-vision's fixtures (made by
//! `scripts/reference/edit_metrics.py`), and the golden folder where it is there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use flate2::read::GzDecoder;
use image::{GrayImage, RgbImage};
use serde_json::{Value, json};

use super::support::{check_exit, imgeval, stderr, stdout, test_folder, text};
use crate::random_weights::ramp_picture;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../imgeval-vision/tests/fixtures")
}

fn expected() -> Value {
    serde_json::from_slice(&fs::read(fixtures().join("lpips/expected.json")).unwrap()).unwrap()
}

/// The tiny CLIP, unpacked.
fn clip(folder: &Path) -> PathBuf {
    let clip = folder.join("clip");
    fs::create_dir_all(&clip).unwrap();
    let packed = fs::File::open(fixtures().join("clip/model.safetensors.gz")).unwrap();
    let mut file = fs::File::create(clip.join("model.safetensors")).unwrap();
    std::io::copy(&mut GzDecoder::new(packed), &mut file).unwrap();
    fs::copy(fixtures().join("clip/config.json"), clip.join("config.json")).unwrap();
    clip
}

fn integer(value: &Value) -> u32 {
    value.as_u64().unwrap() as u32
}

fn write_ramp(path: &Path, described: &Value) {
    let (width, height) = (integer(&described[1]), integer(&described[2]));
    let pixels = ramp_picture(described[0].as_u64().unwrap(), width, height);
    RgbImage::from_raw(width, height, pixels.rgb().to_vec()).unwrap().save(path).unwrap();
}

/// The masks of the script, by their formulas.
fn write_mask(path: &Path, described: &Value) {
    let (width, height) = (integer(&described[1]), integer(&described[2]));
    let (w, h) = (i64::from(width), i64::from(height));
    let value = |x: i64, y: i64| match described[0].as_str().unwrap() {
        "disc" if (3 * x - w).pow(2) + (3 * y - h).pow(2) < (w + h).pow(2) / 16 => 255,
        "stripes" if x >= w / 4 && y >= h / 3 && y < h - 9 => 85 * ((x + y) / 8 % 4),
        "wedge" if x > 5 && 4 * y > w + x => 255 * x / w,
        _ => 0,
    };
    let mask = GrayImage::from_fn(width, height, |x, y| [value(i64::from(x), i64::from(y)) as u8].into());
    mask.save(path).unwrap();
}

struct Pair {
    folder: PathBuf,
}

impl Pair {
    /// The script's pair of that index, on disk.
    fn new(name: &str, described: &Value) -> Self {
        let folder = test_folder(name);
        write_ramp(&folder.join("source.png"), &described["source"]);
        write_ramp(&folder.join("edited.png"), &described["edited"]);
        write_mask(&folder.join("mask.png"), &described["mask"]);
        Self { folder }
    }

    fn file(&self, name: &str) -> String {
        text(&self.folder.join(name)).to_owned()
    }

    fn run(&self, more: &[&str]) -> Output {
        let [source, edited, mask, models] =
            ["source.png", "edited.png", "mask.png", "models"].map(|name| self.file(name));
        let pair = ["metrics", "edit", "--source", &source, "--edited", &edited, "--mask", &mask];
        imgeval(&[&pair[..], &["--models-dir", &models], more].concat())
    }
}

fn lpips_of_the_fixture() -> [String; 4] {
    let file = |name: &str| text(&fixtures().join("lpips").join(name)).to_owned();
    ["--lpips-trunk".to_owned(), file("trunk.pth"), "--lpips-heads".to_owned(), file("heads.pth")]
}

fn line(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

fn assert_near(found: &Value, expected: &Value, tolerance: f64, what: &str) {
    let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
    assert!((found - expected).abs() <= tolerance, "{what}: {found} instead of {expected}");
}

#[test]
fn all_five_numbers_are_those_of_torchmetrics() {
    let expected = expected();
    let pairs = expected["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 4);
    let lpips = lpips_of_the_fixture();
    let lpips: Vec<&str> = lpips.iter().map(String::as_str).collect();
    for (index, described) in pairs.iter().enumerate() {
        let pair = Pair::new(&format!("edit-metrics-{index}"), described);
        let clip = clip(&pair.folder);
        let words = described["text"].as_str().unwrap();
        // Two of the script's masks have grays, which it takes as they are.
        let grays = ["--mask-threshold", "none"];
        let more = ["--clip", text(&clip), "--text", words, "--json"];
        let output = pair.run(&[&lpips[..], &grays, &more].concat());
        check_exit(&output, 0);
        let found = line(&output);
        assert_eq!(found["region"], described["crop"]);
        for (metric, tolerance) in [("ssim", 1e-5), ("mse", 1e-7), ("lpips", 1e-5), ("clip_score", 1e-3)] {
            assert_near(&found[metric], &described[metric], tolerance, metric);
        }
        assert_eq!(found["psnr_is_infinite"], described["psnr"].is_null());
        if described["psnr"].is_null() {
            assert!(found["psnr"].is_null());
        } else {
            assert_near(&found["psnr"], &described["psnr"], 1e-4, "psnr");
        }
        assert_eq!(found["missing"], json!({}));
        let meter = &found["meter"];
        assert_eq!((&meter["lpips_official"], &meter["clip_official"]), (&json!(false), &json!(false)));
        let id = meter["id"].as_str().unwrap();
        assert!(id.contains(meter["clip_sha256"].as_str().unwrap()), "{id}");
    }
}

#[test]
fn what_is_missing_is_said_and_the_rest_is_printed() {
    let expected = expected();
    let pair = Pair::new("edit-metrics-missing", &expected["pairs"][0]);
    let output = pair.run(&["--json"]);
    check_exit(&output, 4);
    let found = line(&output);
    assert!(found["psnr"].is_f64() && found["ssim"].is_f64() && found["mse"].is_f64());
    assert!(found["lpips"].is_null() && found["clip_score"].is_null());
    assert_eq!(found["missing"]["clip_score"], "no text was given");
    assert!(found["missing"]["lpips"].as_str().unwrap().contains("`imgeval models pull lpips`"));
    assert!(
        stderr(&output).starts_with("lpips is missing: weights `squeezenet` are not at"),
        "{}",
        stderr(&output)
    );

    // A text without CLIP is missing something too, but not a text that was not given.
    let lpips = lpips_of_the_fixture();
    let lpips: Vec<&str> = lpips.iter().map(String::as_str).collect();
    let output = pair.run(&[&lpips[..], &["--text", "a bench"]].concat());
    check_exit(&output, 4);
    assert!(stderr(&output).contains("clip_score is missing: weights `clip`"), "{}", stderr(&output));
    assert!(stderr(&output).contains("`imgeval models pull geneval`"), "{}", stderr(&output));
    let output = pair.run(&lpips);
    check_exit(&output, 0);
    let table = stdout(&output);
    assert!(table.contains("22.700 dB") && table.contains("needs --text"), "{table}");
    assert!(table.contains("other weights, not comparable"), "{table}");
}

#[test]
fn pairs_that_cannot_be_measured_are_told_in_one_sentence() {
    let expected = expected();
    let pair = Pair::new("edit-metrics-refused", &expected["pairs"][0]);
    let mask = pair.folder.join("mask.png");
    let check = |more: &[&str], code: i32, sentence: &str| {
        let output = pair.run(more);
        check_exit(&output, code);
        let said = stderr(&output).replace(text(&pair.folder), "F");
        assert!(said.contains(sentence), "{said}");
    };
    GrayImage::new(300, 200).save(&mask).unwrap();
    check(&[], 2, "error: `F/mask.png`: the mask is black at 256x256 pixels: it marks no region");
    let grays = ["--mask-threshold", "none"];
    GrayImage::from_pixel(40, 20, [9].into()).save(&mask).unwrap();
    check(
        &grays,
        4,
        "warning: the mask has 40x20 pixels and the source 300x200; does the mask belong to this image?",
    );
    GrayImage::from_pixel(300, 200, [255].into()).save(&mask).unwrap();
    check(&[], 4, "warning: the mask covers the whole image, so the numbers say nothing about the edit");
    fs::write(&mask, "no picture").unwrap();
    check(&[], 2, "error: cannot use `F/mask.png`: looks like plain text");
    fs::remove_file(&mask).unwrap();
    check(&[], 2, "error: cannot use `F/mask.png`: the file could not be opened: ");
    write_mask(&mask, &json!(["disc", 300, 200]));
    check(&["--lpips-heads", "absent.pth"], 2, "error: `absent.pth` is not a file");
    let source = pair.file("source.png");
    let wrong = ["--lpips-trunk", &source, "--lpips-heads", &source];
    check(&wrong, 2, "error: ");
    let turned = fixtures().join("images/exif_6.jpg");
    fs::copy(&turned, &mask).unwrap();
    check(&grays, 4, "warning: `F/mask.png` was rotated upright, which the official evaluation does not do");
    // A single row has no inside to cut out.
    let row = |y: u32| if y == 7 { 255 } else { 0 };
    GrayImage::from_fn(256, 256, |_, y| [row(y)].into()).save(&mask).unwrap();
    let clip = clip(&pair.folder);
    check(
        &["--clip", text(&clip), "--text", "x"],
        4,
        "clip_score is missing: the region is one pixel wide or high",
    );
}

#[test]
fn the_golden_pairs_are_met() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let golden = shared.join("golden/edit_metrics");
    let Ok(expected) = fs::read(golden.join("expected.json")) else { return };
    let expected: Vec<Value> = serde_json::from_slice(&expected).unwrap();
    assert_eq!(expected.len(), 10);
    let images = shared.join("data/images/reason_edit");
    for case in &expected {
        let name = case["name"].as_str().unwrap();
        let (what, model) = name.split_once('_').unwrap();
        let (folder, results) = match what {
            "orange" => ("6-Reasoning", "Reasoning_metrics_1"),
            _ => ("1-Left-Right", "LeftRight_metrics_1"),
        };
        let source = images.join(format!("benchmark/{folder}/0001.png"));
        let edited = images.join(format!("edited/{model}/{results}/0001.png"));
        let mask = golden.join(case["mask"].as_str().unwrap());
        let (trunk, heads) =
            (golden.join("squeezenet1_1_random.pth"), golden.join("lpips_squeeze_heads.pth"));
        let pair = ["metrics", "edit", "--source", text(&source), "--edited", text(&edited)];
        let weights = ["--lpips-trunk", text(&trunk), "--lpips-heads", text(&heads)];
        let output = imgeval(&[&pair[..], &["--mask", text(&mask), "--json"], &weights].concat());
        check_exit(&output, 0);
        let found = line(&output);
        assert_eq!(found["region"], case["crop"], "{name}");
        assert_near(&found["psnr"], &case["psnr"], 1e-3, name);
        assert_near(&found["ssim"], &case["ssim"], 1e-4, name);
        assert_near(&found["mse"], &case["mse"], 1e-4, name);
        assert_near(&found["lpips"], &case["lpips_squeeze_random"], 1e-4, name);
    }
}

#[test]
fn a_photograph_is_no_mask() {
    let expected = expected();
    let pair = Pair::new("edit-metrics-photograph", &expected["pairs"][0]);
    let mask = fs::read(pair.file("mask.png")).unwrap();
    fs::copy(pair.file("source.png"), pair.file("mask.png")).unwrap();
    let output = pair.run(&["--json"]);
    check_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("so it is not a mask") && said.contains("--mask-threshold"), "{said}");
    assert!(stdout(&output).is_empty());
    // What the user says about it counts.
    let output = pair.run(&["--json", "--mask-threshold", "128"]);
    check_exit(&output, 4);
    assert_eq!(line(&output)["mask_threshold"], "128");
    for wrong in ["0", "256", "-1", "half"] {
        check_exit(&pair.run(&["--mask-threshold", wrong]), 2);
    }
    // Labels of 0 and 1 mark a region that the level 1 finds: the same as white on black.
    let white = image::load_from_memory(&mask).unwrap().into_luma8();
    let labels =
        GrayImage::from_fn(white.width(), white.height(), |x, y| [white.get_pixel(x, y)[0] / 255].into());
    labels.save(pair.file("mask.png")).unwrap();
    let output = pair.run(&["--json"]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("brightest pixel has the level 1"), "{}", stderr(&output));
    let of_labels = line(&pair.run(&["--json", "--mask-threshold", "1"]));
    fs::write(pair.file("mask.png"), &mask).unwrap();
    let of_white = line(&pair.run(&["--json"]));
    for metric in ["psnr", "ssim", "mse", "region"] {
        assert_eq!(of_labels[metric], of_white[metric], "{metric}");
    }
}

/// Registered with itself, an image has lost nothing; without a mask the region is found and written.
#[test]
fn edits_are_registered_with_and_without_a_mask() {
    let folder = test_folder("edit-metrics-registered");
    let file = |name: &str| text(&folder.join(name)).to_owned();
    let source = file("source.png");
    // Blocks of many grays, so that there is something to register by.
    let gray = |x: u32, y: u32| ((x / 9 * 37 + y / 7 * 101 + (x / 9) * (y / 7) * 53) % 251) as u8;
    RgbImage::from_fn(160, 120, |x, y| [gray(x, y); 3].into()).save(&source).unwrap();
    let output = imgeval(&["metrics", "register", "--source", &source, "--edited", &source, "--json"]);
    check_exit(&output, 0);
    let found = line(&output);
    assert_eq!((&found["registration"]["status"], &found["before"]["psnr"]), (&json!("ok"), &json!(99.0)));
    assert!(found["registration"]["cut_off"].as_f64().unwrap() < 1e-3, "{found}");

    let region = file("region.png");
    let unmasked = ["metrics", "edit", "--source", &source, "--edited", &source, "--register"];
    let output = imgeval(&[&unmasked[..], &["--region", &region, "--json"]].concat());
    check_exit(&output, 0);
    let found = line(&output);
    assert_eq!(found["missing"]["psnr"], "no mask was given");
    assert_eq!((&found["outside_of"], &found["meter"]), (&json!("edited_region"), &Value::Null));
    assert!(found["content_de"].as_f64().unwrap() < 0.5, "{found}");
    assert_eq!(image::image_dimensions(&region).unwrap(), image::image_dimensions(&source).unwrap());

    let output = imgeval(&["metrics", "edit", "--source", &source, "--edited", &source]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("--mask"), "{}", stderr(&output));
}
