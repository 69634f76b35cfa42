//! What a detector saw in an image, and the colors that were named in it.

use imgeval_core::{BoundingBox, Category, ColorRule, ColorScores, Detection, Mask, json::from_json_str};
use serde::{Deserialize, Serialize};

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
    /// COCO's text form, of the image's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mask: Option<String>,
    /// Version 1 kept colors here; all of them were the preview's, which names a color by a positive score.
    #[serde(default, skip_serializing)]
    colors: Option<[f32; 10]>,
}

/// 2: masks; colors in a table of their own.
const PAYLOAD_VERSION: u32 = 2;

/// Colors are left out: they are kept by [`render_colors`].
pub(crate) fn render_payload(
    width: u32,
    height: u32,
    detections: &[Detection],
) -> Result<String, serde_json::Error> {
    let row = |detection: &Detection| DetectionRow {
        class: detection.category.name().to_owned(),
        score: detection.score,
        corners: detection.bounding_box.to_array(),
        mask: detection.mask.as_ref().map(Mask::encode),
        colors: None,
    };
    let detections = detections.iter().map(row).collect();
    serde_json::to_string(&DetectionsPayload { version: PAYLOAD_VERSION, width, height, detections })
}

/// Parses the output of [`render_payload`] in this or an older version; the error says what is wrong.
pub(crate) fn parse_payload(text: &str) -> Result<(DetectionsPayload, Vec<Detection>), String> {
    let payload: DetectionsPayload = from_json_str(text).map_err(|error| error.to_string())?;
    if payload.version > PAYLOAD_VERSION {
        return Err(format!("evidence format {} is newer than this version can read", payload.version));
    }
    let detection = |row: &DetectionRow| {
        let category = Category::from_name(&row.class)
            .ok_or_else(|| format!("unknown category `{}` in the evidence", row.class))?;
        let mask = row.mask.as_ref().map(|text| Mask::decode(text, payload.width, payload.height));
        Ok(Detection {
            category,
            score: row.score,
            bounding_box: BoundingBox::from_array(row.corners),
            mask: mask.transpose().map_err(|error| error.to_string())?,
            colors: row.colors.map(|values| ColorScores { values, rule: ColorRule::PositiveOnly }),
        })
    };
    let detections = payload.detections.iter().map(detection).collect::<Result<_, String>>()?;
    Ok((payload, detections))
}

/// Colors of one image's detections, as JSON in the column `colors.payload`.
#[derive(Debug, Serialize, Deserialize)]
struct ColorsPayload {
    version: u32,
    colors: Vec<ColorRow>,
}

/// Scores by the rule that names a color from them; one of the two.
#[derive(Debug, Serialize, Deserialize)]
struct ColorRow {
    /// Which of the image's detections.
    detection: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    argmax: Option<[f32; 10]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    positive: Option<[f32; 10]>,
}

const COLORS_VERSION: u32 = 1;

/// The colors that the detections carry, by their places.
pub(crate) fn render_colors<'a>(
    colors: impl Iterator<Item = (usize, &'a ColorScores)>,
) -> Result<String, serde_json::Error> {
    let row = |(detection, scores): (usize, &ColorScores)| {
        let of = |rule: ColorRule| (scores.rule == rule).then_some(scores.values);
        ColorRow { detection, argmax: of(ColorRule::Argmax), positive: of(ColorRule::PositiveOnly) }
    };
    serde_json::to_string(&ColorsPayload { version: COLORS_VERSION, colors: colors.map(row).collect() })
}

