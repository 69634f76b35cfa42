//! Studies of made-up scores whose answer is known, one for each rule.

use std::{fs, path::Path};

use imgeval_core::{ImageFormat, Pixels};
use imgeval_metrics::BootstrapSettings;
use imgeval_vision::{DecodeLimits, image_file::encode};
use rand_core::Rng as _;

use super::*;
use crate::{
    Measured,
    alike::{PlanRequest, Sizing},
    architecture::{ProbeKind, WorkbenchSettings},
    collect::{Examined, ImageItem, parse_file_facts, read_image},
    random::stream,
    textures::texture,
};

/// Images of each class in most tests.
const N: usize = 60;

fn image(class: Class, number: usize, format: ImageFormat) -> StudyImage {
    let name = format!("{} {number}", class.name());
    let facts = parse_file_facts(format, b"");
    let examined = Examined {
        sha256: name.clone(),
        facts,
        width: 512,
        height: 512,
        difference_hash: 0,
        block_grid: 1.0,
    };
    StudyImage { cluster: name.clone(), name, class, set: "a set".to_owned(), examined }
}

/// `n` reals and then `n` fakes, all PNG.
fn images(n: usize) -> Vec<StudyImage> {
    let of = |class: Class| (0..n).map(move |number| image(class, number, ImageFormat::Png));
    of(Class::Real).chain(of(Class::Fake)).collect()
}

/// Scores of [`images`] in which fakes lie this much higher, in [0, 1].
fn scores(n: usize, shift: f64, seed: u64) -> Vec<ScoreOutcome> {
    let mut generator = stream(seed, "made-up scores");
    let mut uniform = move || f64::from(generator.next_u32()) / 4_294_967_296.0;
    let score = |place: usize| {
        let noise = (uniform() + uniform() + uniform()) / 3.0;
        (noise * 0.5 + 0.25 + if place < n { -shift } else { shift }).clamp(0.0, 1.0)
    };
    (0..2 * n).map(score).map(ScoreOutcome::Scored).collect()
}

fn detector(id: &str, outcomes: impl IntoIterator<Item = (Treatment, Vec<ScoreOutcome>)>) -> DetectorScores {
    DetectorScores {
        id: id.to_owned(),
        name: id.to_uppercase(),
        origin: Origin::Published,
        threshold: 0.5,
        outcomes: outcomes.into_iter().collect(),
    }
}

fn settings() -> StudySettings {
    StudySettings { bootstrap: BootstrapSettings { seed: 1, replicates: 200 }, n_disputed: 5 }
}

fn separation(value: f64, half: f64) -> Option<Separation> {
    let auc = Measured { value, low: value - half, high: value + half, n_groups: 100, n_images: 100 };
    Some(Separation { auc, p_value: if (value - 0.5).abs() > half { 0.001 } else { 0.6 } })
}

fn evidence(delivered: Option<Separation>, matched: Option<Separation>) -> Evidence {
    Evidence {
        n_real: 50,
        n_fake: 50,
        n_real_clusters: 50,
        n_fake_clusters: 50,
        detectors: vec![DetectorEvidence { name: "NPR".to_owned(), delivered, matched }],
        separating_facts: Vec::new(),
    }
}

#[test]
fn each_rule_of_the_verdict_decides() {
    let shines = separation(0.97, 0.02);
    let chance = separation(0.5, 0.1);
    let verdict = |evidence: &Evidence| judge_study(evidence);
    assert_eq!(verdict(&evidence(shines, shines)), Verdict::Detectable);
    assert_eq!(verdict(&evidence(shines, chance)), Verdict::NotDetectable, "the trace does not survive");
    assert_eq!(verdict(&evidence(chance, chance)), Verdict::NotDetectable);
    assert_eq!(verdict(&evidence(shines, None)), Verdict::TooFew, "no matched scores");
    assert_eq!(verdict(&evidence(shines, separation(0.55, 0.3))), Verdict::TooFew, "0.85 is not ruled out");
    let few = Evidence { n_real_clusters: 9, ..evidence(shines, shines) };
    assert_eq!(verdict(&few), Verdict::TooFew);
    let fact = SeparatingFact { name: "format".to_owned(), accuracy: 1.0 };
    for delivered in [shines, chance] {
        let by_files = Evidence { separating_facts: vec![fact.clone()], ..evidence(delivered, chance) };
        assert_eq!(verdict(&by_files), Verdict::DetectableOnlyByFiles);
    }
    assert_eq!(verdict(&evidence(chance, separation(0.56, 0.04))), Verdict::NotDetectable, "a trifle");
    let by_chance = Separation { p_value: 0.2, ..separation(0.65, 0.05).unwrap() };
    assert_eq!(verdict(&evidence(chance, Some(by_chance))), Verdict::NotDetectable, "one of many tests");
    let inverted = separation(0.1, 0.05);
    assert_eq!(verdict(&evidence(inverted, inverted)), Verdict::NotDetectable);
    assert!(inverted.unwrap().is_inverted());
}

