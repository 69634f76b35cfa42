//! Both networks: outputs, all gradients, and weights along the optimizer's steps.

use std::collections::BTreeMap;

use flate2::read::GzDecoder;
use imgeval_core::Pixels;
use serde_json::json;
use tempfile::TempDir;

use super::{Reference, assert_near, fixtures, flat};
use crate::{
    clip::Clip,
    compute::{Backend, ComputeOptions},
    random_weights::ramp_picture,
    train::{
        ClipEmbedder, Framing, NamedTensor, NetworkShape, clip_network,
        description::ResidualShape,
        embedding_from_bytes, embedding_to_bytes,
        input::{prepare_all, stack},
        network::forward,
        optimizer::{self, Moments},
        parameters::{Numbers, Placed, add_head},
        training::gradients,
    },
};

// As in the script.
const PEAK: f64 = 1e-2;
const DECAY: f64 = 0.1;
const STEPS: usize = 5;
const WARM_UP_SHARE: f64 = 0.4;

fn pictures(sizes: &[(u64, u32, u32)]) -> Vec<Pixels> {
    sizes.iter().map(|&(seed, width, height)| ramp_picture(seed, width, height)).collect()
}

/// Adds what the reference file holds of the initial weights.
fn add_initial(tensors: &mut Numbers, reference: &Reference) {
    for name in reference.names().filter_map(|name| name.strip_prefix("initial/")) {
        let tensor = reference.tensor(&format!("initial/{name}"));
        tensors
            .insert(name.to_owned(), NamedTensor { shape: tensor.dims().to_vec(), numbers: flat(&tensor) });
    }
}

/// The bias of the keys: softmax ignores what is added to all scores of a query, so its gradient is zero but for rounding, and Adam
/// divides rounding by rounding.
fn has_meaningless_gradient(name: &str, place: usize, count: usize) -> bool {
    name.ends_with("attn.in_proj_bias") && (count / 3..2 * count / 3).contains(&place)
}

fn check(shape: &NetworkShape, weights: Numbers, reference: &Reference, images: &[Pixels], labels: &[usize]) {
    let backend = Backend::open(&ComputeOptions::default()).unwrap();
    let crops =
        images.iter().enumerate().flat_map(|(index, image)| prepare_all(shape, 1, image, index).unwrap());
    let batch = stack(shape, &crops.collect::<Vec<_>>(), &backend).unwrap();
    let outputs = forward(shape, &Placed::constants(&weights, &backend).unwrap(), &batch).unwrap();
    assert_near(&flat(&outputs.features), &reference.numbers("features"), 1e-3, "features");
    assert_near(&flat(&outputs.logits), &reference.numbers("logits"), 1e-3, "logits");

    let mut weights = weights;
    let mut moments = Moments::zero(&weights);
    for step in 0..STEPS {
        let (loss, found) = gradients(shape, &weights, &batch, labels, &backend).unwrap();
        assert_near(&[loss], &[reference.numbers("losses")[step]], 1e-3, "loss");
        if step == 0 {
            assert_eq!(found.len(), weights.len());
            for (name, gradient) in &found {
                assert_near(gradient, &reference.numbers(&format!("gradient/{name}")), 1e-3, name);
            }
        }
        let rate = optimizer::learning_rate(PEAK, WARM_UP_SHARE, step, STEPS);
        assert_near(&[rate as f32], &[reference.numbers("rates")[step]], 0.0, "rate");
        optimizer::step(&mut weights, &mut moments, &found, step, rate, DECAY);
        if step == 0 || step + 1 == STEPS {
            check_weights(&weights, reference, step + 1);
        }
    }
}

fn check_weights(weights: &Numbers, reference: &Reference, steps: usize) {
    for (name, tensor) in weights {
        let expected = reference.numbers(&format!("after_{steps}/{name}"));
        let count = expected.len();
        let keep = |numbers: &[f32]| -> Vec<f32> {
            let kept = numbers.iter().enumerate();
            kept.filter(|(place, _)| !has_meaningless_gradient(name, *place, count))
                .map(|(_, x)| *x)
                .collect()
        };
        // An absolute tolerance of 1e-4, a hundredth of one step.
        assert_near(&keep(&tensor.numbers), &keep(&expected), 1.0, &format!("{name} after {steps} steps"));
    }
}

#[test]
fn the_clip_classifier_learns_as_in_pytorch() {
    let reference = Reference::open("clip.safetensors");
    let (shape, mut weights) = clip_network::load(&fixtures().join("clip"), Framing::NativeCrop).unwrap();
    add_initial(&mut weights, &reference);
    let images = pictures(&[(31, 30, 41), (32, 24, 40), (33, 25, 24), (34, 24, 24)]);
    check(&NetworkShape::Clip(shape), weights, &reference, &images, &[0, 2, 1, 2]);
}

