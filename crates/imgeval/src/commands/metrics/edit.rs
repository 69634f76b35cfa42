//! `imgeval metrics edit`: pixel metrics of an edit.

use std::path::Path;

use anyhow::Result;
use imgeval_core::{GrayPixels, visible};
use imgeval_metrics::edit::Psnr;
use imgeval_observe::{EditMeterError, MaskThreshold, MissingMetric, mask_of};
use imgeval_report::{
    schema::Schema,
    tables::terminal::{CellText, Column, Row, Table, Tone},
};
use imgeval_vision::image_file::DecodeLimits;
use serde_json::{Value, json};

use super::{
    aligned::Aligned,
    measured_edit::{EditQuestion, Masked, MeasuredEdit, PairError},
    outside, read,
};
use crate::{
    advice::{mask_hint, missing_text},
    args::metrics::EditMetricsArgs,
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn edit(args: &EditMetricsArgs, printer: Printer) -> Result<Exit> {
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let source = read(&args.source, &limits, printer)?;
    let edited = read(&args.edited, &limits, printer)?;
    let mask = args.mask.as_deref().map(|path| read_mask(path, args, &limits, printer)).transpose()?;
    if let Some(mask) = &mask {
        let sizes = [[mask.width(), mask.height()], [source.width(), source.height()]];
        if sizes[0] != sizes[1] {
            printer.warn(format_args!(
                "warning: the mask has {}x{} pixels and the source {}x{}; does the mask belong to this image?",
                sizes[0][0], sizes[0][1], sizes[1][0], sizes[1][1]
            ));
        }
    }
    let question = EditQuestion {
        mask: mask.as_ref(),
        text: args.text.as_deref(),
        is_registered: args.register,
        weights: &args.weights.settings(),
    };
    let measured =
        MeasuredEdit::measure(&source, &edited, &question).map_err(|error| with_name(error, args))?;
    let masked = measured.masked.as_ref();
    if masked.is_some_and(|masked| masked.metrics.visible_share == 0.0) {
        printer.warn("warning: the mask covers the whole image, so the numbers say nothing about the edit");
    }
    let registered = measured.registered.as_ref();
    if args.json {
        let document = to_json(args, &measured);
        printer.data(format_args!("{:#}\n", Schema::EditMetrics.stamp(document)))?;
    } else {
        let mut rows = registered.map(outside::rows_of).unwrap_or_default();
        rows.extend(measured.aligned.iter().flat_map(Aligned::rows));
        printer.table(&to_table(masked, rows))?;
    }
    if let (Some(path), Some(edit)) = (&args.region, registered) {
        outside::write_region(path, edit, &source, printer)?;
    }
    let missing = masked.into_iter().flat_map(|masked| &masked.metrics.missing);
    let mut exit = Exit::Ok;
    for (name, reason) in missing.filter(|(_, reason)| *reason != MissingMetric::TextNotGiven) {
        printer.insist(format_args!("{name} is missing: {}", visible(&missing_text(reason))));
        exit = Exit::Partial;
    }
    Ok(exit)
}

/// An empty mask is named, with what to do about it.
fn with_name(error: PairError, args: &EditMetricsArgs) -> CommandError {
    let is_empty = matches!(error, PairError::Pair(EditMeterError::EmptyMask));
    let error = CommandError::from(error);
    match &args.mask {
        Some(path) if is_empty => {
            CommandError::usage(format!("`{}`: {error}", visible(&path.to_string_lossy())))
                .with_hint("the mask is white where the image should be edited")
        }
        _ => error,
    }
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

fn to_json(args: &EditMetricsArgs, measured: &MeasuredEdit) -> Value {
    let question = json!({
        "source": args.source.to_string_lossy(),
        "edited": args.edited.to_string_lossy(),
        "mask": args.mask.as_ref().map(|path| path.to_string_lossy()),
        "mask_threshold": args.mask_threshold.map(|threshold| match threshold {
            MaskThreshold::Level(level) => level.to_string(),
            MaskThreshold::Grays => "none".to_owned(),
        }),
        "text": args.text,
    });
    match question {
        Value::Object(mut document) => {
            document.extend(measured.numbers());
            document.into()
        }
        other => other,
    }
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
