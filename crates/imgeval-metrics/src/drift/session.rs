//! A session of rounds.

use imgeval_core::GrayPixels;
use rayon::prelude::*;

use super::{
    EditSurvival, FailureReason, NotCompared, RoundImage, RoundMeasures, Trends, compare,
    components::{inverse, mapped},
    edit_box, edit_survival, failures_of, slope_of,
};
use crate::{
    locality::{Bits, Locality, NotMeasurable, measure_outside_mask},
    registration::{AlignedPair, Alignment, IDENTITY_SIDE, Status, register, register_near},
    survival::RoundStatus,
};

/// One round of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRound {
    /// From 1.
    pub round: u32,
    /// The round that `vs_previous` compares with: the last one before that has an image; 0 is the source.
    pub previous: u32,
    pub vs_source: RoundMeasures,
    pub vs_previous: RoundMeasures,
    /// Tone and content against the source outside of all regions that were edited so far.
    pub outside_edits: Result<Locality, NotCompared>,
    /// Against the source.
    pub failures: Vec<FailureReason>,
}

impl SessionRound {
    /// [`RoundStatus::Ok`] where no threshold was crossed against the source.
    #[must_use]
    pub fn status(&self) -> RoundStatus {
        if self.failures.is_empty() { RoundStatus::Ok } else { RoundStatus::Failed }
    }
}

/// A whole session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionMeasures {
    /// In the order of rounds; rounds without an image are absent.
    pub rounds: Vec<SessionRound>,
    pub trends: Trends,
    /// Each edit that was found, in each later round.
    pub edit_survival: Vec<EditSurvival>,
    /// Against the source; `None` if no round failed.
    pub first_failed_round: Option<u32>,
}

/// Measures a session: the source, and each round that has an image with its number, in ascending order from 1.
///
/// Every pair of images is compared once. Pairs are spread over rayon's threads.
#[must_use]
pub fn measure_session(source: &RoundImage, rounds: &[(u32, &RoundImage)]) -> SessionMeasures {
    let images: Vec<(u32, &RoundImage)> =
        std::iter::once((0, source)).chain(rounds.iter().copied()).collect();
    let first = rounds.len().min(1);
    let pairs = (0..rounds.len()).map(|at| (0, at + 1)).chain((first..rounds.len()).map(|at| (at, at + 1)));
    let mut measured: Vec<RoundMeasures> = pairs
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(reference, candidate)| compare(images[reference].1, images[candidate].1))
        .collect();
    let mut steps: Vec<RoundMeasures> = measured.first().cloned().into_iter().collect();
    steps.extend(measured.split_off(rounds.len()));
    let outside = outside_edits(&images, &measured, &steps);
    let edit_survival = survivals(&images, &steps);
    let rounds: Vec<SessionRound> = measured
        .into_iter()
        .zip(steps)
        .zip(outside)
        .enumerate()
        .map(|(at, ((vs_source, vs_previous), outside_edits))| SessionRound {
            round: images[at + 1].0,
            previous: images[at].0,
            failures: failures_of(&vs_source),
            vs_source,
            vs_previous,
            outside_edits,
        })
        .collect();
    let first_failed_round = rounds.iter().find(|round| !round.failures.is_empty()).map(|round| round.round);
    SessionMeasures { trends: trends_of(&rounds), edit_survival, first_failed_round, rounds }
}

fn trends_of(rounds: &[SessionRound]) -> Trends {
    let slope = |value: &dyn Fn(&RoundMeasures) -> Option<f64>| {
        let points = rounds.iter().filter_map(|round| Some((round.round, value(&round.vs_source)?)));
        slope_of(&points.collect::<Vec<_>>())
    };
    let log2 = |ratio: f64| (ratio > 0.0).then(|| ratio.log2());
    Trends {
        mean_delta_e: slope(&|round| Some(round.color.mean_delta_e)),
        b: slope(&|round| Some(round.color.lab[2])),
        log2_lap_var: slope(&|round| round.sharpness.lap_var.ok().and_then(log2)),
        log2_noise: slope(&|round| round.sharpness.immerkaer.ok().and_then(log2)),
        survival: slope(&|round| round.tiles.survival),
        cut_off: slope(&|round| round.aligned().map(|registration| registration.framing.cut_off)),
        unedited_content: slope(&|round| round.unedited.as_ref().ok().map(|found| found.content_de)),
    }
}

