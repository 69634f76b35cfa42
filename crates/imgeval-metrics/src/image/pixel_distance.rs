//! How far two images are apart, pixel by pixel, as MagicBrush measures it.

use imgeval_core::Pixels;
use imgeval_resample::pillow;

/// Mean differences over all pixels and channels, with values from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PixelDistance {
    /// L1: the mean absolute difference, 0 to 1.
    pub mean_absolute: f64,
    /// L2: the mean squared difference, 0 to 1.
    pub mean_squared: f64,
}

/// Compares a candidate with a reference. A candidate of another size is first squeezed to that of the reference by Pillow's bicubic
/// filter, as `evaluation/image_eval.py` of OSU-NLP-Group/MagicBrush does. Sums are exact, where the official code adds in 32-bit floats.
#[must_use]
pub fn mean_absolute_and_squared(candidate: &Pixels, reference: &Pixels) -> PixelDistance {
    let resized;
    let size = (reference.width(), reference.height());
    let candidate = if (candidate.width(), candidate.height()) == size {
        candidate
    } else {
        resized = pillow::resize_bicubic(candidate, size.0, size.1);
        &resized
    };
    let differences =
        candidate.rgb().iter().zip(reference.rgb()).map(|(one, other)| u64::from(one.abs_diff(*other)));
    let (absolute, squared) = differences.fold((0, 0), |(absolute, squared), difference| {
        (absolute + difference, squared + difference * difference)
    });
    let n = reference.rgb().len() as f64;
    PixelDistance {
        mean_absolute: absolute as f64 / n / 255.0,
        mean_squared: squared as f64 / n / (255.0 * 255.0),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn load(path: &Path) -> Pixels {
        let image = image::open(path).unwrap().into_rgb8();
        Pixels::new(image.width(), image.height(), image.into_raw()).unwrap()
    }

    #[test]
    fn distances_are_means_over_channels() {
        let reference = Pixels::new(2, 1, vec![0, 0, 0, 255, 255, 255]).unwrap();
        let candidate = Pixels::new(2, 1, vec![51, 0, 0, 255, 255, 204]).unwrap();
        let distance = mean_absolute_and_squared(&candidate, &reference);
        assert!((distance.mean_absolute - 0.2 / 3.0).abs() < 1e-15, "{distance:?}");
        assert!((distance.mean_squared - 0.04 / 3.0).abs() < 1e-15, "{distance:?}");
        // A plain image stays plain in any size.
        let plain = Pixels::new(1, 3, vec![51; 9]).unwrap();
        let black = Pixels::new(4, 2, vec![0; 24]).unwrap();
        assert!((mean_absolute_and_squared(&plain, &black).mean_absolute - 0.2).abs() < 1e-15);
    }

    #[test]
    fn golden_pairs_agree() {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/multiturn/magicbrush");
        let Ok(text) = std::fs::read_to_string(folder.join("expected.json")) else { return };
        let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        let example = &expected["example"];
        for (pairs, kind) in [("all_turns", "all"), ("final_turn", "final")] {
            let pairs = example[pairs].as_array().unwrap();
            let file = |name: &serde_json::Value| load(&folder.join(name.as_str().unwrap()));
            let distances: Vec<PixelDistance> = pairs
                .iter()
                .map(|pair| mean_absolute_and_squared(&file(&pair[0]), &file(&pair[1])))
                .collect();
            let mean = |value: &dyn Fn(&PixelDistance) -> f64| {
                distances.iter().map(value).sum::<f64>() / distances.len() as f64
            };
            let check = |found: f64, name: String| {
                let error = (found - example[&name].as_f64().unwrap()).abs();
                assert!(error < 1e-7, "{name}: {found}, off by {error}");
            };
            check(mean(&|distance| distance.mean_absolute), format!("{kind}_l1"));
            check(mean(&|distance| distance.mean_squared), format!("{kind}_l2"));
        }
    }
}
