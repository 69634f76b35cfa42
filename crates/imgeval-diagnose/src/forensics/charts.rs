//! The report's curves, as plain numbers that any chart of lines draws.

use std::collections::BTreeMap;

use super::{
    conditions::AppliedTo,
    report::{ConditionRecord, DetectorRecord, StudyReport},
};

/// Lines over straight axes.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyChart {
    pub title: String,
    pub x_label: String,
    pub y_label: &'static str,
    pub series: Vec<ChartSeries>,
}

/// One line, in order of x.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartSeries {
    pub name: String,
    pub points: Vec<ChartPoint>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChartPoint {
    pub x: f64,
    pub y: f64,
    /// The 95 % interval, low and high.
    pub interval: Option<(f64, f64)>,
}

/// ROC curves as delivered and matched with a line for each detector, score histograms of each detector, and curves over each kind of
/// degradation: the AUC with both classes degraded, and the share of fakes found with only the fakes degraded.
#[must_use]
pub fn study_charts(report: &StudyReport) -> Vec<StudyChart> {
    let mut charts = Vec::new();
    for code in ["as-delivered", "matched"] {
        charts.extend(roc(report, code));
    }
    for detector in &report.detectors {
        charts.extend(histograms(detector));
    }
    charts.extend(sweeps(report));
    charts
}

fn roc(report: &StudyReport, code: &str) -> Option<StudyChart> {
    let mut title = None;
    let series: Vec<ChartSeries> = report
        .detectors
        .iter()
        .filter_map(|detector| {
            let condition = detector.condition(code)?;
            let roc = &condition.metrics.as_ref()?.roc;
            title.get_or_insert_with(|| format!("ROC curves, {}", condition.name));
            let points = roc.iter().map(|[x, y]| ChartPoint { x: *x, y: *y, interval: None });
            (!roc.is_empty()).then(|| ChartSeries { name: detector.name.clone(), points: points.collect() })
        })
        .collect();
    let title = title.filter(|_| !series.is_empty())?;
    Some(StudyChart { title, x_label: "reals called fake".to_owned(), y_label: "fakes called fake", series })
}

/// Shares of each class by score, at the middle of each bin.
fn histograms(detector: &DetectorRecord) -> Vec<StudyChart> {
    let of = |condition: &ConditionRecord| {
        let histogram = condition.histogram.as_ref()?;
        let series = |name: &str, counts: &[usize]| {
            let total: usize = counts.iter().sum();
            let point = |(bin, count): (usize, &usize)| ChartPoint {
                x: (bin as f64 + 0.5) / counts.len() as f64,
                y: *count as f64 / total.max(1) as f64,
                interval: None,
            };
            let points = counts.iter().enumerate().map(point).collect();
            (total > 0).then(|| ChartSeries { name: name.to_owned(), points })
        };
        let series = [series("reals", &histogram.reals), series("fakes", &histogram.fakes)];
        Some(StudyChart {
            title: format!("Scores of {}, {}", detector.name, condition.name),
            x_label: "score (1 is fake)".to_owned(),
            y_label: "share of the class",
            series: series.into_iter().flatten().collect(),
        })
    };
    detector.conditions.iter().filter_map(of).collect()
}

fn sweeps(report: &StudyReport) -> Vec<StudyChart> {
    let kinds = [
        (AppliedTo::Both, "AUC", "both classes degraded"),
        (AppliedTo::FakesOnly, "fakes called fake", "fakes only degraded"),
    ];
    let mut charts: BTreeMap<(String, AppliedTo), StudyChart> = BTreeMap::new();
    for (applied_to, y_label, what) in kinds {
        for detector in &report.detectors {
            for condition in &detector.conditions {
                let Some((axis, point)) = sweep_point(condition, applied_to) else { continue };
                let chart = charts.entry((axis.clone(), applied_to)).or_insert_with(|| StudyChart {
                    title: format!("Robustness to {axis}, {what}"),
                    x_label: axis,
                    y_label,
                    series: Vec::new(),
                });
                match chart.series.last_mut().filter(|series| series.name == detector.name) {
                    Some(series) => series.points.push(point),
                    None => {
                        chart.series.push(ChartSeries { name: detector.name.clone(), points: vec![point] })
                    }
                }
            }
        }
    }
    let mut charts: Vec<StudyChart> = charts.into_values().collect();
    for series in charts.iter_mut().flat_map(|chart| &mut chart.series) {
        series.points.sort_by(|left, right| left.x.total_cmp(&right.x));
    }
    charts
}

fn sweep_point(condition: &ConditionRecord, applied_to: AppliedTo) -> Option<(String, ChartPoint)> {
    if !condition.code.ends_with(&format!("/{}", applied_to.code())) {
        return None;
    }
    let (axis, x) = (condition.axis.clone()?, condition.strength?);
    let metrics = condition.metrics.as_ref()?;
    let number = match applied_to {
        AppliedTo::Both => &metrics.auc,
        AppliedTo::FakesOnly | AppliedTo::RealsOnly => &metrics.fake_accuracy,
    };
    Some((axis, ChartPoint { x, y: number.value?, interval: number.low.zip(number.high) }))
}
