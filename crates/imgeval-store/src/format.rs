//! The types on disk, apart from the domain's so that either may change. Converted by hand.

use std::collections::BTreeMap;

use imgeval_core::{BoundingBox, Category, ColorScores, Detection};
use serde::{Deserialize, Serialize};

use crate::{Manifest, manifest::FORMAT_VERSION};

/// The one field that every version of the manifest has.
#[derive(Debug, Deserialize)]
pub(crate) struct VersionOnly {
    pub(crate) format_version: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManifestFile {
    format_version: i64,
    suite: String,
    tool_version: String,
    parameters: BTreeMap<String, String>,
}

impl From<&Manifest> for ManifestFile {
    fn from(manifest: &Manifest) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            suite: manifest.suite.clone(),
            tool_version: manifest.tool_version.clone(),
            parameters: manifest.parameters.clone(),
        }
    }
}

impl From<ManifestFile> for Manifest {
    fn from(file: ManifestFile) -> Self {
        Self { suite: file.suite, parameters: file.parameters, tool_version: file.tool_version }
    }
}

/// Detections of one image, as JSON in the column `evidence.payload`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DetectionsPayload {
    version: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    detections: Vec<DetectionRow>,
}

/// The category goes by name, so that a file outlives a reordering of our tables.
#[derive(Debug, Serialize, Deserialize)]
struct DetectionRow {
    class: String,
    score: f32,
    #[serde(rename = "box")]
    corners: [f32; 4],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    colors: Option<[f32; 10]>,
}

const PAYLOAD_VERSION: u32 = 1;

pub(crate) fn render_payload(
    width: u32,
    height: u32,
    detections: &[Detection],
) -> Result<String, serde_json::Error> {
    let row = |detection: &Detection| DetectionRow {
        class: detection.category.name().to_owned(),
        score: detection.score,
        corners: detection.bounding_box.to_array(),
        colors: detection.colors.map(|scores| scores.0),
    };
    let detections = detections.iter().map(row).collect();
    serde_json::to_string(&DetectionsPayload { version: PAYLOAD_VERSION, width, height, detections })
}

/// Reads what [`render_payload`] wrote; the error says what is wrong with it.
pub(crate) fn parse_payload(text: &str) -> Result<(DetectionsPayload, Vec<Detection>), String> {
    let payload: DetectionsPayload = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if payload.version > PAYLOAD_VERSION {
        return Err(format!("evidence format {} is newer than this version reads", payload.version));
    }
    let detection = |row: &DetectionRow| {
        let category = Category::from_name(&row.class)
            .ok_or_else(|| format!("unknown category `{}` in the evidence", row.class))?;
        Ok(Detection {
            category,
            score: row.score,
            bounding_box: BoundingBox::from_array(row.corners),
            colors: row.colors.map(ColorScores),
        })
    };
    let detections = payload.detections.iter().map(detection).collect::<Result<_, String>>()?;
    Ok((payload, detections))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detections_survive_the_disk_to_the_last_bit() {
        let detections = vec![Detection {
            category: Category::from_name("tv remote").unwrap(),
            score: 0.3 + f32::EPSILON,
            bounding_box: BoundingBox { x1: -0.1, y1: f32::MIN_POSITIVE, x2: 1.0 / 3.0, y2: 1e7 },
            colors: Some(ColorScores([0.1; 10])),
        }];
        let text = render_payload(640, 480, &detections).unwrap();
        assert_eq!(parse_payload(&text).unwrap().1, detections);
    }

    #[test]
    fn newer_evidence_is_refused_not_guessed() {
        let text = r#"{"version": 99, "width": 1, "height": 1, "detections": []}"#;
        assert!(parse_payload(text).unwrap_err().contains("99"));
    }
}
