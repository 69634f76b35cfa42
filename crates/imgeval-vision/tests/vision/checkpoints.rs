//! Reference: `scripts/reference/checkpoints.py` (PyTorch 2.15.0, safetensors 0.8.0). Numbers must agree bit by bit.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use imgeval_vision::checkpoint::{Checkpoint, CheckpointError, Parameters, StoredType};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints")
}

fn expected() -> Value {
    serde_json::from_slice(&fs::read(fixtures().join("expected.json")).unwrap()).unwrap()
}

fn number(value: &Value) -> f32 {
    value.as_f64().map_or_else(|| value.as_str().unwrap().parse().unwrap(), |number| number as f32)
}

fn dtype_name(dtype: StoredType) -> &'static str {
    match dtype {
        StoredType::F64 => "float64",
        StoredType::F32 => "float32",
        StoredType::F16 => "float16",
        StoredType::BF16 => "bfloat16",
        StoredType::I64 => "int64",
        StoredType::I32 => "int32",
        StoredType::I16 => "int16",
        StoredType::I8 => "int8",
        StoredType::U8 => "uint8",
        StoredType::Bool => "bool",
        StoredType::Other => "other",
    }
}

fn check(checkpoint: &Checkpoint, expected: &Value) {
    let expected = expected.as_object().unwrap();
    let found: Vec<&str> = checkpoint.tensors().map(|(name, _)| name).collect();
    let names: Vec<&str> = expected.keys().map(String::as_str).collect();
    assert_eq!(found, names);
    for (name, tensor) in expected {
        let info = checkpoint.info(name).unwrap();
        let shape: Vec<usize> =
            tensor["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect();
        assert_eq!(
            (&info.shape, dtype_name(info.dtype)),
            (&shape, tensor["dtype"].as_str().unwrap()),
            "{name}"
        );
        let Some(numbers) = tensor["numbers"].as_array() else {
            assert!(matches!(checkpoint.read_f32(name), Err(CheckpointError::NotFloat { .. })), "{name}");
            continue;
        };
        let bits: Vec<u32> = numbers.iter().map(|value| number(value).to_bits()).collect();
        let to_bits =
            |numbers: &[f32]| -> Vec<u32> { numbers.iter().map(|number| number.to_bits()).collect() };
        assert_eq!(to_bits(&checkpoint.read_f32(name).unwrap()), bits, "{name}");
        if let Some(slice) = checkpoint.as_f32_slice(name) {
            assert_eq!(to_bits(slice), bits, "{name}");
            // Released pages come back.
            checkpoint.release(name);
            assert_eq!(to_bits(slice), bits, "{name}");
        }
    }
}

#[test]
fn every_kind_of_file_reads_as_its_own_library_reads_it() {
    let expected = expected();
    let files = expected["files"].as_object().unwrap();
    assert_eq!(files.len(), 8);
    for (file, tensors) in files {
        println!("{file}");
        check(&Checkpoint::open(&fixtures().join(file)).unwrap(), tensors);
    }
}

#[test]
fn the_content_decides_and_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let expected = expected();
    for file in ["weights.safetensors", "trainer.pth", "legacy.pth", "script.pt"] {
        let path = folder.path().join("weights.bin");
        fs::copy(fixtures().join(file), &path).unwrap();
        check(&Checkpoint::open(&path).unwrap(), &expected["files"][file]);
        let from_memory = Checkpoint::from_bytes(&path, fs::read(&path).unwrap()).unwrap();
        check(&from_memory, &expected["files"][file]);
        let hub_name = folder.path().join("pytorch_model.bin");
        fs::rename(&path, &hub_name).unwrap();
        check(&Checkpoint::open(folder.path()).unwrap(), &expected["files"][file]);
    }
}

#[test]
fn plain_floats_are_lent_in_place_and_others_are_not() {
    let checkpoint = Checkpoint::open(&fixtures().join("state_dict.pth")).unwrap();
    for name in ["f32", "same_storage", "scalar", "extremes", "empty"] {
        assert!(checkpoint.as_f32_slice(name).is_some(), "{name}");
    }
    for name in ["transposed", "window", "columns", "repeated", "f16", "f64", "count", "no such tensor"] {
        assert!(checkpoint.as_f32_slice(name).is_none(), "{name}");
    }
    let error = checkpoint.read_f32("no such tensor").unwrap_err();
    assert!(error.to_string().ends_with("has no tensor `no such tensor`"), "{error}");
}

