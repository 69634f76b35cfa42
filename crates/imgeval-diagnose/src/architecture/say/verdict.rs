//! What may be claimed: rules that turn measurements into reasons, and never into more than the controls allow.

use super::{
    claim::Claim,
    reason::{AnswerReason, Compression, DecoderAnswer, ProbeReason},
};
use crate::{
    Measured,
    alike::Degradation,
    architecture::{
        data::Fact,
        probe::{AppliedSummary, ProbeCard},
    },
};

/// With fewer groups, shares are anecdotes.
const FEW_GROUPS: usize = 10;

/// When a larger share of images is unlike those trained on, no answer stands.
const MOSTLY_OUTSIDE: f64 = 0.5;

/// What the probe can mean, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub claim: Claim,
    /// The reasons in the order in which people read them; the last is the conclusion.
    pub reasons: Vec<ProbeReason>,
}

/// Judges a probe by its evaluation and controls.
#[must_use]
pub fn judge_probe(card: &ProbeCard) -> Verdict {
    let mut claim = Claim::Class;
    let mut reasons = Vec::new();
    let mut add = |most: Claim, reason: ProbeReason| {
        claim = claim.min(most);
        reasons.push(reason);
    };
    let auc = card.evaluation.separation.auc;
    add(if auc.low <= 0.5 { Claim::Nothing } else { Claim::Class }, ProbeReason::Separation { auc });
    let shuffle = &card.controls.shuffle;
    let (mean, low, high) = (shuffle.mean, shuffle.low, shuffle.high);
    match shuffle.is_above_chance() {
        true => add(Claim::Nothing, ProbeReason::ShuffleAboveChance { mean }),
        false => add(Claim::Class, ProbeReason::ShuffleAtChance { mean, low, high }),
    }
    for reason in confounds(card) {
        add(Claim::Generators, reason);
    }
    let (most, reason) = generators(card);
    add(most, reason);
    for (most, reason) in decoders(card) {
        add(most, reason);
    }
    if let Some(reason) = robustness(card) {
        add(Claim::Class, reason);
    }
    if auc.n_groups < FEW_GROUPS {
        add(Claim::Generators, ProbeReason::FewGroups { groups: auc.n_groups });
    }
    reasons.push(ProbeReason::Conclusion(claim));
    Verdict { claim, reasons }
}

/// Facts of files that differed and that harmonising cannot undo completely.
fn confounds(card: &ProbeCard) -> Vec<ProbeReason> {
    let separates = |fact: Fact| card.profile.separates(fact);
    let mut reasons = Vec::new();
    if separates(Fact::Size) || separates(Fact::Aspect) {
        reasons.push(ProbeReason::SizesDiffered { sizing: card.plan.sizing });
    }
    let of_compression = [Fact::Format, Fact::QuantisationTables, Fact::Subsampling];
    if of_compression.into_iter().any(separates) {
        let has_common_compression = card.plan.jpeg.is_some();
        reasons.push(ProbeReason::CompressionsDiffered { has_common_compression });
    }
    reasons
}

fn generators(card: &ProbeCard) -> (Claim, ProbeReason) {
    let controls = &card.controls.leave_one_out;
    let chance = 1.0 / card.classes.len() as f64;
    if controls.is_empty() {
        return (Claim::Generators, ProbeReason::NoSecondGenerator);
    }
    let named = |is_wanted: &dyn Fn(Measured) -> bool| -> Vec<(String, Measured)> {
        let wanted = controls.iter().filter(|control| is_wanted(control.recognised));
        wanted.map(|control| (control.generator.clone(), control.recognised)).collect()
    };
    let failed = named(&|recognised| recognised.low <= chance);
    match failed.is_empty() {
        true => (Claim::Class, ProbeReason::GeneratorsRecognised { generators: named(&|_| true) }),
        false => (Claim::Generators, ProbeReason::GeneratorsNotRecognised { generators: failed }),
    }
}

