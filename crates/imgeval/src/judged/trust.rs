//! How far the judges can be trusted: against each other, against themselves, and against what they said before.

use std::collections::BTreeMap;

use imgeval_core::{Interval, SampleId, visible};
use imgeval_metrics::{
    Agreement, BootstrapSettings, Drift, JudgeNoise, SharedJudgeNoise, compute_agreement, compute_drift,
    compute_noise, widen_for_judge,
};
use serde_json::{Value, json};

use super::{
    run::{JudgedRun, Said, Voice},
    summary::JudgedSummary,
};
use crate::table::{interval_json, plain_table, right_aligned};

/// So many images on which judges differ most are named.
const MOST_DISPUTED: usize = 10;

/// Everything that can be said about the judges of one run.
pub(crate) struct Trust<'a> {
    pairs: Vec<Pair<'a>>,
    noise: Vec<(&'a Voice, JudgeNoise)>,
    drifts: Vec<Anchored<'a>>,
    disputed: Vec<Dispute<'a>>,
}

/// What a judge said of the anchors, now and before.
struct Anchored<'a> {
    voice: &'a Voice,
    n: usize,
    drift: Option<Drift>,
    /// Of the overall score, with the anchors' shift as noise that all images share; `None` if either is not known.
    widened: Option<Interval>,
}

/// Two judges, one scale of theirs.
struct Pair<'a> {
    voices: [&'a Voice; 2],
    scale: &'static str,
    agreement: Agreement,
}

/// An image with the values that judges gave it.
struct Dispute<'a> {
    sample: &'a SampleId,
    spread: f64,
    values: Vec<(&'a Voice, f64)>,
}

impl<'a> Trust<'a> {
    pub(crate) fn of(run: &'a JudgedRun, settings: BootstrapSettings) -> Self {
        let mut pairs = Vec::new();
        for (place, one) in run.voices.iter().enumerate() {
            for other in &run.voices[place + 1..] {
                pairs.extend(compare(one, other));
            }
        }
        let noise: Vec<(&Voice, JudgeNoise)> = run
            .voices
            .iter()
            .map(|voice| (voice, noise_of(voice)))
            .filter(|(_, noise)| noise.n > 0)
            .collect();
        let drift = |voice: &'a Voice| {
            let paired: Vec<(f64, f64)> = voice
                .anchors
                .iter()
                .filter_map(|(id, now)| Some((voice.anchor_references.get(id)?.value()?, now.value()?)))
                .collect();
            let own = noise_of(voice).standard_deviation;
            (!voice.anchors.is_empty()).then(|| {
                let drift = compute_drift(&paired, own, settings);
                let widened = drift.and_then(|drift| widen_for_shift(run, voice, &drift, settings));
                Anchored { voice, n: paired.len(), drift, widened }
            })
        };
        let drifts = run.voices.iter().filter_map(drift).collect();
        Self { pairs, noise, drifts, disputed: disputes(run) }
    }

    /// Whether a judge scores its anchors otherwise than before, beyond its noise.
    pub(crate) fn has_drifted(&self) -> bool {
        self.drifts.iter().any(|of| of.drift.is_some_and(|drift| drift.is_beyond_noise == Some(true)))
    }

    pub(crate) fn render_text(&self) -> String {
        let mut text = String::new();
        if !self.pairs.is_empty() {
            let header = [
                "agreement",
                "scale",
                "images",
                "exact",
                "within 1",
                "kappa",
                "quadratic",
                "spearman",
                "kendall",
            ];
            let mut table = right_aligned(plain_table(&header), 2, 7);
            for Pair { voices: [one, other], scale, agreement } in &self.pairs {
                let mut row = vec![
                    format!("{} | {}", visible(&one.title()), visible(&other.title())),
                    (*scale).to_owned(),
                ];
                row.push(agreement.n.to_string());
                row.extend([agreement.exact, agreement.within_one].map(percent));
                row.extend(
                    [agreement.kappa, agreement.quadratic_kappa, agreement.spearman, agreement.kendall]
                        .map(decimals),
                );
                table.add_row(row);
            }
            text.push_str(&format!(
                "{}\nKappa and rank correlations are undefined (-) where a judge gives every image the same.\n",
                table.trim_fmt()
            ));
        }
        if !self.noise.is_empty() {
            let header = ["judge's own noise", "images", "standard deviation", "not all alike"];
            let mut table = right_aligned(plain_table(&header), 1, 3);
            for (voice, noise) in &self.noise {
                let title = visible(&voice.title());
                table.add_row([
                    title,
                    noise.n.to_string(),
                    decimals(noise.standard_deviation),
                    percent(noise.flip_share),
                ]);
            }
            text.push_str(&format!("\n{}\n", table.trim_fmt()));
        }
        for anchored in &self.drifts {
            text.push_str(&format!("\n{}", render_drift(anchored)));
        }
        if !self.disputed.is_empty() {
            text.push_str("\nImages on which the judges differ most:\n");
            for Dispute { sample, values, .. } in &self.disputed {
                let values: Vec<String> = values
                    .iter()
                    .map(|(voice, value)| format!("{} {value:.2}", visible(&voice.short_title())))
                    .collect();
                text.push_str(&format!("  {sample}: {}\n", values.join(", ")));
            }
        }
        text
    }

    pub(crate) fn to_json(&self) -> Value {
        let pair = |Pair { voices, scale, agreement }: &Pair<'_>| {
            json!({
                "judges": voices.map(|voice| &voice.id),
                "titles": voices.map(Voice::title),
                "scale": scale,
                "images": agreement.n,
                "exact": agreement.exact,
                "within_one": agreement.within_one,
                "kappa": agreement.kappa,
                "linear_kappa": agreement.linear_kappa,
                "quadratic_kappa": agreement.quadratic_kappa,
                "spearman": agreement.spearman,
                "kendall": agreement.kendall,
            })
        };
        let noise = |(voice, noise): &(&Voice, JudgeNoise)| {
            json!({
                "judge": voice.id, "images": noise.n, "standard_deviation": noise.standard_deviation,
                "flip_share": noise.flip_share,
            })
        };
        let drift = |Anchored { voice, n, drift, widened }: &Anchored<'_>| {
            json!({
                "judge": voice.id,
                "anchors": n,
                "difference": drift.map(|drift| drift.difference.value),
                "interval": drift.and_then(|drift| drift.difference.interval).map(|(low, high)| [low, high]),
                "noise_limit": drift.and_then(|drift| drift.noise_limit),
                "beyond_noise": drift.and_then(|drift| drift.is_beyond_noise),
                "overall_interval_with_shift": widened.as_ref().map(interval_json),
            })
        };
        let dispute = |Dispute { sample, spread, values }: &Dispute<'_>| {
            let values: BTreeMap<&str, f64> =
                values.iter().map(|(voice, value)| (voice.id.as_str(), *value)).collect();
            json!({"sample": sample.to_string(), "spread": spread, "values": values})
        };
        json!({
            "agreement": self.pairs.iter().map(pair).collect::<Vec<_>>(),
            "noise": self.noise.iter().map(noise).collect::<Vec<_>>(),
            "anchors": self.drifts.iter().map(drift).collect::<Vec<_>>(),
            "disputed": self.disputed.iter().map(dispute).collect::<Vec<_>>(),
        })
    }
}

