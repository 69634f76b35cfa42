//! `imgeval metrics image`: everything that is measured on one image.

use anyhow::Result;
use imgeval_core::Pixels;
use imgeval_metrics::image::{
    Checkerboard, GridAxis, ImageMeasures, Measured, Peak, Spectrum, Upscaling, measure_image,
};
use imgeval_report::{
    schema::Schema,
    tables::terminal::{CellText, Column, Row, Table, Tone},
};
use imgeval_vision::image_file::{DecodeLimits, load_image};
use serde_json::{Map, Value, json};

use crate::{args::metrics::ImageMetricsArgs, commands::read::exit_after, exit_code::Exit, printer::Printer};

pub(super) fn image(args: &ImageMetricsArgs, printer: Printer) -> Result<Exit> {
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let mut images = Vec::new();
    let mut tables = Vec::new();
    let mut n_failed = 0;
    for path in &args.images {
        let image = match load_image(path, &limits) {
            Ok(image) => image,
            Err(error) => {
                printer.unusable(path, &error.failure());
                n_failed += 1;
                continue;
            }
        };
        let measures = measure_image(&image.pixels);
        let name = path.to_string_lossy();
        let numbers = numbers_of(&measures);
        match args.json {
            true => images.push(to_json(&name, measures.size, numbers)),
            false => tables.push(to_table(&name, measures.size, numbers)),
        }
    }
    if args.json {
        let document = Schema::ImageMetrics.stamp(json!({"images": images}));
        printer.data(format_args!("{document:#}\n"))?;
    } else {
        printer.tables(tables)?;
    }
    Ok(exit_after(n_failed, args.images.len()))
}

/// A number, or several that belong together.
struct Number {
    name: &'static str,
    value: Measured<Value>,
    meaning: &'static str,
}

fn number(name: &'static str, value: impl Into<Value>, meaning: &'static str) -> Number {
    measured(name, Ok(value), meaning)
}

fn measured(name: &'static str, value: Measured<impl Into<Value>>, meaning: &'static str) -> Number {
    Number { name, value: value.map(Into::into), meaning }
}

fn numbers_of(measures: &ImageMeasures) -> Vec<Number> {
    let mut numbers = color_numbers(measures);
    numbers.extend(detail_numbers(measures));
    numbers.extend(trace_numbers(measures));
    numbers
}

fn color_numbers(measures: &ImageMeasures) -> Vec<Number> {
    let (color, cast) = (&measures.color, measures.color.cast());
    let ([l, a, b], [deviation_a, deviation_b]) = (color.mean_lab, color.mean_deviation);
    vec![
        number("mean_L", l, "mean lightness, 0 to 100"),
        number("mean_a", a, "mean a, red above 0"),
        number("mean_b", b, "mean b, yellow above 0"),
        number("D", cast.distance, "length of mean a and b"),
        number("Ma", deviation_a, "mean absolute deviation of a"),
        number("Mb", deviation_b, "mean absolute deviation of b"),
        number("M", cast.spread, "length of Ma and Mb"),
        measured("K", cast.ratio, "D / M; a color cast can exceed 1, but so can a single color"),
        measured("hue_deg", cast.hue_deg, "direction of mean a and b; yellow is 90"),
        number("sigma", cast.sigma, "length of the standard deviations"),
        measured("gasparini", cast.gasparini, "(D - sigma) / D"),
        number("chroma", color.chroma, "mean length of a and b"),
        number("saturation", color.saturation, "mean of HSV, 0 to 1"),
        number("rms_contrast", color.rms_contrast, "standard deviation of gray / 255"),
        number("l_range", color.l_range, "5th to 95th percentile of L"),
        number("mean_rgb", color.mean_rgb.to_vec(), "0 to 255"),
        measured("echo_mean_rgb", color.echo_mean_rgb().map(Vec::from), "of values from 5 to 250"),
    ]
}

fn detail_numbers(measures: &ImageMeasures) -> Vec<Number> {
    let (sharpness, noise) = (measures.sharpness, measures.noise);
    let spectrum = |value: fn(&Spectrum) -> Value| match &measures.spectrum {
        Ok(spectrum) => Ok(value(spectrum)),
        Err(reason) => Err(*reason),
    };
    vec![
        measured("lap_var", sharpness.map(|one| one.lap_var), "variance of the Laplacian"),
        measured("tenengrad", sharpness.map(|one| one.tenengrad), "mean squared gradient"),
        measured("immerkaer", noise.map(|one| one.immerkaer), "noise in gray levels"),
        measured("haar_mad", noise.map(|one| one.haar_mad), "noise by 2x2 details"),
        measured("db2_mad", noise.and_then(|one| one.db2_mad), "noise by wavelet details"),
        measured(
            "hf_share_quarter",
            spectrum(|one| one.hf_share_quarter.into()),
            "power above 1/4 cycle per pixel",
        ),
        measured("hf_share_eighth", spectrum(|one| one.hf_share_eighth.into()), "above 1/8 cycle per pixel"),
        measured("spectrum_n", spectrum(|one| one.n().into()), "side of the measured square"),
        measured("edge_sigma", measures.edge_sigma, "blur radius of edges in pixels"),
    ]
}