#[test]
fn the_residual_network_learns_as_in_pytorch() {
    let reference = Reference::open("residual.safetensors");
    let mut weights = BTreeMap::new();
    add_initial(&mut weights, &reference);
    let shape = NetworkShape::Residual(ResidualShape { crop: 32, width: 4, blocks: 3 });
    let images = pictures(&[(35, 50, 35), (36, 32, 33), (37, 32, 32)]);
    check(&shape, weights, &reference, &images, &[1, 0, 1]);
}

/// The fixture of `clip`, unpacked as `name`, with a configuration beside it.
fn unpacked(name: &str, configuration: (&str, String)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let packed = fixtures().join("../clip").join(format!("{name}.gz"));
    let mut packed = GzDecoder::new(std::fs::File::open(packed).unwrap());
    std::io::copy(&mut packed, &mut std::fs::File::create(folder.path().join(name)).unwrap()).unwrap();
    std::fs::write(folder.path().join(configuration.0), configuration.1).unwrap();
    folder
}

#[test]
fn every_layout_of_clip_embeds_as_the_inference_path_does() {
    let images = pictures(&[(21, 64, 48), (22, 50, 77), (23, 48, 51)]);
    let backend = Backend::open(&ComputeOptions::default()).unwrap();
    for activation in ["quick_gelu", "gelu"] {
        let tower = json!({"num_attention_heads": 2, "hidden_act": activation});
        let hub = ("config.json", json!({"vision_config": tower, "text_config": tower}).to_string());
        let is_quick = activation == "quick_gelu";
        let model =
            json!({"quick_gelu": is_quick, "vision_cfg": {"head_width": 16}, "text_cfg": {"heads": 2}});
        let open = ("open_clip_config.json", json!({"model_cfg": model}).to_string());
        let mut all = Vec::new();
        for (name, configuration) in
            [("model.safetensors", &hub), ("model_openai.pt", &open), ("model_openai_jit.pt", &open)]
        {
            let folder = unpacked(name, configuration.clone());
            let path = folder.path().join(name);
            let (shape, weights) = clip_network::load(&path, Framing::Resized).unwrap();
            let shape = NetworkShape::Clip(shape);
            let crops = images.iter().flat_map(|image| prepare_all(&shape, 1, image, 0).unwrap());
            let batch = stack(&shape, &crops.collect::<Vec<_>>(), &backend).unwrap();
            let mut with_head = weights.clone();
            add_head(&mut with_head, 0, 2, shape.features(), 0.1);
            let placed = Placed::constants(&with_head, &backend).unwrap();
            let found = flat(&forward(&shape, &placed, &batch).unwrap().features);
            let expected =
                Clip::load(&path, &ComputeOptions::default()).unwrap().encode_images(&images).unwrap();
            assert_near(&found, &expected.concat(), 1e-3, name);
            all.push(weights);
        }
        assert!(all[0] == all[1] && all[1] == all[2]);
    }
}

#[test]
fn frozen_embeddings_are_those_of_the_central_square() {
    let hub = json!({"vision_config": {"num_attention_heads": 2}, "text_config": {"num_attention_heads": 2}});
    let folder = unpacked("model.safetensors", ("config.json", hub.to_string()));
    let load = |weights: &str, framing| {
        ClipEmbedder::load(folder.path(), weights, framing, &ComputeOptions::default()).unwrap()
    };
    let native = load("abc", Framing::NativeCrop);
    let images: Vec<Pixels> = (0..9).map(|seed| ramp_picture(seed, 50, 61)).collect();
    let found = native.embed(&images).unwrap();
    let crop = |pixels: &Pixels| {
        let places = (6..54).flat_map(|y| (1..49).map(move |x| (x, y)));
        Pixels::new(48, 48, places.flat_map(|(x, y)| pixels.at(x, y)).collect()).unwrap()
    };
    let clip = Clip::load(folder.path(), &ComputeOptions::default()).unwrap();
    for (image, found) in images.iter().zip(&found) {
        let expected = clip.encode_images(&[crop(image)]).unwrap().remove(0);
        assert_near(found, &expected, 1e-3, "embedding");
        assert_eq!(found.len(), native.width());
        let bytes = embedding_to_bytes(found);
        assert_eq!(embedding_from_bytes(&bytes, native.width()).as_ref(), Some(found));
        assert_eq!(embedding_from_bytes(&bytes, native.width() + 1), None);
        assert_eq!(embedding_from_bytes(&bytes[1..], native.width()), None);
    }
    assert_eq!(embedding_from_bytes(&f32::NAN.to_le_bytes(), 1), None);
    assert!(native.embed(&[ramp_picture(1, 47, 48)]).is_err());

    // Whatever changes an embedding changes its name.
    assert_ne!(native.identity(), load("abd", Framing::NativeCrop).identity());
    assert_ne!(native.identity(), load("abc", Framing::Resized).identity());
    assert_eq!(native.identity(), load("abc", Framing::NativeCrop).identity());
}
