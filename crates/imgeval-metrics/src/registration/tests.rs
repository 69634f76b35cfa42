//! Against the same computed with NumPy, SciPy and Pillow.
//!
//! Reference: scripts/reference/registration.py.

use imgeval_core::Pixels;
use imgeval_resample::pillow::{crop, resize_bicubic};

use super::*;
use crate::{
    fixture::{Case, check_close, parse_cases},
    locality::{EditedRegion, NotMeasurable, measure_outside_mask, measure_registered},
};

const FIXTURE: &str = include_str!("../../tests/fixtures/registration.txt");

/// Smooth random patches from whole numbers alone, as the script makes them for seed 0.
fn texture(width: u32, height: u32, seed: u32) -> Pixels {
    const CELL: u32 = 8;
    let corner = |x: u32, y: u32, channel: u32| {
        let x = x.wrapping_mul(374_761_393);
        let y = y.wrapping_mul(668_265_263);
        let mixed = x.wrapping_add(y).wrapping_add((channel + seed).wrapping_mul(974_634_777));
        (mixed ^ (mixed >> 13)).wrapping_mul(1_274_126_177) >> 16 & 0xff
    };
    let value = |x: u32, y: u32, channel: u32| {
        let ((cx, fx), (cy, fy)) = ((x / CELL, x % CELL), (y / CELL, y % CELL));
        let row = |cy: u32| corner(cx, cy, channel) * (CELL - fx) + corner(cx + 1, cy, channel) * fx;
        ((row(cy) * (CELL - fy) + row(cy + 1) * fy) / (CELL * CELL)) as u8
    };
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let rgb = places.flat_map(|(x, y)| [0, 1, 2].map(|channel| value(x, y, channel))).collect();
    Pixels::new(width, height, rgb).unwrap()
}

/// Source, a crop of it in another size with a warmer tone, and where the crop lies.
fn pair(case: &Case) -> (Pixels, Pixels, Alignment) {
    let source = texture(160, 120, 0);
    let cut = resize_bicubic(&crop(&source, [12.0, 6.0, 148.0, 110.0]).unwrap(), 150, 118);
    let warm = cut.rgb().as_chunks::<3>().0.iter().flat_map(|pixel| {
        let [red, green, blue] = pixel.map(u32::from);
        [red * 9 / 10 + 20, green, blue * 8 / 10].map(|value| value as u8)
    });
    let edited = Pixels::new(150, 118, warm.collect()).unwrap();
    let two = |name: &str| <[f64; 2]>::try_from(case.get(name)).unwrap();
    (source, edited, Alignment { a: two("a"), b: two("b") })
}

#[test]
fn a_crop_is_found_whatever_its_tone() {
    let case = &parse_cases(FIXTURE)[0];
    let (source, edited, truth) = pair(case);
    let found = register(&source, &edited).unwrap();
    assert_eq!(found.status, Status::Ok);
    let error = found.alignment.corner_distance(&truth, (160, 120));
    assert!(error < 1e-3, "{error}: {found:?}");
    check_close("ncc_all", &[found.ncc_all], case.get("ncc_all"), 5e-3, 1.0);
    check_close("search_score", &[found.search_score], case.get("search_score"), 0.03, 1.0);
    assert!((found.framing.cut_off - (1.0 - 0.85 * 104.0 / 120.0)).abs() < 2e-3, "{found:?}");
}

#[test]
fn aligned_pixels_tone_and_content_are_those_of_scipy() {
    let case = &parse_cases(FIXTURE)[0];
    let (source, edited, truth) = pair(case);
    let places = case.whole_numbers("places");
    let values_of = |alignment: &Alignment| {
        let pair = AlignedPair::new(&source, &edited, alignment, 512);
        let places = places.as_chunks::<2>().0;
        let values: Vec<f64> = places
            .iter()
            .flat_map(|[x, y]| pair.edited().each_ref().map(|plane| f64::from(plane.at(*x, *y))))
            .collect();
        (pair, values)
    };
    let (pair, values) = values_of(&truth);
    check_close("aligned", &values, case.get("aligned"), 1.01 / 255.0, 255.0);
    let inside = pair.is_inside().iter().filter(|inside| **inside).count() as f64;
    check_close("inside", &[inside / pair.is_inside().len() as f64], case.get("inside"), 1e-9, 1.0);
    let (_, between) = values_of(&Alignment { b: truth.b.map(|start| start + 0.003), ..truth });
    check_close("between", &between, case.get("between"), 1.0 / 255.0, 255.0);

    let black = imgeval_core::GrayPixels::new(10, 10, vec![0; 100]).unwrap();
    let outside = measure_outside_mask(&pair, &black).unwrap();
    check_close("tone_de", &[outside.tone_de], case.get("tone_de"), 0.02, 1.0);
    check_close("content_de", &[outside.content_de], case.get("content_de"), 0.02, 1.0);
    check_close("mean_shift_lab", &outside.mean_shift_lab, case.get("mean_shift_lab"), 0.02, 1.0);
    let region = EditedRegion::find(&pair).unwrap();
    assert!(region.edited_share < 0.02, "only the tone changed: {region:?}");
    let white = imgeval_core::GrayPixels::new(10, 10, vec![255; 100]).unwrap();
    assert_eq!(measure_outside_mask(&pair, &white), Err(NotMeasurable::NothingOutside));
}

