//! The same as JSON, and the folder of a report.

use imgeval_report::schema::Schema;
use std::path::Path;

use anyhow::{Context as _, Result};
use imgeval_core::visible;
use imgeval_diagnose::{
    architecture::{
        AnswerReason, AppliedImages, AppliedSummary, CandidateRecord, CandidateSheet, DecoderSignature,
        PlanRecord, Probe, ProbeCard, ProbeCardRecord, SignatureRecord, SummaryRecord, judge_probe,
    },
    collect::{Unused, count_unused},
};
use imgeval_pages::write_diagnosis;
use imgeval_report::{
    diagnosis::{Diagnosis, DiagnosisKind},
    tables::terminal::View,
};
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
    let diagnosis = Diagnosis {
        title: "Architecture probe".to_owned(),
        kind: DiagnosisKind::Architecture,
        findings: sentences(&judge_probe(&probe.card).reasons),
        summary: None,
        text: show::probe_text(&probe.card),
        tables: Vec::new(),
        figures: probe_figures(probe),
    };
    write_report(folder, diagnosis, value)
}

/// `names` are those of the images that the probe was applied to.
pub(super) fn write_answer_report(
    folder: &Path,
    names: &str,
    answer: &AnswerReport<'_>,
    value: &Value,
) -> Result<()> {
    let diagnosis = Diagnosis {
        title: format!("Probe results of {names}"),
        kind: DiagnosisKind::Architecture,
        findings: sentences(&answer.reasons),
        summary: None,
        text: show::answer_text(answer),
        tables: vec![show::evidence_table(&answer.evidence)],
        figures: answer_figures(answer),
    };
    write_report(folder, diagnosis, value)
}

/// A page with figures as SVG and PNG, the value, and the text that people see.
pub(super) fn write_report(folder: &Path, diagnosis: Diagnosis, value: &Value) -> Result<()> {
    let tables: Vec<String> = diagnosis.tables.iter().map(|table| table.render(View::WIDE)).collect();
    let text = diagnosis.findings.iter().map(|finding| format!("{}\n", visible(finding)));
    let text: String = match diagnosis.text.as_str() {
        "" => text.chain(tables.into_iter().map(|table| format!("\n{table}"))).collect(),
        whole => whole.to_owned(),
    };
    let summary = in_markdown(&diagnosis.title, &text);
    write_diagnosis(diagnosis, folder)?;
    write(folder, "report.json", &format!("{value:#}\n"))?;
    write(folder, "summary.md", &summary)
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