/// Reals as JPEG, fakes as PNG: as delivered the detector shines, matched it falls, and the verdict says why.
#[test]
fn a_codec_confound_is_named() {
    let mut images = images(N);
    for (place, one) in images[..N].iter_mut().enumerate() {
        *one = image(Class::Real, place, ImageFormat::Jpeg);
    }
    let npr = detector(
        "npr",
        [(Treatment::AsDelivered, scores(N, 0.25, 1)), (Treatment::Matched, scores(N, 0.0, 2))],
    );
    let report = study(&images, &[npr], settings()).unwrap();
    assert_eq!(report.verdict.verdict, Verdict::DetectableOnlyByFiles);
    let text = report.verdict.sentences.join(" ");
    assert!(text.starts_with("On the files as delivered, the best is NPR (AUC 1.000, 95 % CI "), "{text}");
    assert!(
        text.contains("codec and size matched, NPR does not separate fakes from reals (AUC 0."),
        "{text}"
    );
    assert!(text.contains("format (100 % accuracy)"), "{text}");
    assert_eq!(report.files.single_formats.len(), 2);
    assert!(report.warnings.iter().any(|warning| warning.starts_with("All real images are jpg files")));
    assert!(
        report.warnings.iter().any(|warning| warning.contains("needs 100 real images, and there are 60"))
    );
    let delivered = report.detectors[0].condition("as-delivered").unwrap();
    let metrics = delivered.metrics.as_ref().unwrap();
    assert_eq!(metrics.tpr_at_1_percent_fpr.value, None);
    assert!(metrics.tpr_at_1_percent_fpr.undefined.is_some() && metrics.accuracy.value == Some(1.0));
    assert_eq!(delivered.histogram.as_ref().unwrap().reals.iter().sum::<usize>(), N);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<StudyReport>(&json).unwrap(), report);
    let tables = study_tables(&report);
    assert!(tables.iter().all(|table| table.rows.iter().all(|row| row.len() == table.columns.len())));
    assert!(tables.iter().any(|table| table.title == "Files"));
}

#[test]
fn the_matched_plan_follows_from_the_files() {
    let mut images = images(N);
    let plan = |images: &[StudyImage]| matched_plan(images, PlanRequest::default(), 1).plan;
    let alike = plan(&images);
    assert_eq!((alike.side, alike.sizing, alike.jpeg), (512, Sizing::CentreCrop, None));
    images[0] = image(Class::Real, 0, ImageFormat::Jpeg);
    assert!(plan(&images).jpeg.is_some());
    images[N..].iter_mut().for_each(|image| image.examined.width = 1_024);
    assert_eq!(plan(&images).sizing, Sizing::Scaled);
}

