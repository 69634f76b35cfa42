//! The verdict in plain sentences, and what a reader must know before any number.

use super::{
    input::{Class, Origin, StudyImage},
    report::{DetectorRecord, FilesRecord, VerdictRecord},
    verdict::{Evidence, MIN_CLUSTERS, Separation, UNDECIDED_AUC, Verdict, judge_study},
};

/// So many reals are one image in a hundred.
const REALS_OF_1_PERCENT: usize = imgeval_metrics::detection::MIN_REALS_AT_1_PERCENT;

impl Verdict {
    /// The verdict in words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Detectable => "detectable",
            Self::DetectableOnlyByFiles => "detectable only by its files",
            Self::NotDetectable => "not detectable by these detectors under matched codecs",
            Self::TooFew => "too few",
        }
    }
}

pub(super) fn say_verdict(evidence: &Evidence) -> VerdictRecord {
    let verdict = judge_study(evidence);
    let mut sentences = match verdict {
        Verdict::Detectable => detectable(evidence),
        Verdict::DetectableOnlyByFiles => only_by_files(evidence),
        Verdict::NotDetectable => not_detectable(evidence),
        Verdict::TooFew => too_few(evidence),
    };
    sentences.extend(inverted(evidence));
    VerdictRecord { verdict, title: verdict.title().to_owned(), sentences }
}

fn best<'a>(found: impl Iterator<Item = (&'a str, Separation)>) -> Option<(&'a str, Separation)> {
    found.max_by(|left, right| left.1.auc.value.total_cmp(&right.1.auc.value))
}

fn auc(separation: &Separation) -> String {
    let found = separation.auc;
    format!("AUC {:.3}, 95 % CI {:.3} to {:.3}", found.value, found.low, found.high)
}

/// `1 detector`, `2 detectors`.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn detectable(evidence: &Evidence) -> Vec<String> {
    let n = evidence.matched().count();
    let telling: Vec<(&str, Separation)> =
        evidence.matched().filter(|(_, separation)| separation.tells_apart()).collect();
    let sentence = |(name, separation): (&str, Separation)| match n {
        1 => {
            format!("With codec and size matched, {name} separates fakes from reals ({}).", auc(&separation))
        }
        _ => format!(
            "With codec and size matched, {} of {n} detectors separate fakes from reals; the best is {name} ({}).",
            telling.len(),
            auc(&separation)
        ),
    };
    let mut sentences: Vec<String> = best(telling.iter().copied()).map(sentence).into_iter().collect();
    sentences.extend(delivered_best(evidence));
    if let Some(facts) = facts(evidence) {
        sentences.push(format!(
            "{facts} Matching codec and size removes most of this, but not all: an earlier compression or enlargement leaves traces, so part of the result may come from it."
        ));
    }
    sentences
}

fn delivered_best(evidence: &Evidence) -> Option<String> {
    let (name, separation) = best(evidence.delivered())?;
    Some(format!("On the files as delivered, the best is {name} ({}).", auc(&separation)))
}

fn matched_best(evidence: &Evidence) -> Option<String> {
    let n = evidence.matched().count();
    let (name, separation) = best(evidence.matched())?;
    let found = auc(&separation);
    Some(match n {
        1 => format!(
            "With codec and size matched, {name} does not separate fakes from reals ({found}; 0.5 is chance)."
        ),
        _ => format!(
            "With codec and size matched, none of {n} detectors separates fakes from reals; the highest is {name} ({found}; 0.5 is chance)."
        ),
    })
}

fn only_by_files(evidence: &Evidence) -> Vec<String> {
    let mut sentences: Vec<String> =
        delivered_best(evidence).into_iter().chain(matched_best(evidence)).collect();
    sentences.extend(facts(evidence));
    sentences.push("Nothing here shows more than a difference in how the files were made.".to_owned());
    sentences
}

