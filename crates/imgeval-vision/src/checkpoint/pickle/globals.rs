//! Which Python names a pickle may use, and what they mean here.

use super::super::stored::StoredType;

/// A Python class or function that was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::checkpoint) enum Global {
    /// `_rebuild_tensor` and `_rebuild_tensor_v2`: (storage, offset, shape, strides, ...).
    RebuildTensor,
    /// `_rebuild_tensor_v3`: as before, with the type seventh.
    RebuildTypedTensor,
    /// `_rebuild_from_type_v2`: (function, type, arguments, state).
    RebuildFromType,
    /// Gives its first argument: parameters, shapes, TorchScript's typed lists.
    First,
    /// A dictionary, empty or from a list of pairs.
    Dict,
    /// A class of storages; `None` is untyped.
    Storage(Option<StoredType>),
    Type(StoredType),
    /// A class of a TorchScript archive.
    Module,
    /// `getattr`, which pickles use for methods of harmless classes and attacks for everything.
    Attribute,
    /// Harmless; gives values that are not looked at.
    Opaque,
}

/// Packages whose classes describe how weights were trained. None of it is run.
const HARMLESS_PACKAGES: &[&str] = &[
    "addict",
    "datetime",
    "easydict",
    "lightning",
    "lightning_fabric",
    "mmcv",
    "mmdet",
    "mmengine",
    "ml_collections",
    "numpy.dtypes",
    "omegaconf",
    "pathlib",
    "pytorch_lightning",
    "yacs",
    "yapf",
];

/// Modules of which only these names are harmless.
const HARMLESS: &[(&str, &[&str])] = &[
    ("_codecs", &["encode"]),
    ("argparse", &["Namespace"]),
    ("builtins", BUILTINS),
    ("__builtin__", BUILTINS),
    ("collections", &["Counter", "deque"]),
    ("decimal", &["Decimal"]),
    ("fractions", &["Fraction"]),
    ("copyreg", COPYREG),
    ("copy_reg", COPYREG),
    ("numpy", NUMPY),
    ("numpy.core.multiarray", NUMPY_ARRAY),
    ("numpy._core.multiarray", NUMPY_ARRAY),
    ("numpy.core.numeric", &["_frombuffer"]),
    ("numpy._core.numeric", &["_frombuffer"]),
    ("numpy.random._pickle", &["__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"]),
    ("random", &["Random"]),
    ("torch", &["Tensor", "device", "memory_format", "strided", "layout", "contiguous_format", "dtype"]),
    ("torch.nn.parameter", &["Parameter", "Buffer"]),
    ("torch.serialization", &["_get_layout"]),
    ("torch.torch_version", &["TorchVersion"]),
    ("types", &["SimpleNamespace"]),
    ("typing", &["Any", "Dict", "List", "Optional", "Tuple", "Union"]),
    ("uuid", &["UUID"]),
];
const BUILTINS: &[&str] = &[
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "float",
    "frozenset",
    "int",
    "list",
    "long",
    "object",
    "range",
    "set",
    "slice",
    "str",
    "tuple",
    "unicode",
    "xrange",
];
const COPYREG: &[&str] = &["_reconstructor"];
const NUMPY_ARRAY: &[&str] = &["_reconstruct", "scalar"];
const NUMPY: &[&str] = &[
    "bool_", "dtype", "float16", "float32", "float64", "int16", "int32", "int64", "int8", "ndarray", "str_",
    "uint16", "uint32", "uint64", "uint8",
];

const TYPES: &[(&str, StoredType)] = &[
    ("bfloat16", StoredType::BF16),
    ("bool", StoredType::Bool),
    ("complex128", StoredType::Other),
    ("complex64", StoredType::Other),
    ("double", StoredType::F64),
    ("float", StoredType::F32),
    ("float16", StoredType::F16),
    ("float32", StoredType::F32),
    ("float64", StoredType::F64),
    ("float8_e4m3fn", StoredType::Other),
    ("float8_e5m2", StoredType::Other),
    ("half", StoredType::F16),
    ("int", StoredType::I32),
    ("int16", StoredType::I16),
    ("int32", StoredType::I32),
    ("int64", StoredType::I64),
    ("int8", StoredType::I8),
    ("long", StoredType::I64),
    ("quint8", StoredType::Other),
    ("uint16", StoredType::Other),
    ("uint32", StoredType::Other),
    ("uint64", StoredType::Other),
    ("uint8", StoredType::U8),
];

