//! Repeatability, resuming, stopping, refusing, and that it learns.

use std::{cell::Cell, path::Path};

use imgeval_core::Pixels;

use crate::{
    random_weights::{Stream, noise_picture},
    train::{
        ClipClassifier, Framing, NetworkDescription, NetworkKind, ResidualClassifier, TrainError,
        TrainedNetwork, Training, TrainingEvent, TrainingImages, TrainingSettings, tests::fixtures,
        train_network,
    },
};

/// Images in memory.
struct Pictures {
    images: Vec<(Pixels, usize)>,
    identity: &'static str,
    /// Images that can be had before the source breaks.
    left: Cell<usize>,
}

impl Pictures {
    fn new(images: Vec<(Pixels, usize)>) -> Self {
        Self { images, identity: "", left: Cell::new(usize::MAX) }
    }

    /// Noise by two recipes: smoothed along both axes (class 0), or drawn at half the size and each pixel repeated four times, with a
    /// little noise on top (class 1).
    fn of_two_recipes(seed: u64, count: usize, side: u32) -> Self {
        let picture = |index: usize| {
            let noise = noise_picture(seed + index as u64, side, side);
            let mut extra = Stream(seed + 1000 + index as u64);
            let at = |x: u32, y: u32, channel: usize| {
                u32::from(noise.at(x.min(side - 1), y.min(side - 1))[channel])
            };
            let mut rgb = Vec::new();
            for y in 0..side {
                for x in 0..side {
                    for channel in 0..3 {
                        let level = if index.is_multiple_of(2) {
                            let square = [(0, 0), (1, 0), (0, 1), (1, 1)];
                            square.iter().map(|(right, down)| at(x + right, y + down, channel)).sum::<u32>()
                                / 4
                        } else {
                            at(x / 2, y / 2, channel) / 2 + 32
                        };
                        let extra = (extra.next().unwrap() * 24.0) as i64;
                        rgb.push((i64::from(level) + extra).clamp(0, 255) as u8);
                    }
                }
            }
            (Pixels::new(side, side, rgb).unwrap(), index % 2)
        };
        Self::new((0..count).map(picture).collect())
    }

    fn with_labels(mut self, label: impl Fn(usize) -> usize) -> Self {
        self.images.iter_mut().for_each(|(_, old)| *old = label(*old));
        self
    }
}

impl TrainingImages for Pictures {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn pixels(&self, index: usize) -> Result<Pixels, Box<dyn std::error::Error + Send + Sync>> {
        let left = self.left.get().checked_sub(1).ok_or("the disk is gone")?;
        self.left.set(left);
        Ok(self.images[index].0.clone())
    }

    fn label(&self, index: usize) -> usize {
        self.images[index].1
    }

    fn identity(&self) -> String {
        self.identity.to_owned()
    }
}

fn small_residual() -> NetworkKind {
    NetworkKind::Residual(ResidualClassifier { crop: 32, width: 8, blocks: 2, crops_per_side: 2 })
}

fn small_clip() -> NetworkKind {
    NetworkKind::Clip(ClipClassifier {
        weights: fixtures().join("clip"),
        framing: Framing::NativeCrop,
        crops_per_side: 1,
    })
}

fn settings(epochs: usize) -> TrainingSettings {
    TrainingSettings { epochs, batch_size: 6, patience: None, seed: 3, ..TrainingSettings::residual() }
}

fn sets() -> (Pictures, Pictures) {
    (Pictures::of_two_recipes(1, 16, 40), Pictures::of_two_recipes(100, 8, 36))
}

fn train(
    kind: &NetworkKind,
    (training, validation): &(Pictures, Pictures),
    settings: &TrainingSettings,
    checkpoint: Option<&Path>,
) -> Result<(Training, Vec<TrainingEvent>), TrainError> {
    let mut events = Vec::new();
    let mut listen = |event| events.push(event);
    let training = train_network(kind, training, validation, 2, settings, checkpoint, &mut listen)?;
    Ok((training, events))
}

