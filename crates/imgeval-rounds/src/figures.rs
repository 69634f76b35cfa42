//! Figures of rounds.

use imgeval_report::{
    figures::{
        BarGroup, Figure, LinePoint, LineSeries, Strip, StripImage, StripRow, lines, session_strip,
        stacked_bars,
    },
    rounds::{MeanLine, RoundsModel, RoundsView, SessionView},
};

use crate::{
    Drawn,
    numbers::{CODEC_PART, MEASURES, PARTS},
};

/// The size of each part at which a bar is one high: the limits of a round, and for geometry a tenth of the frame.
const ONE_HIGH: [(&str, f64); 6] = [
    ("geometry", 10.0),
    ("tone", 5.0),
    ("sharpness", 1.0),
    ("content", 6.0),
    ("residual", 6.0),
    (CODEC_PART, 6.0),
];

/// Success by round, a curve for each measure that has two rounds somewhere, and the parts of the drift.
#[must_use]
pub fn rounds_figures(view: &RoundsView) -> Vec<Figure> {
    let mut figures = vec![success_figure(view)];
    for measure in &MEASURES {
        let series = |model: &RoundsModel| LineSeries {
            name: model.name.clone(),
            points: model.rounds.iter().map(|round| point(round.round, &round.means, measure.name)).collect(),
        };
        let series: Vec<LineSeries> = view.models.iter().map(series).collect();
        let has_curve = |of: &LineSeries| of.points.iter().filter(|point| point.y.is_some()).count() > 1;
        if series.iter().any(has_curve) {
            let title = format!("Drift over rounds: {}", measure.name);
            let y = format!("{} ({})", measure.name, measure.unit);
            figures.push(lines(&title, "round", &y, &series));
        }
    }
    figures.push(parts_figure(view));
    figures
}

fn point(round: u32, means: &[MeanLine], name: &str) -> LinePoint {
    let mean = means.iter().find(|mean| mean.name == name);
    LinePoint {
        x: f64::from(round),
        y: mean.and_then(|mean| mean.value),
        interval: mean.and_then(|mean| mean.interval),
    }
}

fn success_figure(view: &RoundsView) -> Figure {
    let series = |model: &RoundsModel| {
        // A curve of steps: it falls where sessions fail, not before.
        let mut points: Vec<LinePoint> = Vec::new();
        for step in &model.survival {
            let x = f64::from(step.round);
            if let Some(before) = points.last().copied() {
                points.push(LinePoint { x, interval: None, ..before });
            }
            points.push(LinePoint { x, y: Some(step.survival), interval: Some(step.band) });
        }
        LineSeries { name: model.name.clone(), points }
    };
    let series: Vec<LineSeries> = view.models.iter().map(series).collect();
    lines(
        "Sessions in which every round so far holds",
        "round",
        "share of sessions (Kaplan-Meier, refusals count as failures)",
        &series,
    )
}

fn parts_figure(view: &RoundsView) -> Figure {
    let names: Vec<&str> = ONE_HIGH.iter().map(|(name, _)| *name).collect();
    let group = |model: &RoundsModel| {
        let bars = model.rounds.iter().map(|round| {
            let height = |(name, one): &(&str, f64)| {
                let part = round.parts.iter().find(|part| part.name == *name)?;
                // What does not exceed its floor is nothing.
                let size = part.value?.abs();
                Some(if size > part.floor { size / one } else { 0.0 })
            };
            (round.round.to_string(), ONE_HIGH.iter().map(height).collect())
        });
        BarGroup { name: model.name.clone(), bars: bars.collect() }
    };
    let groups: Vec<BarGroup> = view.models.iter().map(group).collect();
    debug_assert_eq!(PARTS.len() + 1, ONE_HIGH.len());
    stacked_bars(
        "drift-parts",
        "What each round added, as fractions of a limit (geometry 10 % of the frame, tone 5 dE, sharpness a factor of 2, content and residual 6 dE); parts within their floor are omitted",
        "fractions of the limit",
        &names,
        &groups,
    )
}

/// The strip of a session; `drawn` belongs to its models, one by one.
#[must_use]
pub fn strips(view: &RoundsView, session: &SessionView, drawn: &[Drawn]) -> Figure {
    let first = drawn.first();
    let source = StripImage {
        image: first.and_then(|of| of.source.clone()),
        shape: first.map_or(0.0, |of| of.shape),
        ..StripImage::default()
    };
    let row = |(model, drawn): (&imgeval_report::rounds::SessionModelView, &Drawn)| {
        let rounds = model.rounds.iter().enumerate().map(|(place, round)| {
            let image = drawn.rounds.get(place);
            let holds = match round.status.as_str() {
                "ok" => Some(true),
                "failed" => Some(false),
                _ => None,
            };
            let told = |(name, value): &(String, f64)| {
                let (name, unit) = name.split_once(", ").unwrap_or((name, ""));
                let is_told = ["cut off", "tiles that survive", "tone outside the edits"].contains(&name);
                is_told.then(|| format!("{name} {value:.1} {unit}"))
            };
            let reasons = if round.reasons.is_empty() { None } else { Some(round.reasons.join(", ")) };
            StripImage {
                image: image.and_then(|image| image.image.clone()),
                shape: image.map_or(0.0, |image| image.shape),
                holds,
                regions: round.region.into_iter().collect(),
                notes: reasons.into_iter().chain(round.numbers.iter().filter_map(told)).collect(),
            }
        });
        let name = view.models.get(model.model).map_or(String::new(), |of| of.name.clone());
        StripRow { model: name, rounds: rounds.collect() }
    };
    let strip = Strip {
        title: format!("Session {}", session.id),
        instructions: session.instructions.clone(),
        source,
        rows: session.models.iter().zip(drawn).map(row).collect(),
        notes: vec![
            "Dashed: around the largest region that the round changed against the round before.".to_owned(),
        ],
    };
    session_strip(&format!("session-{}", session.id), &strip)
}
