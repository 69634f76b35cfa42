//! Diagnoses on disk: a page of their own, and what other pages read of it.

use std::path::Path;

use imgeval_core::json::from_json_slice;
use imgeval_files::OwnFolder;
use imgeval_report::{
    diagnosis::{Diagnosis, DiagnosisView},
    figures::{Figure, FigureSection},
    model::Report,
    page::{PageOptions, PageWriter, Written},
};
use serde::{Deserialize, Serialize};

use super::{
    rounds::NoOriginals,
    written::{make_names_unique, render_figures, write_tables},
};
use crate::PagesError;

/// What other pages read.
const DOCUMENT: &str = "diagnosis.json";
const SCHEMA: &str = "imgeval/diagnosis/1";
const MAX_DOCUMENT_BYTES: u64 = 64 << 20;
const MAX_FIGURE_BYTES: u64 = 64 << 20;
/// More figures than any diagnosis draws.
const MOST_FIGURES: usize = 1000;

#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    diagnosis: DiagnosisView,
    figures: Vec<FigureFacts>,
}

#[derive(Serialize, Deserialize)]
struct FigureFacts {
    name: String,
    title: String,
    alternative: String,
}

/// Writes a page that shows a diagnosis alone, its figures, and `diagnosis.json`, which [`read_diagnosis`] reads.
///
/// # Errors
/// If the folder is another's or cannot be written.
pub fn write_diagnosis(mut diagnosis: Diagnosis, out: &Path) -> Result<Written, PagesError> {
    make_names_unique(&mut diagnosis.figures);
    let view = diagnosis.view(0);
    let report = Report {
        title: diagnosis.title.clone(),
        tool: format!("imgeval {}", env!("CARGO_PKG_VERSION")),
        diagnoses: vec![view.clone()],
        ..Report::default()
    };
    let page = PageWriter::create(out, PageOptions { single_file: false }, &NoOriginals)?;
    render_figures(&diagnosis.figures, |name, bytes| Ok(page.put("figures", name, bytes)?))?;
    write_tables(&page, &report)?;
    let written = page.finish(&report, &diagnosis.figures)?;
    keep_document(view, &diagnosis.figures, out)?;
    Ok(written)
}

/// Writes what [`read_diagnosis`] reads into the folder of a page that holds the figures.
pub(super) fn keep_document(
    diagnosis: DiagnosisView,
    figures: &[Figure],
    out: &Path,
) -> Result<(), PagesError> {
    let facts = |figure: &Figure| FigureFacts {
        name: figure.name.clone(),
        title: figure.title.clone(),
        alternative: figure.alternative.clone(),
    };
    let document =
        Document { schema: SCHEMA.to_owned(), diagnosis, figures: figures.iter().map(facts).collect() };
    let bytes = serde_json::to_vec_pretty(&document).map_err(PagesError::Json)?;
    let put = |folder: OwnFolder| folder.write_whole(DOCUMENT, &bytes);
    OwnFolder::open(out)
        .and_then(put)
        .map_err(|source| PagesError::WriteFigure { path: out.join(DOCUMENT), source })
}

/// The diagnosis in a folder that [`write_diagnosis`] wrote, with its figures. Nothing of it is trusted: texts are shown as texts,
/// and figures as images, in which no script runs.
///
/// # Errors
/// If there is none or it cannot be read.
pub fn read_diagnosis(folder: &Path) -> Result<(DiagnosisView, Vec<Figure>), PagesError> {
    let refuse = |detail: String| PagesError::NotADiagnosis { path: folder.to_owned(), detail };
    let read = |name: &str, limit: u64| {
        let opened = OwnFolder::open(folder)?;
        match name.split_once('/') {
            None => opened.read(name, limit),
            Some((below, name)) => opened.folder(below)?.read(name, limit),
        }
    };
    let read = |name: &str, limit: u64| {
        read(name, limit).map_err(|source| PagesError::ReadDiagnosis { path: folder.join(name), source })
    };
    let document: Document = from_json_slice(&read(DOCUMENT, MAX_DOCUMENT_BYTES)?)
        .map_err(|error| refuse(format!("`{DOCUMENT}`: {error}")))?;
    if document.schema != SCHEMA {
        return Err(refuse(format!("its schema is `{}`", document.schema)));
    }
    if document.figures.len() > MOST_FIGURES {
        return Err(refuse(format!("{} figures", document.figures.len())));
    }
    let is_plain = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
    };
    let mut figures = Vec::new();
    for facts in document.figures {
        let FigureFacts { name, title, alternative } = facts;
        if !is_plain(&name) {
            return Err(refuse("a figure's name is more than letters, digits and hyphens".to_owned()));
        }
        let svg = String::from_utf8(read(&format!("figures/{name}.svg"), MAX_FIGURE_BYTES)?)
            .map_err(|_| refuse(format!("figure `{name}` is not text")))?;
        figures.push(Figure { name, title, alternative, svg, section: FigureSection::Others });
    }
    if document.diagnosis.figures.iter().any(|place| *place >= figures.len()) {
        return Err(refuse("it names a figure that it does not have".to_owned()));
    }
    Ok((document.diagnosis, figures))
}

#[cfg(test)]
mod tests {
    use imgeval_report::diagnosis::DiagnosisKind;
    use imgeval_report::tables::terminal::{Column, Row, Table};

    use super::*;

    fn diagnosis() -> Diagnosis {
        let mut table = Table::new([Column::text("what"), Column::number("value")]);
        table.push(Row::new(["<b>bold</b>", "1"]));
        let figure = imgeval_report::figures::matrix(
            "Agreement",
            &["a".to_owned(), "b".to_owned()],
            &[vec![Some(1.0), Some(0.5)], vec![Some(0.5), Some(1.0)]],
        );
        Diagnosis {
            title: "Traces".to_owned(),
            kind: DiagnosisKind::Artefacts,
            findings: vec!["Nothing was found.".to_owned()],
            summary: None,
            text: String::new(),
            tables: vec![table],
            figures: vec![figure.clone(), figure],
        }
    }

    #[test]
    fn a_diagnosis_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("page");
        write_diagnosis(diagnosis(), &out).unwrap();
        // A second time into the same folder.
        write_diagnosis(diagnosis(), &out).unwrap();
        let (view, figures) = read_diagnosis(&out).unwrap();
        assert_eq!(view.tables[0].sections[0].rows, [["<b>bold</b>", "1"]]);
        assert_eq!(view.figures, [0, 1]);
        assert_eq!(view.kind, DiagnosisKind::Artefacts);
        assert_ne!(figures[0].name, figures[1].name);
        assert!(figures[0].svg.starts_with("<svg"));
    }

    #[test]
    fn other_folders_and_names_that_lead_elsewhere_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = || read_diagnosis(folder.path()).unwrap_err().to_string();
        assert!(refused().contains("could not read"), "{}", refused());
        let put = |text: &str| std::fs::write(folder.path().join(DOCUMENT), text).unwrap();
        put("{}");
        assert!(refused().contains("was not written by a diagnosis"), "{}", refused());
        put(
            r#"{"schema": "imgeval/diagnosis/1", "figures": [{"name": "../x", "title": "", "alternative": ""}],
                "diagnosis": {"title": "", "findings": [], "text": "", "tables": [], "figures": [0]}}"#,
        );
        assert!(refused().contains("letters, digits and hyphens"), "{}", refused());
        put(r#"{"schema": "imgeval/diagnosis/1", "figures": [],
                "diagnosis": {"title": "", "findings": [], "text": "", "tables": [], "figures": [0]}}"#);
        assert!(refused().contains("does not have"), "{}", refused());
    }
}