#[test]
fn ten_epochs_twice_give_the_same_bytes() {
    for kind in [small_residual(), small_clip()] {
        let folder = tempfile::tempdir().unwrap();
        let run = |name: &str| {
            let path = folder.path().join(name);
            let (training, _) = train(&kind, &sets(), &settings(10), Some(&path)).unwrap();
            (training.epochs, training.network.tensors().clone(), std::fs::read(path).unwrap())
        };
        let (first, second) = (run("first"), run("second"));
        assert_eq!(first.0.len(), 10);
        assert!(first == second, "{kind:?}");
        let other = TrainingSettings { seed: 4, ..settings(10) };
        let (other, _) = train(&kind, &sets(), &other, None).unwrap();
        assert_ne!(*other.network.tensors(), first.1);
    }
}

#[test]
fn a_resumed_training_equals_an_uninterrupted_one() {
    for kind in [small_residual(), small_clip()] {
        let folder = tempfile::tempdir().unwrap();
        let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
        let (expected, _) = train(&kind, &sets(), &settings(5), Some(&whole)).unwrap();

        let (training, validation) = sets();
        // Ends in the middle of an epoch. The residual network looks at every image once before the first.
        training.left.set(3 * training.len() + 7);
        let n_whole = if kind == small_clip() { 3 } else { 2 };
        let error = train(&kind, &(training, validation), &settings(5), Some(&broken)).unwrap_err();
        assert!(matches!(error, TrainError::Image { set: "training", .. }), "{error}");
        let (found, events) = train(&kind, &sets(), &settings(5), Some(&broken)).unwrap();
        let TrainingEvent::Started { resumed_after, .. } = &events[0] else { panic!("{events:?}") };
        assert_eq!(*resumed_after, Some(n_whole));
        assert_eq!((&found.epochs, found.best_epoch), (&expected.epochs, expected.best_epoch));
        assert!(found.network.tensors() == expected.network.tensors());
        assert!(std::fs::read(&whole).unwrap() == std::fs::read(&broken).unwrap());

        // What is finished is not trained again.
        let (again, events) = train(&kind, &sets(), &settings(5), Some(&broken)).unwrap();
        assert_eq!(events.len(), 1, "{events:?}");
        assert!(again.network.tensors() == expected.network.tensors());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "temporary files are left");
    }
}

#[test]
fn the_residual_network_tells_two_recipes_apart() {
    let sets = (Pictures::of_two_recipes(1, 48, 40), Pictures::of_two_recipes(500, 40, 40));
    let (training, _) = train(&small_residual(), &sets, &settings(12), None).unwrap();
    let best = &training.epochs[training.best_epoch - 1];
    assert!(best.validation_accuracy >= 0.95, "{:?}", training.epochs);

    // On images that nobody has seen, as the caller would ask.
    let unseen = Pictures::of_two_recipes(900, 40, 48);
    let images: Vec<Pixels> = unseen.images.iter().map(|(pixels, _)| pixels.clone()).collect();
    let logits = training.network.logits(&images).unwrap();
    let is_right =
        |(logits, (_, label)): &(Vec<f32>, &(Pixels, usize))| (logits[1] > logits[0]) == (*label == 1);
    let n_right = logits.into_iter().zip(&unseen.images).filter(is_right).count();
    assert!(n_right >= 38, "{n_right} of 40");
}

