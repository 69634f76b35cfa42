//! Pickles of PyTorch and TorchScript, read as data.
//!
//! A pickle is a program for a stack machine that names Python classes and functions and calls them. [`parse`] runs that
//! machine over plain values: the few calls that describe tensors are understood (`globals`), calls of harmless classes
//! become [`Value::Opaque`], and any other name refuses the file before anything else is looked at. Nothing is imported
//! or called. Steps, values and memo are limited, and no function here calls itself.
//!
//! Source of the instructions: `Lib/pickletools.py` of CPython 3.13, protocols 2 to 5.

mod globals;
mod machine;
mod value;

pub use machine::PickleError;
pub(super) use machine::parse;
pub(super) use value::{Id, Pickle, Tensor, Value};
