//! What one image shows by itself.

use imgeval_core::Pixels;
use imgeval_metrics::image::{ImageMeasures, Measured, measure_image};
use imgeval_store::Measurement;

/// Names and units are those of `imgeval metrics image`; of the checkerboard the largest peak counts.
#[must_use]
pub fn measure_single(pixels: &Pixels) -> Measurement {
    let measures = measure_image(pixels);
    let found =
        Measurement::default().with("width", measures.size[0] as f64).with("height", measures.size[1] as f64);
    detail(color(found, &measures), &measures)
}

fn color(found: Measurement, measures: &ImageMeasures) -> Measurement {
    let color = &measures.color;
    let [l, a, b] = color.mean_lab;
    let cast = color.cast();
    let found = found
        .with("mean_l", l)
        .with("mean_a", a)
        .with("mean_b", b)
        .with("chroma", color.chroma)
        .with("saturation", color.saturation)
        .with("rms_contrast", color.rms_contrast)
        .with("cast_distance", cast.distance);
    one(found, "cast_k", &cast.ratio)
}

fn detail(found: Measurement, measures: &ImageMeasures) -> Measurement {
    let found = several(found, "lap_var", &measures.sharpness, |sharpness| {
        vec![("lap_var", sharpness.lap_var), ("tenengrad", sharpness.tenengrad)]
    });
    let found = several(found, "immerkaer", &measures.noise, |noise| {
        vec![("immerkaer", noise.immerkaer), ("haar_mad", noise.haar_mad)]
    });
    let found = several(found, "hf_share_quarter", &measures.spectrum, |spectrum| {
        vec![("hf_share_quarter", spectrum.hf_share_quarter), ("hf_share_eighth", spectrum.hf_share_eighth)]
    });
    let found = one(found, "edge_sigma", &measures.edge_sigma);
    let found = several(found, "upscaled", &measures.upscaling, |upscaling| {
        vec![("upscaled", f64::from(u8::from(upscaling.upscaled))), ("bandwidth", upscaling.bandwidth)]
    });
    let found = several(found, "checkerboard", &measures.checkerboard, |peaks| {
        vec![
            ("checkerboard_p2", peaks.p2[1]),
            ("checkerboard_p4", peaks.p4[1]),
            ("checkerboard_p8", peaks.p8[1]),
        ]
    });
    match &measures.jpeg_grid {
        Err(reason) => found.with_word("jpeg_grid", &reason.to_string()),
        Ok(grid) => {
            let found = several(found, "jpeg_grid_x", &grid.x, |axis| vec![("jpeg_grid_x", axis.score)]);
            several(found, "jpeg_grid_y", &grid.y, |axis| vec![("jpeg_grid_y", axis.score)])
        }
    }
}

fn one(found: Measurement, name: &str, measured: &Measured<f64>) -> Measurement {
    match measured {
        Ok(number) => found.with(name, *number),
        Err(reason) => found.with_word(name, &reason.to_string()),
    }
}

/// The numbers of a measure, or under `name` why there are none.
fn several<T>(
    found: Measurement,
    name: &str,
    measured: &Measured<T>,
    numbers: impl Fn(&T) -> Vec<(&'static str, f64)>,
) -> Measurement {
    match measured {
        Ok(of) => numbers(of).into_iter().fold(found, |found, (name, number)| found.with(name, number)),
        Err(reason) => found.with_word(name, &reason.to_string()),
    }
}
