//! The reader of detections: any line is read and judged, or refused.
#![no_main]

use imgeval_suites::geneval::{ResultRow, VerdictOptions, compute_verdict, parse_detections_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    let Ok(line) = parse_detections_line(line, &VerdictOptions::default()) else { return };
    if let Ok(verdict) = compute_verdict(&line.metadata, &line.objects, &line.options) {
        let row = ResultRow::new(line.filename, &line.metadata, &line.raw_metadata, &verdict);
        assert_eq!(row.correct, row.reason.is_empty());
    }
});
