//! The whole way on images whose truth is known: textures with and without a trace.

use std::{fs, path::Path};

use imgeval_core::{ImageFormat, Pixels};
use imgeval_vision::{DecodeLimits, image_file::encode};

use super::{
    ArtefactError, Comparison, FileFact, Finding, Number, Place, PlaceRequest, compare, measure_place,
    say::PatternVerdict,
};
use crate::{
    alike::{Subsampling, encode_jpeg},
    collect::list_images,
    textures::texture,
};

fn png(pixels: &Pixels) -> Vec<u8> {
    encode(pixels, ImageFormat::Png).unwrap()
}

fn changed(pixels: &Pixels, change: impl Fn(usize, usize, usize, u8) -> u8) -> Pixels {
    let width = pixels.width() as usize;
    let values = pixels.rgb().iter().enumerate();
    let values = values.map(|(index, value)| change(index / 3 % width, index / 3 / width, index % 3, *value));
    Pixels::new(pixels.width(), pixels.height(), values.collect()).unwrap()
}

/// Images of groups of their own: textures of one generator may look alike.
fn place(folder: &Path, name: &str, files: &[Vec<u8>]) -> Result<Place, ArtefactError> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder).unwrap();
    let mut groups = String::new();
    for (number, bytes) in files.iter().enumerate() {
        // The extension is a name only.
        fs::write(folder.join(format!("{number}.png")), bytes).unwrap();
        groups.push_str(&format!("{{\"file\": \"{number}.png\", \"group\": \"{number}\"}}\n"));
    }
    fs::write(folder.join("groups.jsonl"), groups).unwrap();
    let items = list_images(folder.to_str().unwrap()).unwrap();
    let request = PlaceRequest { name, items: &items, limits: DecodeLimits::default(), seed: 0 };
    measure_place(&request, &mut |_| {})
}

fn textures(first: u64, encoded: impl Fn(&Pixels) -> Vec<u8>) -> Vec<Vec<u8>> {
    (first..first + 10).map(|seed| encoded(&texture(seed, 128, 128))).collect()
}

fn is_apart(comparison: &Comparison<'_>, number: Number) -> bool {
    comparison
        .findings
        .iter()
        .any(|finding| matches!(finding, Finding::Apart { number: apart, .. } if *apart == number))
}

#[test]
fn traces_stand_out_from_the_reference_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let reference = place(folder.path(), "reference", &textures(100, png)).unwrap();
    let other = place(folder.path(), "other", &textures(200, png)).unwrap();
    let comparison = compare(&other, Some(&reference));
    let apart = comparison.findings.iter().filter(|finding| finding.code() == "apart").count();
    assert!(apart <= 2, "about one of twenty by chance: {:?}", comparison.findings);
    assert!(comparison.files.iter().all(|shares| !shares.differs));

    // A checkerboard of two gray levels, and warmer.
    let marked_png = |pixels: &Pixels| {
        png(&changed(pixels, |x, y, channel, value| {
            let value = value.saturating_add(if (x + y) % 2 == 0 { 2 } else { 0 });
            if channel == 2 { value.saturating_sub(25) } else { value }
        }))
    };
    let marked = place(folder.path(), "marked", &textures(300, marked_png)).unwrap();
    let comparison = compare(&marked, Some(&reference));
    for number in [Number::Checkerboard2, Number::MeanB] {
        assert!(is_apart(&comparison, number), "{number:?}: {:?}", comparison.findings);
    }
    let b = comparison.row(Number::MeanB).unwrap().difference.unwrap();
    assert!(b.value > 5.0, "{b:?}");
    assert!(comparison.color_shifts[0].shift.mannwhitney_p < 0.001);
    let verdict = |period: usize| {
        comparison.findings.iter().find_map(|finding| match finding {
            Finding::Pattern { period: of, verdict, .. } if *of == period => Some(*verdict),
            _ => None,
        })
    };
    assert_eq!(verdict(2), Some(PatternVerdict::Present));
    // Its frequencies are among those of the longer periods.
    assert_eq!([verdict(4), verdict(8)], [Some(PatternVerdict::OfShorter); 2]);
    assert!(comparison.findings.iter().all(|finding| !finding.to_string().contains(" K ")));
    // The same again is the same to the last bit.
    let again = textures(300, marked_png);
    assert_eq!(place(folder.path(), "marked", &again).unwrap(), marked);
}

