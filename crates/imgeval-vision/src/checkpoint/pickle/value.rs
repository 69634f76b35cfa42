//! What a pickle can hold, as far as tensors need it.

use super::{
    super::stored::{StoredType, View},
    globals::Global,
};

/// Index of a value; values refer to each other by it, so that shared and circular ones cost nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::checkpoint) struct Id(pub(super) u32);

/// One value. Texts borrow from the file.
#[derive(Debug)]
pub(in crate::checkpoint) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Text(&'a str),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    /// In the order of insertion; a later pair replaces an earlier one of the same key.
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Storage<'a>),
    Tensor(Box<Tensor<'a>>),
    /// An instance of a TorchScript class; its state holds the attributes.
    Module {
        state: Option<Id>,
    },
    /// Something that has nothing to do with tensors.
    Opaque,
}

/// A block of numbers outside the pickle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::checkpoint) struct Storage<'a> {
    /// `None` for untyped storages, which are counted in bytes.
    pub(in crate::checkpoint) dtype: Option<StoredType>,
    pub(in crate::checkpoint) key: &'a str,
    pub(in crate::checkpoint) elements: u64,
}

/// A view into a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::checkpoint) struct Tensor<'a> {
    pub(in crate::checkpoint) storage: Storage<'a>,
    pub(in crate::checkpoint) view: View,
}

/// A pickle that was read to its end.
#[derive(Debug)]
pub(in crate::checkpoint) struct Pickle<'a> {
    pub(super) values: Vec<Value<'a>>,
    pub(super) root: Id,
    /// Bytes up to its end.
    pub(super) length: usize,
    pub(super) storages: Vec<Storage<'a>>,
}

impl<'a> Pickle<'a> {
    pub(in crate::checkpoint) fn root(&self) -> Id {
        self.root
    }

    pub(in crate::checkpoint) fn length(&self) -> usize {
        self.length
    }

    /// Every storage that was named, in order, some of them repeatedly.
    pub(in crate::checkpoint) fn storages(&self) -> &[Storage<'a>] {
        &self.storages
    }

    pub(in crate::checkpoint) fn value(&self, id: Id) -> &Value<'a> {
        // Ids are only made for values that exist, and values are never taken away.
        &self.values[id.0 as usize]
    }

    pub(in crate::checkpoint) fn text(&self, id: Id) -> Option<&'a str> {
        match self.value(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key, if `id` is a dictionary that has it.
    pub(in crate::checkpoint) fn get(&self, id: Id, key: &str) -> Option<Id> {
        let Value::Dict(pairs) = self.value(id) else { return None };
        pairs.iter().rev().find(|(name, _)| self.text(*name) == Some(key)).map(|(_, value)| *value)
    }
}
