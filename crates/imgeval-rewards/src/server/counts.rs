//! What the server counts, for Prometheus.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::wires::WIRES;

/// How a request ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    Answered,
    Refused,
    Busy,
}

const OUTCOMES: [(Outcome, &str); 3] =
    [(Outcome::Answered, "answered"), (Outcome::Refused, "refused"), (Outcome::Busy, "busy")];

#[derive(Default)]
pub(super) struct Counts {
    /// By wire, then by outcome.
    requests: [[AtomicU64; OUTCOMES.len()]; WIRES.len()],
    images: AtomicU64,
    cached: AtomicU64,
    microseconds: AtomicU64,
}

impl Counts {
    pub(super) fn count(&self, wire: usize, outcome: Outcome) {
        self.requests[wire][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn cached(&self) {
        self.cached.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn measured(&self, time: Duration) {
        self.images.fetch_add(1, Ordering::Relaxed);
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// Prometheus' text format.
    pub(super) fn text(&self, n_waiting: usize) -> String {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut text = "# TYPE imgeval_requests_total counter\n".to_owned();
        for (wire, counts) in WIRES.iter().zip(&self.requests) {
            for (outcome, name) in OUTCOMES {
                let count = of(&counts[outcome as usize]);
                let labels = format!("wire=\"{}\",outcome=\"{name}\"", wire.name);
                let _ = writeln!(text, "imgeval_requests_total{{{labels}}} {count}");
            }
        }
        let seconds = of(&self.microseconds) as f64 / 1e6;
        for (name, kind, value) in [
            ("imgeval_images_total", "counter", of(&self.images).to_string()),
            ("imgeval_images_cached_total", "counter", of(&self.cached).to_string()),
            ("imgeval_image_seconds_total", "counter", seconds.to_string()),
            ("imgeval_requests_waiting", "gauge", n_waiting.to_string()),
        ] {
            let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {value}");
        }
        text
    }
}
