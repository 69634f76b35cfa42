//! Figures of a probe and of its answers.

use imgeval_diagnose::{
    Measured,
    alike::Degradation,
    architecture::{DecoderSignature, Probe, ProbeCard, Separation},
};
use imgeval_report::figures::{Figure, LinePoint, LineSeries, confidence_histogram, lines, matrix};

use super::report::AnswerReport;

pub(super) fn probe_figures(probe: &Probe) -> Vec<Figure> {
    let card = &probe.card;
    let mut figures = Vec::new();
    for (class, histogram) in card.classes.iter().zip(&card.evaluation.histograms) {
        let title = format!("Test images of {class}: confidence in {}", card.classes[0]);
        figures.push(histogram_of(&title, card, *histogram));
    }
    figures.extend(robustness_figures(card));
    if card.signatures.len() > 1 {
        let labels: Vec<String> = card.signatures.iter().map(|signature| signature.name.clone()).collect();
        let values: Vec<Vec<Option<f64>>> =
            probe.similarities().into_iter().map(|row| row.into_iter().map(Some).collect()).collect();
        figures.push(matrix("Similarity of the generators' fingerprints", &labels, &values));
    }
    figures.extend(spectra("Spectra of the generators' noise residuals", card.signatures.iter()));
    figures
}

pub(super) fn answer_figures(answer: &AnswerReport<'_>) -> Vec<Figure> {
    let card = answer.card;
    let title = format!("{} images: confidence in {}", answer.summary.n_images, card.classes[0]);
    let mut figures = vec![histogram_of(&title, card, answer.summary.histogram)];
    let own = answer.signature.iter().map(|(signature, _)| signature);
    figures
        .extend(spectra("Spectra of noise residuals, with these images first", own.chain(&card.signatures)));
    figures
}

fn histogram_of(title: &str, card: &ProbeCard, counts: [usize; 10]) -> Figure {
    let others = if card.classes.len() == 2 { card.classes[1].as_str() } else { "another class" };
    confidence_histogram(title, counts.map(|count| count as u64), others, &card.classes[0])
}

/// A curve for each kind of degradation; the images as they are stand at its mild end.
fn robustness_figures(card: &ProbeCard) -> Vec<Figure> {
    let kinds: [(&str, &str, Option<f64>); 3] = [
        ("Robustness to JPEG compression", "JPEG quality", None),
        ("Robustness to scaling down and up again", "fraction of the sides", Some(1.0)),
        ("Robustness to blur", "standard deviation in pixels", Some(0.0)),
    ];
    let figure = |(place, (title, label, untouched)): (usize, (&str, &str, Option<f64>))| {
        let mut points: Vec<(f64, Separation)> = card
            .controls
            .robustness
            .iter()
            .filter_map(|point| match (point.degradation, place) {
                (Degradation::Jpeg { quality }, 0) => Some((f64::from(quality), point.separation)),
                (Degradation::Rescaled { share }, 1) => Some((share, point.separation)),
                (Degradation::Blurred { sigma }, 2) => Some((sigma, point.separation)),
                _ => None,
            })
            .collect();
        if points.is_empty() {
            return None;
        }
        points.extend(untouched.map(|x| (x, card.evaluation.separation)));
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let series = |name: &str, of: fn(&Separation) -> Measured| LineSeries {
            name: name.to_owned(),
            points: points.iter().map(|(x, separation)| point(*x, of(separation))).collect(),
        };
        let series = [
            series("AUC", |separation| separation.auc),
            series("balanced accuracy", |separation| separation.balanced_accuracy),
        ];
        Some(lines(title, label, "on unseen groups, 95 % confidence intervals", &series))
    };
    kinds.into_iter().enumerate().filter_map(figure).collect()
}

fn point(x: f64, measured: Measured) -> LinePoint {
    LinePoint { x, y: Some(measured.value), interval: Some((measured.low, measured.high)) }
}

/// Power over frequency on a logarithmic scale.
fn spectra<'a>(title: &str, signatures: impl Iterator<Item = &'a DecoderSignature>) -> Option<Figure> {
    let series: Vec<LineSeries> = signatures
        .map(|signature| {
            let points = signature.frequencies.iter().zip(&signature.residual_spectrum);
            let points = points.map(|(frequency, power)| LinePoint {
                x: *frequency,
                y: (*power > 0.0).then(|| power.log10()),
                interval: None,
            });
            LineSeries { name: signature.name.clone(), points: points.collect() }
        })
        .collect();
    (!series.is_empty()).then(|| lines(title, "cycles per pixel", "power, log10", &series))
}