#[test]
fn training_stops_early_and_keeps_the_best_weights() {
    // Right for training is wrong for validation, so learning makes validation worse.
    let (training, validation) = sets();
    let sets = (training, validation.with_labels(|label| 1 - label));
    let patient = TrainingSettings { patience: Some(3), ..settings(40) };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (training, events) = train(&small_residual(), &sets, &patient, Some(&path)).unwrap();
    let best = training.epochs.iter().map(|record| record.validation_loss).fold(f64::INFINITY, f64::min);
    assert_eq!(training.epochs.len(), training.best_epoch + 3);
    assert_eq!(training.epochs[training.best_epoch - 1].validation_loss, best);
    let end = TrainingEvent::StoppedEarly { epoch: training.epochs.len(), best_epoch: training.best_epoch };
    assert_eq!(events.last(), Some(&end));

    // The weights that are kept give the best epoch's loss.
    let images: Vec<Pixels> = sets.1.images.iter().map(|(pixels, _)| pixels.clone()).collect();
    let losses = training.network.logits(&images).unwrap().into_iter().zip(&sets.1.images).map(
        |(logits, (_, label))| {
            let sum: f64 = logits.iter().map(|x| f64::from(*x).exp()).sum();
            sum.ln() - f64::from(logits[*label])
        },
    );
    let found = losses.sum::<f64>() / images.len() as f64;
    assert!((found - best).abs() < 1e-6, "{found} instead of {best}");

    // A stopped training is finished.
    let (again, events) = train(&small_residual(), &sets, &patient, Some(&path)).unwrap();
    assert!(!events.iter().any(|event| matches!(event, TrainingEvent::Step { .. })));
    assert!(again.network.tensors() == training.network.tensors());
}

#[test]
fn unusable_sets_are_refused() {
    let refused = |training: Pictures, validation: Pictures| {
        train(&small_residual(), &(training, validation), &settings(1), None).unwrap_err().to_string()
    };
    let good = || Pictures::of_two_recipes(1, 4, 40);
    assert_eq!(refused(Pictures::new(Vec::new()), good()), "the training set has no images");
    assert_eq!(refused(good(), Pictures::new(Vec::new())), "the validation set has no images");
    assert_eq!(
        refused(good().with_labels(|label| label + 1), good()),
        "image 1 of the training set has label 2, but there are 2 classes, counted from 0"
    );
    assert_eq!(refused(good(), good().with_labels(|_| 0)), "the validation set has no image of class 1");
    let small = || Pictures::of_two_recipes(1, 4, 31);
    let needs = "has 31 x 31 pixels, the network needs 32 on each side";
    assert!(refused(small(), good()).contains(needs), "{}", refused(small(), good()));
    assert!(refused(good(), small()).starts_with("image 0 has 31"), "{}", refused(good(), small()));
}

#[test]
fn impossible_settings_and_sizes_are_refused() {
    let refused = |change: fn(&mut TrainingSettings)| {
        let mut settings = settings(1);
        change(&mut settings);
        train(&small_residual(), &sets(), &settings, None).unwrap_err().to_string()
    };
    assert_eq!(refused(|settings| settings.epochs = 0), "setting `epochs` is 0, expected 1 to 10000");
    assert!(refused(|settings| settings.batch_size = 0).contains("`batch_size`"));
    assert!(refused(|settings| settings.learning_rate = f64::NAN).contains("`learning_rate` is NaN"));
    assert!(refused(|settings| settings.weight_decay = -0.1).contains("`weight_decay`"));
    assert!(refused(|settings| settings.warm_up_share = 1.0).contains("`warm_up_share`"));
    assert!(refused(|settings| settings.patience = Some(0)).contains("`patience`"));
    let kind = |crop, width, blocks| {
        NetworkKind::Residual(ResidualClassifier { crop, width, blocks, crops_per_side: 1 })
    };
    for kind in [kind(33, 8, 2), kind(32, 6, 2), kind(32, usize::MAX - 3, 2), kind(32, 8, 1), kind(0, 8, 2)] {
        let error = train(&kind, &sets(), &settings(1), None).unwrap_err();
        assert!(matches!(error, TrainError::Description(_)), "{error}");
    }
    for n_classes in [0, 1, usize::MAX] {
        let (training, validation) = sets();
        let error = train_network(
            &small_residual(),
            &training,
            &validation,
            n_classes,
            &settings(1),
            None,
            &mut |_| {},
        );
        assert!(error.unwrap_err().to_string().ends_with("classes, expected 2 to 1000"), "{n_classes}");
    }
}

