//! From what a judge said to the lines of the score table.

use std::collections::BTreeMap;

use imgeval_core::{Outcome, SampleId};
use imgeval_metrics::BootstrapSettings;
use imgeval_store::Measurement;
use imgeval_suites::{
    judged::ScoreLine,
    reason_edit::{self, EditSummary, Folder, MetricLine},
    wise::{self, Category, Edition, WiseCase},
};

use super::run::{JudgedRun, Voice};
use crate::{args::Suite, table::interval_csv};

/// The scores by one judge.
pub(crate) enum JudgedSummary {
    Wise(Box<wise::Summary>),
    Edits(Box<EditSummary<ScoreLine>>),
}

/// A row of the table.
pub(crate) struct Row<'a> {
    pub(crate) name: String,
    pub(crate) line: &'a ScoreLine,
}

impl JudgedSummary {
    pub(crate) fn of(run: &JudgedRun, voice: &Voice, settings: BootstrapSettings) -> Self {
        match edition_of(run.suite) {
            Some(edition) => Self::Wise(Box::new(summarise_wise(run, voice, edition, settings))),
            None => Self::Edits(Box::new(summarise_edits(run, voice, settings))),
        }
    }

    pub(crate) fn overall(&self) -> &ScoreLine {
        match self {
            Self::Wise(summary) => &summary.overall,
            Self::Edits(summary) => &summary.all,
        }
    }

    /// The lines of the main table, the overall one last.
    pub(crate) fn rows(&self) -> Vec<Row<'_>> {
        let row = |name: &str, line| Row { name: name.to_owned(), line };
        match self {
            Self::Wise(summary) => {
                let of_categories = summary.categories.iter().map(|(of, line)| row(of.name(), line));
                of_categories.chain([row("overall", &summary.overall)]).collect()
            }
            Self::Edits(summary) => {
                let of_folders = summary.folders.iter().map(|(of, line)| row(of.name(), line));
                let totals = [
                    row("understanding", &summary.understanding),
                    row("reasoning (all)", &summary.reasoning),
                    row("overall", &summary.all),
                ];
                of_folders.chain(totals).collect()
            }
        }
    }

    /// Sub-categories, where the suite has them.
    pub(crate) fn fine_rows(&self) -> Vec<Row<'_>> {
        match self {
            Self::Wise(summary) => {
                let rows = summary.subcategories.iter();
                rows.map(|(category, name, line)| Row { name: format!("{} / {name}", category.name()), line })
                    .collect()
            }
            Self::Edits(_) => Vec::new(),
        }
    }

    /// Lines of CSV, the sub-categories first. `judge` is empty where nobody is named.
    pub(crate) fn render_csv(&self, judge: &str, note: &str) -> String {
        let csv = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let render = |row: &Row<'_>| {
            let line = row.line;
            let estimate = match line.estimate {
                Some(estimate) => {
                    let interval = estimate.interval;
                    let method = interval.method.code();
                    format!("{},{},{},{method}", estimate.value, interval.low, interval.high)
                }
                None => ",,,".to_owned(),
            };
            let (worst, best) = line.bounds;
            let counts = [line.n_scored, line.n_missing, line.n_prompts, line.n_prompts_scored];
            let counts = counts.map(|count| count.to_string()).join(",");
            let (judge, name, note) = (csv(judge), csv(&row.name), csv(note));
            format!(
                "{judge},{name},{estimate},{counts},{worst},{best},{},{note}\n",
                interval_csv(line.with_missing)
            )
        };
        self.fine_rows().iter().chain(&self.rows()).map(render).collect()
    }

    /// Why there is no overall score, in a line; empty if there is one.
    pub(crate) fn render_withheld(&self) -> String {
        let without: Vec<&str> = self.without_score().iter().map(|of| of.name()).collect();
        if without.is_empty() {
            return String::new();
        }
        format!("No overall score: it weighs all categories, and these have none: {}.\n", without.join(", "))
    }

    /// Categories without any score, which keep the overall score from being given.
    pub(crate) fn without_score(&self) -> &[Category] {
        match self {
            Self::Wise(summary) => &summary.without_score,
            Self::Edits(_) => &[],
        }
    }
}

/// Of the suites of WISE.
pub(crate) fn edition_of(suite: Suite) -> Option<Edition> {
    match suite {
        Suite::WiseLegacy | Suite::WiseLegacyRewrite => Some(Edition::Legacy),
        Suite::WiseVerified => Some(Edition::Verified),
        Suite::ReasonEdit | Suite::Geneval => None,
    }
}

