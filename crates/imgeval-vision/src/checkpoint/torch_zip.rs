//! PyTorch's zip archives: `<root>/data.pkl`, `<root>/data/<key>` and, in TorchScript archives, code that is not read.
//!
//! Source: `torch/serialization.py` (`_save`, `_load`) and `caffe2/serialize/inline_container.h` of PyTorch 2.

use std::collections::BTreeMap;

use super::{
    error::CheckpointError,
    mapping::Mapping,
    pickle,
    stored::Stored,
    torch::{pickle_error, place_tensors},
    zip_directory::{ZipDirectory, ZipError},
};

const PICKLE: &str = "data.pkl";

pub(super) fn read(file: &Mapping) -> Result<BTreeMap<String, Stored>, CheckpointError> {
    let path = file.path();
    let zip_error = |source| match source {
        ZipError::NoDirectory => CheckpointError::Truncated {
            path: path.to_owned(),
            what: "the archive's directory, at its end, is missing".to_owned(),
        },
        source => CheckpointError::Zip { path: path.to_owned(), source },
    };
    let bytes = file.bytes();
    let directory = ZipDirectory::parse(bytes).map_err(zip_error)?;
    let unknown = || CheckpointError::Unknown { path: path.to_owned() };
    let root = root_of(&directory).ok_or_else(unknown)?;
    if let Ok(range) = directory.range(&format!("{root}byteorder"))
        && bytes[range] == *b"big"
    {
        return Err(CheckpointError::BigEndian { path: path.to_owned() });
    }
    let pickle_range = directory.range(&format!("{root}{PICKLE}")).map_err(zip_error)?;
    let pickle = pickle::parse(&bytes[pickle_range]).map_err(|error| pickle_error(path, error))?;
    place_tensors(path, &pickle, |key| match directory.range(&format!("{root}data/{key}")) {
        Ok(range) => Ok(Some(range)),
        Err(ZipError::Missing { .. }) => Ok(None),
        Err(error) => Err(zip_error(error)),
    })
}

/// The folder of the shortest path that ends in the pickle, with its slash.
fn root_of<'a>(directory: &ZipDirectory<'a>) -> Option<&'a str> {
    let roots = directory.names().filter_map(|name| name.strip_suffix(PICKLE));
    roots.filter(|root| root.is_empty() || root.ends_with('/')).min_by_key(|root| (root.len(), *root))
}
