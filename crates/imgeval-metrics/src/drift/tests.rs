//! Sessions whose drift is known because it is made here, and NumPy and scikit-image by scripts/reference/rounds.py.

use imgeval_core::Pixels;
use imgeval_resample::pillow::{crop, resize_bicubic};
use rayon::prelude::*;

use super::*;
use crate::{
    BootstrapSettings,
    fixture::{check_close, parse_cases},
    plane::{
        Border, Plane, gaussian,
        lab::{lab_of_8_bit, rgb_of_lab},
    },
};

const FIXTURE: &str = include_str!("../../tests/fixtures/rounds.txt");

/// Smooth random patches with fine grain, from whole numbers alone, as the script makes them.
fn texture(width: u32, height: u32, seed: u32) -> Pixels {
    const CELL: u32 = 12;
    let mix = |x: u32, y: u32, channel: u32| {
        let x = x.wrapping_mul(374_761_393);
        let y = y.wrapping_mul(668_265_263);
        let mixed = x.wrapping_add(y).wrapping_add((channel + seed).wrapping_mul(974_634_777));
        (mixed ^ (mixed >> 13)).wrapping_mul(1_274_126_177) >> 16 & 0xff
    };
    let value = |x: u32, y: u32, channel: u32| {
        let ((cx, fx), (cy, fy)) = ((x / CELL, x % CELL), (y / CELL, y % CELL));
        let corner = |x: u32, y: u32| 60 + mix(x, y, channel) / 2;
        let row = |cy: u32| corner(cx, cy) * (CELL - fx) + corner(cx + 1, cy) * fx;
        let smooth = (row(cy) * (CELL - fy) + row(cy + 1) * fy) / (CELL * CELL);
        (smooth + mix(x + 5000, y, 7) / 16) as u8
    };
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let rgb = places.flat_map(|(x, y)| [0, 1, 2].map(|channel| value(x, y, channel))).collect();
    Pixels::new(width, height, rgb).unwrap()
}

fn by_channel(pixels: &Pixels, change: impl Fn(&Plane) -> Plane) -> Pixels {
    let planes = [0, 1, 2].map(|channel| change(&Plane::channel_of(pixels, channel)));
    let [red, green, blue] = planes.each_ref().map(Plane::values);
    let rgb = red
        .iter()
        .zip(green)
        .zip(blue)
        .flat_map(|((r, g), b)| [r, g, b].map(|value| value.round().clamp(0.0, 255.0) as u8));
    Pixels::new(pixels.width(), pixels.height(), rgb.collect()).unwrap()
}

fn smoothed(plane: &Plane) -> Plane {
    gaussian(plane, 0.6, 4.0, Border::Reflect)
}

fn blurred(pixels: &Pixels) -> Pixels {
    by_channel(pixels, smoothed)
}

fn sharpened(pixels: &Pixels) -> Pixels {
    by_channel(pixels, |plane| plane.zip(&smoothed(plane), |value, smooth| value + 0.7 * (value - smooth)))
}

fn warmed(pixels: &Pixels) -> Pixels {
    let rgb = pixels.rgb().as_chunks::<3>().0.iter().flat_map(|pixel| {
        let [l, a, b] = lab_of_8_bit(*pixel);
        rgb_of_lab([l + 0.5, a + 0.6, b + 2.5])
    });
    Pixels::new(pixels.width(), pixels.height(), rgb.collect()).unwrap()
}

fn zoomed(pixels: &Pixels) -> Pixels {
    let (width, height) = (pixels.width(), pixels.height());
    let window = [0.02, 0.01, 0.98, 0.97];
    let sides = [width, height, width, height].map(f64::from);
    let bounds = [0, 1, 2, 3].map(|at| window[at] * sides[at]);
    resize_bicubic(&crop(pixels, bounds).unwrap(), width, height)
}

/// Other content in a tenth of the frame.
fn edited(pixels: &Pixels) -> Pixels {
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let other = texture(pixels.width(), pixels.height(), 50);
    let mut rgb = pixels.rgb().to_vec();
    for y in height * 3 / 10..height * 6 / 10 {
        let row = 3 * (width * y + width / 3)..3 * (width * y + width * 2 / 3);
        rgb[row.clone()].copy_from_slice(&other.rgb()[row]);
    }
    Pixels::new(pixels.width(), pixels.height(), rgb).unwrap()
}

