//! Reference: `scripts/reference/image_files.py` (OpenCV and Pillow).

use std::{fs, path::PathBuf};

use imgeval_core::ImageFormat;
use imgeval_vision::image_file::{DecodeLimits, ImageFileError, inspect_and_decode, load_image};
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/images")
}

fn expected() -> Value {
    serde_json::from_slice(&fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn images_decode_as_the_official_evaluator_reads_them() {
    for case in expected()["images"].as_array().unwrap() {
        let name = text(&case["file"]);
        let image = load_image(&folder().join(name), &DecodeLimits::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let size = (u64::from(image.pixels.width()), u64::from(image.pixels.height()));
        assert_eq!(size, (case["width"].as_u64().unwrap(), case["height"].as_u64().unwrap()), "{name}");
        let notes: Vec<&str> = image.notes.iter().map(|note| note.code()).collect();
        let expected_notes: Vec<&str> = case["notes"].as_array().unwrap().iter().map(text).collect();
        assert_eq!(notes, expected_notes, "{name}");
        assert_eq!(sha256(image.pixels.rgb()), text(&case["sha256"]), "{name}");
    }
}

/// Images as people send them, which may lie beside the repository: OpenCV reads them, or nobody should.
#[test]
fn pictures_met_in_the_wild_decode_as_opencv_reads_them() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/images");
    let Ok(expected) = fs::read(folder.join("expected.json")) else { return };
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let mut wrong = Vec::new();
    for (name, case) in expected["pictures"].as_object().unwrap() {
        let read = load_image(&folder.join(name), &DecodeLimits::default());
        let is_readable = case["readable"].as_bool().unwrap();
        // Formats that are named, not read.
        let is_named = ["avif_as.png", "jp2_as.png"].contains(&name.as_str());
        match read {
            Ok(image) if is_readable && !is_named => {
                if sha256(image.pixels.rgb()) != text(&case["sha256"]) {
                    wrong.push(format!("{name}: other pixels"));
                }
            }
            Err(_) if !is_readable || is_named => {}
            Ok(_) => wrong.push(format!("{name}: read")),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn formats_come_from_the_bytes() {
    for (name, format) in
        [("plain.png", ImageFormat::Png), ("plain.jpg", ImageFormat::Jpeg), ("lossy.webp", ImageFormat::WebP)]
    {
        let image = load_image(&folder().join(name), &DecodeLimits::default()).unwrap();
        assert_eq!(image.format, format);
    }
}

#[test]
fn broken_files_fail_with_their_reason() {
    for case in expected()["failures"].as_array().unwrap() {
        let name = text(&case["file"]);
        let error = load_image(&folder().join(name), &DecodeLimits::default()).unwrap_err();
        assert_eq!(error.failure().kind.code(), text(&case["failure"]), "{name}: {error}");
    }
}

#[test]
fn unsupported_formats_are_named() {
    for (name, found) in [("picture.jxl", "a JPEG XL image"), ("error_page.png", "an HTML page")] {
        let error = load_image(&folder().join(name), &DecodeLimits::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("looks like {found}"));
    }
}

/// But for the marker at the end of a JPEG, without which nothing of the image is missing.
#[test]
fn every_truncation_is_an_error() {
    for case in expected()["images"].as_array().unwrap() {
        let name = text(&case["file"]);
        let bytes = fs::read(folder().join(name)).unwrap();
        let ends_with_marker = name.ends_with(".jpg") && bytes.ends_with(b"\xff\xd9");
        let needed = if ends_with_marker { bytes.len() - 2 } else { bytes.len() };
        for length in 0..bytes.len() {
            match inspect_and_decode(&bytes[..length], &DecodeLimits::default()) {
                Ok(image) if length >= needed => {
                    assert_eq!(sha256(image.pixels.rgb()), text(&case["sha256"]), "{name} cut to {length}");
                }
                Ok(_) => panic!("{name} cut to {length} of {} bytes was accepted", bytes.len()),
                Err(_) => {}
            }
        }
    }
}

/// A progressive JPEG whose last scans are missing is a blurred image, not a whole one.
#[test]
fn scans_that_are_missing_are_missed() {
    for name in ["progressive.jpg", "scans_luma_first.jpg", "scans_tall.jpg", "progressive_restart.jpg"] {
        let bytes = fs::read(folder().join(name)).unwrap();
        let scans: Vec<usize> =
            (0..bytes.len() - 1).filter(|at| bytes[*at..].starts_with(b"\xff\xda")).collect();
        assert!(scans.len() > 1, "{name}");
        for end in &scans[1..] {
            let error = inspect_and_decode(&bytes[..*end], &DecodeLimits::default()).unwrap_err();
            assert_eq!(error.to_string(), "not decodable: the file ends early", "{name} cut to {end}");
        }
    }
}

#[test]
fn the_limit_is_held_before_decoding() {
    let bytes = fs::read(folder().join("plain.png")).unwrap();
    assert!(inspect_and_decode(&bytes, &DecodeLimits { max_pixels: 40 * 24 }).is_ok());
    let error = inspect_and_decode(&bytes, &DecodeLimits { max_pixels: 40 * 24 - 1 }).unwrap_err();
    assert!(matches!(error, ImageFileError::TooManyPixels { width: 40, height: 24, limit: 959 }));
}

fn fixture_bytes() -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Small, so that a mutated header cannot ask for much work.
const PROPERTY_LIMITS: DecodeLimits = DecodeLimits { max_pixels: 100_000 };

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(
        signature in prop::sample::select(vec![
            &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], b"\xff\xd8\xff", b"RIFF\x40\0\0\0WEBPVP8X", b"RIFF\x40\0\0\0WEBPVP8L", b"",
        ]),
        tail in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        inspect_and_decode(&[signature, &tail].concat(), &PROPERTY_LIMITS).ok();
    }

    #[test]
    fn mutated_files_never_panic(
        file in prop::sample::select(fixture_bytes()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut bytes = file;
        for (index, value) in edits {
            if !bytes.is_empty() {
                let position = index.index(bytes.len());
                bytes[position] = value;
            }
        }
        if let Ok(image) = inspect_and_decode(&bytes, &PROPERTY_LIMITS) {
            let pixels = image.pixels;
            prop_assert!(u64::from(pixels.width()) * u64::from(pixels.height()) <= PROPERTY_LIMITS.max_pixels);
        }
    }
}