#[test]
fn an_honest_trace_survives_and_fusion_is_marked_as_own() {
    let images = images(N);
    let with = |id: &str, seed: u64| {
        let outcomes = [Treatment::AsDelivered, Treatment::Matched].map(|one| (one, scores(N, 0.06, seed)));
        detector(id, outcomes)
    };
    let detectors = [with("one", 1), with("two", 2), with("three", 3)];
    let report = study(&images, &detectors, settings()).unwrap();
    assert_eq!(report.verdict.verdict, Verdict::Detectable, "{:?}", report.verdict);
    assert!(report.verdict.sentences[0].contains("3 of 3 detectors separate fakes from reals"));
    let auc = |place: usize| {
        let condition = report.detectors[place].condition("matched").unwrap();
        condition.metrics.as_ref().unwrap().auc.value.unwrap()
    };
    let ids: Vec<&str> = report.detectors.iter().map(|detector| detector.id.as_str()).collect();
    assert_eq!(ids, ["one", "two", "three", "fused-ranks", "fused-logistic"]);
    assert!(report.detectors[3..].iter().all(|detector| detector.origin == Origin::Fused));
    let best = (0..3).map(auc).fold(0.0, f64::max);
    assert!(auc(3) > best && auc(4) > best - 0.02, "{best} {} {}", auc(3), auc(4));
    let wrong = &report.detectors[0].condition("matched").unwrap().most_wrong;
    assert!(!wrong.is_empty() && wrong.iter().all(|one| (one.score > 0.5) == (one.class == Class::Real)));
    assert_eq!(report.agreement.len(), 6, "three pairs, two conditions");
    assert!(report.agreement.iter().all(|pair| pair.kappa.value.unwrap() > 0.0));
    assert_eq!(report.disputed.len(), 5);
    assert!(report.disputed.is_sorted_by(|a, b| a.spread >= b.spread));
}

/// Scores without meaning stay without, also where a model is fitted to them.
#[test]
fn a_fusion_of_noise_stays_at_chance() {
    let images = images(N);
    let noise = |id: &str, seed| detector(id, [(Treatment::Matched, scores(N, 0.0, seed))]);
    let report =
        study(&images, &[noise("one", 11), noise("two", 12), noise("three", 13)], settings()).unwrap();
    assert_ne!(report.verdict.verdict, Verdict::Detectable, "{:?}", report.verdict);
    let fused = report.detectors.last().unwrap().condition("matched").unwrap();
    let auc = fused.metrics.as_ref().unwrap().auc.value.unwrap();
    assert!((0.35..0.65).contains(&auc), "{auc}");
    let few =
        study(&images[N - 5..N + 5], &[cut(noise("one", 1)), cut(noise("two", 2))], settings()).unwrap();
    let fused = few.detectors.last().unwrap().condition("matched").unwrap();
    assert!(
        fused.metrics.is_none() && fused.failures[0].reason.contains("5 prompts or sources"),
        "{fused:?}"
    );
    assert_eq!(few.verdict.verdict, Verdict::TooFew);
    assert!(few.verdict.sentences[0].starts_with("The study has 5 real images from 5 sources"));
}

fn cut(mut scores: DetectorScores) -> DetectorScores {
    scores.outcomes.values_mut().for_each(|outcomes| *outcomes = outcomes[N - 5..N + 5].to_vec());
    scores
}

#[test]
fn one_class_has_a_share_and_nothing_else() {
    let fakes = &images(N)[N..];
    let outcomes = scores(N, 0.2, 1)[N..].to_vec();
    let report = study(fakes, &[detector("safe", [(Treatment::AsDelivered, outcomes)])], settings()).unwrap();
    let metrics = report.detectors[0].conditions[0].metrics.as_ref().unwrap();
    assert!(metrics.fakes_called_fake.value.unwrap() > 0.8 && metrics.reals_called_fake.value.is_none());
    for number in
        [&metrics.accuracy, &metrics.auc, &metrics.average_precision, &metrics.f1, &metrics.precision]
    {
        assert_eq!((number.value, number.text().as_str()), (None, "undefined"));
    }
    assert_eq!(report.verdict.verdict, Verdict::TooFew);
    assert!(report.warnings[0].starts_with("There are no real images"));
    assert!(report.files.facts.iter().all(|fact| fact.accuracy.value.is_none() && !fact.separates));
}