#[test]
fn a_loss_that_is_no_number_ends_the_training() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("model.safetensors");
    let mut bytes = std::fs::read(fixtures().join("clip/model.safetensors")).unwrap();
    // The projection, 8 x 16 numbers, is the file's last tensor: its products overflow.
    let start = bytes.len() - 4 * 8 * 16;
    bytes[start..].as_chunks_mut::<4>().0.fill(f32::MAX.to_le_bytes());
    std::fs::write(&weights, bytes).unwrap();
    std::fs::copy(fixtures().join("clip/config.json"), folder.path().join("config.json")).unwrap();
    let kind = NetworkKind::Clip(ClipClassifier { weights, framing: Framing::NativeCrop, crops_per_side: 1 });
    let error = train(&kind, &sets(), &settings(1), None).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { epoch: 1, step: 1 }), "{error}");
}

#[test]
fn foreign_and_damaged_checkpoints_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    train(&small_residual(), &sets(), &settings(2), Some(&path)).unwrap();
    let refused = |kind: &NetworkKind, sets: &(Pictures, Pictures), settings: &TrainingSettings| {
        train(kind, sets, settings, Some(&path)).unwrap_err().to_string()
    };
    let kind = small_residual();
    assert!(refused(&small_clip(), &sets(), &settings(2)).ends_with("another training: the network differs"));
    assert!(refused(&kind, &sets(), &settings(3)).ends_with("another training: a setting differs"));
    let (mut training, validation) = sets();
    training.identity = "others";
    let others = (training, validation);
    assert!(refused(&kind, &others, &settings(2)).ends_with("another training: the set of images differs"));

    let whole = std::fs::read(&path).unwrap();
    for length in [0, 7, 200, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let message = refused(&kind, &sets(), &settings(2));
        assert!(message.contains("is not a training checkpoint, or it is damaged"), "{length}: {message}");
    }
    std::fs::copy(fixtures().join("clip/model.safetensors"), &path).unwrap();
    assert!(refused(&kind, &sets(), &settings(2)).contains("its header has no `imgeval_training`"));
    // A number that is none, in the last tensor.
    let mut broken = whole;
    let end = broken.len();
    broken[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, broken).unwrap();
    assert!(refused(&kind, &sets(), &settings(2)).contains("not finite"));
}

#[test]
fn a_network_is_the_same_after_it_was_kept() {
    for kind in [small_residual(), small_clip()] {
        let sets = sets();
        let (training, _) = train(&kind, &sets, &settings(1), None).unwrap();
        let network = training.network;
        let text = serde_json::to_string(network.describe()).unwrap();
        let description: NetworkDescription = serde_json::from_str(&text).unwrap();
        assert_eq!(&description, network.describe());
        let again =
            TrainedNetwork::from_tensors(&description, network.tensors(), &Default::default()).unwrap();
        let images: Vec<Pixels> = sets.0.images.iter().map(|(pixels, _)| pixels.clone()).collect();
        let outputs = network.apply(&images).unwrap();
        assert_eq!(outputs, again.apply(&images).unwrap());
        assert_eq!(outputs[0].logits.len(), 2);
        assert_eq!(outputs[0].features.len(), description.network.features());

        let refused = |change: &dyn Fn(&mut std::collections::BTreeMap<String, _>)| {
            let mut tensors = network.tensors().clone();
            change(&mut tensors);
            let result = TrainedNetwork::from_tensors(&description, &tensors, &Default::default());
            result.unwrap_err().to_string()
        };
        let one = network.tensors()["head.bias"].clone();
        assert!(refused(&|tensors| drop(tensors.remove("head.bias"))).contains("1 missing: `head.bias`"));
        assert!(
            refused(&|tensors| drop(tensors.insert("more".to_owned(), one.clone())))
                .contains("1 not expected: `more`")
        );
        assert!(
            refused(&|tensors| drop(tensors.insert("head.weight".to_owned(), one.clone())))
                .contains("of another shape: `head.weight`")
        );
    }
}