fn decomposed(source: &Pixels, candidate: &Pixels) -> Decomposition {
    let [source, candidate] =
        [source, candidate].map(|pixels| RoundImage::new(pixels.clone(), SESSION_SIDE.min(pixels.height())));
    compare(&source, &candidate).decomposition
}

/// Each kind of drift alone exceeds the floor in its own component and in no other, and all together keep their sizes.
#[test]
fn what_was_injected_is_what_is_found() {
    let source = texture(256, 224, 0);
    let all = warmed(&zoomed(&sharpened(&edited(&source))));
    let cases = [
        ("none", source.clone(), vec![]),
        ("zoom", zoomed(&source), vec![Component::Geometry]),
        ("warm", warmed(&source), vec![Component::Tone]),
        ("soft", blurred(&source), vec![Component::Sharpness]),
        ("sharp", sharpened(&source), vec![Component::Sharpness]),
        ("edit", edited(&source), vec![Component::Content]),
        ("all", all, vec![Component::Geometry, Component::Tone, Component::Sharpness, Component::Content]),
    ];
    let found: Vec<Decomposition> =
        cases.par_iter().map(|(_, candidate, _)| decomposed(&source, candidate)).collect();
    for ((name, _, injected), found) in cases.iter().zip(&found) {
        let exceeded = Floor::RESOLUTION.exceeded_by(found);
        let is_expected = |component: &Component| injected.contains(component);
        // All together also leave a residual.
        let others = exceeded.iter().filter(|component| !is_expected(component)).count();
        assert!(injected.iter().all(|component| exceeded.contains(component)), "{name}: {found:?}");
        assert!(others == 0 || *name == "all", "{name}: {found:?}");
    }
    let [_, zoom, warm, soft, sharp, edit, all] = found.try_into().unwrap();
    let geometry = zoom.geometry.unwrap();
    assert!((geometry.share - (1.0 - 0.96 * 0.96)).abs() < 0.01 && geometry.log2_zoom > 0.05, "{geometry:?}");
    for tone in [warm.tone.as_ref().unwrap(), all.tone.as_ref().unwrap()] {
        assert!((tone.de - 2.62).abs() < 0.3 && (tone.shift_lab[2] - 2.5).abs() < 0.3, "{tone:?}");
    }
    let [soft, sharp, together] = [&soft, &sharp, &all].map(|found| *found.sharpness.as_ref().unwrap());
    assert!(soft < -1.0 && sharp > 0.5 && (together - sharp).abs() < 0.4, "{soft} {sharp} {together}");
    let content = [edit.content.unwrap(), all.content.clone().unwrap()];
    assert!((content[1] / content[0] - 1.0).abs() < 0.35, "{content:?}");
    // A control lifts the floor, and the codec's part is its residual.
    assert_eq!(Floor::of(&[&all]).exceeded_by(&warm), []);
    let residual = all.residual.clone().unwrap();
    assert_eq!(warm.with_codec(&all).codec, Some(residual));
}

#[test]
fn numbers_are_those_of_numpy_and_scikit_image() {
    let case = &parse_cases(FIXTURE)[0];
    let (source, candidate) = (texture(96, 80, 0), warmed_by_whole_numbers(&texture(96, 80, 0)));
    let side = session_side([&source, &candidate]);
    let [one, other] = [source, candidate].map(|pixels| RoundImage::new(pixels, side));
    let found = compare(&one, &other);
    let pixels = found.pixels.as_ref().unwrap();
    check_close("l1", &[pixels.distance.mean_absolute], case.get("l1"), 1e-9, 1.0);
    check_close("l2", &[pixels.distance.mean_squared], case.get("l2"), 1e-9, 1.0);
    check_close("psnr", &[pixels.psnr], case.get("psnr"), 1e-9, 1.0);
    check_close("ssim", &[pixels.ssim], case.get("ssim"), 1e-5, 1.0);
    check_close("lap_var_ratio", &[found.sharpness.lap_var.unwrap()], case.get("lap_var_ratio"), 1e-6, 1.0);
    let points: Vec<(u32, f64)> = [(1, 0.5), (2, 0.75), (4, 3.0), (5, 2.5)].into();
    check_close("slope", &[slope_of(&points).unwrap()], case.get("slope"), 1e-12, 1.0);
    let names: Vec<_> = found.numbers().into_iter().map(|(name, _)| name).collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), names.len());
}