#[test]
fn a_sweep_over_one_class_takes_the_other_as_delivered() {
    let images = images(N);
    let step = SweepStep::Jpeg { quality: 96 };
    let outcomes =
        [(Treatment::AsDelivered, scores(N, 0.25, 1)), (Treatment::Degraded(step), scores(N, -0.2, 2))];
    let report = study(&images, &[detector("npr", outcomes)], settings()).unwrap();
    let of = |code: &str| report.detectors[0].condition(code).unwrap().metrics.clone().unwrap();
    let right = |code: &str| (of(code).real_accuracy.value.unwrap(), of(code).fake_accuracy.value.unwrap());
    let (real, fake) = right("jpeg-96/fakes-only");
    assert!(real > 0.99 && fake < 0.1, "{real} {fake}");
    let (real, fake) = right("jpeg-96/reals-only");
    assert!(real < 0.1 && fake > 0.99, "{real} {fake}");
    assert!(report.detectors[0].condition("as-delivered").unwrap().most_wrong.is_empty());
    assert!(of("jpeg-96/both").auc.value.unwrap() < 0.2);
    let condition = report.detectors[0].condition("jpeg-96/both").unwrap();
    assert_eq!((condition.axis.as_deref(), condition.strength), (Some("JPEG quality"), Some(96.0)));
    let titles: Vec<String> = study_charts(&report).into_iter().map(|chart| chart.title).collect();
    assert_eq!(
        titles,
        [
            "ROC curves, as delivered",
            "Scores of NPR, as delivered",
            "Robustness to JPEG quality, both classes degraded",
            "Robustness to JPEG quality, fakes only degraded"
        ]
    );
}

#[test]
fn failures_are_counted_and_bad_scores_refused() {
    let images = images(20);
    let mut outcomes = scores(20, 0.2, 1);
    outcomes[3] = ScoreOutcome::Failed("too small".to_owned());
    outcomes[30] = ScoreOutcome::Missing;
    let one = |outcomes: Vec<ScoreOutcome>| detector("npr", [(Treatment::AsDelivered, outcomes)]);
    let report = study(&images, &[one(outcomes.clone())], settings()).unwrap();
    let condition = &report.detectors[0].conditions[0];
    let metrics = condition.metrics.as_ref().unwrap();
    assert_eq!((metrics.n_real, metrics.n_fake, condition.n_missing), (19, 19, 1));
    assert_eq!(condition.failures, [FailureCount { reason: "too small".to_owned(), n_images: 1 }]);
    assert!(
        report
            .warnings
            .iter()
            .any(|warning| warning == "NPR failed on 1 image (as delivered); they are skipped.")
    );
    outcomes[5] = ScoreOutcome::Scored(f64::NAN);
    let refused = |detectors: &[DetectorScores]| study(&images, detectors, settings()).unwrap_err();
    assert!(
        matches!(refused(&[one(outcomes.clone())]), StudyError::NotFinite { image, .. } if image == "real 5")
    );
    assert!(matches!(refused(&[one(outcomes[1..].to_vec())]), StudyError::OutcomeCount { found: 39, .. }));
    assert_eq!(refused(&[]), StudyError::NoDetectors);
    let twice = [detector("a", []), detector("a", [])];
    assert!(matches!(refused(&twice), StudyError::DuplicateDetector { .. }));
}

#[test]
fn steps_have_names_and_survive_tiny_images() {
    let dot = Pixels::new(1, 1, vec![10, 20, 30]).unwrap();
    for step in SWEEP {
        assert_eq!(SweepStep::of_code(&step.code()), Some(step));
        let degraded = step.apply(&dot).unwrap();
        assert!(degraded.width() >= 1 && degraded.height() >= 1, "{}", step.name());
    }
    for code in ["jpeg", "jpeg-101", "jpeg-075", "resize-0", "foo-1", ""] {
        assert_eq!(SweepStep::of_code(code), None, "{code}");
    }
    let picture = texture(1, 64, 48);
    let size = |step: SweepStep| {
        let degraded = step.apply(&picture).unwrap();
        (degraded.width(), degraded.height())
    };
    assert_eq!(size(SweepStep::Resized { percent: 50 }), (32, 24));
    assert_eq!(size(SweepStep::Cropped { percent: 75 }), (48, 36));
    assert_eq!(size(SweepStep::Webp { quality: 80 }), (64, 48));
}

