//! Figures of a study: curves, and the images that detectors are most wrong about.

use imgeval_diagnose::forensics::{
    Class, DetectorRecord, DisputedImage, Gathered, StudyChart, StudyFile, StudyReport, WrongImage,
    study_charts,
};
use imgeval_report::{
    figures::{Figure, GridItem, LinePoint, LineSeries, lines, qualitative_grid},
    page::make_thumbnail,
};
use imgeval_vision::image_file::read_image_file;

const THUMBNAIL_SIDE: u32 = 320;
const GRID_COLUMNS: usize = 4;

pub(super) fn figures_of(report: &StudyReport, gathered: &Gathered) -> Vec<Figure> {
    let mut figures: Vec<Figure> = study_charts(report).into_iter().map(curve).collect();
    figures.extend(report.detectors.iter().filter_map(|detector| most_wrong(detector, gathered)));
    figures.extend(disputed(report, gathered));
    figures
}

/// The images that a detector is most wrong about as delivered.
fn most_wrong(detector: &DetectorRecord, gathered: &Gathered) -> Option<Figure> {
    let wrong = &detector.condition("as-delivered")?.most_wrong;
    let item = |image: &WrongImage| {
        let called = match image.class {
            Class::Real => "called fake",
            Class::Fake => "called real",
        };
        GridItem {
            image: thumbnail(gathered, &image.image, &image.set, image.class),
            prompt: format!("{}: {}", image.set, image.image),
            verdict: format!("{}, {called}", image.class.name()),
            is_correct: Some(false),
            reason: format!("score {:.3}", image.score),
        }
    };
    let items: Vec<GridItem> = wrong.iter().map(item).collect();
    let mut figure = (!items.is_empty()).then(|| qualitative_grid(&items, GRID_COLUMNS))?;
    figure.name = "most-wrong".to_owned();
    figure.title = format!("Images on which {} errs most, as delivered", detector.name);
    Some(figure)
}

fn thumbnail(gathered: &Gathered, name: &str, set: &str, class: Class) -> Option<Vec<u8>> {
    let is_it =
        |file: &&StudyFile| file.image.name == name && file.image.class == class && file.image.set == set;
    let bytes = read_image_file(&gathered.files.iter().find(is_it)?.path).ok()?;
    make_thumbnail(&bytes, THUMBNAIL_SIDE, None).ok()
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
    let item = |image: &DisputedImage| {
        let scores: Vec<String> =
            image.scores.iter().map(|(id, score, _)| format!("{id} {score:.2}")).collect();
        GridItem {
            image: thumbnail(gathered, &image.image, &image.set, image.class),
            prompt: format!("{}: {}", image.set, image.image),
            verdict: image.class.name().to_owned(),
            is_correct: None,
            reason: scores.join(", "),
        }
    };
    let items: Vec<GridItem> = report.disputed.iter().map(item).collect();
    let mut figure = (!items.is_empty()).then(|| qualitative_grid(&items, GRID_COLUMNS))?;
    figure.name = "disputed".to_owned();
    figure.title = "Images on which detectors disagree most".to_owned();
    Some(figure)
}
