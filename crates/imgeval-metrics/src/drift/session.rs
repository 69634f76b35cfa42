//! A session of rounds.

use imgeval_core::{GrayPixels, Pixels};
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
    /// Tone and content against the source outside all regions that were edited so far.
    pub outside_edits: Result<Locality, NotCompared>,
    /// Each earlier edit whose place is known, in this round.
    pub earlier_edits: Vec<EditSurvival>,
    /// Against the source.
    pub failures: Vec<FailureReason>,
}

impl SessionRound {
    /// [`RoundStatus::Ok`] where no threshold was crossed against the source.
    #[must_use]
    pub fn status(&self) -> RoundStatus {
        if self.failures.is_empty() { RoundStatus::Ok } else { RoundStatus::Failed }
    }

    /// What later rounds need of this one.
    #[must_use]
    pub fn trace(&self) -> RoundTrace {
        let alignment = |of: &RoundMeasures| of.aligned().map(|found| found.alignment);
        RoundTrace {
            round: self.round,
            in_source: alignment(&self.vs_source),
            in_previous: alignment(&self.vs_previous),
            edited: self.vs_previous.region.as_ref().ok().map(|found| found.region.clone()),
        }
    }
}

/// What later rounds of a session need of an earlier one besides its image.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundTrace {
    /// From 1.
    pub round: u32,
    /// Position of its frame in that of the source, if it registers with the source.
    pub in_source: Option<Alignment>,
    /// Position of its frame in that of the previous image, if it registers with that one.
    pub in_previous: Option<Alignment>,
    /// What it edited, on the grid of its pair with the image before it; `None` if that is unknown.
    pub edited: Option<Bits>,
}

impl RoundTrace {
    /// The box around the largest edited region, in the frame of the round; see [`edit_box`].
    #[must_use]
    pub fn edit_box(&self) -> Option<[f64; 4]> {
        edit_box(self.edited.as_ref()?, &self.in_previous?)
    }
}

/// A whole session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionMeasures {
    /// In the order of rounds; rounds without an image are absent.
    pub rounds: Vec<SessionRound>,
    pub trends: Trends,
    /// Against the source; `None` if no round failed.
    pub first_failed_round: Option<u32>,
}

/// Measures a session: the source, and each round that has an image with its number, in ascending order from 1.
///
/// Every pair of images is compared once. Pairs are spread over rayon's threads.
#[must_use]
pub fn measure_session(source: &RoundImage, rounds: &[(u32, &RoundImage)]) -> SessionMeasures {
    let mut measured: Vec<SessionRound> = Vec::new();
    let mut earlier: Vec<(RoundTrace, &Pixels)> = Vec::new();
    let mut previous = source;
    for (number, image) in rounds {
        let round = measure_round(*number, image, source, previous, &earlier);
        earlier.push((round.trace(), image.pixels()));
        measured.push(round);
        previous = image;
    }
    let first_failed_round = measured.iter().find(|round| !round.failures.is_empty());
    SessionMeasures {
        trends: trends_of(&measured),
        first_failed_round: first_failed_round.map(|round| round.round),
        rounds: measured,
    }
}

/// Measures one round of a session, `number` from 1. `earlier` are all rounds before it that have an image, in their order, with the image as
/// it is; `previous` is the image of the last of them, or the source if there are none. The result depends on nothing else, so
/// a session can be measured in pieces.
#[must_use]
pub fn measure_round(
    number: u32,
    image: &RoundImage,
    source: &RoundImage,
    previous: &RoundImage,
    earlier: &[(RoundTrace, &Pixels)],
) -> SessionRound {
    let (vs_source, vs_previous) = match earlier.last() {
        None => {
            let measured = compare(source, image);
            (measured.clone(), measured)
        }
        Some(_) => rayon::join(|| compare(source, image), || compare(previous, image)),
    };
    let mut round = SessionRound {
        round: number,
        previous: earlier.last().map_or(0, |(trace, _)| trace.round),
        failures: failures_of(&vs_source),
        outside_edits: Err(NotMeasurable::NoOverlap.into()),
        earlier_edits: Vec::new(),
        vs_source,
        vs_previous,
    };
    let (outside, survivals) = rayon::join(
        || outside_edits(&round, image.pixels(), source.pixels(), earlier),
        || survivals(&round, image.pixels(), earlier),
    );
    round.outside_edits = outside;
    round.earlier_edits = survivals;
    round
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

/// Against the source, outside the union of what this round and those before it edited.
fn outside_edits(
    round: &SessionRound,
    image: &Pixels,
    source: &Pixels,
    earlier: &[(RoundTrace, &Pixels)],
) -> Result<Locality, NotCompared> {
    let registration = round.vs_source.registration.as_ref().map_err(Clone::clone)?;
    if registration.status != Status::Ok {
        return Err(NotMeasurable::NotRegistered(registration.status).into());
    }
    let pair = AlignedPair::new(source, image, &registration.alignment, IDENTITY_SIDE);
    let (width, height) = (pair.width(), pair.height());
    let mut union = vec![false; width * height];
    // Where the frame of the image before lies in that of the source.
    let mut frame = Some(Alignment::IDENTITY);
    let this = round.trace();
    for trace in earlier.iter().map(|(trace, _)| trace).chain([&this]) {
        let (Some(region), Some(reference)) = (&trace.edited, frame) else {
            return Err(NotCompared::UnknownEdit { round: trace.round });
        };
        let here = mapped(region, &inverse(&reference), width, height);
        for (sum, is_edited) in union.iter_mut().zip(here.values()) {
            *sum |= is_edited;
        }
        let chained = trace.in_previous.map(|step| chain(&reference, &step));
        frame = trace.in_source.or(chained);
    }
    outside_of(&pair, &Bits::of_rows(width, union))
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

/// Each earlier edit in this round.
fn survivals(round: &SessionRound, image: &Pixels, earlier: &[(RoundTrace, &Pixels)]) -> Vec<EditSurvival> {
    let step = &round.vs_previous;
    let look = |(at, (trace, edit)): (usize, &(RoundTrace, &Pixels))| {
        let area = trace.edit_box()?;
        // This round was registered with the one before it already; where an earlier one lies about, the rounds between them say.
        let later = earlier[at + 1..].iter().map(|(trace, _)| trace.in_previous);
        let between = later
            .chain([step.aligned().map(|found| found.alignment)])
            .try_fold(Alignment::IDENTITY, |frame, step| Some(chain(&frame, &step?)));
        let registration = match between {
            _ if at + 1 == earlier.len() => step.registration.clone(),
            Some(start) => register_near(edit, image, &start),
            None => register(edit, image),
        };
        let correlation = match &registration {
            Ok(registration) => edit_survival(edit, image, registration, area),
            Err(reason) => Err(reason.clone().into()),
        };
        Some(EditSurvival { edit: trace.round, seen_in: round.round, area, correlation, registration })
    };
    earlier.par_iter().enumerate().filter_map(look).collect()
}
