//! Pixel metrics of a run's edits: the mean of each by part and over all, once for each meter.

use std::collections::BTreeMap;

use imgeval_core::{Outcome, SampleId};
use imgeval_metrics::BootstrapSettings;
use imgeval_report::measured::{MeasuredView, MetricLineView, MetricView};
use imgeval_store::Measurement;
use imgeval_suites::summary::MetricLine;

use crate::{
    Run, ScoringError,
    meters::{MEASURES, READER, kind_of},
};

/// The pixel metrics that a program measures, with their units.
const METRICS: [(&str, &str); 5] =
    [("psnr", "dB"), ("ssim", ""), ("mse", ""), ("lpips", ""), ("clip_score", "")];

impl Run {
    /// The pixel metrics that were measured on its images as they are now.
    ///
    /// # Errors
    /// If the run cannot be read.
    pub fn measured(&self, settings: BootstrapSettings) -> Result<Vec<MeasuredView>, ScoringError> {
        if !self.suite().judged().is_some_and(|judged| judged.has_edit_metrics) {
            return Ok(Vec::new());
        }
        let mut meters: BTreeMap<String, BTreeMap<SampleId, Outcome<Measurement>>> = BTreeMap::new();
        for measurement in self.reader().measurements()? {
            let is_current =
                self.images().get(&measurement.id).is_some_and(|record| record.hash == measurement.image);
            if is_current && ![MEASURES, READER].contains(&kind_of(&measurement.meter)) {
                meters.entry(measurement.meter).or_default().insert(measurement.id, measurement.outcome);
            }
        }
        let n_failed = self.failed_samples()?;
        let metric = |of_meter: &BTreeMap<SampleId, Outcome<Measurement>>, (name, unit): (&str, &str)| {
            let lines = self.metric_lines(of_meter, &n_failed, name, settings)?;
            let lines = lines.into_iter().map(line_view).collect();
            Some(MetricView { name: name.to_owned(), unit: unit.to_owned(), lines })
        };
        let measured = |(meter, values): (String, BTreeMap<SampleId, Outcome<Measurement>>)| MeasuredView {
            meter,
            metrics: METRICS.into_iter().filter_map(|of| metric(&values, of)).collect(),
        };
        Ok(meters.into_iter().map(measured).collect())
    }

    /// The samples without an image, by case.
    fn failed_samples(&self) -> Result<BTreeMap<String, usize>, ScoringError> {
        let mut failed = BTreeMap::new();
        self.for_each_sample(None, |result| {
            if result.observed.sample.outcome.done().is_none() && !result.observed.is_redundant {
                *failed.entry(result.observed.sample.id.case.as_str().to_owned()).or_default() += 1;
            }
            Ok::<_, ScoringError>(())
        })?;
        Ok(failed)
    }

    fn metric_lines(
        &self,
        of_meter: &BTreeMap<SampleId, Outcome<Measurement>>,
        n_failed: &BTreeMap<String, usize>,
        name: &str,
        settings: BootstrapSettings,
    ) -> Option<Vec<MetricLine>> {
        let mut builder = self.expecting_builder();
        for case in self.cases().values() {
            if let Some((part, id)) = self.place_of(case) {
                let n = n_failed.get(id).copied().unwrap_or(0);
                (0..n).for_each(|_| builder.add_failed(part, id));
            }
        }
        let mut n_values = 0;
        for (id, outcome) in of_meter {
            let Some((part, id)) = self.cases().get(&id.case).and_then(|case| self.place_of(case)) else {
                continue;
            };
            match outcome.done().and_then(|measured| measured.number(name)) {
                Some(value) => {
                    n_values += 1;
                    builder.add_score(part, id, value);
                }
                None => builder.add_failed(part, id),
            }
        }
        (n_values > 0).then(|| builder.summarise_metric(settings))
    }
}

fn line_view(MetricLine { name, value, interval, n, n_missing }: MetricLine) -> MetricLineView {
    MetricLineView { name, value, interval, n, n_missing }
}
