//! Objects by a detector that says what it is told, and `shared/golden/multiturn/edival` (EdiVal's published code), if it is there.

use std::path::Path;

use imgeval_core::{BoundingBox, Category, DetectError, Detection, Detector, ObserverMeta, Pixels};
use imgeval_metrics::{
    consistency::{FrameBox, Tokens, object_similarity},
    registration::{Alignment, NotRegistrable, Registration, Status},
};
use imgeval_resample::pillow::{Filter, resize};
use serde_json::Value;

use super::{
    FoundObject, KeptObjects, ObjectFinder, kept_objects,
    naming::{changes_background, names_category},
};
use crate::{
    Instruments, Networks,
    session::pixels_of,
    tests::{Golden, changed, picture},
};

/// Finds the same in every image: category, score and box in shares of the image.
struct Fixed {
    meta: ObserverMeta,
    found: Vec<(&'static str, f32, [f64; 4])>,
}

impl Detector for Fixed {
    fn meta(&self) -> &ObserverMeta {
        &self.meta
    }

    fn inspect(&self, pixels: &Pixels) -> Result<Vec<Detection>, DetectError> {
        let sides = [pixels.width(), pixels.height()].map(f64::from);
        let detection = |(name, score, corners): &(&str, f32, [f64; 4])| Detection {
            category: Category::from_name(name).unwrap(),
            score: *score,
            bounding_box: BoundingBox::from_array(
                [0, 1, 2, 3].map(|at| (corners[at] * sides[at % 2]) as f32),
            ),
            mask: None,
            colors: None,
        };
        Ok(self.found.iter().map(detection).collect())
    }
}

fn finder(found: &[(&'static str, f32, [f64; 4])]) -> ObjectFinder {
    let meta = ObserverMeta {
        id: "fixed".to_owned(),
        title: "a detector of fixed boxes".to_owned(),
        version: 1,
        weights_sha256: String::new(),
        parameters: String::new(),
        is_comparable: false,
    };
    ObjectFinder::new(Box::new(Fixed { meta, found: found.to_vec() }), "")
}

type Registered = Result<Registration, NotRegistrable>;

fn registered([source, image]: [&Pixels; 2], alignment: Alignment, status: Status) -> Registered {
    let size = |pixels: &Pixels| (pixels.width(), pixels.height());
    let framing = alignment.framing(size(source), size(image));
    Ok(Registration { status, alignment, framing, overlap: 1.0, search_score: 1.0, ncc_all: 1.0 })
}

/// What the detector finds in both images, compared.
fn kept(
    objects: &ObjectFinder,
    pair: [&Pixels; 2],
    registration: &Registered,
    instructions: &[&str],
) -> KeptObjects {
    let networks = Networks::none("not here");
    let instructions: Vec<String> = instructions.iter().map(|text| (*text).to_owned()).collect();
    let instruments = Instruments { networks: &networks, objects };
    kept_objects(instruments, &instructions, pair, registration, &objects.find(pair[0]))
}

/// Half as bright, with a change inside a box in pixels.
fn dark(change: impl Fn(u32, u32) -> u8) -> Pixels {
    changed(&picture(96, 96), |x, y, value| value / 2 + change(x, y))
}

const CUP: [f64; 4] = [0.25, 0.25, 0.5, 0.75];
const DOG: [f64; 4] = [0.5, 0.0, 0.75, 0.25];

#[test]
fn objects_that_changed_and_objects_that_were_asked_for_are_told_apart() {
    let is_in_cup = |x: u32, y: u32| (24..48).contains(&x) && (24..72).contains(&y);
    let is_in_dog = |x: u32, y: u32| (48..72).contains(&x) && y < 24;
    let source = dark(|_, _| 0);
    let image = dark(|x, y| {
        if is_in_cup(x, y) {
            51
        } else if is_in_dog(x, y) {
            102
        } else {
            0
        }
    });
    let objects = finder(&[("cup", 0.9, CUP), ("dog", 0.6, DOG), ("cat", 0.35, [0.0, 0.0, 1.0, 1.0])]);
    let same = registered([&source, &image], Alignment::IDENTITY, Status::Ok);
    let number = |found: &KeptObjects, name: &str| found.numbers[name].clone().unwrap();
    let all = kept(&objects, [&source, &image], &same, &["make it brighter"]);
    assert!((number(&all, "objects.l1") - 0.7).abs() < 1e-12, "{all:?}");
    assert_eq!(number(&all, "background.l1"), 1.0, "both boxes lie outside of the background");
    let listed: Vec<(&str, Option<f64>)> = all.objects.iter().map(|of| (of.name.as_str(), of.l1)).collect();
    assert_eq!(listed, [("cup", Some(0.8)), ("dog", Some(0.6))], "at the threshold nothing counts");
    assert_eq!(all.numbers["objects.dino"].clone().unwrap_err(), "DINO is not installed");
    assert_eq!(all.objects[0].problem, "DINO is not installed");
    // Asked for in an earlier round.
    let dog = kept(&objects, [&source, &image], &same, &["Give the puppies hats.", "brighter"]);
    assert!((number(&dog, "objects.l1") - 0.8).abs() < 1e-12, "{dog:?}");
    assert_eq!(number(&dog, "background.l1"), 1.0);
    let both = kept(&objects, [&source, &image], &same, &["swap the dog and the mug"]);
    assert!(both.numbers["objects.l1"].clone().unwrap_err().contains("finds no object"), "{both:?}");
    assert_eq!(number(&both, "background.l1"), 1.0);
}

#[test]
fn objects_are_compared_in_the_frame_that_both_share() {
    let source = dark(|_, _| 0);
    let rows = source.rgb().chunks_exact(3 * 96).skip(24);
    let rgb = rows.flat_map(|row| &row[3 * 24..]).copied().collect();
    let cut = Pixels::new(72, 72, rgb).unwrap();
    let alignment = Alignment { a: [0.75; 2], b: [0.25; 2] };
    let registration = registered([&source, &cut], alignment, Status::Ok);
    let objects = finder(&[("cup", 0.9, [0.3, 0.3, 0.6, 0.6]), ("dog", 0.5, [0.0, 0.0, 0.3, 0.3])]);
    let found = kept(&objects, [&source, &cut], &registration, &[]);
    assert_eq!(found.numbers["objects.l1"], Ok(1.0), "{found:?}");
    assert!(found.objects[1].problem.contains("outside the frame"), "{:?}", found.objects[1]);
    assert_eq!(found.numbers["background.l1"], Ok(1.0));
    let everything = finder(&[("bed", 0.9, [-0.1, -0.1, 1.2, 1.2])]);
    let covered = kept(&everything, [&source, &cut], &registration, &["sharpen"]);
    assert!(covered.numbers["background.l1"].is_err() && covered.numbers["objects.l1"] == Ok(1.0));
    // Nothing is known where the images do not register, or the background is another.
    for (status, instruction, reason) in [
        (Status::Failed, "sharpen", "the registration with the source is failed"),
        (Status::Ok, "Change the background to a beach", "round 1 asks for another background"),
    ] {
        let registration = registered([&source, &cut], alignment, status);
        let none = kept(&objects, [&source, &cut], &registration, &[instruction]);
        let reasons: Vec<String> = none.numbers.values().map(|of| of.clone().unwrap_err()).collect();
        assert_eq!(reasons, [reason; 5]);
    }
    let flat = Pixels::new(40, 40, vec![9; 4800]).unwrap();
    let failed = kept(&objects, [&source, &flat], &Err(NotRegistrable::OneColor { which: "edited" }), &[]);
    assert!(failed.numbers["consistency"].clone().unwrap_err().contains("a single color"));
}

#[test]
fn instructions_name_objects_by_everyday_words() {
    let named = |text: &str| -> Vec<&str> {
        let all = (0..80).filter_map(Category::from_index);
        all.filter(|category| names_category(text, *category)).map(Category::name).collect()
    };
    for (text, names) in [
        ("Add a giraffe in the field.", vec!["giraffe"]),
        ("Remove the woman's handbag", vec!["person", "handbag"]),
        ("put 3 knives beside the Teddy Bear", vec!["bear", "knife", "teddy bear"]),
        ("a dogmatic catalog of carts", vec![]),
        ("recolor both skis", vec!["skis"]),
        ("turn the sofas and the TVs blue", vec!["couch", "tv"]),
        ("", vec![]),
    ] {
        assert_eq!(named(text), names, "{text}");
    }
    for (text, is_another) in [
        ("Change the background to [sea]", true),
        ("replace the entire background with snow", true),
        ("Remove the man in the background", false),
        ("add trees to the background", false),
        ("background", false),
    ] {
        assert_eq!(changes_background(text), is_another, "{text}");
    }
}

fn shares(value: &Value) -> Vec<FrameBox> {
    let corners = |of: &Value| [0, 1, 2, 3].map(|at| of[at].as_f64().unwrap());
    value.as_array().unwrap().iter().map(|of| FrameBox::of(corners(of))).collect()
}

#[test]
fn golden_pairs_of_edival_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/multiturn/edival/pixels");
    let Ok(text) = std::fs::read_to_string(folder.join("expected.json")) else { return };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let networks = Networks::none("not here");
    let (mut worst, mut n) = (0.0_f64, 0);
    for case in cases.iter().filter(|case| case["source"].is_string()) {
        let load = |name: &Value| {
            let bytes = std::fs::read(folder.join(name.as_str().unwrap())).unwrap();
            resize(&pixels_of(&bytes).unwrap(), 512, 512, Filter::Lanczos)
        };
        let (source, target) = (load(&case["source"]), load(&case["target"]));
        let same = registered([&source, &target], Alignment::IDENTITY, Status::Ok);
        let cup = Category::from_name("cup").unwrap();
        let found = |boxes: &Value| -> Result<Vec<FoundObject>, String> {
            let object = |region| FoundObject { category: cup, score: 0.9, region };
            Ok(shares(boxes).into_iter().map(object).collect())
        };
        let in_target: Vec<(&'static str, f32, [f64; 4])> = shares(&case["all_boxes_in_target"])
            .into_iter()
            .map(|FrameBox { left, top, right, bottom }| ("cup", 0.9, [left, top, right, bottom]))
            .collect();
        let objects = finder(&in_target);
        let instruments = Instruments { networks: &networks, objects: &objects };
        let expected = &case["with_registers"];
        let mut check = |found: f64, expected: &Value| {
            worst = worst.max((found - expected.as_f64().unwrap()).abs());
            n += 1;
        };
        let all = found(&case["all_boxes_in_source"]);
        let background = kept_objects(instruments, &[], [&source, &target], &same, &all);
        check(background.numbers["background.l1"].clone().unwrap(), &expected["background_l1"]);
        let unchanged = found(&case["object_boxes_in_source"]);
        let found = kept_objects(instruments, &[], [&source, &target], &same, &unchanged);
        for (object, expected) in found.objects.iter().zip(expected["object_l1"].as_array().unwrap()) {
            // EdiVal compares what is left of an object at the edge, too.
            if let Some(l1) = object.l1 {
                check(l1, expected);
            }
        }
    }
    println!("{n} numbers, worst {worst:e}");
    assert!(n >= 8 && worst < 1e-6, "{n} numbers, off by {worst}");
}

#[test]
fn dino_sees_objects_and_background_with_golden_weights() {
    let Some(golden) = Golden::open() else { return };
    let folder = tempfile::tempdir().unwrap();
    let networks = golden.networks(folder.path());
    let source = dark(|_, _| 0);
    let image = dark(|x, y| if x < 48 { 40 } else { (y % 7) as u8 });
    let objects = finder(&[("cup", 0.9, CUP)]);
    let instruments = Instruments { networks: &networks, objects: &objects };
    let look = |image: &Pixels| {
        let same = registered([&source, image], Alignment::IDENTITY, Status::Ok);
        kept_objects(instruments, &[], [&source, image], &same, &objects.find(&source))
    };
    let same = look(&source);
    for name in ["objects.dino", "background.dino", "consistency"] {
        assert!((same.numbers[name].clone().unwrap() - 1.0).abs() < 1e-9, "{same:?}");
    }
    let other = look(&image);
    // The formula on crops that are cut here.
    let cut = |pixels: &Pixels| {
        let rows = pixels.rgb().chunks_exact(3 * 96).skip(24).take(48);
        let rgb = rows.flat_map(|row| &row[3 * 24..3 * 48]).copied().collect();
        networks.dino_tokens(&Pixels::new(24, 48, rgb).unwrap()).unwrap()
    };
    let (one, two) = (cut(&source), cut(&image));
    let [one, two] = [&one, &two].map(|of| Tokens::new(&of.tokens, of.width).unwrap());
    let expected = object_similarity(&one, &two).unwrap();
    assert_eq!(other.numbers["objects.dino"], Ok(expected));
    let background = other.numbers["background.dino"].clone().unwrap();
    assert_eq!(other.numbers["consistency"], Ok(0.5 * expected + 0.5 * background));
    assert!(expected < 1.0 && background < 1.0 && other.objects[0].problem.is_empty(), "{other:?}");
}