#[test]
fn equal_images_are_equal_and_all_tiles_are_found() {
    let source = texture(160, 120, 0);
    let registration = register(&source, &source).unwrap();
    assert!(registration.framing.cut_off < 1e-3, "{registration:?}");
    let likeness = likeness_at(&source, &source, &Alignment::IDENTITY).unwrap();
    assert_eq!((likeness.likeness.psnr, likeness.bounding_box), (EQUAL_PSNR, [2, 2, 158, 118]));
    assert!((likeness.likeness.ssim - 1.0).abs() < 1e-6);
    assert_eq!(likeness_before(&source, &source).unwrap().psnr, EQUAL_PSNR);
    let tiles = tile_survival(&source, &source, &registration);
    assert_eq!((tiles.judged > 0, tiles.survival), (true, Some(1.0)));
}

#[test]
fn an_edited_patch_is_the_region() {
    let source = texture(160, 120, 0);
    let patch = texture(160, 120, 9);
    let mut rgb = source.rgb().to_vec();
    for y in 40..80 {
        let row = 3 * (160 * y + 50)..3 * (160 * y + 100);
        rgb[row.clone()].copy_from_slice(&patch.rgb()[row]);
    }
    let edited = Pixels::new(160, 120, rgb).unwrap();
    let found = measure_registered(&source, &edited, None).unwrap();
    let region = found.region.unwrap();
    let [left, top, right, bottom] = region.region.bounding_box().unwrap();
    let is_near = |found: usize, expected: usize| found.abs_diff(expected) <= 5;
    assert!(
        is_near(left, 50) && is_near(top, 40) && is_near(right, 100) && is_near(bottom, 80),
        "{region:?}"
    );
    let outside = found.outside.unwrap();
    assert!(outside.tone_de < 0.3 && outside.content_de < 1.0, "{outside:?}");
}

#[test]
fn what_does_not_fit_is_not_compared() {
    let (source, other) = (texture(160, 120, 0), texture(150, 130, 7));
    let found = measure_registered(&source, &other, None).unwrap();
    assert_ne!(found.registration.status, Status::Ok, "{:?}", found.registration);
    assert!(matches!(found.outside, Err(NotMeasurable::NotRegistered(_))) && found.region.is_err());
    assert!(likeness_after(&source, &other, &found.registration).is_err());

    let plain = |width: u32, height: u32| {
        Pixels::new(width, height, vec![90; (3 * width * height) as usize]).unwrap()
    };
    let refused = |pixels: &Pixels| register(&source, pixels).unwrap_err();
    assert_eq!(refused(&plain(60, 60)), NotRegistrable::OneColor { which: "edited" });
    assert_eq!(refused(&texture(15, 60, 0)), NotRegistrable::TooSmall { width: 15, height: 60 });
    assert_eq!(refused(&texture(300, 20, 0)), NotRegistrable::TooThin { width: 300, height: 20 });
    // Tiny and thin images that are just large enough.
    for (width, height) in [(16, 16), (16, 190), (190, 16)] {
        let small = texture(width, height, 3);
        for found in [register(&source, &small), register(&small, &source), register(&small, &small)] {
            let found = found.unwrap();
            assert!(found.ncc_all.is_finite() && found.search_score.is_finite(), "{found:?}");
            let tiles = tile_survival(&small, &source, &found);
            assert!(tiles.judged <= 64);
        }
        assert!(likeness_before(&small, &small).is_ok());
    }
}
