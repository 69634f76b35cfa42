//! Figures of a study: curves, and the images that detectors are most wrong about.

use imgeval_diagnose::forensics::{Class, Gathered, StudyChart, StudyReport, study_charts};
use imgeval_report::{
    figures::{Figure, GridItem, LinePoint, LineSeries, lines, qualitative_grid},
    page::make_thumbnail,
};
use imgeval_vision::image_file::read_image_file;

const THUMBNAIL_SIDE: u32 = 320;
const GRID_COLUMNS: usize = 4;

pub(super) fn figures_of(report: &StudyReport, gathered: &Gathered) -> Vec<Figure> {
    let mut figures: Vec<Figure> = study_charts(report).into_iter().map(curve).collect();
    figures.extend(disputed(report, gathered));
    figures
}

fn curve(chart: StudyChart) -> Figure {
    let series = chart.series.into_iter().map(|series| LineSeries {
        name: series.name,
        points: series
            .points
            .into_iter()
            .map(|point| LinePoint { x: point.x, y: Some(point.y), interval: point.interval })
            .collect(),
    });
    lines(&chart.title, &chart.x_label, chart.y_label, &series.collect::<Vec<_>>())
}

/// The images on which detectors differ most, with their scores.
fn disputed(report: &StudyReport, gathered: &Gathered) -> Option<Figure> {
    let item = |image: &imgeval_diagnose::forensics::DisputedImage| {
        let file = gathered.files.iter().find(|file| {
            file.image.name == image.image && file.image.class == image.class && file.image.set == image.set
        })?;
        let bytes = read_image_file(&file.path).ok()?;
        let scores: Vec<String> =
            image.scores.iter().map(|(id, score, _)| format!("{id} {score:.2}")).collect();
        Some(GridItem {
            image: make_thumbnail(&bytes, THUMBNAIL_SIDE, None).ok(),
            prompt: format!("{}: {}", image.set, image.image),
            verdict: match image.class {
                Class::Real => "real",
                Class::Fake => "fake",
            }
            .to_owned(),
            is_correct: None,
            reason: scores.join(", "),
        })
    };
    let items: Vec<GridItem> = report.disputed.iter().filter_map(item).collect();
    let mut figure = (!items.is_empty()).then(|| qualitative_grid(&items, GRID_COLUMNS))?;
    figure.name = "disputed".to_owned();
    figure.title = "Images on which detectors differ most".to_owned();
    Some(figure)
}