fn trace_numbers(measures: &ImageMeasures) -> Vec<Number> {
    let (upscaling, grids) = (measures.upscaling, measures.jpeg_grid);
    let peak = |axis: fn(&Upscaling) -> Measured<Peak>| {
        upscaling.and_then(|one| axis(&one)).map(|peak| vec![peak.frequency, peak.score])
    };
    let checkerboard =
        |period: fn(&Checkerboard) -> [f64; 2]| measures.checkerboard.map(|one| period(&one).to_vec());
    let grid = |axis: Measured<GridAxis>| {
        axis.map(|axis| json!({"phase": axis.phase, "score": axis.score, "profile": axis.profile}))
    };
    vec![
        measured("peak_x", peak(|one| one.peak_x), "frequency and height; clear from 6"),
        measured("peak_y", peak(|one| one.peak_y), "the same along columns"),
        measured("bandwidth", upscaling.map(|one| one.bandwidth), "cycles per pixel; 0.5 is the full band"),
        measured("repeat", upscaling.map(|one| one.repeat.to_vec()), "equal neighbors, even and odd columns"),
        measured(
            "upscaled",
            upscaling.map(|one| one.upscaled),
            "equal peaks, bandwidth < 0.47 or repetition > 0.9",
        ),
        measured("p2", checkerboard(|one| one.p2), "period 2: mean and largest dB; clean below 8"),
        measured("p4", checkerboard(|one| one.p4), "period 4; clean below 9"),
        measured("p8", checkerboard(|one| one.p8), "period 8; up to 10 is indistinguishable from clean"),
        measured(
            "jpeg_grid.x",
            grids.and_then(|one| grid(one.x)),
            "JPEG blocks: phase and score; clear from 4",
        ),
        measured("jpeg_grid.y", grids.and_then(|one| grid(one.y)), "the same along columns"),
    ]
}

fn to_json(name: &str, size: [usize; 2], numbers: Vec<Number>) -> Value {
    let mut document = Map::new();
    document.insert("image".to_owned(), name.into());
    document.extend(fields_of(size, numbers));
    document.into()
}

/// The numbers by their names in JSON.
pub(crate) fn image_numbers(pixels: &Pixels) -> Map<String, Value> {
    let measures = measure_image(pixels);
    let numbers = numbers_of(&measures);
    fields_of(measures.size, numbers)
}

fn fields_of(size: [usize; 2], numbers: Vec<Number>) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut reasons = Map::new();
    fields.insert("size".to_owned(), size.to_vec().into());
    for Number { name, value, .. } in numbers {
        if let Err(reason) = &value {
            reasons.insert(name.to_owned(), reason.to_string().into());
        }
        let value = value.unwrap_or_default();
        match name.split_once('.') {
            Some((group, name)) => fields.entry(group).or_insert_with(|| json!({}))[name] = value,
            None => {
                fields.insert(name.to_owned(), value);
            }
        }
    }
    fields.insert("not_measurable".to_owned(), reasons.into());
    fields
}

fn to_table(name: &str, size: [usize; 2], numbers: Vec<Number>) -> Table {
    let mut table = Table::new([
        Column::text("measure"),
        Column::number("value"),
        Column::text(format!("{name}, {}x{}", size[0], size[1])).wrapped(),
    ]);
    for Number { name, value, meaning } in numbers {
        let (value, note) = match value {
            Ok(value) => (shown(&value), meaning.to_owned()),
            Err(reason) => ("-".to_owned(), format!("not measurable: {reason}")),
        };
        table.push(Row::new([name.into(), value.into(), CellText::from(note).with_tone(Tone::Note)]));
    }
    table
}

fn shown(value: &Value) -> String {
    match value {
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(" "),
        Value::Object(grid) => format!("{} {}", shown(&grid["phase"]), shown(&grid["score"])),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) if number.is_f64() => shown_float(number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}

/// Four digits that count, without an exponent.
fn shown_float(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        size if size >= 0.1 => 3,
        size if size >= 0.01 => 4,
        _ => 6,
    };
    format!("{value:.digits$}")
}
