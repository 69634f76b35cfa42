//! `imgeval metrics edit`: pixel metrics of an edit.

use anyhow::Result;
use imgeval_core::{GrayPixels, visible};
use imgeval_metrics::edit::Psnr;
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

use super::read;
use crate::{
    advice::{mask_hint, missing_text},
    args::metrics::EditMetricsArgs,
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn edit(args: &EditMetricsArgs, printer: Printer) -> Result<Exit> {
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let source = Scaled::of(&read(&args.source, &limits, printer)?);
    let edited = Scaled::of(&read(&args.edited, &limits, printer)?);
    let mask = GrayPixels::luma_of(&read(&args.mask, &limits, printer)?);
    let mask = mask_of(mask, args.mask_threshold).map_err(|error| {
        let name = visible(&args.mask.to_string_lossy());
        CommandError::usage(format!("`{name}`: {error}")).with_hint(mask_hint(&error))
    })?;
    let sizes = [[mask.width(), mask.height()], source.size];
    if sizes[0] != sizes[1] {
        printer.insist(format_args!(
            "warning: the mask has {}x{} pixels and the source {}x{}; is it the mask of this picture?",
            sizes[0][0], sizes[0][1], sizes[1][0], sizes[1][1]
        ));
    }
    let meter = EditMeter::load(&args.weights.settings(), args.text.is_some())?;
    let metrics = meter.measure(&source, &edited, &mask, args.text.as_deref()).map_err(|error| {
        let name = visible(&args.mask.to_string_lossy());
        match error {
            EditMeterError::EmptyMask => CommandError::usage(format!("`{name}`: {error}"))
                .with_hint("the mask is white where the picture was to be edited"),
            EditMeterError::Network(error) => ObserverError::from(error).into(),
            EditMeterError::Metric(error) => CommandError::usage(error.to_string()),
        }
    })?;
    if metrics.visible_share == 0.0 {
        printer.insist("warning: the mask hides the whole picture; the numbers say nothing about the edit");
    }
    if args.json {
        let document = Schema::EditMetrics.stamp(to_json(args, &metrics, meter.facts()));
        printer.data(format_args!("{document:#}\n"))?;
    } else {
        printer.table(&to_table(&metrics, meter.facts()))?;
    }
    let unfinished = metrics.missing.iter().filter(|(_, reason)| *reason != MissingMetric::TextNotGiven);
    let mut exit = Exit::Ok;
    for (name, reason) in unfinished {
        printer.insist(format_args!("{name} is missing: {}", visible(&missing_text(reason))));
        exit = Exit::Partial;
    }
    Ok(exit)
}

fn to_json(args: &EditMetricsArgs, metrics: &EditMetrics, facts: &EditMeterFacts) -> Value {
    let region = metrics.region;
    let missing: Map<String, Value> = metrics
        .missing
        .iter()
        .map(|(name, reason)| ((*name).to_owned(), missing_text(reason).into()))
        .collect();
    let (psnr, is_infinite) = match metrics.psnr {
        Psnr::Decibels(decibels) => (Some(decibels), false),
        Psnr::Infinite => (None, true),
    };
    json!({
        "source": args.source.to_string_lossy(),
        "edited": args.edited.to_string_lossy(),
        "mask": args.mask.to_string_lossy(),
        "mask_threshold": args.mask_threshold.map(|threshold| match threshold {
            MaskThreshold::Level(level) => level.to_string(),
            MaskThreshold::Grays => "none".to_owned(),
        }),
        "text": args.text,
        "side": SIDE,
        "region": [region.left, region.top, region.right, region.bottom],
        "visible_share": metrics.visible_share,
        "psnr": psnr,
        "psnr_is_infinite": is_infinite,
        "ssim": metrics.ssim,
        "mse": metrics.mse,
        "lpips": metrics.lpips,
        "clip_score": metrics.clip_score,
        "missing": missing,
        "meter": {
            "id": facts.id(),
            "version": facts.version,
            "lpips_trunk_sha256": facts.lpips_sha256.as_ref().map(|both| &both[0]),
            "lpips_heads_sha256": facts.lpips_sha256.as_ref().map(|both| &both[1]),
            "clip_sha256": facts.clip_sha256,
            "lpips_official": facts.is_lpips_official,
            "clip_official": facts.is_clip_official,
        },
    })
}

fn to_table(metrics: &EditMetrics, facts: &EditMeterFacts) -> Table {
    let psnr = match metrics.psnr {
        Psnr::Decibels(decibels) => format!("{decibels:.3} dB"),
        Psnr::Infinite => "infinite".to_owned(),
    };
    let psnr_note = if metrics.psnr == Psnr::Infinite { "equal outside of the region" } else { "" };
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
    let mut table = Table::new([
        Column::text("metric"),
        Column::number("value"),
        Column::text("better"),
        Column::text("note").wrapped(),
    ]);
    for (name, value, better, note) in rows {
        let note = if name == "clip_score" && no_text { "needs --text" } else { note };
        let note = CellText::from(note).with_tone(Tone::Note);
        table.push(Row::new([name.into(), value.into(), better.into(), note]));
    }
    table
}
