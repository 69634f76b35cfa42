//! The prompts, from the benchmark's own files.

use std::collections::BTreeMap;

use imgeval_core::{CaseId, json::from_json_slice};
use serde::Deserialize;

use super::{Category, Edition};
use crate::{files::SourceFile, python_text::is_blank};

/// Where the benchmark is published.
pub const REPOSITORY: &str = "PKU-YuanGroup/WISE";
/// The commit that the files are taken from, abbreviated as it was pinned.
pub const COMMIT: &str = "eb51174";
/// Where the repository is had from, whole, at [`COMMIT`].
pub const ARCHIVE: &str = "https://github.com/PKU-YuanGroup/WISE/archive/eb51174.zip";
/// Their ids are 1 to this.
pub const N_PROMPTS: u32 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Prompts,
    /// Prompts that say outright what the original ones leave to be known.
    RewrittenPrompts,
    /// Holds the judge's instructions.
    Script,
}

/// A file of the benchmark's repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataFile {
    pub edition: Edition,
    pub kind: FileKind,
    /// In the repository.
    pub path: &'static str,
    /// At [`COMMIT`].
    pub sha256: &'static str,
}

impl DataFile {
    /// As a pinned file of the suites' source.
    #[must_use]
    pub const fn source(&self) -> SourceFile {
        SourceFile {
            path: self.path,
            url: None,
            sha256: self.sha256,
            is_script: matches!(self.kind, FileKind::Script),
        }
    }
}

const fn data(edition: Edition, kind: FileKind, path: &'static str, sha256: &'static str) -> DataFile {
    DataFile { edition, kind, path, sha256 }
}

