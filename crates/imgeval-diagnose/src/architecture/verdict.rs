//! What may be claimed: rules that turn measurements into sentences, and never into more than the controls allow.

use serde::{Deserialize, Serialize};

use super::{
    apply::AppliedSummary, degrade::Degradation, harmonise::Sizing, probe::ProbeCard, record::Measured,
};

/// With fewer groups, shares are anecdotes.
const FEW_GROUPS: usize = 10;

/// When a larger share of pictures is unlike those trained on, no answer stands.
const MOSTLY_OUTSIDE: f64 = 0.5;

/// The most that a positive answer of the probe can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// Nothing: it cannot tell the classes apart, or finds what is not there.
    Nothing,
    /// That pictures are more like those of these very generators.
    Generators,
    /// That pictures carry traces of a decoder like the class's.
    Decoder,
    /// Something about the class beyond the decoder, as far as the generators that were tried go.
    Class,
}

/// What the probe can mean, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    pub claim: Claim,
    pub sentences: Vec<String>,
}

/// Judges a probe by its evaluation and controls.
#[must_use]
pub fn judge_probe(card: &ProbeCard) -> Verdict {
    let mut claim = Claim::Class;
    let mut sentences = Vec::new();
    let mut say = |most: Claim, sentence: String| {
        claim = claim.min(most);
        sentences.push(sentence);
    };
    let separation = &card.evaluation.separation;
    let auc = separation.auc;
    say(if auc.low <= 0.5 { Claim::Nothing } else { Claim::Class }, separation_sentence(auc));
    if card.controls.shuffle.is_above_chance() {
        say(
            Claim::Nothing,
            format!(
                "Labels without meaning are told apart too (AUC {:.3}): something leaks from training to testing, and no accuracy of this probe means anything.",
                card.controls.shuffle.mean
            ),
        );
    } else {
        say(
            Claim::Class,
            format!(
                "On shuffled labels it does no better than chance (AUC {:.3}, {:.3} to {:.3}), as it must.",
                card.controls.shuffle.mean, card.controls.shuffle.low, card.controls.shuffle.high
            ),
        );
    }
    for sentence in confound_sentences(card) {
        say(Claim::Generators, sentence);
    }
    let (most, sentence) = generators_sentence(card);
    say(most, sentence);
    for (most, sentence) in decoder_sentences(card) {
        say(most, sentence);
    }
    if let Some(sentence) = robustness_sentence(card) {
        say(Claim::Class, sentence);
    }
    let groups = separation.auc.n_groups;
    if groups < FEW_GROUPS {
        say(
            Claim::Generators,
            format!("It was tested on {groups} groups only, so all of this is uncertain."),
        );
    }
    sentences.push(claim_sentence(claim).to_owned());
    Verdict { claim, sentences }
}

fn separation_sentence(auc: Measured) -> String {
    let text = auc.text();
    match auc {
        _ if auc.low <= 0.5 => {
            format!("The classes cannot be told apart on unseen groups (AUC {text}; 0.5 is chance).")
        }
        _ if auc.value < 0.8 => format!("The classes are told apart weakly on unseen groups (AUC {text})."),
        _ if auc.value < 0.95 => format!("The classes are told apart on unseen groups (AUC {text})."),
        _ => format!("The classes are told apart well on unseen groups (AUC {text})."),
    }
}

/// Facts of files that differed and that harmonising cannot undo completely.
fn confound_sentences(card: &ProbeCard) -> Vec<String> {
    use super::profile::Fact;
    let separates = |fact: Fact| card.profile.separates(fact);
    let mut sentences = Vec::new();
    if separates(Fact::Size) || separates(Fact::Aspect) {
        let how = match card.plan.sizing {
            Sizing::Scaled => "scaling all to one size removes most of that and not all",
            Sizing::CentreCrop | Sizing::DrawnCrop { .. } => "crops leave it as it is",
        };
        sentences.push(format!(
            "The classes came in different sizes or shapes, which alone tells them apart; {how}, so the accuracy may be owed to it."
        ));
    }
    let is_compression = [Fact::Format, Fact::QuantisationTables, Fact::Subsampling];
    if is_compression.into_iter().any(separates) {
        let how = match card.plan.jpeg {
            None => "and nothing was done about it",
            Some(_) => "and a common compression covers it well only near the earlier quality",
        };
        sentences.push(format!(
            "The classes came in different file formats or compressions, {how}, so the accuracy may be owed to it in part."
        ));
    }
    sentences
}

