//! `shared/golden/drift` (torch 2.15, timm 1.0.31, transformers 5.24, CPU, f32), if it is there: its tiny networks from files, and the
//! full-size ones with weights from its formula.

use std::path::{Path, PathBuf};

use imgeval_core::Pixels;
use imgeval_metrics::consistency::{SelfSimilarity, Tokens, cosine};
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::Value;

use super::{RoundFeatures, RoundWeights};
use crate::{
    DecodeLimits, ModelError, checkpoint::Checkpoint, clip::Clip, compute::ComputeOptions, dino::Dino,
    load_image,
};

struct Golden {
    drift: PathBuf,
    images: PathBuf,
    models: Value,
    weights: tempfile::TempDir,
}

impl Golden {
    /// With copies of the tiny weights beside what states their heads.
    fn open() -> Option<Self> {
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
        let drift = shared.join("golden/drift");
        let models = serde_json::from_str(&std::fs::read_to_string(drift.join("expected_models.json")).ok()?);
        let weights = tempfile::tempdir().unwrap();
        let copy = |from: &str, to: &str| {
            std::fs::write(weights.path().join(to), std::fs::read(drift.join("models").join(from)).unwrap())
                .unwrap();
        };
        for name in ["dino_tiny.safetensors", "dino_tiny.pth", "dino_tiny_legacy.pth"] {
            copy(name, name);
            let heads = weights.path().join(name).with_extension("json");
            std::fs::write(heads, r#"{"num_attention_heads": 3}"#).unwrap();
        }
        copy("clip_b32_tiny.safetensors", "model.safetensors");
        copy("clip_b32_tiny.json", "config.json");
        Some(Self { images: shared.join("data/images"), drift, models: models.unwrap(), weights })
    }

    fn image(&self, name: &str) -> Pixels {
        let path = [&self.drift, &self.images]
            .into_iter()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file());
        load_image(&path.unwrap(), &DecodeLimits::default()).unwrap().pixels
    }

    fn pictures(&self) -> Vec<Pixels> {
        rows(&self.models["images"]).iter().map(|name| self.image(name.as_str().unwrap())).collect()
    }

