//! The report's tables as rows of text.

use super::{
    numbers::{Metrics, Number},
    report::{DetectorRecord, StudyReport},
};

/// A table: every row has as many cells as there are columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyTable {
    pub title: &'static str,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
}

/// The tables that have any row: detectors, their false positives, files, sweep, agreement, disputed images.
#[must_use]
pub fn study_tables(report: &StudyReport) -> Vec<StudyTable> {
    let tables = [
        scores(report),
        thresholds(report),
        files(report),
        sweep(report),
        agreement(report),
        disputed(report),
    ];
    tables.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

fn percent(number: &Number) -> String {
    number.value.map_or_else(|| "undefined".to_owned(), |value| format!("{:.1}", 100.0 * value))
}

/// A row for each detector as delivered and matched.
fn by_condition(
    report: &StudyReport,
    cells: impl Fn(&Metrics) -> Vec<String>,
    n_cells: usize,
) -> Vec<Vec<String>> {
    let of = |detector: &DetectorRecord| {
        let conditions = detector.conditions.iter().filter(|condition| condition.axis.is_none());
        conditions
            .map(|condition| {
                let cells = condition
                    .metrics
                    .as_ref()
                    .map_or_else(|| vec!["not measured".to_owned(); n_cells], &cells);
                [vec![detector.name.clone(), condition.name.clone()], cells].concat()
            })
            .collect::<Vec<_>>()
    };
    report.detectors.iter().flat_map(of).collect()
}

fn scores(report: &StudyReport) -> StudyTable {
    let cells = |metrics: &Metrics| {
        vec![
            percent(&metrics.real_accuracy),
            percent(&metrics.fake_accuracy),
            metrics.auc.text(),
            metrics.average_precision.short_text(),
        ]
    };
    StudyTable {
        title: "Detectors",
        columns: vec!["detector", "condition", "real correct %", "fake correct %", "AUC (95 % CI)", "AP"],
        rows: by_condition(report, cells, 4),
    }
}

fn thresholds(report: &StudyReport) -> StudyTable {
    let cells = |metrics: &Metrics| {
        vec![
            percent(&metrics.accuracy),
            percent(&metrics.best_accuracy.accuracy),
            percent(&metrics.eer_nearest),
            percent(&metrics.tpr_at_1_percent_fpr),
            percent(&metrics.tpr_at_5_percent_fpr),
            metrics.calibration_error.short_text(),
        ]
    };
    StudyTable {
        title: "Thresholds",
        columns: vec![
            "detector",
            "condition",
            "accuracy %",
            "best %",
            "EER %",
            "TPR at 1 % FPR",
            "TPR at 5 % FPR",
            "calibration error",
        ],
        rows: by_condition(report, cells, 6),
    }
}

fn files(report: &StudyReport) -> StudyTable {
    let shares = |values: &[(String, f64)]| {
        let words = values.iter().map(|(value, share)| format!("{value} {:.0} %", 100.0 * share));
        words.collect::<Vec<_>>().join(", ")
    };
    let row = |fact: &super::FactRecord| {
        vec![fact.name.clone(), shares(&fact.of_reals), shares(&fact.of_fakes), percent(&fact.accuracy)]
    };
    StudyTable {
        title: "Files",
        columns: vec!["fact", "reals", "fakes", "accuracy from this alone %"],
        rows: report.files.facts.iter().map(row).collect(),
    }
}

fn sweep(report: &StudyReport) -> StudyTable {
    let of = |detector: &DetectorRecord| {
        let conditions = detector.conditions.iter().filter(|condition| condition.axis.is_some());
        let row = |condition: &super::ConditionRecord| {
            let metrics = condition.metrics.as_ref()?;
            Some(vec![
                detector.name.clone(),
                condition.name.clone(),
                percent(&metrics.real_accuracy),
                percent(&metrics.fake_accuracy),
                metrics.auc.text(),
            ])
        };
        conditions.filter_map(row).collect::<Vec<_>>()
    };
    StudyTable {
        title: "Robustness",
        columns: vec!["detector", "degradation", "real correct %", "fake correct %", "AUC (95 % CI)"],
        rows: report.detectors.iter().flat_map(of).collect(),
    }
}

fn agreement(report: &StudyReport) -> StudyTable {
    let row = |pair: &super::PairRecord| {
        vec![
            pair.first.clone(),
            pair.second.clone(),
            pair.condition.clone(),
            pair.n_images.to_string(),
            percent(&pair.same_verdict),
            pair.kappa.short_text(),
            pair.spearman.short_text(),
        ]
    };
    StudyTable {
        title: "Agreement of detectors",
        columns: vec!["first", "second", "condition", "images", "same verdict %", "kappa", "Spearman"],
        rows: report.agreement.iter().map(row).collect(),
    }
}

fn disputed(report: &StudyReport) -> StudyTable {
    let row = |image: &super::DisputedImage| {
        let scores = image.scores.iter().map(|(id, score, _)| format!("{id} {score:.3}"));
        vec![
            image.image.clone(),
            image.class.name().to_owned(),
            image.set.clone(),
            scores.collect::<Vec<_>>().join(", "),
        ]
    };
    StudyTable {
        title: "Images on which detectors disagree most",
        columns: vec!["image", "class", "set", "scores"],
        rows: report.disputed.iter().map(row).collect(),
    }
}