/// The digest that the reference script makes of a file.
fn digest(checkpoint: &Checkpoint) -> String {
    let mut hasher = Sha256::new();
    for (name, info) in checkpoint.tensors() {
        let Ok(numbers) = checkpoint.read_f32(name) else { continue };
        hasher.update(format!("{name} {:?}\n", info.shape));
        hasher.update(numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>());
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn golden_files_read_as_pytorch_reads_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    if !folder.is_dir() {
        println!("skipped: the shared golden files are not here");
        return;
    }
    for (file, expected) in expected()["golden"].as_object().unwrap() {
        let checkpoint = Checkpoint::open(&folder.join(file)).unwrap();
        assert_eq!(digest(&checkpoint), expected.as_str().unwrap(), "{file}");
    }
}

fn script() -> Arc<Checkpoint> {
    Arc::new(Checkpoint::open(&fixtures().join("script.pt")).unwrap())
}

#[test]
fn parameters_that_fit_are_taken_silently() {
    let mut parameters = Parameters::new(script());
    assert_eq!(parameters.shape("projection"), Some(vec![3, 2]));
    assert!(parameters.contains("blocks.1.linear.weight") && !parameters.contains("blocks.2.linear.weight"));
    let projection = parameters.take("projection", &[3, 2]);
    for block in 0..2 {
        parameters.take(&format!("blocks.{block}.linear.weight"), &[3, 2]);
        for name in ["linear.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"] {
            parameters.take(&format!("blocks.{block}.{name}"), &[3]);
        }
    }
    parameters.ignore(|name| name.ends_with("num_batches_tracked") || name.ends_with("quarters"));
    parameters.finish().unwrap();
    let numbers = projection.read().unwrap();
    assert_eq!((projection.shape(), numbers.len()), (&[3, 2][..], 6));
    assert!(projection.with_slice(|slice| slice == numbers).unwrap());
}

#[test]
fn stored_tensors_are_concatenated_under_one_name() {
    let names = ["blocks.0.linear.bias", "blocks.1.linear.bias"].map(str::to_owned).to_vec();
    let absent = vec!["blocks.0.linear.bias".to_owned(), "blocks.7.linear.bias".to_owned()];
    let unlike = vec!["blocks.0.linear.bias".to_owned(), "blocks.0.linear.weight".to_owned()];
    let families = [("both", names.clone()), ("absent", absent), ("unlike", unlike)];
    let families = families.map(|(name, sources)| (name.to_owned(), sources));
    let checkpoint = script();
    let mut parameters = Parameters::with_names(Arc::clone(&checkpoint), families);
    assert_eq!(parameters.names().collect::<Vec<_>>(), ["absent", "both", "unlike"]);
    assert_eq!(parameters.shape("both"), Some(vec![6]));
    assert!(!parameters.contains("absent") && !parameters.contains("unlike"));
    let both = parameters.take("both", &[6]);
    let parts = names.map_concat(&checkpoint);
    assert_eq!(both.read().unwrap(), parts);
    assert_eq!(both.with_slice(<[f32]>::to_vec).unwrap(), parts);
}

trait MapConcat {
    fn map_concat(&self, checkpoint: &Checkpoint) -> Vec<f32>;
}

impl MapConcat for Vec<String> {
    fn map_concat(&self, checkpoint: &Checkpoint) -> Vec<f32> {
        self.iter().flat_map(|name| checkpoint.read_f32(name).unwrap()).collect()
    }
}

#[test]
fn everything_that_does_not_fit_is_told_at_once() {
    let mut parameters = Parameters::new(script());
    parameters.take("projection", &[2, 3]);
    parameters.take("head.weight", &[1]);
    assert!(parameters.take("head.bias", &[1]).read().is_err());
    parameters.ignore(|name| name.starts_with("blocks.0"));
    let error = parameters.finish().unwrap_err();
    let message = error.to_string();
    let (_, told) = message.split_once("do not fit the network; ").unwrap();
    assert_eq!(
        told,
        "2 missing: `head.weight`, `head.bias`; 1 of another shape: `projection` [3, 2] instead of [2, 3]; 8 not \
         expected: `blocks.1.linear.bias`, `blocks.1.linear.weight`, `blocks.1.norm.bias`, \
         `blocks.1.norm.num_batches_tracked`, `blocks.1.norm.running_mean`, `blocks.1.norm.running_var`, \
         `blocks.1.norm.weight`, `blocks.1.quarters`"
    );

    let error = Parameters::new(script()).finish().unwrap_err();
    assert_eq!(error.extra.len(), 17);
    assert!(error.to_string().ends_with("`blocks.1.linear.weight` and 7 more"), "{error}");
}