fn generators_sentence(card: &ProbeCard) -> (Claim, String) {
    let controls = &card.controls.leave_one_out;
    let chance = 1.0 / card.classes.len() as f64;
    if controls.is_empty() {
        let sentence = "No class has two generators, so it is unknown whether it recognises the class or these generators only.";
        return (Claim::Generators, sentence.to_owned());
    }
    let failed: Vec<String> = controls
        .iter()
        .filter(|control| control.recognised.low <= chance)
        .map(|control| format!("{} ({})", control.generator, control.recognised.text()))
        .collect();
    if failed.is_empty() {
        let all: Vec<String> = controls
            .iter()
            .map(|control| format!("{} ({})", control.generator, control.recognised.text()))
            .collect();
        return (
            Claim::Class,
            format!("Generators that it was not trained on are taken for their class: {}.", all.join(", ")),
        );
    }
    let sentence = format!(
        "Trained without one generator it does not take that one's pictures for its class: {}. It recognises generators, not the class.",
        failed.join(", ")
    );
    (Claim::Generators, sentence)
}

fn decoder_sentences(card: &ProbeCard) -> Vec<(Claim, String)> {
    let controls = &card.controls.decoders;
    if controls.is_empty() {
        let sentence = "No real photographs were sent through a decoder, so it is not excluded that it sees the decoder alone and nothing of how pictures are generated.";
        return vec![(Claim::Decoder, sentence.to_owned())];
    }
    let chance = 1.0 / card.classes.len() as f64;
    controls
        .iter()
        .map(|control| {
            let name = &control.name;
            let class = card.classes.iter().position(|class| class == name);
            let strongest = (0..control.shares.len())
                .rev()
                .max_by(|a, b| control.shares[*a].value.total_cmp(&control.shares[*b].value))
                .unwrap_or(0);
            // A name that is no class's says nothing about which class to expect; then any clear preference counts.
            let (class, share) = match class {
                Some(class) => (class, control.shares[class]),
                None => (strongest, control.shares[strongest]),
            };
            let of_class = &card.classes[class];
            match share {
                _ if share.low > chance => (
                    Claim::Decoder,
                    format!(
                        "Real photographs that only went through the decoder `{name}` are taken for `{of_class}` ({}): it sees the decoder, not how the picture was generated.",
                        share.text()
                    ),
                ),
                _ if share.high < chance => (
                    Claim::Class,
                    format!(
                        "Real photographs that went through the decoder `{name}` are not taken for `{of_class}` ({}): the decoder alone is not what it sees.",
                        share.text()
                    ),
                ),
                _ => (
                    Claim::Decoder,
                    format!(
                        "Of real photographs that went through the decoder `{name}` it takes {} for `{of_class}`, which decides nothing.",
                        share.text()
                    ),
                ),
            }
        })
        .collect()
}

/// The mildest degradation of each kind after which the classes are no longer told apart.
fn robustness_sentence(card: &ProbeCard) -> Option<String> {
    if card.evaluation.separation.auc.low <= 0.5 || card.controls.robustness.is_empty() {
        return None;
    }
    let kind = |degradation: Degradation| match degradation {
        Degradation::Jpeg { .. } => 0,
        Degradation::Rescaled { .. } => 1,
        Degradation::Blurred { .. } => 2,
    };
    let lost = |wanted: usize| {
        card.controls
            .robustness
            .iter()
            .find(|point| kind(point.degradation) == wanted && point.separation.auc.low <= 0.5)
            .map(|point| point.degradation.name())
    };
    let all: Vec<String> = (0..3).filter_map(lost).collect();
    Some(if all.is_empty() {
        "It still tells the classes apart after every degradation that was tried.".to_owned()
    } else {
        format!("It no longer tells them apart once pictures are: {}.", all.join("; "))
    })
}

