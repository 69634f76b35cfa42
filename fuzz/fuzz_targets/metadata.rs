//! The reader of `metadata.jsonl`: any text is read or refused, and what was read survives a round trip.
#![no_main]

use imgeval_suites::geneval::Metadata;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(value) = serde_json::from_str(text) else { return };
    if let Ok(metadata) = Metadata::parse(&value) {
        assert_eq!(Metadata::parse(&metadata.to_value()).as_ref(), Ok(&metadata));
    }
});