fn psnr(left: &Pixels, right: &Pixels) -> f64 {
    let squares = left.rgb().iter().zip(right.rgb()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    let mean = squares.sum::<f64>() / left.rgb().len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

/// Pillow's own JPEG and WebP of one image: byte equality is not asked for, the same loss is.
#[test]
fn golden_codecs_lose_as_much() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/forensics/degrade");
    let Ok(text) = fs::read_to_string(folder.join("expected.json")) else { return };
    let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
    let read = |name: &str| read_image(&folder.join(name), &DecodeLimits::default()).unwrap().pixels;
    let source = read("source.png");
    for (kind, qualities) in [("jpeg", [95, 80, 70, 50, 30]), ("webp", [95, 80, 75, 50, 50])] {
        for quality in qualities {
            let step = SweepStep::of_code(&format!("{kind}-{quality}")).unwrap();
            let name = if kind == "jpeg" {
                format!("pillow_default_q{quality}")
            } else {
                format!("pillow_q{quality}")
            };
            let expected = golden[kind][&name]["psnr"].as_f64().unwrap();
            let found = psnr(&step.apply(&source).unwrap(), &source);
            assert!((found - expected).abs() < 0.1, "{name}: {found} instead of {expected}");
        }
    }
    for (file, step) in [
        ("pillow_default_q75.jpg", SweepStep::Jpeg { quality: 75 }),
        ("pillow_q80.webp", SweepStep::Webp { quality: 80 }),
    ] {
        let distance = psnr(&step.apply(&source).unwrap(), &read(file));
        assert!(distance > 50.0, "{file}: {distance}");
    }
}

/// A decoder's lattice is found by a probe that is trained on the study's own images; equal images are not told apart.
#[test]
fn the_own_detector_scores_images_that_it_has_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let mut items: Vec<(Class, ImageItem)> = Vec::new();
    for class in [Class::Real, Class::Fake] {
        for number in 0..24_u64 {
            let mut picture = texture(number + 100 * class as u64, 96, 96);
            if class == Class::Fake {
                picture = with_lattice(&picture);
            }
            let name = format!("{}-{number}.png", class.name());
            let path = folder.path().join(&name);
            fs::write(&path, encode(&picture, ImageFormat::Png).unwrap()).unwrap();
            items.push((class, ImageItem { path, name: name.clone(), group: Some(name) }));
        }
    }
    fs::write(&items[2].1.path, b"no image").unwrap();
    let request = OwnRequest {
        kind: ProbeKind::Spectrum,
        items: &items,
        matched: PlanRequest::default(),
        seed: 1,
        n_shuffles: 2,
        limits: DecodeLimits::default(),
        workbench: WorkbenchSettings::default(),
    };
    let own = train_own(&request, &mut |_| {}).unwrap();
    assert_eq!(
        own.scores.outcomes.keys().copied().collect::<Vec<_>>(),
        [Treatment::AsDelivered, Treatment::Matched]
    );
    assert!(own.treatments.iter().all(|one| !one.shuffle.is_above_chance() && one.unused.len() == 1));
    let examined = |class: Class, number: usize| image(class, number, ImageFormat::Png);
    let images: Vec<StudyImage> = (0..48).map(|place| examined(items[place].0, place)).collect();
    assert!(matches!(own.scores.outcomes[&Treatment::Matched][2], ScoreOutcome::Failed(_)));
    let report = study(&images, std::slice::from_ref(&own.scores), settings()).unwrap();
    let auc = report.detectors[0].condition("matched").unwrap().metrics.as_ref().unwrap().auc.clone();
    assert!(auc.value.unwrap() > 0.9, "{auc:?}");
    assert_eq!(report.verdict.verdict, Verdict::Detectable);
    assert_eq!(report.detectors[0].conditions[0].failures.len(), 1);
}

fn with_lattice(pixels: &Pixels) -> Pixels {
    let width = pixels.width() as usize;
    let rgb = pixels.rgb().iter().enumerate().map(|(index, value)| {
        let (x, y) = (index / 3 % width, index / 3 / width);
        value.saturating_add(if x % 8 == 0 || y % 8 == 0 { 3 } else { 0 })
    });
    Pixels::new(pixels.width(), pixels.height(), rgb.collect()).unwrap()
}
