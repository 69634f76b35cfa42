//! The same as JSON, and the folder of a report.

use imgeval_report::schema::Schema;
use std::path::Path;

use anyhow::{Context as _, Result};
use imgeval_diagnose::{
    architecture::{
        AnswerReason, AppliedImages, AppliedSummary, CandidateRecord, CandidateSheet, DecoderSignature,
        PlanRecord, Probe, ProbeCard, ProbeCardRecord, SignatureRecord, SummaryRecord, judge_probe,
    },
    collect::{Unused, count_unused},
};
use imgeval_pages::{make_names_unique, write_figures};
use imgeval_report::figures::Figure;
use serde_json::{Value, json};

use super::{
    figures::{answer_figures, probe_figures},
    show,
};
use imgeval_files::output_folder;

/// An answer with all that goes with it.
pub(super) struct AnswerReport<'a> {
    pub(super) card: &'a ProbeCard,
    pub(super) applied: &'a AppliedImages,
    pub(super) summary: AppliedSummary,
    /// With its likeness to each of the card's signatures.
    pub(super) signature: Option<(DecoderSignature, Vec<f64>)>,
    pub(super) reasons: Vec<AnswerReason>,
    pub(super) evidence: Vec<CandidateSheet>,
}

pub(super) fn probe_json(card: &ProbeCard, probe: &Probe) -> Value {
    let verdict = judge_probe(card);
    let (kind, version) = Schema::ArchitectureProbe.name_and_version();
    Schema::ArchitectureProbe.stamp(json!({
        "kind": kind,
        "version": version,
        "card": ProbeCardRecord::from(card),
        "similarities": probe.similarities(),
        "claim": verdict.claim.code(),
        "verdict": sentences(&verdict.reasons),
    }))
}

/// What people read.
fn sentences<Reason: ToString>(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(ToString::to_string).collect()
}

pub(super) fn answer_json(answer: &AnswerReport<'_>) -> Value {
    let images: Vec<Value> = answer
        .applied
        .answered
        .iter()
        .map(|(image, given)| {
            json!({
                "image": image.name,
                "sha256": image.examined.sha256,
                "group": image.group,
                "class": answer.card.classes[given.class],
                "probabilities": given.probabilities,
                "distance": given.distance,
                "outside": given.is_outside,
            })
        })
        .collect();
    let (unused, unused_counts) = unused_json(&answer.applied.unused);
    let signature = answer.signature.as_ref().map(|(record, likeness)| {
        let names = answer.card.signatures.iter().map(|known| &known.name);
        let similarity: serde_json::Map<String, Value> =
            names.zip(likeness).map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({"signature": SignatureRecord::from(record), "similarity": similarity})
    });
    let (kind, version) = Schema::ArchitectureAnswer.name_and_version();
    Schema::ArchitectureAnswer.stamp(json!({
        "kind": kind,
        "version": version,
        "probe": {
            "kind": answer.card.kind.code(),
            "classes": answer.card.classes,
            "plan": PlanRecord::from(&answer.card.plan),
            "plan_text": answer.card.plan.describe(),
            "claim": judge_probe(answer.card).claim.code(),
        },
        "summary": SummaryRecord::from(&answer.summary),
        "verdict": sentences(&answer.reasons),
        "evidence": answer.evidence.iter().map(CandidateRecord::from).collect::<Vec<_>>(),
        "signature": signature,
        "images": images,
        "unused": unused,
        "unused_counts": unused_counts,
    }))
}

/// Every image that was not used, and how many for each reason.
pub(super) fn unused_json(unused: &[Unused]) -> (Vec<Value>, Vec<Value>) {
    let one =
        |one: &Unused| json!({"image": one.name, "reason": one.reason.code(), "detail": one.reason.detail()});
    let counts = count_unused(unused);
    let counts = counts.iter().map(|one| json!({"reason": one.reason, "count": one.count}));
    (unused.iter().map(one).collect(), counts.collect())
}

pub(super) fn write_probe_report(folder: &Path, probe: &Probe, value: &Value) -> Result<()> {
    let text = show::probe_text(&probe.card);
    write_report(folder, "Architecture probe", &text, value, probe_figures(probe))
}

pub(super) fn write_answer_report(folder: &Path, answer: &AnswerReport<'_>, value: &Value) -> Result<()> {
    write_report(folder, "What the probe says", &show::answer_text(answer), value, answer_figures(answer))
}

/// The value, the text that people see, and figures as SVG and PNG.
pub(super) fn write_report(
    folder: &Path,
    title: &str,
    text: &str,
    value: &Value,
    figures: Vec<Figure>,
) -> Result<()> {
    write(folder, "report.json", &format!("{value:#}\n"))?;
    write(folder, "summary.md", &in_markdown(title, text))?;
    write_all(folder, figures)
}

fn write_all(folder: &Path, mut figures: Vec<Figure>) -> Result<()> {
    make_names_unique(&mut figures);
    let context = || format!("could not write `{}`", folder.join("figures").display());
    let folder = output_folder(folder)?.make_folder("figures").with_context(context)?;
    Ok(write_figures(&folder, &figures)?)
}

/// The text in a fence that is longer than any in it.
fn in_markdown(title: &str, text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("# {title}\n\n{fence}text\n{text}{fence}\n")
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    output_folder(folder)?
        .write_whole(name, text.as_bytes())
        .with_context(|| format!("could not write `{}`", folder.join(name).display()))
}