fn summarise_wise(
    run: &JudgedRun,
    voice: &Voice,
    edition: Edition,
    settings: BootstrapSettings,
) -> wise::Summary {
    let mut builder = wise::SummaryBuilder::new(edition);
    for case in run.cases.values() {
        let prompt_id = prompt_id(case.id.as_str());
        if let Some((prompt_id, category)) = prompt_id.and_then(|id| Some((id, Category::of(edition, id)?))) {
            builder.expect_case(&WiseCase {
                prompt_id,
                prompt: case.prompt.clone(),
                explanation: case.explanation.clone(),
                category,
                subcategory: case.subcategory.clone(),
            });
        }
    }
    for_each_value(run, voice, |id, value| {
        let subcategory = run.cases.get(&id.case).map_or("", |case| case.subcategory.as_str());
        match (prompt_id(id.case.as_str()), value) {
            (Some(prompt_id), Some(value)) => builder.add_score(prompt_id, subcategory, value),
            (Some(prompt_id), None) => builder.add_failed(prompt_id, subcategory),
            (None, _) => {}
        }
    });
    for (case, count) in &run.failed_samples {
        if let (Some(prompt_id), Some(known)) = (prompt_id(case.as_str()), run.cases.get(case)) {
            (0..*count).for_each(|_| builder.add_failed(prompt_id, &known.subcategory));
        }
    }
    builder.summarise(settings)
}

fn summarise_edits(run: &JudgedRun, voice: &Voice, settings: BootstrapSettings) -> EditSummary<ScoreLine> {
    let mut builder = expected_edits(run);
    for_each_value(run, voice, |id, value| {
        let Some(folder) = Folder::of_case_id(id.case.as_str()) else { return };
        match value {
            Some(value) => builder.add_value(folder, id.case.as_str(), value),
            None => builder.add_failed(folder, id.case.as_str()),
        }
    });
    builder.summarise_scores(settings)
}

/// A builder that knows every case, and the samples that have no image.
fn expected_edits(run: &JudgedRun) -> reason_edit::SummaryBuilder {
    let mut builder = reason_edit::SummaryBuilder::default();
    for id in run.cases.keys() {
        if let Some(folder) = Folder::of_case_id(id.as_str()) {
            builder.expect_case(folder, id.as_str());
        }
    }
    for (id, count) in &run.failed_samples {
        if let Some(folder) = Folder::of_case_id(id.as_str()) {
            (0..*count).for_each(|_| builder.add_failed(folder, id.as_str()));
        }
    }
    builder
}

/// Every image with its value, `None` where the judge gave none or was not asked.
fn for_each_value(run: &JudgedRun, voice: &Voice, mut visit: impl FnMut(&SampleId, Option<f64>)) {
    for id in run.samples.keys() {
        visit(id, voice.samples.get(id).and_then(super::run::Said::value));
    }
}

/// The number that WISE's cases are named by.
pub(crate) fn prompt_id(case: &str) -> Option<u32> {
    case.parse().ok()
}

/// The pixel metrics that a program measured.
pub(crate) const METRICS: [(&str, &str); 5] =
    [("psnr", "dB"), ("ssim", ""), ("mse", ""), ("lpips", ""), ("clip_score", "")];

/// The lines of each pixel metric by one meter.
pub(crate) fn summarise_metrics(
    run: &JudgedRun,
    settings: BootstrapSettings,
) -> BTreeMap<String, Vec<(&'static str, EditSummary<MetricLine>)>> {
    let mut meters: BTreeMap<&str, BTreeMap<&SampleId, &Outcome<Measurement>>> = BTreeMap::new();
    for measurement in &run.measurements {
        let is_current =
            run.samples.get(&measurement.id).is_some_and(|record| record.hash == measurement.image);
        if is_current {
            meters.entry(&measurement.meter).or_default().insert(&measurement.id, &measurement.outcome);
        }
    }
    let summarise = |of_meter: &BTreeMap<&SampleId, &Outcome<Measurement>>, name: &'static str| {
        let mut builder = expected_edits(run);
        let mut n = 0;
        for (id, outcome) in of_meter {
            let Some(folder) = Folder::of_case_id(id.case.as_str()) else { continue };
            let value = outcome.done().and_then(|measured| measured.number(name));
            n += usize::from(value.is_some());
            match value {
                Some(value) => builder.add_value(folder, id.case.as_str(), value),
                None => builder.add_failed(folder, id.case.as_str()),
            }
        }
        (n > 0).then(|| (name, builder.summarise_metric(settings)))
    };
    meters
        .into_iter()
        .map(|(meter, values)| {
            let lines = METRICS.iter().filter_map(|(name, _)| summarise(&values, name)).collect();
            (meter.to_owned(), lines)
        })
        .collect()
}