fn claim_sentence(claim: Claim) -> &'static str {
    match claim {
        Claim::Nothing => "So its answers about other pictures mean nothing.",
        Claim::Generators => {
            "So an answer means at most that pictures are more like those of these generators; it says nothing about the architecture of others."
        }
        Claim::Decoder => {
            "So an answer means at most that pictures carry traces of a decoder like that of the class; it does not say how they were generated before it."
        }
        Claim::Class => {
            "So an answer may mean the class, as far as the generators that were tried stand for it; other decoders of the same kind may still mislead it."
        }
    }
}

/// Judges an answer about pictures.
#[must_use]
pub fn judge_answer(card: &ProbeCard, summary: &AppliedSummary) -> Vec<String> {
    let of_probe = judge_probe(card);
    let mut sentences = Vec::new();
    let best = (0..summary.shares.len())
        .rev()
        .max_by(|a, b| summary.shares[*a].value.total_cmp(&summary.shares[*b].value))
        .unwrap_or(0);
    let (share, class) = (summary.shares[best], &card.classes[best]);
    sentences.push(format!(
        "Of {} pictures in {} groups, {:.0} % are taken for `{class}` (95 % interval {:.0} to {:.0} %).",
        summary.n_images,
        summary.n_groups,
        100.0 * share.value,
        100.0 * share.low,
        100.0 * share.high
    ));
    let chance = 1.0 / card.classes.len() as f64;
    if share.low <= chance {
        sentences.push("That is no more than chance could give, so it decides nothing.".to_owned());
    }
    if summary.n_groups < FEW_GROUPS {
        sentences.push(format!(
            "There are only {} groups of pictures: whatever the share, so few cannot speak for a generator.",
            summary.n_groups
        ));
    }
    match summary.outside {
        Some(outside) if outside.value > MOSTLY_OUTSIDE => sentences.push(format!(
            "{:.0} % of the pictures are unlike anything that the probe was trained on (5 % are expected), so neither class is an answer for them.",
            100.0 * outside.value
        )),
        Some(outside) if outside.low > 0.05 => sentences.push(format!(
            "{:.0} % of the pictures are unlike those that the probe was trained on (5 % are expected).",
            100.0 * outside.value
        )),
        Some(_) => {}
        None => sentences.push(
            "The probe had too few pictures to say which are unlike those that it was trained on.".to_owned(),
        ),
    }
    sentences.extend(compression_sentence(card, summary));
    sentences.extend(hidden_grid_sentence(card, summary));
    sentences.push(match summary.outside {
        Some(outside) if outside.value > MOSTLY_OUTSIDE => {
            "So the probe has no answer about these pictures.".to_owned()
        }
        _ => claim_sentence(of_probe.claim).to_owned(),
    });
    sentences
}

/// Whether the pictures were compressed more than the plan makes up for.
fn compression_sentence(card: &ProbeCard, summary: &AppliedSummary) -> Option<String> {
    let (n_lossy, n_images) = (summary.n_lossy, summary.n_images);
    if n_lossy == 0 {
        return None;
    }
    let quality = summary.lowest_quality;
    let is_covered = match (card.plan.jpeg, quality) {
        (Some(step), Some(quality)) => step.quality <= quality,
        _ => false,
    };
    let found = quality.map_or("lossy WebP".to_owned(), |quality| format!("quality down to {quality}"));
    let nearest = quality.and_then(|quality| auc_at_quality(card, quality));
    let at = nearest.map_or(String::new(), |(quality, auc)| {
        format!(" At quality {quality} the probe's own test pictures are told apart with AUC {}.", auc.text())
    });
    Some(match is_covered {
        true => format!(
            "{n_lossy} of {n_images} pictures were compressed before ({found}) and are compressed again like all others; a trace of the first may remain.{at}"
        ),
        false => format!(
            "{n_lossy} of {n_images} pictures were compressed ({found}), which the training pictures were not in this way, so the answer may be owed to the compression.{at}"
        ),
    })
}