fn decoders(card: &ProbeCard) -> Vec<(Claim, ProbeReason)> {
    let controls = &card.controls.decoders;
    if controls.is_empty() {
        return vec![(Claim::Decoder, ProbeReason::NoDecoderControl)];
    }
    let chance = 1.0 / card.classes.len() as f64;
    controls
        .iter()
        .map(|control| {
            let class = card.classes.iter().position(|class| *class == control.name);
            // A name that is not that of a class does not show which class to expect; then any clear preference counts.
            let class = class.unwrap_or_else(|| largest(&control.shares));
            let share = control.shares[class];
            let (most, answer) = match share {
                _ if share.low > chance => (Claim::Decoder, DecoderAnswer::Taken),
                _ if share.high < chance => (Claim::Class, DecoderAnswer::NotTaken),
                _ => (Claim::Decoder, DecoderAnswer::Undecided),
            };
            let (decoder, class) = (control.name.clone(), card.classes[class].clone());
            (most, ProbeReason::DecoderControl { decoder, class, share, answer })
        })
        .collect()
}

/// The place of the largest share; of equals the first.
fn largest(shares: &[Measured]) -> usize {
    (0..shares.len()).rev().max_by(|a, b| shares[*a].value.total_cmp(&shares[*b].value)).unwrap_or(0)
}

/// The mildest degradation of each kind after which the classes are no longer told apart.
fn robustness(card: &ProbeCard) -> Option<ProbeReason> {
    if card.evaluation.separation.auc.low <= 0.5 || card.controls.robustness.is_empty() {
        return None;
    }
    let kind = |degradation: Degradation| match degradation {
        Degradation::Jpeg { .. } => 0,
        Degradation::Rescaled { .. } => 1,
        Degradation::Blurred { .. } => 2,
    };
    let lost = |wanted: usize| {
        let mut points = card.controls.robustness.iter();
        points
            .find(|point| kind(point.degradation) == wanted && point.separation.auc.low <= 0.5)
            .map(|point| point.degradation)
    };
    Some(ProbeReason::LostAfter { degradations: (0..3).filter_map(lost).collect() })
}

/// Judges an answer about images.
#[must_use]
pub fn judge_answer(card: &ProbeCard, summary: &AppliedSummary) -> Vec<AnswerReason> {
    let best = largest(&summary.shares);
    let share = summary.shares[best];
    let (n_images, n_groups) = (summary.n_images, summary.n_groups);
    let mut reasons =
        vec![AnswerReason::Share { class: card.classes[best].clone(), share, n_images, n_groups }];
    if share.low <= 1.0 / card.classes.len() as f64 {
        reasons.push(AnswerReason::NoBetterThanChance);
    }
    if n_groups < FEW_GROUPS {
        reasons.push(AnswerReason::FewGroups { groups: n_groups });
    }
    let is_mostly_outside = summary.outside.is_some_and(|outside| outside.value > MOSTLY_OUTSIDE);
    match summary.outside {
        Some(outside) if is_mostly_outside => {
            reasons.push(AnswerReason::MostlyOutside { share: outside.value });
        }
        Some(outside) if outside.low > 0.05 => {
            reasons.push(AnswerReason::PartlyOutside { share: outside.value });
        }
        Some(_) => {}
        None => reasons.push(AnswerReason::OutsideUnknown),
    }
    reasons.extend(compression(card, summary).map(AnswerReason::Compressed));
    reasons.extend(hidden_grid(card, summary));
    reasons.push(match is_mostly_outside {
        true => AnswerReason::NoAnswer,
        false => AnswerReason::Conclusion(judge_probe(card).claim),
    });
    reasons
}

/// Whether the images were compressed more than the plan makes up for.
fn compression(card: &ProbeCard, summary: &AppliedSummary) -> Option<Compression> {
    if summary.n_lossy == 0 {
        return None;
    }
    let quality = summary.lowest_quality;
    Some(Compression {
        n_lossy: summary.n_lossy,
        n_images: summary.n_images,
        lowest_quality: quality,
        is_covered: card.plan.jpeg.zip(quality).is_some_and(|(step, quality)| step.quality <= quality),
        nearest: quality.and_then(|quality| auc_at_quality(card, quality)),
    })
}

/// Lossless files that are not: their share, beside that of the training images, where a decoder's own lattice shows too.
fn hidden_grid(card: &ProbeCard, summary: &AppliedSummary) -> Option<AnswerReason> {
    if summary.n_hidden_grid == 0 {
        return None;
    }
    let (training_images, training_with_grid) = card
        .generators
        .iter()
        .fold((0, 0), |(all, some), generator| (all + generator.n_images, some + generator.n_hidden_grid));
    Some(AnswerReason::HiddenGrid {
        n_with_grid: summary.n_hidden_grid,
        n_images: summary.n_images,
        training_with_grid,
        training_images,
    })
}

