//! safetensors: the length of a JSON header, the header, the tensors without gaps.
//!
//! The `safetensors` crate parses the header and makes sure that the tensors fill the rest of the file exactly; `sniff`
//! has limited the header's length before.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorInfo as TensorHeader};

use super::{
    error::{CheckpointError, TensorProblem},
    mapping::Mapping,
    stored::{Stored, StoredType, TensorInfo, element_count},
};

pub(super) fn read(file: &Mapping) -> Result<BTreeMap<String, Stored>, CheckpointError> {
    let bytes = file.bytes();
    let (header, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|source| header_error(file, source))?;
    let data = 8 + header;
    let place = |(name, info): (String, &TensorHeader)| {
        let bad = |problem| CheckpointError::BadTensor {
            path: file.path().to_owned(),
            name: name.escape_debug().take(120).collect(),
            problem,
        };
        let dtype = stored_type(info.dtype);
        let count = element_count(&info.shape).ok_or_else(|| bad(TensorProblem::Shape))?;
        let (start, end) = info.data_offsets;
        // The crate has checked both; this keeps our own reading safe whatever it lets through.
        let is_sound = start <= end
            && end <= bytes.len() - data
            && dtype.size().is_none_or(|size| count * size == end - start);
        if !is_sound {
            return Err(bad(TensorProblem::Shape));
        }
        let info = TensorInfo { shape: info.shape.clone(), dtype };
        let stored = Stored { info, file: 0, bytes: data + start..data + end, strides: None };
        Ok((name, stored))
    };
    let tensors: BTreeMap<_, _> = metadata.tensors().into_iter().map(place).collect::<Result<_, _>>()?;
    if tensors.is_empty() {
        return Err(CheckpointError::NoTensors {
            path: file.path().to_owned(),
            found: "its header names none".to_owned(),
        });
    }
    Ok(tensors)
}

fn header_error(file: &Mapping, source: SafeTensorError) -> CheckpointError {
    let path = file.path().to_owned();
    match source {
        SafeTensorError::MetadataIncompleteBuffer => CheckpointError::Truncated {
            path,
            what: format!("{} bytes are not what the header announces", file.bytes().len()),
        },
        source => CheckpointError::Safetensors { path, source },
    }
}

fn stored_type(dtype: Dtype) -> StoredType {
    match dtype {
        Dtype::F64 => StoredType::F64,
        Dtype::F32 => StoredType::F32,
        Dtype::F16 => StoredType::F16,
        Dtype::BF16 => StoredType::BF16,
        Dtype::I64 => StoredType::I64,
        Dtype::I32 => StoredType::I32,
        Dtype::I16 => StoredType::I16,
        Dtype::I8 => StoredType::I8,
        Dtype::U8 => StoredType::U8,
        Dtype::BOOL => StoredType::Bool,
        // The crate's list grows.
        _ => StoredType::Other,
    }
}