/// For each round: against the source, outside of the union of what rounds up to it edited.
fn outside_edits(
    images: &[(u32, &RoundImage)],
    against_source: &[RoundMeasures],
    steps: &[RoundMeasures],
) -> Vec<Result<Locality, NotCompared>> {
    // Where the frame of each image lies in that of the source.
    let mut frames = vec![Some(Alignment::IDENTITY)];
    for (round, step) in against_source.iter().zip(steps) {
        let chained = frames.last().copied().flatten().zip(step.aligned());
        let chained = chained.map(|(frame, step)| chain(&frame, &step.alignment));
        frames.push(round.aligned().map(|found| found.alignment).or(chained));
    }
    let measure = |at: usize| {
        let registration = against_source[at].registration.as_ref().map_err(Clone::clone)?;
        if registration.status != Status::Ok {
            return Err(NotMeasurable::NotRegistered(registration.status).into());
        }
        let (source, candidate) = (images[0].1.pixels(), images[at + 1].1.pixels());
        let pair = AlignedPair::new(source, candidate, &registration.alignment, IDENTITY_SIDE);
        let (width, height) = (pair.width(), pair.height());
        let mut union = vec![false; width * height];
        for earlier in 0..=at {
            let unknown = NotCompared::UnknownEdit { round: images[earlier + 1].0 };
            let (Ok(region), Some(frame)) = (&steps[earlier].region, frames[earlier]) else {
                return Err(unknown);
            };
            let here = mapped(&region.region, &inverse(&frame), width, height);
            for (sum, is_edited) in union.iter_mut().zip(here.values()) {
                *sum |= is_edited;
            }
        }
        outside_of(&pair, &Bits::of_rows(width, union))
    };
    (0..steps.len()).into_par_iter().map(measure).collect()
}

/// The alignment of an image that lies so in the frame of another one, which lies as `frame` says.
fn chain(frame: &Alignment, step: &Alignment) -> Alignment {
    Alignment {
        a: [0, 1].map(|axis| frame.a[axis] * step.a[axis]),
        b: [0, 1].map(|axis| frame.b[axis] + frame.a[axis] * step.b[axis]),
    }
}

fn outside_of(pair: &AlignedPair, region: &Bits) -> Result<Locality, NotCompared> {
    let values = region.values().iter().map(|is_edited| if *is_edited { 255 } else { 0 }).collect();
    let mask = GrayPixels::new(pair.source().width(), pair.source().height(), values);
    Ok(measure_outside_mask(pair, &mask.ok_or(NotMeasurable::NoOverlap)?)?)
}

/// Each edit in each later round.
fn survivals(images: &[(u32, &RoundImage)], steps: &[RoundMeasures]) -> Vec<EditSurvival> {
    let edits = steps.iter().enumerate().filter_map(|(at, step)| {
        let area = edit_box(step.region.as_ref().ok()?, &step.aligned()?.alignment)?;
        Some((at + 1, area))
    });
    let pairs: Vec<(usize, [f64; 4], usize)> =
        edits.flat_map(|(at, area)| (at + 1..images.len()).map(move |later| (at, area, later))).collect();
    let look = |(at, area, later): (usize, [f64; 4], usize)| {
        let (edit, seen) = (images[at].1.pixels(), images[later].1.pixels());
        // The next round was registered with this one already; where a later one lies about, the rounds between them say.
        let between = steps[at..later]
            .iter()
            .try_fold(Alignment::IDENTITY, |frame, step| Some(chain(&frame, &step.aligned()?.alignment)));
        let registration = match between {
            _ if later == at + 1 => steps[at].registration.clone(),
            Some(start) => register_near(edit, seen, &start),
            None => register(edit, seen),
        };
        let correlation = match &registration {
            Ok(registration) => edit_survival(edit, seen, registration, area),
            Err(reason) => Err(reason.clone().into()),
        };
        EditSurvival { edit: images[at].0, seen_in: images[later].0, area, correlation, registration }
    };
    pairs.into_par_iter().map(look).collect()
}