/// The curve's point at the greatest quality that is not above the given one, or the lowest.
fn auc_at_quality(card: &ProbeCard, quality: u8) -> Option<(u8, Measured)> {
    let points = card.controls.robustness.iter().filter_map(|point| match point.degradation {
        Degradation::Jpeg { quality } => Some((quality, point.separation.auc)),
        Degradation::Rescaled { .. } | Degradation::Blurred { .. } => None,
    });
    let points: Vec<(u8, Measured)> = points.collect();
    let below = points.iter().filter(|(at, _)| *at <= quality).max_by_key(|(at, _)| *at);
    below.or_else(|| points.iter().min_by_key(|(at, _)| *at)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alike::{JpegStep, Plan, Sizing, Subsampling},
        architecture::{
            data::{FactProfile, Profile, Shares},
            learn::ProbeKind,
            trust::{
                Controls, DecoderControl, Evaluation, LeaveOneOut, RobustnessPoint, Separation,
                ShuffleControl,
            },
        },
    };

    fn measured(value: f64, low: f64, high: f64) -> Measured {
        Measured { value, low, high, n_groups: 40, n_images: 80 }
    }

    fn separation(auc: Measured) -> Separation {
        Separation { accuracy: auc, balanced_accuracy: auc, auc }
    }

    /// A probe with which nothing is wrong.
    fn good() -> ProbeCard {
        let left_out = |class: &str, generator: &str| LeaveOneOut {
            class: class.to_owned(),
            generator: generator.to_owned(),
            recognised: measured(0.9, 0.8, 0.95),
            auc: measured(0.95, 0.9, 1.0),
        };
        let shares = vec![measured(0.1, 0.05, 0.2), measured(0.9, 0.8, 0.95)];
        let decoder = DecoderControl { name: "diffusion".to_owned(), shares, outside: None, n_unused: 0 };
        let robustness = |quality, auc| RobustnessPoint {
            degradation: Degradation::Jpeg { quality },
            separation: separation(auc),
        };
        ProbeCard {
            kind: ProbeKind::Spectrum,
            tool_version: "test".to_owned(),
            classes: vec!["diffusion".to_owned(), "var".to_owned()],
            plan: Plan { side: 256, sizing: Sizing::CentreCrop, jpeg: None },
            plan_notes: Vec::new(),
            seed: 0,
            shares: Shares::default(),
            generators: Vec::new(),
            n_known_groups: 80,
            unused: Vec::new(),
            profile: Profile { facts: Vec::new(), warnings: Vec::new() },
            evaluation: Evaluation {
                separation: separation(measured(0.98, 0.95, 1.0)),
                temperature: 1.0,
                calibration_error_before: 0.1,
                calibration_error: 0.05,
                brier_before: 0.1,
                brier: 0.05,
                histograms: vec![[0; 10]; 2],
                outside_share: Some(0.05),
            },
            controls: Controls {
                shuffle: ShuffleControl { aucs: Vec::new(), mean: 0.5, low: 0.45, high: 0.55 },
                leave_one_out: vec![left_out("diffusion", "flux"), left_out("diffusion", "sd3")],
                decoders: vec![decoder],
                robustness: vec![
                    robustness(95, measured(0.9, 0.8, 1.0)),
                    robustness(50, measured(0.55, 0.4, 0.7)),
                ],
            },
            outside_threshold: Some(100.0),
            signatures: Vec::new(),
            embedder: None,
            network: None,
            epochs: Vec::new(),
        }
    }

    fn check(change: impl Fn(&mut ProbeCard), claim: Claim, says: &str) {
        let mut card = good();
        change(&mut card);
        let verdict = judge_probe(&card);
        assert_eq!(verdict.claim, claim, "{verdict:#?}");
        let sentences: Vec<String> = verdict.reasons.iter().map(ToString::to_string).collect();
        assert!(sentences.iter().any(|sentence| sentence.contains(says)), "{says}: {sentences:#?}");
        assert_eq!(verdict.reasons.last(), Some(&ProbeReason::Conclusion(claim)));
    }

    #[test]
    fn each_rule_limits_the_claim() {
        check(|_| {}, Claim::Class, "no longer separates them once images are: JPEG quality 50.");
        check(
            |card| card.evaluation.separation = separation(measured(0.6, 0.5, 0.7)),
            Claim::Nothing,
            "cannot be separated on unseen groups",
        );
        check(
            |card| card.controls.shuffle.low = 0.52,
            Claim::Nothing,
            "something leaks from training to testing",
        );
        check(|card| card.controls.leave_one_out.clear(), Claim::Generators, "No class has two generators");
        check(
            |card| card.controls.leave_one_out[1].recognised = measured(0.4, 0.2, 0.6),
            Claim::Generators,
            "does not assign that generator's images to its class: sd3",
        );
        check(|card| card.controls.decoders.clear(), Claim::Decoder, "it may detect only the decoder");
        check(
            |card| card.controls.decoders[0].shares.reverse(),
            Claim::Decoder,
            "passed through the decoder `diffusion` are classified as `diffusion`",
        );
        check(
            |card| card.controls.decoders[0].shares = vec![measured(0.5, 0.4, 0.6); 2],
            Claim::Decoder,
            "which is inconclusive",
        );
        check(
            |card| card.evaluation.separation.auc.n_groups = 6,
            Claim::Generators,
            "tested on only 6 groups",
        );
    }

    #[test]
    fn facts_of_files_limit_it_too() {
        let separates = |fact: Fact| FactProfile {
            fact,
            values: vec![Vec::new(); 2],
            balanced_accuracy: measured(1.0, 0.9, 1.0),
            chance: 0.5,
            separates: true,
        };
        check(
            |card| card.profile.facts.push(separates(Fact::Format)),
            Claim::Generators,
            "nothing was done about it",
        );
        check(
            |card| card.profile.facts.push(separates(Fact::Size)),
            Claim::Generators,
            "cropping leaves this unchanged",
        );
        check(|card| card.profile.facts.push(separates(Fact::Metadata)), Claim::Class, "well separated");
    }

    fn answer(change: impl Fn(&mut ProbeCard, &mut AppliedSummary)) -> String {
        let mut card = good();
        let mut summary = AppliedSummary {
            shares: vec![measured(0.8, 0.7, 0.9), measured(0.2, 0.1, 0.3)],
            outside: Some(measured(0.05, 0.0, 0.1)),
            mean_confidence: vec![0.8, 0.2],
            histogram: [0; 10],
            n_images: 80,
            n_groups: 40,
            n_lossy: 0,
            lowest_quality: None,
            n_hidden_grid: 0,
        };
        change(&mut card, &mut summary);
        judge_answer(&card, &summary).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn answers_say_what_weakens_them() {
        let plain = answer(|_, _| {});
        assert!(plain.starts_with(
            "Of 80 images in 40 groups, 80 % are classified as `diffusion` (95 % interval 70 to 90 %). Therefore an answer may indicate"
        ));
        assert!(answer(|_, summary| summary.n_groups = 7).contains("only 7 groups of images"));
        assert!(answer(|_, summary| summary.shares[0].low = 0.45).contains("within chance"));
        let outside =
            |value, low| answer(move |_, summary| summary.outside = Some(measured(value, low, 1.0)));
        assert!(outside(0.9, 0.8).contains("neither class is an answer for them"));
        assert!(outside(0.9, 0.8).ends_with("The probe therefore has no answer about these images."));
        assert!(outside(0.2, 0.1).contains("20 % of the images are unlike"));
        assert!(answer(|card, _| card.controls.shuffle.low = 0.6).ends_with("mean nothing."));
    }

    #[test]
    fn compressed_pictures_are_told() {
        let compressed = |plan: Option<u8>, quality: u8| {
            answer(move |card, summary| {
                card.plan.jpeg = plan.map(|quality| JpegStep { quality, subsampling: Subsampling::Half });
                (summary.n_lossy, summary.lowest_quality) = (80, Some(quality));
            })
        };
        assert!(compressed(None, 90).contains("the answer may come from the compression. At quality 50"));
        let hidden = answer(|_, summary| summary.n_hidden_grid = 70);
        assert!(hidden.contains("70 of 80 images are stored losslessly but show an 8-pixel grid"));
        assert!(compressed(Some(90), 70).contains("may come from the compression"));
        assert!(
            compressed(Some(70), 95).contains("a trace of the first compression may remain. At quality 95")
        );
    }
}
