//! The names of the JSON documents that commands print. Each has a JSON Schema file under `docs/schemas/`.

use serde_json::Value;

/// The key that says which schema a document follows; it comes first.
pub const KEY: &str = "schema";

/// A kind of JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// What a trained architecture probe says of images.
    ArchitectureAnswer,
    /// A trained architecture probe with its controls.
    ArchitectureProbe,
    /// Which traces images carry, beside a reference.
    Artefacts,
    /// One call to a provider, as a line of a file.
    Call,
    /// Differences between runs.
    Comparisons,
    /// What a run covers.
    Coverage,
    /// What a detector sees in one image, as a line.
    Detections,
    /// What a detector of generated images says of one image, as a line.
    DetectFake,
    /// Which keys, endpoints, models and weights work.
    Doctor,
    /// EdiVal-Bench's tables, IF, CC and O.
    EdivalScore,
    /// Pixel metrics of one edit.
    EditMetrics,
    /// The embedding of one image or text, as a line.
    Embedding,
    /// What calls would cost.
    Estimate,
    /// How far detectors tell generated images from photographs.
    Forensics,
    /// The detectors of generated images.
    ForensicDetectors,
    /// What came of asking for images.
    Generation,
    /// What is measured on single images.
    ImageMetrics,
    /// Scores of a run by judges and people.
    JudgedScore,
    /// LME-Bench's success and collapse rates.
    LmeScore,
    /// Which files MagicBrush's script would compare.
    MagicbrushPairs,
    /// MagicBrush's distances.
    MagicbrushScore,
    /// The known weights.
    Models,
    /// MSE-Bench's success rate and scores.
    MseScore,
    /// The precision of a comparison that is yet to be made.
    Plans,
    /// The text that was read in one image, as a line.
    Reading,
    /// Rewards of images, as the server answers on its own wire.
    Rewards,
    /// How an edited image lies on its source.
    Registration,
    /// What reading kept replies again recovered.
    Reread,
    /// How images and instructions survived rounds of edits.
    Rounds,
    /// Images that were written in a benchmark's layout.
    RoundsExport,
    /// The sessions of a benchmark of several rounds.
    RoundsSessions,
    /// The runs of a folder.
    Runs,
    /// Scores of a run by a detector.
    Score,
    /// Scores of official result files.
    ScoreRows,
    /// The steps of a study.
    Study,
    /// The suites.
    Suites,
    /// How long sessions survive.
    Survival,
    /// Score tables of several runs beside published rows.
    Tables,
    /// How the text in one image answers the lines that were asked for, as a line.
    TextMetrics,
    /// What was measured of the weaknesses of generators.
    Weaknesses,
}

impl Schema {
    pub const ALL: [Self; 40] = [
        Self::ArchitectureAnswer,
        Self::ArchitectureProbe,
        Self::Artefacts,
        Self::Call,
        Self::Comparisons,
        Self::Coverage,
        Self::Detections,
        Self::DetectFake,
        Self::Doctor,
        Self::EdivalScore,
        Self::EditMetrics,
        Self::Embedding,
        Self::Estimate,
        Self::Forensics,
        Self::ForensicDetectors,
        Self::Generation,
        Self::ImageMetrics,
        Self::JudgedScore,
        Self::LmeScore,
        Self::MagicbrushPairs,
        Self::MagicbrushScore,
        Self::Models,
        Self::MseScore,
        Self::Plans,
        Self::Reading,
        Self::Rewards,
        Self::Registration,
        Self::Reread,
        Self::Rounds,
        Self::RoundsExport,
        Self::RoundsSessions,
        Self::Runs,
        Self::Score,
        Self::ScoreRows,
        Self::Study,
        Self::Suites,
        Self::Survival,
        Self::Tables,
        Self::TextMetrics,
        Self::Weaknesses,
    ];