const STORAGES: &[(&str, StoredType)] = &[
    ("BFloat16Storage", StoredType::BF16),
    ("BoolStorage", StoredType::Bool),
    ("ByteStorage", StoredType::U8),
    ("CharStorage", StoredType::I8),
    ("ComplexDoubleStorage", StoredType::Other),
    ("ComplexFloatStorage", StoredType::Other),
    ("DoubleStorage", StoredType::F64),
    ("FloatStorage", StoredType::F32),
    ("HalfStorage", StoredType::F16),
    ("IntStorage", StoredType::I32),
    ("LongStorage", StoredType::I64),
    ("ShortStorage", StoredType::I16),
];

/// What a name means; `None` if it has no place in a file of weights.
pub(super) fn resolve(module: &str, name: &str) -> Option<Global> {
    let global = match (module, name) {
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::RebuildTensor,
        ("torch._utils", "_rebuild_tensor_v3") => Global::RebuildTypedTensor,
        ("torch._tensor", "_rebuild_from_type_v2") => Global::RebuildFromType,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state")
        | ("torch", "Size")
        | (
            "torch.jit._pickle",
            "build_boollist" | "build_doublelist" | "build_intlist" | "build_tensorlist" | "restore_type_tag",
        ) => Global::First,
        ("collections", "OrderedDict" | "defaultdict") | ("builtins" | "__builtin__", "dict") => Global::Dict,
        ("builtins" | "__builtin__", "getattr") => Global::Attribute,
        ("torch.storage" | "torch", "UntypedStorage") => Global::Storage(None),
        _ => return resolve_in_tables(module, name),
    };
    Some(global)
}

fn resolve_in_tables(module: &str, name: &str) -> Option<Global> {
    // Very old files name the class of a storage on the GPU.
    if module == "torch.cuda"
        && let Some((_, dtype)) = STORAGES.iter().find(|(known, _)| *known == name)
    {
        return Some(Global::Storage(Some(*dtype)));
    }
    if module == "torch" {
        if let Some((_, dtype)) = STORAGES.iter().find(|(known, _)| *known == name) {
            return Some(Global::Storage(Some(*dtype)));
        }
        if let Some((_, dtype)) = TYPES.iter().find(|(known, _)| *known == name) {
            return Some(Global::Type(*dtype));
        }
    }
    if is_in_package(module, "__torch__") {
        return Some(Global::Module);
    }
    let is_harmless = HARMLESS.iter().any(|(known, names)| *known == module && names.contains(&name))
        || HARMLESS_PACKAGES.iter().any(|package| is_in_package(module, package));
    is_harmless.then_some(Global::Opaque)
}

fn is_in_package(module: &str, package: &str) -> bool {
    module.strip_prefix(package).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dangerous_names_have_no_meaning() {
        let names = [
            ("os", "system"),
            ("posix", "system"),
            ("nt", "system"),
            ("builtins", "eval"),
            ("builtins", "exec"),
            ("__builtin__", "__import__"),
            ("subprocess", "Popen"),
            ("numpy.testing._private.utils", "runstring"),
            ("numpy", "load"),
            ("torch", "load"),
            ("torch.storage", "_load_from_bytes"),
            ("torch.hub", "load"),
            ("mmcvs", "Config"),
            ("__torch__x", "A"),
            ("runpy", "run_path"),
            ("copyreg", "__newobj__"),
            ("collections", "namedtuple"),
        ];
        for (module, name) in names {
            assert_eq!(resolve(module, name), None, "{module}.{name}");
        }
    }
}
