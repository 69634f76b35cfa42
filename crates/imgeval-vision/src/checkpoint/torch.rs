//! The tensors of a pickled state dict or TorchScript module.

use std::{collections::BTreeMap, ops::Range, path::Path};

use super::{
    error::{CheckpointError, TensorProblem},
    nests::{describe, state_dict},
    pickle::{Pickle, PickleError, Tensor, Value},
    stored::{Stored, StoredType},
};

/// TorchScript modules nest; deeper or larger ones are made to hurt.
const MAX_DEPTH: usize = 64;
const MAX_VISITS: usize = 1 << 20;

/// Refuses with a sentence of its own what names something dangerous.
pub(super) fn pickle_error(path: &Path, source: PickleError) -> CheckpointError {
    match source {
        PickleError::Forbidden { global } => CheckpointError::Forbidden { path: path.to_owned(), global },
        PickleError::Truncated => {
            CheckpointError::Truncated { path: path.to_owned(), what: "the pickle has no end".to_owned() }
        }
        source => CheckpointError::Pickle { path: path.to_owned(), source },
    }
}

/// The tensors by name. `storage` gives the bytes of a storage's key, if there are such.
pub(super) fn place_tensors(
    path: &Path,
    pickle: &Pickle,
    storage: impl Fn(&str) -> Result<Option<Range<usize>>, CheckpointError>,
) -> Result<BTreeMap<String, Stored>, CheckpointError> {
    let named = match pickle.value(pickle.root()) {
        Value::Module { .. } => script_tensors(path, pickle)?,
        _ => state_dict(pickle),
    };
    if named.is_empty() {
        return Err(CheckpointError::NoTensors { path: path.to_owned(), found: describe(pickle) });
    }
    let mut placed = BTreeMap::new();
    for (name, tensor) in named {
        let bytes = storage(tensor.storage.key)?;
        let stored = place(tensor, bytes).map_err(|problem| CheckpointError::BadTensor {
            path: path.to_owned(),
            name: shown(&name),
            problem,
        })?;
        placed.insert(name, stored);
    }
    Ok(placed)
}

fn place(tensor: &Tensor, bytes: Option<Range<usize>>) -> Result<Stored, TensorProblem> {
    let storage = tensor.storage;
    let bytes = bytes.ok_or_else(|| TensorProblem::StorageMissing { storage: shown(storage.key) })?;
    let unit = storage.dtype.unwrap_or(StoredType::U8).size().unwrap_or(0) as u64;
    let found = bytes.len() as u64;
    let needed = storage.elements.checked_mul(unit).ok_or(TensorProblem::Shape)?;
    if needed > found {
        return Err(TensorProblem::StorageTooShort { storage: shown(storage.key), needed, found });
    }
    // Untyped storages are counted in bytes, views in elements.
    let elements = match tensor.view.dtype.size() {
        Some(size) if storage.dtype.is_none() => storage.elements / size as u64,
        _ => storage.elements,
    };
    tensor.view.place(0, bytes, elements)
}

fn shown(name: &str) -> String {
    name.chars().take(120).flat_map(char::escape_debug).collect()
}

/// The tensors of a module and of the modules in it, by dotted names.
fn script_tensors<'p, 'a>(
    path: &Path,
    pickle: &'p Pickle<'a>,
) -> Result<BTreeMap<String, &'p Tensor<'a>>, CheckpointError> {
    let mut tensors = BTreeMap::new();
    let mut waiting = vec![(String::new(), pickle.root(), 0)];
    let mut visits = 0;
    while let Some((prefix, module, depth)) = waiting.pop() {
        let Value::Module { state: Some(state) } = pickle.value(module) else { continue };
        let Value::Dict(attributes) = pickle.value(*state) else { continue };
        visits += attributes.len();
        if depth > MAX_DEPTH || visits > MAX_VISITS {
            return Err(pickle_error(path, PickleError::TooLarge));
        }
        for (key, value) in attributes {
            let Some(key) = pickle.text(*key) else { continue };
            match pickle.value(*value) {
                Value::Tensor(tensor) => {
                    tensors.insert(format!("{prefix}{key}"), &**tensor);
                }
                Value::Module { .. } => waiting.push((format!("{prefix}{key}."), *value, depth + 1)),
                _ => {}
            }
        }
    }
    Ok(tensors)
}
