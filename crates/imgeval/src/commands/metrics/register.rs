//! `imgeval metrics register`: registers an edited image with its source.

use anyhow::Result;
use imgeval_core::Pixels;
use imgeval_metrics::registration::{
    self, AlignedLikeness, Likeness, NotComparable, NotRegistrable, Registration, Status, TileSurvival,
    likeness_after, likeness_before, tile_survival,
};
use imgeval_report::{
    schema::Schema,
    tables::terminal::{CellText, Column, Row, Table, Tone},
};
use imgeval_vision::image_file::DecodeLimits;
use serde_json::{Map, Value, json};

use super::read;
use crate::{args::metrics::RegisterArgs, exit_code::Exit, failure::CommandError, printer::Printer};

/// What is printed.
pub(crate) struct MeasuredRegistration {
    registration: Registration,
    before: Result<Likeness, NotComparable>,
    after: Result<AlignedLikeness, NotComparable>,
    tiles: TileSurvival,
}

pub(super) fn register(args: &RegisterArgs, printer: Printer) -> Result<Exit> {
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let source = read(&args.source, &limits, printer)?;
    let edited = read(&args.edited, &limits, printer)?;
    let measured = MeasuredRegistration::measure(&source, &edited)
        .map_err(|error| CommandError::usage(error.to_string()))?;
    if args.json {
        let document = Schema::Registration.stamp(to_json(args, &measured));
        printer.data(format_args!("{document:#}\n"))?;
    } else {
        printer.table(&to_table(&measured))?;
    }
    Ok(Exit::Ok)
}

/// The same keys wherever a registration is printed.
pub(super) fn registration_json(registration: &Registration) -> Value {
    let (alignment, framing) = (&registration.alignment, &registration.framing);
    let [left, top, right, bottom] = framing.cut;
    json!({
        "status": registration.status.name(),
        "a": alignment.a,
        "b": alignment.b,
        "zoom": framing.zoom,
        "stretch": framing.stretch,
        "cut_off": framing.cut_off,
        "cut_left": left,
        "cut_top": top,
        "cut_right": right,
        "cut_bottom": bottom,
        "new_share": framing.new_share,
        "aspect_change": framing.aspect_change,
        "overlap": registration.overlap,
        "search_score": registration.search_score,
        "ncc_all": registration.ncc_all,
    })
}

fn to_json(args: &RegisterArgs, measured: &MeasuredRegistration) -> Value {
    let mut document = Map::new();
    document.insert("source".to_owned(), args.source.to_string_lossy().into());
    document.insert("edited".to_owned(), args.edited.to_string_lossy().into());
    document.extend(measured.numbers());
    document.into()
}

impl MeasuredRegistration {
    pub(crate) fn measure(source: &Pixels, edited: &Pixels) -> Result<Self, NotRegistrable> {
        let registration = registration::register(source, edited)?;
        Ok(Self {
            before: likeness_before(source, edited),
            after: likeness_after(source, edited, &registration),
            tiles: tile_survival(source, edited, &registration),
            registration,
        })
    }

    /// The numbers by their names in JSON; null where there is none, with the reason in `missing`.
    pub(crate) fn numbers(&self) -> Map<String, Value> {
        let Self { registration, before, after, tiles } = self;
        let mut missing = Map::new();
        if let Err(reason) = before {
            missing.insert("before".to_owned(), reason.to_string().into());
        }
        if let Err(reason) = after {
            missing.insert("after".to_owned(), reason.to_string().into());
        }
        if tiles.survival.is_none() {
            missing.insert("tiles".to_owned(), NO_TILES.into());
        }
        let numbers = json!({
            "registration": registration_json(registration),
            "before": before.as_ref().ok().map(|before| json!({ "psnr": before.psnr, "ssim": before.ssim })),
            "after": after.as_ref().ok().map(|after| json!({
                "psnr": after.likeness.psnr,
                "ssim": after.likeness.ssim,
                "valid_share": after.valid_share,
                "grid": after.grid,
                "box": after.bounding_box,
            })),
            "tiles": {
                "judged": tiles.judged,
                "survival": tiles.survival,
                "median_displacement": tiles.median_displacement,
                "median_ncc": tiles.median_ncc,
            },
            "missing": missing,
        });
        match numbers {
            Value::Object(numbers) => numbers,
            _ => Map::new(),
        }
    }
}

const NO_TILES: &str = "no tile of the source has enough detail in the overlap";

fn to_table(measured: &MeasuredRegistration) -> Table {
    let MeasuredRegistration { registration, before, after, tiles } = measured;
    let (alignment, framing) = (&registration.alignment, &registration.framing);
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let status_note = match registration.status {
        Status::Ok => "pixels can be compared",
        Status::Coarse => "only the framing is roughly right, within about 3 %",
        Status::Failed => "the images do not match; except for tiles, the following numbers are meaningless",
    };
    let sides = framing.cut.map(|share| format!("{:.1}", 100.0 * share)).join(", ");
    let mut rows = vec![
        ("status", registration.status.name().to_owned(), status_note.to_owned()),
        ("zoom", format!("{:.4}", framing.zoom), String::new()),
        ("stretch", format!("{:.4}", framing.stretch), "1: square pixels stay square".to_owned()),
        ("cut_off", percent(framing.cut_off), format!("left, top, right, bottom: {sides} %")),
        ("new_share", percent(framing.new_share), "of the edited frame".to_owned()),
        ("aspect_change", format!("{:.4}", framing.aspect_change), String::new()),
        ("shift", format!("{:.4}, {:.4}", alignment.b[0], alignment.b[1]), "b; in source frames".to_owned()),
        ("size", format!("{:.4}, {:.4}", alignment.a[0], alignment.a[1]), "a; in source frames".to_owned()),
        ("overlap", percent(registration.overlap), String::new()),
        ("search_score", format!("{:.3}", registration.search_score), "coarse from 0.20".to_owned()),
        ("ncc_all", format!("{:.3}", registration.ncc_all), "ok from 0.30".to_owned()),
    ];
    match before {
        Ok(before) => {
            rows.push(("psnr before", format!("{:.2} dB", before.psnr), String::new()));
            rows.push(("ssim before", format!("{:.4}", before.ssim), String::new()));
        }
        Err(reason) => rows.push(("psnr before", "-".to_owned(), reason.to_string())),
    }
    match after {
        Ok(after) => {
            rows.push(("psnr after", format!("{:.2} dB", after.likeness.psnr), String::new()));
            rows.push(("ssim after", format!("{:.4}", after.likeness.ssim), String::new()));
        }
        Err(reason) => rows.push(("psnr after", "-".to_owned(), reason.to_string())),
    }
    rows.push(match tiles.survival {
        Some(survival) => ("tiles found", percent(survival), format!("of {} judged", tiles.judged)),
        None => ("tiles found", "-".to_owned(), NO_TILES.to_owned()),
    });
    let mut table =
        Table::new([Column::text("measure"), Column::number("value"), Column::text("note").wrapped()]);
    for (name, value, note) in rows {
        let note = CellText::from(note).with_tone(Tone::Note);
        table.push(Row::new([name.into(), value.into(), note]));
    }
    table
}
