//! PyTorch's plain format: the only one before 1.6, in which torchvision's and LPIPS's weights were published, and what
//! `torch.save(..., _use_new_zipfile_serialization=False)` still writes, in any pickle protocol from 2 to 5.
//!
//! | part | type |
//! |---|---|
//! | magic number, protocol version, facts on the machine | three pickles |
//! | the object | a pickle |
//! | keys of the storages | a pickle of a list |
//! | per key: elements, then the elements | `i64`, bytes |
//!
//! Source: `torch/serialization.py` (`_legacy_save`, `_legacy_load`) of PyTorch 2.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use super::{
    error::CheckpointError,
    mapping::Mapping,
    pickle::{self, Pickle, Value},
    stored::{Stored, StoredType},
    torch::{pickle_error, place_tensors},
};

/// Reads a file whose first `magic` bytes are the pickle of the magic number.
pub(super) fn read(file: &Mapping, magic: usize) -> Result<BTreeMap<String, Stored>, CheckpointError> {
    let path = file.path();
    let bytes = file.bytes();
    let mut position = magic;
    let mut next = || -> Result<Pickle<'_>, CheckpointError> {
        let pickle = pickle::parse(&bytes[position..]).map_err(|error| pickle_error(path, error))?;
        position += pickle.length();
        Ok(pickle)
    };
    next()?;
    let machine = next()?;
    if let Some(is_little) = machine.get(machine.root(), "little_endian")
        && matches!(machine.value(is_little), Value::Bool(false))
    {
        return Err(CheckpointError::BigEndian { path: path.to_owned() });
    }
    let object = next()?;
    let keys = next()?;
    let storages = place_storages(bytes, position, &object, &keys).ok_or_else(|| {
        CheckpointError::Truncated { path: path.to_owned(), what: "storages are missing".to_owned() }
    })?;
    place_tensors(path, &object, |key| Ok(storages.get(key).cloned()))
}

/// Where each key's elements lie; `None` if the file does not hold them.
fn place_storages<'a>(
    bytes: &[u8],
    mut position: usize,
    object: &Pickle<'a>,
    keys: &Pickle<'a>,
) -> Option<HashMap<&'a str, Range<usize>>> {
    let sizes: HashMap<&str, usize> = object
        .storages()
        .iter()
        .filter_map(|storage| Some((storage.key, storage.dtype.unwrap_or(StoredType::U8).size()?)))
        .collect();
    let Value::List(keys_in_order) = keys.value(keys.root()) else { return None };
    let mut places = HashMap::new();
    for key in keys_in_order {
        let key = keys.text(*key)?;
        let (count, _) = bytes.get(position..)?.split_first_chunk::<8>()?;
        let count = usize::try_from(i64::from_le_bytes(*count)).ok()?;
        let start = position + 8;
        let end = start.checked_add(count.checked_mul(*sizes.get(key)?)?)?;
        if end > bytes.len() {
            return None;
        }
        places.insert(key, start..end);
        position = end;
    }
    Some(places)
}