pub const DATA_FILES: [DataFile; 11] = [
    data(
        Edition::Legacy,
        FileKind::Prompts,
        "WISE_legacy/data/cultural_common_sense.json",
        "7a59216c768698280cea37caa574b52f3faf054d73b398b9bb6b3161baf8e3aa",
    ),
    data(
        Edition::Legacy,
        FileKind::Prompts,
        "WISE_legacy/data/spatio-temporal_reasoning.json",
        "e27d797885ad86e64d857d0cc93d33e04be572a8dcae95692a2c7e7876233f9a",
    ),
    data(
        Edition::Legacy,
        FileKind::Prompts,
        "WISE_legacy/data/natural_science.json",
        "b262fae58e413c7a4bd3c3d5a089f8c6529feac227e4b6606be261a949035544",
    ),
    data(
        Edition::Legacy,
        FileKind::RewrittenPrompts,
        "WISE_legacy/data/cultural_common_sense_rewrite.json",
        "4383290c349703776c24cfa864bfa3e065dae2e3f408cf46af702f2b7affea9f",
    ),
    data(
        Edition::Legacy,
        FileKind::RewrittenPrompts,
        "WISE_legacy/data/spatio-temporal_reasoning_rewrite.json",
        "f63c98fff301e81c3ca6d3918683fb49757c3159d9b9e45dda8b2c9cf6a75d64",
    ),
    data(
        Edition::Legacy,
        FileKind::RewrittenPrompts,
        "WISE_legacy/data/natural_science_rewrite.json",
        "6aee690e100ffb65b292de3fbe35ce89fa1ca2b92063a99d227d04eaa51af2b3",
    ),
    data(
        Edition::Verified,
        FileKind::Prompts,
        "data_verified/cultural_common_sense_verified.json",
        "23482925266e2784b2ba24b75239fdc6691bf85ae253d2c4aa38b71b45fefa89",
    ),
    data(
        Edition::Verified,
        FileKind::Prompts,
        "data_verified/spatio-temporal_reasoning_verified.json",
        "42c0b9d829365e392c2d4af283850dc76b1f922ab0c79198366de4f306eaf2b6",
    ),
    data(
        Edition::Verified,
        FileKind::Prompts,
        "data_verified/natural_science_verified.json",
        "6f346c336f16f611e5c73e0fcacdccb336c200d534cf111526b22d50ea912555",
    ),
    data(
        Edition::Legacy,
        FileKind::Script,
        "WISE_legacy/gpt_eval.py",
        "06fd6dcd7cf45a638fe8a3634b880d936077f161f3641002e58d7bf51daa2407",
    ),
    data(
        Edition::Verified,
        FileKind::Script,
        "vllm_eval.py",
        "e6c51c2ae81e4eb0465755b248cbcefeef3fb8340e281bb3ac43ea9689e32192",
    ),
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WiseCase {
    pub prompt_id: u32,
    pub prompt: String,
    /// What the image must show for those who know.
    pub explanation: String,
    pub category: Category,
    pub subcategory: String,
}

/// The case id of a prompt: its number as plain text.
#[must_use]
pub fn case_id(prompt_id: u32) -> CaseId {
    CaseId::new(prompt_id.to_string())
}

#[derive(Debug, thiserror::Error)]
pub enum CasesError {
    #[error("`{file}` does not contain WISE prompts")]
    Json {
        file: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("`{file}` has a prompt with the id {prompt_id}; ids are 1 to 1000")]
    Id { file: String, prompt_id: u32 },
    #[error("the id {prompt_id} is in `{first}` and also in `{second}`")]
    Repeated { prompt_id: u32, first: String, second: String },
    #[error("prompt {prompt_id} of `{file}` has an empty {field}, or one with spaces around it")]
    Blank { file: String, prompt_id: u32, field: &'static str },
    #[error("{n_missing} of 1000 prompts are missing from all files, first {first}")]
    Missing { n_missing: usize, first: u32 },
}

/// Other members are ignored: the category follows from the id.
#[derive(Deserialize)]
struct CaseRow {
    prompt_id: u32,
    #[serde(rename = "Prompt")]
    prompt: String,
    #[serde(rename = "Explanation")]
    explanation: String,
    #[serde(rename = "Subcategory")]
    subcategory: String,
}

/// Reads the prompts of an edition, original or rewritten, from files given with their names. Sorted by id.
///
/// # Errors
/// Unless every id from 1 to 1000 is there exactly once, and no text is empty.
pub fn parse_cases(edition: Edition, files: &[(&str, &[u8])]) -> Result<Vec<WiseCase>, CasesError> {
    let mut cases: BTreeMap<u32, (&str, WiseCase)> = BTreeMap::new();
    for &(name, bytes) in files {
        let file = || name.to_owned();
        let rows: Vec<CaseRow> =
            from_json_slice(bytes).map_err(|source| CasesError::Json { file: file(), source })?;
        for CaseRow { prompt_id, prompt, explanation, subcategory } in rows {
            let outside = || CasesError::Id { file: file(), prompt_id };
            let category = Category::of(edition, prompt_id).ok_or_else(outside)?;
            let texts = [("prompt", &prompt), ("explanation", &explanation), ("subcategory", &subcategory)];
            for (field, text) in texts {
                if text.is_empty() || text.trim_matches(is_blank) != text {
                    return Err(CasesError::Blank { file: file(), prompt_id, field });
                }
            }
            let case = WiseCase { prompt_id, prompt, explanation, category, subcategory };
            if let Some((first, _)) = cases.insert(prompt_id, (name, case)) {
                return Err(CasesError::Repeated { prompt_id, first: first.to_owned(), second: file() });
            }
        }
    }
    let mut missing = (1..=N_PROMPTS).filter(|id| !cases.contains_key(id));
    if let Some(first) = missing.next() {
        return Err(CasesError::Missing { n_missing: 1 + missing.count(), first });
    }
    Ok(cases.into_values().map(|(_, case)| case).collect())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use imgeval_core::ContentHash;

    use super::*;

    /// A file of made-up prompts.
    fn file(ids: impl Iterator<Item = u32>) -> String {
        let row = |id| serde_json::json!({ "prompt_id": id, "Prompt": "p", "Explanation": "e", "Subcategory": "s", "Category": 1 });
        serde_json::Value::Array(ids.map(row).collect()).to_string()
    }

    fn error_of(files: &[&str]) -> String {
        let files: Vec<_> = files.iter().map(|text| ("x.json", text.as_bytes())).collect();
        parse_cases(Edition::Legacy, &files).unwrap_err().to_string()
    }

    #[test]
    fn every_id_must_be_there_once() {
        let all = file(1..=1_000);
        let cases = parse_cases(Edition::Verified, &[("x", all.as_bytes())]).unwrap();
        assert_eq!((cases.len(), cases[520].category), (1_000, Category::Space));
        assert!(
            error_of(&[&file(2..=999)]).starts_with("2 of 1000 prompts are missing from all files, first 1")
        );
        assert!(error_of(&[&all, &file(7..=7)]).contains("the id 7 is in `x.json` and also"));
        assert!(error_of(&[&file(0..=3)]).contains("id 0"));
        assert!(error_of(&["{}"]).contains("does not contain WISE prompts"));
        let blank = all.replacen("\"p\"", "\"p \"", 1);
        assert!(error_of(&[&blank]).contains("prompt 1 of `x.json` has an empty prompt"));
    }

    #[test]
    fn the_pinned_files_are_those_of_the_benchmark() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/wise");
        if !folder.is_dir() {
            return;
        }
        for edition in Edition::ALL {
            for kind in [FileKind::Prompts, FileKind::RewrittenPrompts] {
                let files = DATA_FILES.iter().filter(|file| file.edition == edition && file.kind == kind);
                let read = |file: &DataFile| {
                    let name = file.path.rsplit('/').next().unwrap();
                    let sub = if edition == Edition::Legacy { "legacy" } else { "verified" };
                    let bytes = fs::read(folder.join(sub).join(name)).unwrap();
                    assert_eq!(ContentHash::of(&bytes).as_str(), file.sha256, "{name}");
                    (name, bytes)
                };
                let files: Vec<_> = files.map(read).collect();
                if files.is_empty() {
                    continue;
                }
                let files: Vec<_> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
                let cases = parse_cases(edition, &files).unwrap();
                // The official calculator tells time from space by the subcategory.
                for case in cases.iter().filter(|case| (401..=700).contains(&case.prompt_id)) {
                    let is_time =
                        ["Longitudinal time", "Horizontal time"].contains(&case.subcategory.as_str());
                    let category = if is_time { Category::Time } else { Category::Space };
                    let is_science = case.category > Category::Space;
                    assert!(is_science || case.category == category, "{edition:?} {}", case.prompt_id);
                }
            }
        }
    }
}