    /// What a document holds, and the version of its shape: raised when a field changes its meaning or goes. New fields
    /// may come without.
    #[must_use]
    pub fn name_and_version(self) -> (&'static str, u32) {
        match self {
            Self::ArchitectureAnswer => ("architecture-answer", 1),
            Self::ArchitectureProbe => ("architecture-probe", 1),
            Self::Artefacts => ("artefacts", 1),
            Self::Call => ("call", 1),
            Self::Comparisons => ("comparisons", 1),
            Self::Coverage => ("coverage", 1),
            Self::Detections => ("detections", 1),
            Self::DetectFake => ("detect-fake", 1),
            Self::Forensics => ("forensics", 1),
            Self::ForensicDetectors => ("forensic-detectors", 1),
            Self::Doctor => ("doctor", 1),
            Self::EdivalScore => ("edival-score", 1),
            Self::EditMetrics => ("edit-metrics", 1),
            Self::Embedding => ("embedding", 1),
            Self::Estimate => ("estimate", 1),
            Self::Generation => ("generation", 1),
            Self::ImageMetrics => ("image-metrics", 1),
            Self::JudgedScore => ("judged-score", 1),
            Self::LmeScore => ("lme-score", 1),
            Self::MagicbrushPairs => ("magicbrush-pairs", 1),
            Self::MagicbrushScore => ("magicbrush-score", 1),
            Self::Models => ("models", 1),
            Self::MseScore => ("mse-score", 1),
            Self::Plans => ("plans", 1),
            Self::Reading => ("reading", 1),
            Self::Rewards => ("rewards", 1),
            Self::Registration => ("registration", 1),
            Self::Reread => ("reread", 1),
            Self::Rounds => ("rounds", 1),
            Self::RoundsExport => ("rounds-export", 1),
            Self::RoundsSessions => ("rounds-sessions", 1),
            Self::Runs => ("runs", 1),
            Self::Score => ("score", 1),
            Self::ScoreRows => ("score-rows", 1),
            Self::Study => ("study", 1),
            Self::Suites => ("suites", 1),
            Self::Survival => ("survival", 1),
            Self::Tables => ("tables", 1),
            Self::TextMetrics => ("text-metrics", 1),
            Self::Weaknesses => ("weaknesses", 1),
        }
    }

    /// The value of [`KEY`], such as `imgeval/score/1`.
    #[must_use]
    pub fn id(self) -> String {
        let (name, version) = self.name_and_version();
        format!("imgeval/{name}/{version}")
    }

    /// The name of the schema's file, such as `score-1.json`.
    #[must_use]
    pub fn file_name(self) -> String {
        let (name, version) = self.name_and_version();
        format!("{name}-{version}.json")
    }

    /// The document with its schema as the first key. Only an object has keys; anything else stays as it is.
    #[must_use]
    pub fn stamp(self, mut document: Value) -> Value {
        if let Value::Object(fields) = &mut document {
            fields.shift_insert(0, KEY.to_owned(), self.id().into());
        }
        document
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use serde_json::json;

    use super::*;

    #[test]
    fn the_schema_is_the_first_key() {
        let stamped = Schema::Suites.stamp(json!({"suites": []}));
        assert_eq!(stamped.to_string(), r#"{"schema":"imgeval/suites/1","suites":[]}"#);
    }

    #[test]
    fn every_schema_has_a_file_of_its_own_that_asks_for_its_id() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
        let mut files = BTreeSet::new();
        for schema in Schema::ALL {
            let file = std::fs::read_to_string(folder.join(schema.file_name())).unwrap();
            let file: Value = serde_json::from_str(&file).unwrap();
            assert_eq!(file["properties"][KEY]["const"], json!(schema.id()));
            assert_eq!(file["required"][0], KEY, "{}", schema.id());
            files.insert(schema.file_name());
        }
        let listed =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let listed: BTreeSet<String> = listed.filter(|name| name.ends_with(".json")).collect();
        assert_eq!(listed, files);
    }
}