    fn features(&self, dino: &str) -> RoundFeatures {
        let dino = self.weights.path().join(dino);
        let weights = RoundWeights { clip: self.weights.path(), dino: &dino };
        RoundFeatures::load(&weights, &ComputeOptions::default()).unwrap()
    }
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// The largest differences that were found, by name.
#[derive(Default)]
struct Worst(std::collections::BTreeMap<&'static str, f64>);

impl Worst {
    fn keep(&mut self, what: &'static str, difference: f64) {
        let worst = self.0.entry(what).or_default();
        // Not a number stays.
        *worst = if difference <= *worst { *worst } else { difference };
    }

    fn number(&mut self, what: &'static str, found: f64, expected: &Value) {
        self.keep(what, (found - expected.as_f64().unwrap()).abs());
    }

    /// Relative to the largest expected number.
    fn feature(&mut self, what: &'static str, found: &[f32], expected: &Value) {
        let expected: Vec<f64> = rows(expected).iter().map(|x| x.as_f64().unwrap()).collect();
        assert!(found.len() >= expected.len());
        let largest = expected.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            self.keep(what, (f64::from(*found) - expected).abs() / largest);
        }
    }

    fn check(&self, tolerance: f64) {
        println!("{:?}", self.0);
        for (what, worst) in &self.0 {
            assert!(*worst < tolerance, "{what} off by {worst}");
        }
    }
}

#[test]
fn tiny_networks_agree_in_all_forms() {
    let Some(golden) = Golden::open() else { return };
    let (pictures, expected) = (golden.pictures(), &golden.models["dino_tiny"]);
    let (mut features, mut others, mut inputs) = (Worst::default(), Worst::default(), Worst::default());
    for name in ["dino_tiny.safetensors", "dino_tiny.pth", "dino_tiny_legacy.pth"] {
        let path = golden.weights.path().join(name);
        let dino = Dino::load(&path, &ComputeOptions::default()).unwrap();
        let tokens =
            pictures.iter().map(|picture| dino.class_tokens(std::slice::from_ref(picture)).unwrap().concat());
        let tokens: Vec<Vec<f32>> = tokens.collect();
        let structures = pictures.iter().map(|picture| {
            let found = dino.tokens(picture).unwrap();
            SelfSimilarity::of(&Tokens::new(&found.keys, found.width).unwrap()).unwrap()
        });
        let structures: Vec<SelfSimilarity> = structures.collect();
        for (a, picture) in pictures.iter().enumerate() {
            let prepared = dino.prepare(&dino.middle(picture).unwrap()).unwrap();
            let prepared: Vec<f32> = prepared.flatten_all().unwrap().to_vec1().unwrap();
            let sum: f64 = prepared.iter().copied().map(f64::from).sum();
            let expected_sum = expected["input_sum"][a].as_f64().unwrap();
            inputs.keep("sum", (sum - expected_sum).abs() / expected_sum.abs().max(1.0));
            inputs.feature("first pixel", &prepared[..3], &expected["input_first"][a]);
            features.feature("class token", &tokens[a], &expected["cls"][a]);
            others.number("mean", structures[a].mean(), &expected["self_sim_mean"][a]);
            for b in 0..pictures.len() {
                others.number("cosine", cosine(&tokens[a], &tokens[b]).unwrap(), &expected["cosine"][a][b]);
                let distance = structures[a].distance(&structures[b]).unwrap();
                others.number("structure", distance, &expected["structure_distance"][a][b]);
            }
        }
    }
    let expected = &golden.models["clip_tiny"];
    let clip = Clip::load(golden.weights.path(), &ComputeOptions::default()).unwrap();
    let ids = rows(&golden.models["text_ids"])
        .iter()
        .map(|ids| rows(ids).iter().map(|id| id.as_u64().unwrap() as u32));
    let texts: Vec<Vec<f32>> = ids.map(|ids| clip.encode_ids(&[ids.collect()]).unwrap().concat()).collect();
    let images = clip.encode_images(&pictures).unwrap();
    for (index, text) in texts.iter().enumerate() {
        features.feature("CLIP text", text, &expected["text"][index]);
    }
    for (a, image) in images.iter().enumerate() {
        features.feature("CLIP image", image, &expected["image"][a]);
        for (b, other) in images.iter().enumerate() {
            others.number("CLIP-I", cosine(image, other).unwrap(), &expected["clip_i"][a][b]);
        }
        for (index, text) in texts.iter().enumerate() {
            others.number("CLIP-T", cosine(image, text).unwrap(), &expected["clip_t"][a][index]);
        }
    }
    features.check(2e-4);
    others.check(1e-4);
    inputs.check(1e-3);
    let too_long = clip.encode_whole_text(&"word ".repeat(76));
    assert!(matches!(too_long, Err(ModelError::LongText { tokens: 78 })));
}

#[test]
fn magicbrush_means_agree() {
    let Some(golden) = Golden::open() else { return };
    let rounds = std::fs::read_to_string(golden.drift.join("expected_rounds.json")).unwrap();
    let rounds: Value = serde_json::from_str(&rounds).unwrap();
    let features = golden.features("dino_tiny.pth");
    assert!(!features.has_official_shapes());
    features.canary().unwrap();
    let mut worst = Worst::default();
    for setting in ["all_turn", "final_turn"] {
        let expected = &rounds["magicbrush"][setting];
        let pairs = rows(&expected["pairs"]).iter().map(|pair| {
            [0, 1].map(|side| {
                let image = golden.image(pair[side].as_str().unwrap());
                (features.clip_image(&image).unwrap(), features.dino(&image).unwrap())
            })
        });
        let cosines = pairs.map(|[a, b]| [cosine(&a.0, &b.0).unwrap(), cosine(&a.1, &b.1).unwrap()]);
        let cosines: Vec<[f64; 2]> = cosines.collect();
        for (index, name) in ["clip_i", "dino"].into_iter().enumerate() {
            let mean = cosines.iter().map(|pair| pair[index]).sum::<f64>() / cosines.len() as f64;
            worst.number(name, mean, &expected[name]);
        }
    }
    worst.check(1e-4);
}

/// The formula's numbers of a tensor.
fn formula(seed: u64, name: &str, shape: &[usize]) -> Vec<f32> {
    let hash = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    }) ^ seed;
    let elements: usize = shape.iter().product();
    let is_embedding = ["pos_embed", "cls_token", "position_embedding", "class_embedding"]
        .iter()
        .any(|part| name.contains(part));
    let scale = (3.0 / (elements / shape[0]) as f64).sqrt();
    let is_norm = name.ends_with("weight") && (name.contains("norm") || name.contains("layrnorm"));
    let numbers = (0..elements as u64).map(|index| {
        let mut z = hash.wrapping_add((index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let u = 2.0 * (z >> 40) as f64 / 16_777_216.0 - 1.0;
        let number = if shape.len() >= 2 && !is_embedding {
            u * scale
        } else if is_norm {
            1.0 + 0.1 * u
        } else {
            0.1 * u
        };
        number as f32
    });
    numbers.collect()
}

fn checkpoint_of(tensors: Vec<(String, Vec<usize>, Vec<f32>)>) -> Checkpoint {
    let views = tensors.iter().map(|(name, shape, numbers)| {
        (name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytemuck::cast_slice(numbers)).unwrap())
    });
    Checkpoint::from_bytes(Path::new("formula"), serialize(views, None).unwrap()).unwrap()
}