fn not_detectable(evidence: &Evidence) -> Vec<String> {
    let mut sentences: Vec<String> =
        matched_best(evidence).into_iter().chain(delivered_best(evidence)).collect();
    if evidence.delivered().any(|(_, separation)| separation.tells_apart()) {
        sentences.push(
            "No property of the files separates the classes, so the difference seen there does not survive the common codec and size."
                .to_owned(),
        );
    }
    sentences.push("Other detectors may still find a difference.".to_owned());
    sentences
}

fn too_few(evidence: &Evidence) -> Vec<String> {
    let Evidence { n_real, n_fake, n_real_clusters, n_fake_clusters, .. } = evidence;
    let reals = format!("{} from {}", count(*n_real, "real image"), count(*n_real_clusters, "source"));
    let fakes = format!("{} from {}", count(*n_fake, "fake image"), count(*n_fake_clusters, "prompt"));
    if evidence.is_small() {
        return vec![format!(
            "The study has {reals} and {fakes}; at least {MIN_CLUSTERS} sources and {MIN_CLUSTERS} prompts are needed."
        )];
    }
    if evidence.matched().next().is_none() {
        return vec![
            "No detector has scores of both classes with codec and size matched, so the images cannot be separated from their files."
                .to_owned(),
        ];
    }
    let mut sentences: Vec<String> = matched_best(evidence).into_iter().collect();
    sentences.push(format!(
        "The study has {reals} and {fakes}: too few to rule out an AUC of {UNDECIDED_AUC} or more."
    ));
    sentences.extend(delivered_best(evidence));
    sentences.extend(facts(evidence));
    sentences
}

/// What the files alone tell.
fn facts(evidence: &Evidence) -> Option<String> {
    let named: Vec<String> = evidence
        .separating_facts
        .iter()
        .map(|fact| format!("{} ({:.0} % accuracy)", fact.name, 100.0 * fact.accuracy))
        .collect();
    (!named.is_empty())
        .then(|| format!("The files alone separate the classes, where chance is 50 %: {}.", named.join(", ")))
}

fn inverted(evidence: &Evidence) -> Option<String> {
    let names: Vec<String> = evidence
        .matched()
        .filter(|(_, separation)| separation.is_inverted())
        .map(|(name, separation)| format!("{name} ({})", auc(&separation)))
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "These detectors score reals higher than fakes, so they misread a difference between the classes: {}.",
            names.join(", ")
        )
    })
}

/// Sentences that come before the numbers.
pub(super) fn warnings(
    images: &[StudyImage],
    files: &FilesRecord,
    detectors: &[DetectorRecord],
) -> Vec<String> {
    let n_of = |class: Class| images.iter().filter(|image| image.class == class).count();
    let (n_real, n_fake) = (n_of(Class::Real), n_of(Class::Fake));
    let mut warnings = Vec::new();
    if n_real == 0 || n_fake == 0 {
        let missing = if n_real == 0 { Class::Real } else { Class::Fake };
        warnings.push(format!(
            "There are no {} images: only the share of images called fake is defined, but no accuracy.",
            missing.name()
        ));
    } else if n_real < REALS_OF_1_PERCENT {
        warnings.push(format!(
            "A true positive rate at 1 % false positives needs {REALS_OF_1_PERCENT} real images, and there are {n_real}."
        ));
    }
    for (class, format) in &files.single_formats {
        warnings.push(format!(
            "All {} images are {format} files: a detector may have learned the format instead of the generator.",
            class.name()
        ));
    }
    for detector in detectors.iter().filter(|detector| detector.origin != Origin::Fused) {
        for condition in &detector.conditions {
            let n_failed: usize = condition.failures.iter().map(|failure| failure.n_images).sum();
            if n_failed > 0 && matches!(condition.code.as_str(), "as-delivered" | "matched") {
                warnings.push(format!(
                    "{} failed on {} ({}); they are skipped.",
                    detector.name,
                    count(n_failed, "image"),
                    condition.name
                ));
            }
        }
    }
    warnings
}