fn warmed_by_whole_numbers(pixels: &Pixels) -> Pixels {
    let rgb = pixels.rgb().as_chunks::<3>().0.iter().flat_map(|pixel| {
        let [red, green, blue] = pixel.map(u32::from);
        [red * 9 / 10 + 20, green, blue * 8 / 10].map(|value| value as u8)
    });
    Pixels::new(pixels.width(), pixels.height(), rgb.collect()).unwrap()
}

#[test]
fn what_cannot_be_measured_says_why() {
    let source = texture(96, 80, 0);
    let plain = Pixels::new(60, 50, vec![90; 9000]).unwrap();
    let side = session_side([&source, &plain]);
    assert_eq!(side, 50);
    let [source, plain, edit] =
        [source.clone(), plain, edited(&source)].map(|pixels| RoundImage::new(pixels, side));
    // Round 2 has no image.
    let session = measure_session(&source, &[(1, &edit), (3, &plain), (4, &edit)]);
    let rounds: Vec<_> = session.rounds.iter().map(|round| (round.round, round.previous)).collect();
    assert_eq!(rounds, [(1, 0), (3, 1), (4, 3)]);
    assert_eq!(session.first_failed_round, Some(3));
    let flat = &session.rounds[1];
    assert_eq!(flat.failures, [FailureReason::NotRegistrable, FailureReason::Survival]);
    assert!(flat.vs_source.sharpness.lap_var.is_err() && flat.vs_source.region.is_err());
    assert!(flat.vs_source.numbers().iter().any(|(name, number)| *name == "drift.tone" && number.is_err()));
    assert_eq!(
        session.rounds[2].outside_edits.as_ref().unwrap_err().to_string(),
        "what round 3 edited is unknown, so nothing outside all edits is compared"
    );
    assert!(session.rounds[0].outside_edits.is_ok(), "{:?}", session.rounds[0].outside_edits);
    let survivals: Vec<_> = session.rounds.iter().flat_map(|round| &round.earlier_edits).collect();
    let survived: Vec<_> = survivals.iter().map(|edit| (edit.edit, edit.seen_in)).collect();
    assert_eq!(survived, [(1, 3), (1, 4)]);
    assert!(survivals[0].correlation.is_err());
    assert!(survivals[1].correlation.as_ref().unwrap() > &0.99);
    let empty = measure_session(&source, &[]);
    assert!(empty.rounds.is_empty() && empty.trends.mean_delta_e.is_none());
}

#[test]
fn curves_and_slopes_compare_sessions() {
    let settings = BootstrapSettings { seed: 0, replicates: 200 };
    let session = |slope: f64, offset: f64| -> Vec<(u32, f64)> {
        (1..=4).map(|round| (round, offset + slope * f64::from(round))).collect()
    };
    let sessions: Vec<[Vec<(u32, f64)>; 2]> = (0..12)
        .map(|index| [session(1.0, f64::from(index)), session(1.5 + f64::from(index) / 100.0, 0.0)])
        .collect();
    let first: Vec<_> = sessions.iter().map(|models| models[0].clone()).collect();
    let curve = drift_curve(&first, settings);
    assert_eq!(curve.len(), 4);
    assert!((curve[0].mean.value - 6.5).abs() < 1e-12 && curve[0].mean.interval.is_some());
    let found = compare_slopes(&sessions, settings).unwrap();
    assert!((found.difference.value - 0.555).abs() < 1e-9, "{found:?}");
    assert!(found.is_exact);
    check_close("permutation", &[found.permutation_p.unwrap()], &[2.0 / 4096.0], 1e-12, 1e-12);
    check_close("wilcoxon", &[found.shift.unwrap().wilcoxon_p], &[2.0 / 4096.0], 1e-9, 1e-12);
    let short = [[session(1.0, 0.0), vec![(1, 0.0)]]];
    assert_eq!(compare_slopes(&short, settings), None);
}
