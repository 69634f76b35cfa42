//! Diagnoses, in the words of their own rules.

use super::{SummaryGroup, SummaryLine};
use crate::diagnosis::{DiagnosisKind, DiagnosisView};

pub(super) fn summarize_diagnoses(diagnoses: &[DiagnosisView]) -> SummaryGroup {
    let line = |diagnosis: &DiagnosisView| {
        let sentences = sentences_of(diagnosis.kind, &diagnosis.findings);
        (!sentences.is_empty()).then(|| SummaryLine {
            rank: String::new(),
            name: diagnosis.title.clone(),
            sentences,
        })
    };
    SummaryGroup { title: "Diagnoses".to_owned(), lines: diagnoses.iter().filter_map(line).collect() }
}

/// The verdict, and what keeps it from being read as more than its evidence.
fn sentences_of(kind: DiagnosisKind, findings: &[String]) -> Vec<String> {
    match (kind, findings) {
        // The last finding says the most that the first can mean.
        (DiagnosisKind::Architecture, [first, .., last]) => vec![first.clone(), last.clone()],
        (DiagnosisKind::Forensics, [verdict, numbers, ..]) => vec![verdict.clone(), numbers.clone()],
        (DiagnosisKind::Architecture | DiagnosisKind::Forensics, [first, ..]) => vec![first.clone()],
        // These give numbers and no verdict, or bring their own lines.
        (DiagnosisKind::Artefacts | DiagnosisKind::Rounds | DiagnosisKind::Other, _) | (_, []) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: DiagnosisKind, findings: &[&str]) -> Vec<String> {
        let findings = findings.iter().map(|finding| (*finding).to_owned()).collect();
        let view = DiagnosisView { title: "T".to_owned(), kind, findings, ..DiagnosisView::default() };
        summarize_diagnoses(&[view]).lines.into_iter().flat_map(|line| line.sentences).collect()
    }

    #[test]
    fn an_answer_about_the_architecture_stands_with_the_most_that_it_can_mean() {
        let findings = ["80 % are taken for `a`.", "Few groups.", "So the answer means nothing."];
        assert_eq!(said(DiagnosisKind::Architecture, &findings), [findings[0], findings[2]]);
        assert_eq!(said(DiagnosisKind::Architecture, &findings[2..]), [findings[2]]);
    }

    #[test]
    fn lines_that_a_diagnosis_brings_stand_in_a_group_of_their_own() {
        let line =
            SummaryLine { rank: "1".to_owned(), name: "a".to_owned(), sentences: vec!["S.".to_owned()] };
        let group = SummaryGroup { title: "Sessions".to_owned(), lines: vec![line] };
        let view = DiagnosisView {
            kind: DiagnosisKind::Rounds,
            findings: vec!["F.".to_owned()],
            summary: Some(group.clone()),
            ..DiagnosisView::default()
        };
        let report = crate::model::Report { diagnoses: vec![view], ..crate::model::Report::default() };
        assert_eq!(crate::summary::summarize(&report), [group]);
    }

    #[test]
    fn forensics_gives_its_verdict_with_the_first_numbers_and_others_give_none() {
        let findings = ["Detectable.", "AUC 0.9.", "More."];
        assert_eq!(said(DiagnosisKind::Forensics, &findings), findings[..2]);
        assert_eq!(said(DiagnosisKind::Forensics, &findings[..1]), findings[..1]);
        assert!(said(DiagnosisKind::Forensics, &[]).is_empty());
        assert!(said(DiagnosisKind::Artefacts, &["A trace."]).is_empty());
        assert!(said(DiagnosisKind::Other, &["Anything."]).is_empty());
    }
}
