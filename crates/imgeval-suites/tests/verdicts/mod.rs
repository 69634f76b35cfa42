//! Verdicts against GenEval's own evaluator, and what must hold for any input.

use std::{collections::BTreeSet, fs, path::Path};

use imgeval_core::{BoundingBox, Category, Color};
use imgeval_suites::geneval::{
    DetectedObject, Exclude, Include, Metadata, Position, Relation, SeenColor, Tag, VerdictOptions,
    compute_verdict, parse_detections_line,
};
use proptest::prelude::*;
use serde_json::Value;

/// A reason with the relations that the reference joins in no defined order as a set.
fn normalised(reason: &str) -> Vec<(String, BTreeSet<String>)> {
    let normalise = |line: &str| match line.split_once(" target, found ") {
        Some((head, found)) => {
            let found = found.trim_end_matches("target").trim();
            (head.to_owned(), found.split(" and ").map(str::to_owned).collect())
        }
        None => (line.to_owned(), BTreeSet::new()),
    };
    reason.lines().map(normalise).collect()
}

/// Checks every case of a golden file, and returns how many there were.
fn check_golden(path: &Path) -> usize {
    let text = fs::read_to_string(path).unwrap();
    for (number, line) in text.lines().enumerate() {
        let expected: Value = serde_json::from_str(line).unwrap();
        let case = parse_detections_line(line, &VerdictOptions::default()).unwrap();
        let verdict = compute_verdict(&case.metadata, &case.objects, &case.options).unwrap();
        let context = format!("line {}: {}", number + 1, verdict.reason_text());
        assert_eq!(Value::Bool(verdict.is_correct()), expected["correct"], "{context}");
        let expected_reason = expected["reason"].as_str().unwrap();
        assert_eq!(normalised(&verdict.reason_text()), normalised(expected_reason), "{context}");
    }
    text.lines().count()
}

#[test]
fn small_golden_file_agrees() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/geneval_verdicts.jsonl");
    assert!(check_golden(&path) >= 50);
}

#[test]
fn all_golden_verdicts_agree_where_they_are_present() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/geneval_verdicts.jsonl");
    if path.exists() {
        assert_eq!(check_golden(&path), 1500);
    }
}

fn bounding_box() -> impl Strategy<Value = BoundingBox> {
    (0.0_f32..500.0, 0.0_f32..500.0, 1.0_f32..200.0, 1.0_f32..200.0)
        .prop_map(|(x1, y1, width, height)| BoundingBox { x1, y1, x2: x1 + width, y2: y1 + height })
}

/// Objects of five categories, so that metadata and objects often meet.
fn object() -> impl Strategy<Value = DetectedObject> {
    (0_usize..5, 0.0_f32..=1.0, bounding_box(), 0_usize..10).prop_map(
        |(category, score, bounding_box, color)| DetectedObject {
            category: Category::from_index(category).unwrap(),
            score,
            bounding_box,
            color: SeenColor::Named(Color::from_index(color).unwrap()),
        },
    )
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let clause = (0_usize..5, 1_u32..4, prop::option::of(0_usize..10));
    let first = clause.clone();
    let second = (clause, prop::option::of(0_usize..4));
    let exclude = prop::option::of((0_usize..5, 1_u32..5));
    (first, prop::option::of(second), exclude, 0_usize..6).prop_map(|(first, second, exclude, tag)| {
        let include =
            |(category, count, color): (usize, u32, Option<usize>), relation: Option<usize>| Include {
                category: Category::from_index(category).unwrap(),
                count,
                color: color.and_then(Color::from_index),
                position: relation.map(|index| Position { relation: Relation::ALL[index], target: 0 }),
            };
        let mut clauses = vec![include(first, None)];
        clauses.extend(second.map(|(clause, relation)| include(clause, relation)));
        let exclude = exclude
            .map(|(category, count)| Exclude { category: Category::from_index(category).unwrap(), count });
        Metadata {
            tag: Tag::ALL[tag],
            include: clauses,
            exclude: exclude.into_iter().collect(),
            prompt: "a photo".to_owned(),
        }
    })
}

/// Turns the image about its main diagonal: columns become rows.
fn transposed(bounding_box: BoundingBox) -> BoundingBox {
    let BoundingBox { x1, y1, x2, y2 } = bounding_box;
    BoundingBox { x1: y1, y1: x1, x2: y2, y2: x2 }
}

fn transposed_relation(relation: Relation) -> Relation {
    match relation {
        Relation::LeftOf => Relation::Above,
        Relation::Above => Relation::LeftOf,
        Relation::RightOf => Relation::Below,
        Relation::Below => Relation::RightOf,
    }
}

proptest! {
    #[test]
    fn an_unrelated_object_never_changes_a_verdict(
        metadata in metadata(), objects in prop::collection::vec(object(), 0..12), place in 0_usize..12,
        category in 5_usize..80, score in 0.0_f32..=1.0, bounding_box in bounding_box(),
        max_overlap in 0.1_f64..=1.0,
    ) {
        let options = VerdictOptions { max_overlap, ..VerdictOptions::default() };
        let before = compute_verdict(&metadata, &objects, &options).unwrap();
        let mut with_stranger = objects.clone();
        let category = Category::from_index(category).unwrap();
        let stranger = DetectedObject { category, score, bounding_box, color: SeenColor::Unknown };
        with_stranger.insert(place.min(objects.len()), stranger);
        let after = compute_verdict(&metadata, &with_stranger, &options).unwrap();
        prop_assert_eq!(before.reasons, after.reasons);
    }

    #[test]
    fn swapping_the_axes_mirrors_a_position_case(
        metadata in metadata(), objects in prop::collection::vec(object(), 0..12),
    ) {
        let options = VerdictOptions::default();
        let mirrored_objects: Vec<_> = objects
            .iter()
            .map(|object| DetectedObject { bounding_box: transposed(object.bounding_box), ..*object })
            .collect();
        let mut mirrored_metadata = metadata.clone();
        for position in mirrored_metadata.include.iter_mut().filter_map(|clause| clause.position.as_mut()) {
            position.relation = transposed_relation(position.relation);
        }
        let verdict = compute_verdict(&metadata, &objects, &options).unwrap();
        let mirrored = compute_verdict(&mirrored_metadata, &mirrored_objects, &options).unwrap();
        prop_assert_eq!(verdict.is_correct(), mirrored.is_correct());
        prop_assert_eq!(verdict.reasons.len(), mirrored.reasons.len());
    }

    #[test]
    fn a_lower_threshold_never_makes_objects_disappear(
        objects in prop::collection::vec(object(), 0..12), low in 0.0_f64..0.5, step in 0.0_f64..0.5,
    ) {
        let count = |threshold: f64| {
            let options = VerdictOptions { threshold, ..VerdictOptions::default() };
            let kept = imgeval_suites::geneval::keep_objects(&objects, Tag::Colors, &options);
            kept.values().map(Vec::len).sum::<usize>()
        };
        prop_assert!(count(low) >= count(low + step));
    }

    #[test]
    fn the_readers_survive_any_text(text in "\\PC{0,200}") {
        let _ = parse_detections_line(&text, &VerdictOptions::default());
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            let _ = Metadata::parse(&value);
        }
    }
}
