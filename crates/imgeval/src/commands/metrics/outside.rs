//! What `imgeval metrics edit --register` adds: registration, the edited region, and what changed outside.

use std::path::Path;

use anyhow::{Context as _, Result};
use imgeval_core::{Pixels, visible};
use imgeval_files::write_whole;
use imgeval_metrics::locality::{EditedRegion, Locality, RegisteredEdit};
use imgeval_vision::annotate::encode_png;
use serde_json::{Map, Value, json};

use super::register::registration_json;
use crate::printer::Printer;

/// Adds the keys to the numbers; `None` leaves them null.
pub(super) fn add_to(object: &mut Map<String, Value>, edit: Option<&RegisteredEdit>, has_mask: bool) {
    let outside = edit.and_then(|edit| edit.outside.as_ref().ok());
    let number = |value: fn(&Locality) -> f64| outside.map(value);
    let keys = json!({
        "registration": edit.map(|edit| registration_json(&edit.registration)),
        "outside_of": edit.map(|_| if has_mask { "mask" } else { "edited_region" }),
        "outside_share": number(|outside| outside.outside_share),
        "total_de": number(|outside| outside.total_de),
        "tone_de": number(|outside| outside.tone_de),
        "content_de": number(|outside| outside.content_de),
        "content_p95": number(|outside| outside.content_p95),
        "mean_shift_lab": outside.map(|outside| outside.mean_shift_lab),
        "edited_region": edit.and_then(|edit| edit.region.as_ref().ok()).map(region_json),
    });
    if let Value::Object(keys) = keys {
        object.extend(keys);
    }
    if let Some(Value::Object(missing)) = object.get_mut("missing") {
        missing.extend(edit.map(missing_of).unwrap_or_default());
    }
}

fn region_json(found: &EditedRegion) -> Value {
    let region = &found.region;
    let sides = [region.width(), region.height(), region.width(), region.height()];
    let frame = region.bounding_box().map(|edges| {
        let shares = edges.iter().zip(sides).map(|(edge, side)| *edge as f64 / side as f64);
        shares.collect::<Vec<f64>>()
    });
    json!({ "edited_share": found.edited_share, "threshold": found.threshold, "box": frame })
}

fn missing_of(edit: &RegisteredEdit) -> Map<String, Value> {
    let mut missing = Map::new();
    if let Err(reason) = &edit.outside {
        for name in ["tone_de", "content_de", "mean_shift_lab"] {
            missing.insert(name.to_owned(), reason.to_string().into());
        }
    }
    if let Err(reason) = &edit.region {
        missing.insert("edited_region".to_owned(), reason.to_string().into());
    }
    missing
}

/// Name, value and note.
pub(super) fn rows_of(edit: &RegisteredEdit) -> Vec<(&'static str, String, String)> {
    let mut rows = vec![("registration", edit.registration.status.name().to_owned(), String::new())];
    match &edit.outside {
        Ok(outside) => {
            let [light, a, b] = outside.mean_shift_lab;
            let compared = format!("{:.0} % of the source compared", 100.0 * outside.outside_share);
            rows.push(("tone_de", format!("{:.2}", outside.tone_de), compared));
            rows.push(("content_de", format!("{:.2}", outside.content_de), String::new()));
            rows.push(("mean_shift_lab", format!("{light:+.2} {a:+.2} {b:+.2}"), "L, a, b".to_owned()));
        }
        Err(reason) => rows.push(("tone_de", "-".to_owned(), reason.to_string())),
    }
    rows.push(match &edit.region {
        Ok(region) => {
            let note = "of the overlap; unreliable on redrawn images".to_owned();
            ("edited_region", format!("{:.1} %", 100.0 * region.edited_share), note)
        }
        Err(reason) => ("edited_region", "-".to_owned(), reason.to_string()),
    });
    rows
}

/// Writes the region in the size of the source, if one was found.
pub(super) fn write_region(
    path: &Path,
    edit: &RegisteredEdit,
    source: &Pixels,
    printer: Printer,
) -> Result<()> {
    let name = visible(&path.to_string_lossy());
    let found = edit.region.as_ref().ok();
    let Some(image) = found.and_then(|found| found.image(source.width(), source.height())) else {
        printer.insist(format_args!("`{name}` was not written: no region was found"));
        return Ok(());
    };
    write_whole(path, &encode_png(&image)?).with_context(|| format!("could not write `{name}`"))
}