/// Lossless files that are not: their share, beside that of the training pictures, where a decoder's own lattice shows too.
fn hidden_grid_sentence(card: &ProbeCard, summary: &AppliedSummary) -> Option<String> {
    if summary.n_hidden_grid == 0 {
        return None;
    }
    let (known, with_grid) = card
        .generators
        .iter()
        .fold((0, 0), |(all, some), generator| (all + generator.n_images, some + generator.n_hidden_grid));
    let among = if known == 0 { 0.0 } else { 100.0 * with_grid as f64 / known as f64 };
    Some(format!(
        "{} of {} pictures are stored without loss and yet show a grid of 8 pixels, as one or several earlier compressions leave it (of the training pictures {among:.0} %): so they were probably compressed before, their history is not that of the training pictures, and the answer may be owed to it.",
        summary.n_hidden_grid, summary.n_images
    ))
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
    use crate::architecture::{
        controls::{Controls, DecoderControl, LeaveOneOut, RobustnessPoint, ShuffleControl},
        evaluation::{EvaluationRecord, Separation},
        harmonise::{JpegStep, Plan},
        jpeg::Subsampling,
        probe::ProbeKind,
        profile::{Fact, FactProfile, Profile},
        split::Shares,
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
            evaluation: EvaluationRecord {
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
        assert!(verdict.sentences.iter().any(|sentence| sentence.contains(says)), "{says}: {verdict:#?}");
        assert_eq!(verdict.sentences.last().unwrap(), claim_sentence(claim));
    }

    #[test]
    fn each_rule_limits_the_claim() {
        check(|_| {}, Claim::Class, "no longer tells them apart once pictures are: JPEG quality 50.");
        check(
            |card| card.evaluation.separation = separation(measured(0.6, 0.5, 0.7)),
            Claim::Nothing,
            "cannot be told apart on unseen groups",
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
            "does not take that one's pictures for its class: sd3",
        );
        check(
            |card| card.controls.decoders.clear(),
            Claim::Decoder,
            "not excluded that it sees the decoder alone",
        );
        check(
            |card| card.controls.decoders[0].shares.reverse(),
            Claim::Decoder,
            "only went through the decoder `diffusion` are taken for `diffusion`",
        );
        check(
            |card| card.controls.decoders[0].shares = vec![measured(0.5, 0.4, 0.6); 2],
            Claim::Decoder,
            "which decides nothing",
        );
        check(
            |card| card.evaluation.separation.auc.n_groups = 6,
            Claim::Generators,
            "tested on 6 groups only",
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
            "crops leave it as it is",
        );
        check(|card| card.profile.facts.push(separates(Fact::Metadata)), Claim::Class, "told apart well");
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
        judge_answer(&card, &summary).join(" ")
    }

    #[test]
    fn answers_say_what_weakens_them() {
        let plain = answer(|_, _| {});
        assert!(plain.starts_with(
            "Of 80 pictures in 40 groups, 80 % are taken for `diffusion` (95 % interval 70 to 90 %). So an answer may mean"
        ));
        assert!(answer(|_, summary| summary.n_groups = 7).contains("only 7 groups of pictures"));
        assert!(answer(|_, summary| summary.shares[0].low = 0.45).contains("no more than chance could give"));
        let outside =
            |value, low| answer(move |_, summary| summary.outside = Some(measured(value, low, 1.0)));
        assert!(outside(0.9, 0.8).contains("neither class is an answer for them"));
        assert!(outside(0.9, 0.8).ends_with("So the probe has no answer about these pictures."));
        assert!(outside(0.2, 0.1).contains("20 % of the pictures are unlike"));
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
        assert!(compressed(None, 90).contains("the answer may be owed to the compression. At quality 50"));
        let hidden = answer(|_, summary| summary.n_hidden_grid = 70);
        assert!(hidden.contains("70 of 80 pictures are stored without loss and yet show a grid of 8 pixels"));
        assert!(compressed(Some(90), 70).contains("may be owed to the compression"));
        assert!(compressed(Some(70), 95).contains("a trace of the first may remain. At quality 95"));
    }
}
