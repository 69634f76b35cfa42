//! What of an image is the mask of an edit: white on black, or what the user says about another one.

use imgeval_core::GrayPixels;

/// Pixels this near to black or white count as such: files in JPEG format have rims of such values.
const NEAR: u8 = 32;
/// A mask has at most this share of grays, for soft edges; a photograph has far more.
const MAX_GRAY_SHARE: f64 = 0.05;

/// How a mask that is not black and white is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskThreshold {
    /// Pixels at least this bright are the region; it is hidden wholly.
    Level(u8),
    /// As it is: what is not black is the region, grays hide in part.
    Grays,
}

/// Why an image cannot serve as a mask.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MaskError {
    #[error("{share:.0} % of its pixels are neither black nor white, so it is not a mask")]
    Photograph { share: f64 },
    #[error("its brightest pixel has the level {brightest} of 255, so nothing is marked in white")]
    Dark { brightest: u8 },
}

/// The mask in black and white, or as requested by the user.
///
/// # Errors
/// If there was no request and the mask is not nearly black and white. An empty mask is reported where it is used.
pub fn mask_of(luma: GrayPixels, threshold: Option<MaskThreshold>) -> Result<GrayPixels, MaskError> {
    match threshold {
        Some(MaskThreshold::Grays) => Ok(luma),
        Some(MaskThreshold::Level(level)) => {
            let values = luma.values().iter().map(|value| if *value >= level { 255 } else { 0 }).collect();
            // As many values as before.
            Ok(GrayPixels::new(luma.width(), luma.height(), values).unwrap_or(luma))
        }
        None => check(&luma).map(|()| luma),
    }
}

fn check(luma: &GrayPixels) -> Result<(), MaskError> {
    let values = luma.values();
    let grays = values.iter().filter(|value| (NEAR..=u8::MAX - NEAR).contains(value)).count();
    let share = grays as f64 / values.len() as f64;
    let brightest = values.iter().copied().max().unwrap_or_default();
    let has_white = brightest > u8::MAX - NEAR;
    // One dark level alone, such as labels of 0 and 1 or red on black, is a mask in another notation.
    let levels = values.iter().filter(|value| **value > 0 && **value != brightest).count();
    if brightest > 0 && !has_white && levels == 0 {
        return Err(MaskError::Dark { brightest });
    }
    if share > MAX_GRAY_SHARE {
        return Err(MaskError::Photograph { share: 100.0 * share });
    }
    if brightest > 0 && !has_white {
        return Err(MaskError::Dark { brightest });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 pixels: `levels` of so many pixels each, the rest black.
    fn mask(levels: &[(u8, usize)]) -> GrayPixels {
        let mut values: Vec<u8> = levels.iter().flat_map(|(level, count)| vec![*level; *count]).collect();
        values.resize(100, 0);
        GrayPixels::new(10, 10, values).unwrap()
    }

    #[test]
    fn masks_in_black_and_white_stay_as_they_are() {
        for levels in [&[(255, 30)][..], &[(255, 100)], &[(250, 20), (7, 10)], &[(255, 40), (128, 5)], &[]] {
            let mask = mask(levels);
            assert_eq!(mask_of(mask.clone(), None).unwrap(), mask, "{levels:?}");
        }
    }

    #[test]
    fn photographs_and_dark_masks_are_refused() {
        let refused = |levels: &[(u8, usize)]| mask_of(mask(levels), None).unwrap_err();
        let photograph = refused(&[(90, 40), (140, 40), (255, 20)]);
        assert_eq!(
            photograph.to_string(),
            "80 % of its pixels are neither black nor white, so it is not a mask"
        );
        assert_eq!(refused(&[(255, 40), (128, 6)]), MaskError::Photograph { share: 6.0 });
        // Labels, red on black, and a mask that is nearly black.
        assert_eq!(refused(&[(1, 30)]), MaskError::Dark { brightest: 1 });
        assert_eq!(refused(&[(76, 30)]), MaskError::Dark { brightest: 76 });
        assert_eq!(refused(&[(3, 30), (2, 1)]), MaskError::Dark { brightest: 3 });
    }

    #[test]
    fn a_threshold_makes_any_picture_a_mask() {
        let photograph = mask(&[(90, 40), (140, 40)]);
        let white = |threshold| {
            let mask = mask_of(photograph.clone(), Some(threshold)).unwrap();
            mask.values().iter().filter(|value| **value == 255).count()
        };
        assert_eq!(white(MaskThreshold::Level(1)), 80);
        assert_eq!(white(MaskThreshold::Level(140)), 40);
        assert_eq!(white(MaskThreshold::Level(141)), 0);
        assert_eq!(mask_of(photograph.clone(), Some(MaskThreshold::Grays)).unwrap(), photograph);
    }
}