#[test]
fn repetitions_are_found_in_the_autocorrelation() {
    let folder = tempfile::tempdir().unwrap();
    let lattice = |pixels: &Pixels| {
        png(&changed(pixels, |x, _, _, value| value.saturating_add(if x % 8 == 0 { 12 } else { 0 })))
    };
    let place = place(folder.path(), "lattice", &textures(0, lattice)).unwrap();
    let fingerprint = place.fingerprint.as_ref().unwrap();
    assert_eq!(fingerprint.n_images, 10);
    let [along, down] = fingerprint.peak_at.unwrap();
    assert!(along % 8 == 0 && along > 0, "{along} {down}");
    // The sum over images is the fingerprint's own autocorrelation.
    let at = |along: i32, down: i32| fingerprint.autocorrelation[((111 + down) * 222 + 111 + along) as usize];
    let peak = compare(&place, None).row(Number::AutocorrelationPeak).unwrap().place.unwrap();
    assert!((peak.value - at(along, down) / at(0, 0)).abs() < 0.01, "{peak:?}");
    let (low, high) = peak.interval.unwrap();
    assert!(low > 0.05 && low <= peak.value && peak.value <= high, "{peak:?}");
}

#[test]
fn what_the_files_explain_is_said_first() {
    let folder = tempfile::tempdir().unwrap();
    let jpeg = |pixels: &Pixels| encode_jpeg(pixels, 30, Subsampling::Half).unwrap();
    let reference = place(folder.path(), "reference", &textures(100, png)).unwrap();
    let compressed = place(folder.path(), "compressed", &textures(200, jpeg)).unwrap();
    let comparison = compare(&compressed, Some(&reference));
    let text = comparison.findings[0].to_string();
    assert!(
        text.starts_with("The files differ from the reference in format (jpg 100 %; reference png 100 %)")
    );
    assert!(text.contains("cannot be attributed to the generator"), "{text}");
    let grid = comparison.row(Number::JpegGrid).unwrap();
    assert!(grid.place.unwrap().value > 0.5 && grid.reference.unwrap().value < 0.5, "{grid:?}");
    assert!(grid.files.contains(&FileFact::Quantization));
    assert!(comparison.row(Number::MeanB).unwrap().files.is_empty());
}

#[test]
fn what_cannot_be_measured_is_counted_and_never_zero() {
    let folder = tempfile::tempdir().unwrap();
    let one_color = Pixels::new(96, 96, [90, 90, 90].repeat(96 * 96)).unwrap();
    let files = [png(&texture(1, 128, 128)), png(&one_color), png(&texture(2, 20, 20)), b"no image".to_vec()];
    let mixed = place(folder.path(), "mixed", &files).unwrap();
    assert_eq!((mixed.images.len(), mixed.unused.len()), (3, 1));
    let comparison = compare(&mixed, None);
    let row = comparison.row(Number::SpectrumHigh).unwrap();
    let codes: Vec<&str> = row.not_measured.iter().map(|(reason, _)| super::reason_code(*reason)).collect();
    assert_eq!(codes, ["one-gray", "too-small"]);
    assert_eq!((row.place.unwrap().n, row.place.unwrap().interval), (1, None));
    assert_eq!(comparison.row(Number::MeanB).unwrap().place.unwrap().n, 3);
    let codes: Vec<&str> = comparison.findings.iter().map(Finding::code).collect();
    assert_eq!(codes[..2], ["too-few-images", "no-reference"]);
    let plain = place(folder.path(), "plain", &[png(&one_color)]).unwrap();
    assert!(plain.fingerprint.is_none() && compare(&plain, Some(&mixed)).rows[0].place.is_none());
    let unreadable = place(folder.path(), "unreadable", &[b"no image".to_vec()]);
    assert!(matches!(unreadable, Err(ArtefactError::NoUsableImage { n_unused: 1, .. })));
}
