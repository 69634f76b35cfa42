//! `imgeval metrics edit`: pixel metrics of an edit.

use std::path::Path;

use anyhow::Result;
use imgeval_core::{GrayPixels, Pixels, visible};
use imgeval_metrics::{edit::Psnr, locality::measure_registered};
use imgeval_observe::{
    EditMeter, EditMeterError, EditMeterFacts, EditMetrics, MaskThreshold, MissingMetric, ObserverError,
    SIDE, Scaled, mask_of,
};
use imgeval_report::{
    schema::Schema,
    tables::terminal::{CellText, Column, Row, Table, Tone},
};
use imgeval_vision::image_file::DecodeLimits;
use serde_json::{Map, Value, json};

use super::{
    aligned::{self, Aligned},
    outside, read,
};
use crate::{
    advice::{mask_hint, missing_text},
    args::metrics::EditMetricsArgs,
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

/// What was measured with a mask: Reason-Edit's metrics, and by which meter.
struct Masked {
    metrics: EditMetrics,
    facts: EditMeterFacts,
}

pub(super) fn edit(args: &EditMetricsArgs, printer: Printer) -> Result<Exit> {
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let source = read(&args.source, &limits, printer)?;
    let edited = read(&args.edited, &limits, printer)?;
    let mask = args.mask.as_deref().map(|path| read_mask(path, args, &limits, printer)).transpose()?;
    let masked = match (&args.mask, &mask) {
        (Some(path), Some(mask)) => Some(measure_masked(path, args, [&source, &edited], mask, printer)?),
        _ => None,
    };
    let registered = if args.register {
        let edit = measure_registered(&source, &edited, mask.as_ref())
            .map_err(|error| CommandError::usage(error.to_string()))?;
        Some(edit)
    } else {
        None
    };
    let aligned =
        registered.as_ref().map(|edit| Aligned::measure(args, [&source, &edited], edit)).transpose()?;
    if args.json {
        let mut document = to_json(args, masked.as_ref());
        outside::add_to_json(&mut document, registered.as_ref(), mask.is_some());
        aligned::add_to_json(&mut document, aligned.as_ref());
        printer.data(format_args!("{:#}\n", Schema::EditMetrics.stamp(document)))?;
    } else {
        let mut rows = registered.as_ref().map(outside::rows_of).unwrap_or_default();
        rows.extend(aligned.iter().flat_map(Aligned::rows));
        printer.table(&to_table(masked.as_ref(), rows))?;
    }
    if let (Some(path), Some(edit)) = (&args.region, &registered) {
        outside::write_region(path, edit, &source, printer)?;
    }
    let missing = masked.iter().flat_map(|masked| &masked.metrics.missing);
    let mut exit = Exit::Ok;
    for (name, reason) in missing.filter(|(_, reason)| *reason != MissingMetric::TextNotGiven) {
        printer.insist(format_args!("{name} is missing: {}", visible(&missing_text(reason))));
        exit = Exit::Partial;
    }
    Ok(exit)
}

fn read_mask(
    path: &Path,
    args: &EditMetricsArgs,
    limits: &DecodeLimits,
    printer: Printer,
) -> Result<GrayPixels, CommandError> {
    let mask = GrayPixels::luma_of(&read(path, limits, printer)?);
    mask_of(mask, args.mask_threshold).map_err(|error| {
        let name = visible(&path.to_string_lossy());
        CommandError::usage(format!("`{name}`: {error}")).with_hint(mask_hint(&error))
    })
}

fn measure_masked(
    path: &Path,
    args: &EditMetricsArgs,
    [source, edited]: [&Pixels; 2],
    mask: &GrayPixels,
    printer: Printer,
) -> Result<Masked> {
    let (source, edited) = (Scaled::of(source), Scaled::of(edited));
    let sizes = [[mask.width(), mask.height()], source.size];
    if sizes[0] != sizes[1] {
        printer.warn(format_args!(
            "warning: the mask has {}x{} pixels and the source {}x{}; does the mask belong to this image?",
            sizes[0][0], sizes[0][1], sizes[1][0], sizes[1][1]
        ));
    }
    let meter = EditMeter::load(&args.weights.settings(), args.text.is_some())?;
    let metrics = meter.measure(&source, &edited, mask, args.text.as_deref()).map_err(|error| {
        let name = visible(&path.to_string_lossy());
        match error {
            EditMeterError::EmptyMask => CommandError::usage(format!("`{name}`: {error}"))
                .with_hint("the mask is white where the image should be edited"),
            EditMeterError::Network(error) => ObserverError::from(error).into(),
            EditMeterError::Metric(error) => CommandError::usage(error.to_string()),
        }
    })?;
    if metrics.visible_share == 0.0 {
        printer.warn("warning: the mask covers the whole image, so the numbers say nothing about the edit");
    }
    Ok(Masked { metrics, facts: meter.facts().clone() })
}

fn to_json(args: &EditMetricsArgs, masked: Option<&Masked>) -> Value {
    let metrics = masked.map(|masked| &masked.metrics);
    let missing: Map<String, Value> = match metrics {
        Some(metrics) => {
            let missing = metrics.missing.iter();
            missing.map(|(name, reason)| ((*name).to_owned(), missing_text(reason).into())).collect()
        }
        None => MASKED_NAMES.iter().map(|name| ((*name).to_owned(), NO_MASK.into())).collect(),
    };
    json!({
        "source": args.source.to_string_lossy(),
        "edited": args.edited.to_string_lossy(),
        "mask": args.mask.as_ref().map(|path| path.to_string_lossy()),
        "mask_threshold": args.mask_threshold.map(|threshold| match threshold {
            MaskThreshold::Level(level) => level.to_string(),
            MaskThreshold::Grays => "none".to_owned(),
        }),
        "text": args.text,
        "side": SIDE,
        "region": metrics.map(|metrics| {
            let region = metrics.region;
            [region.left, region.top, region.right, region.bottom]
        }),
        "visible_share": metrics.map(|metrics| metrics.visible_share),
        "psnr": metrics.and_then(|metrics| match metrics.psnr {
            Psnr::Decibels(decibels) => Some(decibels),
            Psnr::Infinite => None,
        }),
        "psnr_is_infinite": metrics.is_some_and(|metrics| metrics.psnr == Psnr::Infinite),
        "ssim": metrics.map(|metrics| metrics.ssim),
        "mse": metrics.map(|metrics| metrics.mse),
        "lpips": metrics.and_then(|metrics| metrics.lpips),
        "clip_score": metrics.and_then(|metrics| metrics.clip_score),
        "missing": missing,
        "meter": masked.map(|masked| meter_json(&masked.facts)),
    })
}

/// Metrics that need a mask.
const MASKED_NAMES: [&str; 5] = ["psnr", "ssim", "mse", "lpips", "clip_score"];
const NO_MASK: &str = "no mask was given";

fn meter_json(facts: &EditMeterFacts) -> Value {
    json!({
        "id": facts.id(),
        "version": facts.version,
        "lpips_trunk_sha256": facts.lpips_sha256.as_ref().map(|both| &both[0]),
        "lpips_heads_sha256": facts.lpips_sha256.as_ref().map(|both| &both[1]),
        "clip_sha256": facts.clip_sha256,
        "lpips_official": facts.is_lpips_official,
        "clip_official": facts.is_clip_official,
    })
}

fn to_table(masked: Option<&Masked>, registered: Vec<(&'static str, String, String)>) -> Table {
    let mut table = Table::new([
        Column::text("metric"),
        Column::number("value"),
        Column::text("better"),
        Column::text("note").wrapped(),
    ]);
    let note = |note: &str| CellText::from(note).with_tone(Tone::Note);
    if let Some(masked) = masked {
        push_masked(&mut table, masked);
    }
    for (name, value, text) in registered {
        let better = match name {
            "aligned_psnr" | "aligned_ssim" => "higher",
            "aligned_lpips" => "lower",
            name if name.ends_with("_de") => "lower",
            _ => "",
        };
        table.push(Row::new([name.into(), value.into(), better.into(), note(&text)]));
    }
    table
}

fn push_masked(table: &mut Table, Masked { metrics, facts }: &Masked) {
    let psnr = match metrics.psnr {
        Psnr::Decibels(decibels) => format!("{decibels:.3} dB"),
        Psnr::Infinite => "infinite".to_owned(),
    };
    let psnr_note = if metrics.psnr == Psnr::Infinite { "identical outside the region" } else { "" };
    let number = |value: Option<f64>, digits: usize| match value {
        Some(value) => format!("{value:.digits$}"),
        None => "-".to_owned(),
    };
    let note = |value: Option<f64>, is_official: bool| match value {
        Some(_) if is_official => "",
        Some(_) => "other weights, not comparable",
        None => "missing",
    };
    let rows = [
        ("psnr", psnr, "higher", psnr_note),
        ("ssim", number(Some(metrics.ssim), 5), "higher", ""),
        ("mse", number(Some(metrics.mse), 6), "lower", ""),
        ("lpips", number(metrics.lpips, 5), "lower", note(metrics.lpips, facts.is_lpips_official)),
        (
            "clip_score",
            number(metrics.clip_score, 3),
            "higher",
            note(metrics.clip_score, facts.is_clip_official),
        ),
    ];
    let no_text = metrics.missing.contains(&("clip_score", MissingMetric::TextNotGiven));
    for (name, value, better, note) in rows {
        let note = if name == "clip_score" && no_text { "needs --text" } else { note };
        let note = CellText::from(note).with_tone(Tone::Note);
        table.push(Row::new([name.into(), value.into(), better.into(), note]));
    }
}