fn dino_shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes: Vec<(String, Vec<usize>)> = Vec::new();
    let mut add = |name: String, shape: &[usize]| shapes.push((name, shape.to_vec()));
    add("cls_token".to_owned(), &[1, 1, 384]);
    add("pos_embed".to_owned(), &[1, 197, 384]);
    let mut layer = |name: String, shape: &[usize]| {
        add(format!("{name}.weight"), shape);
        add(format!("{name}.bias"), &shape[..1]);
    };
    layer("patch_embed.proj".to_owned(), &[384, 3, 16, 16]);
    for block in (0..12).map(|block| format!("blocks.{block}")) {
        layer(format!("{block}.norm1"), &[384]);
        layer(format!("{block}.attn.qkv"), &[1152, 384]);
        layer(format!("{block}.attn.proj"), &[384, 384]);
        layer(format!("{block}.norm2"), &[384]);
        layer(format!("{block}.mlp.fc1"), &[1536, 384]);
        layer(format!("{block}.mlp.fc2"), &[384, 1536]);
    }
    layer("norm".to_owned(), &[384]);
    shapes
}

/// The smallest text tower that goes with the golden vision tower of 512 dimensions; nobody asks it.
fn text_shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = vec![
        ("text_model.embeddings.token_embedding.weight".to_owned(), vec![49_408, 64]),
        ("text_model.embeddings.position_embedding.weight".to_owned(), vec![77, 64]),
        ("text_projection.weight".to_owned(), vec![512, 64]),
    ];
    let layer = "text_model.encoder.layers.0";
    let parts = [
        (format!("{layer}.self_attn.q_proj"), vec![64, 64]),
        (format!("{layer}.self_attn.k_proj"), vec![64, 64]),
        (format!("{layer}.self_attn.v_proj"), vec![64, 64]),
        (format!("{layer}.self_attn.out_proj"), vec![64, 64]),
        (format!("{layer}.mlp.fc1"), vec![64, 64]),
        (format!("{layer}.mlp.fc2"), vec![64, 64]),
        (format!("{layer}.layer_norm1"), vec![64]),
        (format!("{layer}.layer_norm2"), vec![64]),
        ("text_model.final_layer_norm".to_owned(), vec![64]),
    ];
    for (name, shape) in parts {
        shapes.push((format!("{name}.bias"), vec![64]));
        shapes.push((format!("{name}.weight"), shape));
    }
    shapes
}

#[test]
fn full_size_networks_of_the_formula_agree() {
    let Some(golden) = Golden::open() else { return };
    let pictures = golden.pictures();
    let (mut features, mut others) = (Worst::default(), Worst::default());
    let mut check = |expected: &Value, first: &str, found: &[Vec<f32>], what: &'static str| {
        for (a, feature) in found.iter().enumerate() {
            features.feature(what, feature, &expected[first][a]);
            let norm = feature.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            let expected_norm = expected["norm"][a].as_f64().unwrap();
            features.keep("norm", (norm - expected_norm).abs() / expected_norm);
            for (b, other) in found.iter().enumerate() {
                others.number("cosine", cosine(feature, other).unwrap(), &expected["cosine"][a][b]);
            }
        }
    };
    let fill = |seed: u64, shapes: Vec<(String, Vec<usize>)>| -> Vec<_> {
        let tensors = shapes.into_iter().map(|(name, shape)| {
            let numbers = formula(seed, &name, &shape);
            (name, shape, numbers)
        });
        tensors.collect()
    };
    let backend = crate::compute::Backend::open(&ComputeOptions::default()).unwrap();

    let expected = &golden.models["dino_s16_formula"];
    let seed = expected["seed"].as_u64().unwrap();
    let tensors = fill(seed, dino_shapes());
    assert_eq!(tensors.iter().map(|(_, _, numbers)| numbers.len() as u64).sum::<u64>(), expected["params"]);
    for (key, example) in expected["example"].as_object().unwrap() {
        let name = key.trim_end_matches("[0..4]");
        let (_, _, numbers) = tensors.iter().find(|(stored, ..)| stored == name).unwrap();
        for (found, expected) in numbers.iter().zip(rows(example)) {
            assert!((f64::from(*found) - expected.as_f64().unwrap()).abs() < 1e-8, "{key}");
        }
    }
    let dino =
        Dino::from_checkpoint(checkpoint_of(tensors), crate::clip::Heads::Channels(64), backend.clone())
            .unwrap();
    assert_eq!(dino.dimensions(), crate::dino::DinoDimensions::SMALL_16);
    check(expected, "cls_first16", &dino.class_tokens(&pictures).unwrap(), "DINO");
    drop(dino);

    let expected = &golden.models["clip_b32_formula"];
    let shapes = rows(&expected["names_and_shapes"]).iter().map(|pair| {
        let shape = rows(&pair[1]).iter().map(|side| side.as_u64().unwrap() as usize).collect();
        (pair[0].as_str().unwrap().to_owned(), shape)
    });
    let tensors = fill(seed, shapes.chain(text_shapes()).collect());
    let configuration = crate::clip::Configuration::OPENAI;
    let clip = Clip::from_checkpoint(checkpoint_of(tensors), configuration, backend).unwrap();
    check(expected, "image_first16", &clip.encode_images(&pictures).unwrap(), "CLIP");
    features.check(2e-4);
    others.check(1e-4);
}
