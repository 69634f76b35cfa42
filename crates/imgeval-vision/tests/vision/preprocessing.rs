//! Reference: `scripts/reference/{clip,mask2former}.py`. What the processors of transformers, torchvision and Pillow hand to a
//! network comes out of our resampling: the same 8-bit values, so only the normalization's rounding is left.

use std::{fs, path::Path};

use imgeval_core::Pixels;
use imgeval_vision::resample::pillow::{self, Filter};
use serde_json::Value;

use crate::random_weights::ramp_picture;

const TOLERANCE: f32 = 2e-6;

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn picture(case: &Value) -> Pixels {
    let side = |axis: usize| case["size"][axis].as_u64().unwrap() as u32;
    ramp_picture(case["seed"].as_u64().unwrap(), side(0), side(1))
}

fn normalized(pixels: &Pixels, place: (usize, u32, u32), mean: [f32; 3], deviation: [f32; 3]) -> f32 {
    let (channel, row, column) = place;
    (f32::from(pixels.at(column, row)[channel]) / 255.0 - mean[channel]) / deviation[channel]
}

/// Short side to `side`, then the middle square, whose corner `corner` finds from the margin.
fn clip_square(pixels: &Pixels, side: u32, corner: fn(f64) -> f64) -> Pixels {
    let scaled = |length: u32| {
        (u64::from(side) * u64::from(length) / u64::from(pixels.width().min(pixels.height()))) as u32
    };
    let resized = pillow::resize_bicubic(pixels, scaled(pixels.width()), scaled(pixels.height()));
    let left = corner(f64::from(resized.width() - side) / 2.0);
    let top = corner(f64::from(resized.height() - side) / 2.0);
    let side = f64::from(side);
    pillow::crop(&resized, [left, top, left + side, top + side]).unwrap()
}

#[test]
fn clip_pictures_are_scaled_and_cut_as_the_hub_and_open_clip_do() {
    const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
    const DEVIATION: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];
    let expected = fixture("clip/expected.json");
    let side = expected["side"].as_u64().unwrap() as u32;
    for (index, case) in expected["pictures"].as_array().unwrap().iter().enumerate() {
        let pixels = picture(case);
        for (name, corner) in
            [("pixels_hub", f64::floor as fn(f64) -> f64), ("pixels_open_clip", f64::round_ties_even)]
        {
            let square = clip_square(&pixels, side, corner);
            let mut values = expected[name][index].as_array().unwrap().iter();
            for place in
                (0..27).map(|place| (place / 9, (place % 9 / 3) as u32 * 16, (place % 3) as u32 * 16))
            {
                let found = normalized(&square, place, MEAN, DEVIATION);
                let expected = values.next().unwrap().as_f64().unwrap() as f32;
                assert!((found - expected).abs() < TOLERANCE, "{name} {case} {place:?}: {found} {expected}");
            }
        }
    }
}

#[test]
fn mask2former_pictures_are_stretched_as_the_hubs_processor_does() {
    let expected = &fixture("mask2former/expected.json")["hub_processor"];
    let wanted = &expected["pil"];
    let side = |axis: usize| wanted["size"][axis].as_u64().unwrap() as u32;
    let resized = pillow::resize(&picture(expected), side(0), side(1), Filter::Bilinear);
    for (place, value) in
        wanted["places"].as_array().unwrap().iter().zip(wanted["values"].as_array().unwrap())
    {
        let axis = |index: usize| place[index].as_u64().unwrap() as u32;
        let place = (axis(0) as usize, axis(1), axis(2));
        let found = normalized(&resized, place, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
        assert!((found - value.as_f64().unwrap() as f32).abs() < TOLERANCE, "{place:?}: {found} {value}");
    }
}