/// Parses the output of [`render_colors`] into the detections; the error says what is wrong.
pub(crate) fn parse_colors_into(text: &str, detections: &mut [Detection]) -> Result<(), String> {
    let payload: ColorsPayload = from_json_str(text).map_err(|error| error.to_string())?;
    if payload.version > COLORS_VERSION {
        return Err(format!("color format {} is newer than this version can read", payload.version));
    }
    for row in payload.colors {
        let place = row.detection;
        let detection = detections
            .get_mut(place)
            .ok_or_else(|| format!("a color belongs to detection {place}, which does not exist"))?;
        detection.colors = Some(match (row.argmax, row.positive) {
            (Some(values), None) => ColorScores { values, rule: ColorRule::Argmax },
            (None, Some(values)) => ColorScores { values, rule: ColorRule::PositiveOnly },
            (None, None) | (Some(_), Some(_)) => {
                return Err(format!("the color of detection {place} follows no known rule"));
            }
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detection(name: &str, mask: Option<Mask>, colors: Option<ColorScores>) -> Detection {
        Detection {
            category: Category::from_name(name).unwrap(),
            score: 0.3 + f32::EPSILON,
            bounding_box: BoundingBox { x1: -0.1, y1: f32::MIN_POSITIVE, x2: 1.0 / 3.0, y2: 1e7 },
            mask,
            colors,
        }
    }

    #[test]
    fn detections_survive_the_disk_to_the_last_bit() {
        let mut bits = vec![false; 6 * 4];
        bits[9..13].fill(true);
        let values = [0.1, -20.0, 1.0 / 3.0, 24.015_625, 0.0, -0.0, f32::MIN_POSITIVE, 1e-30, 3e5, 7.0];
        let detections = vec![
            detection("tv remote", None, None),
            detection(
                "cow",
                Mask::from_bits(6, 4, &bits),
                Some(ColorScores { values, rule: ColorRule::Argmax }),
            ),
            detection("cow", None, Some(ColorScores { values, rule: ColorRule::PositiveOnly })),
        ];
        let text = render_payload(6, 4, &detections).unwrap();
        let mut read = parse_payload(&text).unwrap().1;
        assert!(read.iter().all(|detection| detection.colors.is_none()), "colours are kept elsewhere");
        let named = detections.iter().enumerate();
        let colors =
            render_colors(named.filter_map(|(place, detection)| Some((place, detection.colors.as_ref()?))));
        parse_colors_into(&colors.unwrap(), &mut read).unwrap();
        assert_eq!(read, detections);
    }

    /// As version 0.1.0 wrote it; it must stay readable.
    #[test]
    fn version_1_is_read_with_its_colors() {
        let text = r#"{"version":1,"width":640,"height":480,"detections":[{"class":"cow","score":0.5,
            "box":[1.0,2.0,3.0,4.5],"colors":[0.0,0.0,0.25,0.0,0.0,0.0,0.0,0.5,0.0,0.0]},
            {"class":"dog","score":0.25,"box":[0.0,0.0,1.0,1.0]}]}"#;
        let (header, detections) = parse_payload(text).unwrap();
        assert_eq!((header.width, header.height), (640, 480));
        assert_eq!(detections[0].colors.unwrap().best().unwrap().name(), "brown");
        assert_eq!(detections[0].colors.unwrap().rule, ColorRule::PositiveOnly);
        assert_eq!((&detections[0].mask, &detections[1].colors), (&None, &None));
    }

    fn check_refused(text: &str, reason: &str) {
        let error = parse_payload(text).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn what_cannot_be_understood_is_refused_not_guessed() {
        check_refused(r#"{"version": 99, "width": 1, "height": 1, "detections": []}"#, "99");
        let row = |mask: &str| {
            let row = format!(r#"{{"class": "cow", "score": 1, "box": [0, 0, 1, 1], "mask": "{mask}"}}"#);
            format!(r#"{{"version": 2, "width": 4, "height": 3, "detections": [{row}]}}"#)
        };
        check_refused(&row("oooo"), "mask ends within a run");
        check_refused(&row("99"), "covers 18 pixels");

        let mut detections = [detection("cow", None, None)];
        let mut check = |text: &str, reason: &str| {
            let error = parse_colors_into(text, &mut detections).unwrap_err();
            assert!(error.contains(reason), "{error}");
        };
        check(r#"{"version": 2, "colors": []}"#, "newer");
        check(r#"{"version": 1, "colors": [{"detection": 0}]}"#, "no known rule");
        let values = "[0,0,0,0,0,0,0,0,0,0]";
        check(
            &format!(r#"{{"version": 1, "colors": [{{"detection": 1, "argmax": {values}}}]}}"#),
            "does not exist",
        );
        check(r#"{"version": 1, "colors": [{"detection": 0, "argmax": [null]}]}"#, "null");
    }
}
