//! How far the judges can be trusted: against each other, against themselves, and against what they said before.

use imgeval_core::{Interval, SampleId};
use imgeval_metrics::{
    Agreement, BootstrapSettings, Drift, JudgeNoise, SharedJudgeNoise, compute_agreement, compute_drift,
    compute_noise, widen_for_judge,
};

use crate::{Evaluator, ImageReplies, JudgeReplies, Run, ScoringError};

/// So many images on which judges differ most are named.
const MOST_DISPUTED: usize = 10;

/// Everything that can be said about the judges of one run.
pub struct Trust<'a> {
    /// Every two judges, scale by scale.
    pub pairs: Vec<Pair<'a>>,
    /// How far each judge differs from itself.
    pub noise: Vec<(&'a JudgeReplies, JudgeNoise)>,
    pub anchors: Vec<Anchored<'a>>,
    /// The images on which judges differ most, the worst first.
    pub disputed: Vec<Dispute<'a>>,
}

/// What a judge said of the anchors, now and before.
pub struct Anchored<'a> {
    pub judge: &'a JudgeReplies,
    /// Anchors with a score now and then.
    pub n: usize,
    pub drift: Option<Drift>,
    /// Of the overall score, with the anchors' shift as noise that all images share; `None` if either is not known.
    pub widened: Option<Interval>,
}

/// Two judges, one scale of theirs.
pub struct Pair<'a> {
    pub judges: [&'a JudgeReplies; 2],
    pub scale: &'static str,
    pub agreement: Agreement,
}

/// An image with the values that judges gave it.
pub struct Dispute<'a> {
    pub sample: &'a SampleId,
    /// The largest value less the smallest.
    pub spread: f64,
    pub values: Vec<(&'a JudgeReplies, f64)>,
}

impl<'a> Trust<'a> {
    /// # Errors
    /// If the run cannot be read.
    pub fn of(run: &'a Run, settings: BootstrapSettings) -> Result<Self, ScoringError> {
        let judges: Vec<&JudgeReplies> = run.judges().collect();
        let mut pairs = Vec::new();
        for (place, one) in judges.iter().enumerate() {
            for other in &judges[place + 1..] {
                pairs.extend(compare(one, other));
            }
        }
        let noise = judges.iter().map(|judge| (*judge, noise_of(judge)));
        let noise = noise.filter(|(_, noise)| noise.n > 0).collect();
        let mut anchors = Vec::new();
        for evaluator in run.evaluators() {
            anchors.extend(Anchored::of(run, evaluator, settings)?);
        }
        Ok(Self { pairs, noise, anchors, disputed: disputes(run) })
    }

    /// Whether a judge scores its anchors otherwise than before, beyond its noise.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        self.anchors.iter().any(|of| of.drift.is_some_and(|drift| drift.is_beyond_noise == Some(true)))
    }
}

impl<'a> Anchored<'a> {
    /// `None` if this is no judge, or it has judged no anchors.
    fn of(
        run: &'a Run,
        evaluator: &'a Evaluator,
        settings: BootstrapSettings,
    ) -> Result<Option<Self>, ScoringError> {
        let Some(judge) = evaluator.judge().filter(|judge| !judge.anchors.is_empty()) else {
            return Ok(None);
        };
        let paired: Vec<(f64, f64)> = judge
            .anchors
            .iter()
            .filter_map(|(id, now)| Some((judge.anchor_references.get(id)?.value()?, now.value()?)))
            .collect();
        let own = noise_of(judge).standard_deviation;
        let drift = compute_drift(&paired, own, settings);
        let widened = match drift {
            Some(drift) => widen_for_shift(run, evaluator, &drift, settings)?,
            None => None,
        };
        Ok(Some(Self { judge, n: paired.len(), drift, widened }))
    }
}

/// On every scale that both have, over the images that both judged. Of several repeats the first counts: a mean would
/// agree with more than any single judgment does.
fn compare<'a>(one: &'a JudgeReplies, other: &'a JudgeReplies) -> Vec<Pair<'a>> {
    let scale = one.protocol.reply.scale();
    if other.protocol.reply.scale() != scale {
        return Vec::new();
    }
    let values = |judge: &JudgeReplies, id: &SampleId, place: usize| {
        let reading = judge.samples.get(id)?.readings().next()?;
        reading.scores.values.get(place).map(|(_, value)| *value)
    };
    let pair = |(place, (name, _)): (usize, &(&'static str, f64))| {
        let shared = one.samples.keys();
        let shared: Vec<(f64, f64)> =
            shared.filter_map(|id| Some((values(one, id, place)?, values(other, id, place)?))).collect();
        (!shared.is_empty()).then(|| Pair {
            judges: [one, other],
            scale: name,
            agreement: compute_agreement(&shared, 1.0),
        })
    };
    scale.iter().enumerate().filter_map(pair).collect()
}

/// Over the samples, and over the anchors as they were judged when they were set up.
fn noise_of(judge: &JudgeReplies) -> JudgeNoise {
    let replies = judge.samples.values().chain(judge.anchor_references.values());
    let repeats: Vec<Vec<f64>> = replies
        .map(|of: &ImageReplies| of.readings().map(|reading| reading.scores.value).collect())
        .collect();
    compute_noise(&repeats)
}

fn disputes(run: &Run) -> Vec<Dispute<'_>> {
    let dispute = |sample| {
        let values: Vec<(&JudgeReplies, f64)> =
            run.judges().filter_map(|judge| Some((judge, judge.samples.get(sample)?.value()?))).collect();
        let most = values.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
        let least = values.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
        // Sums of tenths differ in the last digits.
        (values.len() > 1 && most - least > 1e-9).then_some(Dispute { sample, spread: most - least, values })
    };
    let mut disputes: Vec<Dispute<'_>> = run.images().keys().filter_map(dispute).collect();
    disputes.sort_by(|one, other| other.spread.total_cmp(&one.spread));
    disputes.truncate(MOST_DISPUTED);
    disputes
}

/// A shift between two sessions is the difference of two draws of what a session adds to all scores alike.
fn widen_for_shift(
    run: &Run,
    evaluator: &Evaluator,
    drift: &Drift,
    settings: BootstrapSettings,
) -> Result<Option<Interval>, ScoringError> {
    let (summary, _) = run.summarise(evaluator, settings)?;
    let Some(estimate) = summary.overall().estimate else { return Ok(None) };
    let standard_deviation = drift.difference.value.abs() / 2.0_f64.sqrt();
    let noise = SharedJudgeNoise { standard_deviation, shared: 1.0, n_sessions: 1 };
    Ok(Some(widen_for_judge(estimate.value, estimate.interval, noise)))
}
