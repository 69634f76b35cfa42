//! Suites as arguments, by their names in the registry.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use imgeval_suites::{files::FetchedSource, registry, suite::SuiteRef};

/// A suite by its id.
pub(crate) fn by_name() -> impl TypedValueParser<Value = SuiteRef> {
    let names = registry::all().map(|suite| PossibleValue::new(suite.id()).help(suite.facts().about));
    PossibleValuesParser::new(names).try_map(|id| registry::find(&id).ok_or("unknown suite"))
}

/// A source that suites are fetched from, by its name.
pub(crate) fn source_by_name() -> impl TypedValueParser<Value = &'static FetchedSource> {
    let names = registry::sources().into_iter().map(|source| PossibleValue::new(source.name));
    PossibleValuesParser::new(names).try_map(|name| {
        registry::sources().into_iter().find(|source| source.name == name).ok_or("unknown suite")
    })
}