/// On every scale that both have, over the images that both judged. Of several repeats the first counts: a mean would
/// agree with more than any single judgment does.
fn compare<'a>(one: &'a Voice, other: &'a Voice) -> Vec<Pair<'a>> {
    let scale = one.protocol.reply.scale();
    if other.protocol.reply.scale() != scale {
        return Vec::new();
    }
    let values = |voice: &Voice, id: &SampleId, place: usize| {
        let reading = voice.samples.get(id)?.readings().next()?;
        reading.scores.values.get(place).map(|(_, value)| *value)
    };
    let pair = |(place, (name, _)): (usize, &(&'static str, f64))| {
        let shared = one.samples.keys();
        let shared: Vec<(f64, f64)> =
            shared.filter_map(|id| Some((values(one, id, place)?, values(other, id, place)?))).collect();
        (!shared.is_empty()).then(|| Pair {
            voices: [one, other],
            scale: name,
            agreement: compute_agreement(&shared, 1.0),
        })
    };
    scale.iter().enumerate().filter_map(pair).collect()
}

/// Over the samples, and over the anchors as they were judged when they were set up.
fn noise_of(voice: &Voice) -> JudgeNoise {
    let said = voice.samples.values().chain(voice.anchor_references.values());
    let repeats: Vec<Vec<f64>> =
        said.map(|said: &Said| said.readings().map(|reading| reading.scores.value).collect()).collect();
    compute_noise(&repeats)
}

fn disputes(run: &JudgedRun) -> Vec<Dispute<'_>> {
    let dispute = |sample| {
        let values: Vec<(&Voice, f64)> = run
            .voices
            .iter()
            .filter_map(|voice| Some((voice, voice.samples.get(sample)?.value()?)))
            .collect();
        let most = values.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
        let least = values.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
        // Sums of tenths differ in the last digits.
        (values.len() > 1 && most - least > 1e-9).then_some(Dispute { sample, spread: most - least, values })
    };
    let mut disputes: Vec<Dispute<'_>> = run.samples.keys().filter_map(dispute).collect();
    disputes.sort_by(|one, other| other.spread.total_cmp(&one.spread));
    disputes.truncate(MOST_DISPUTED);
    disputes
}

/// A shift between two sessions is the difference of two draws of what a session adds to all scores alike.
fn widen_for_shift(
    run: &JudgedRun,
    voice: &Voice,
    drift: &Drift,
    settings: BootstrapSettings,
) -> Option<Interval> {
    let estimate = JudgedSummary::of(run, voice, settings).overall().estimate?;
    let standard_deviation = drift.difference.value.abs() / 2.0_f64.sqrt();
    let noise = SharedJudgeNoise { standard_deviation, shared: 1.0, n_sessions: 1 };
    Some(widen_for_judge(estimate.value, estimate.interval, noise))
}

fn render_drift(anchored: &Anchored<'_>) -> String {
    let Anchored { voice, n: n_anchors, drift, widened } = anchored;
    let title = visible(&voice.title());
    let Some(drift) = drift else {
        return format!(
            "anchors: {title}: none of them has a score now and then; nothing is known of drift\n"
        );
    };
    let difference = drift.difference;
    let interval = match difference.interval {
        Some((low, high)) => format!(" ({low:+.3} to {high:+.3})"),
        None => String::new(),
    };
    let limit = match drift.noise_limit {
        Some(limit) => format!(", its own noise moves them by up to {limit:.3}"),
        None => ", its own noise was not measured (--judge-repeats)".to_owned(),
    };
    let verdict = match drift.is_beyond_noise {
        Some(true) => "DRIFTED: do not compare these scores with those of before",
        Some(false) => "no drift beyond noise",
        None => "not enough is known to tell drift from noise",
    };
    let widened = widened.map_or(String::new(), |interval| {
        let Interval { low, high, .. } = interval;
        format!("  with such a shift between sessions the overall score lies from {low:.3} to {high:.3}\n")
    });
    format!(
        "anchors: {title}: {n_anchors} images moved by {:+.3}{interval}{limit}: {verdict}\n{widened}",
        difference.value
    )
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.1}%", 100.0 * share))
}

fn decimals(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.3}"))
}
