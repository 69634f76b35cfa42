//! How much an image that was to be returned unchanged did change.

use imgeval_core::Pixels;
use imgeval_resample::pillow::{Filter, crop, resize};

use super::{AlignedPair, Alignment, Registration, Status};
use crate::{
    locality::Bits,
    plane::{Border, Plane, correlate_columns, correlate_rows, gaussian_kernel},
};

/// Long side of the grid on which registered images are compared.
pub const IDENTITY_SIDE: u32 = 512;
/// PSNR of equal images, in decibels; no other pair has more.
pub const EQUAL_PSNR: f64 = 99.0;
/// Pixels between those that are compared and the end of the overlap,
const MARGIN: usize = 3;
/// or of the image, where it lies in the overlap as a whole.
const FRAME: usize = 2;
/// The window of SSIM reaches this far.
const REACH: usize = 5;
const SIGMA: f64 = 1.5;
const C1: f32 = (0.01 * 255.0) * (0.01 * 255.0);
const C2: f32 = (0.03 * 255.0) * (0.03 * 255.0);

/// How alike two images are.
#[derive(Debug, Clone, PartialEq)]
pub struct Likeness {
    /// Over red, green and blue, in decibels; [`EQUAL_PSNR`] for equal images.
    pub psnr: f64,
    /// Mean structural similarity of gray, at most 1.
    pub ssim: f64,
    /// Inputs for a perceptual distance: source and edited image, of one size.
    pub crops: [Pixels; 2],
}

/// Likeness after registration.
#[derive(Debug, Clone, PartialEq)]
pub struct AlignedLikeness {
    pub likeness: Likeness,
    /// Size of the grid in pixels.
    pub grid: [usize; 2],
    /// Share of the grid that was compared, in [0, 1].
    pub valid_share: f64,
    /// Around what was compared, right and bottom exclusive, on the grid: the crops.
    pub bounding_box: [usize; 4],
}

/// Why a pair has no likeness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    #[error("registration is {}, so pixels cannot be compared", .0.name())]
    NotRegistered(Status),
    #[error("the images overlap too little to be compared")]
    TooLittle,
}

/// As the images are: the edited one is scaled to the size of the source.
///
/// # Errors
/// If the source is smaller than a window of 11 pixels.
pub fn likeness_before(source: &Pixels, edited: &Pixels) -> Result<Likeness, NotComparable> {
    let edited = resize(edited, source.width(), source.height(), Filter::Bicubic);
    let all = Bits::of_rows(source.width() as usize, vec![true; source.rgb().len() / 3]);
    let ssim = ssim(&Plane::gray_of(source), &Plane::gray_of(&edited), &all)?;
    let psnr = psnr(source, &edited, &all);
    Ok(Likeness { psnr, ssim, crops: [source.clone().uncounted(), edited] })
}

/// After registration, which must be `ok`.
///
/// # Errors
/// If it is not, or too little overlaps.
pub fn likeness_after(
    source: &Pixels,
    edited: &Pixels,
    registration: &Registration,
) -> Result<AlignedLikeness, NotComparable> {
    if registration.status != Status::Ok {
        return Err(NotComparable::NotRegistered(registration.status));
    }
    likeness_at(source, edited, &registration.alignment)
}

/// The same with an alignment that is known.
///
/// # Errors
/// If too little overlaps.
pub fn likeness_at(
    source: &Pixels,
    edited: &Pixels,
    alignment: &Alignment,
) -> Result<AlignedLikeness, NotComparable> {
    let pair = AlignedPair::new(source, edited, alignment, IDENTITY_SIDE);
    let inside = Bits::of_rows(pair.width(), pair.is_inside().to_vec());
    let is_whole = inside.count() == inside.values().len();
    let valid = inside.eroded(if is_whole { FRAME } else { MARGIN });
    let bounding_box = valid.bounding_box().ok_or(NotComparable::TooLittle)?;
    let aligned = Pixels::new(pair.source().width(), pair.source().height(), pair.rounded())
        .ok_or(NotComparable::TooLittle)?;
    let corners = bounding_box.map(|edge| edge as f64);
    let cut = |pixels: &Pixels| crop(pixels, corners).map_err(|_| NotComparable::TooLittle);
    let likeness = Likeness {
        psnr: psnr(pair.source(), &aligned, &valid),
        ssim: ssim(&Plane::gray_of(pair.source()), &Plane::gray_of(&aligned), &valid)?,
        crops: [cut(pair.source())?, cut(&aligned)?],
    };
    let valid_share = valid.count() as f64 / valid.values().len() as f64;
    Ok(AlignedLikeness { likeness, grid: [pair.width(), pair.height()], valid_share, bounding_box })
}

/// Over what is valid, of which there must be something.
fn psnr(one: &Pixels, other: &Pixels, valid: &Bits) -> f64 {
    let pixels = one.rgb().as_chunks::<3>().0.iter().zip(other.rgb().as_chunks::<3>().0);
    let mut sum = 0_u64;
    for ((one, other), _) in pixels.zip(valid.values()).filter(|(_, valid)| **valid) {
        let squares = one.iter().zip(other).map(|(one, other)| u64::from(one.abs_diff(*other)).pow(2));
        sum += squares.sum::<u64>();
    }
    let error = sum as f64 / (3 * valid.count()) as f64;
    if sum == 0 { EQUAL_PSNR } else { (10.0 * (255.0 * 255.0 / error).log10()).min(EQUAL_PSNR) }
}

/// Averaged over what is valid and whose window lies in it.
fn ssim(one: &Plane, other: &Plane, valid: &Bits) -> Result<f64, NotComparable> {
    let kernel = gaussian_kernel(SIGMA, REACH as f64 / SIGMA);
    let smooth = |plane: &Plane| {
        correlate_rows(&correlate_columns(plane, &kernel, Border::Reflect), &kernel, Border::Reflect)
    };
    let (mean_one, mean_other) = (smooth(one), smooth(other));
    let away = |plane: &Plane, mean: &Plane| plane.zip(mean, |value, mean| value - mean);
    // Moments about one constant lose less than those about zero.
    let shift = mean_one.values().iter().sum::<f32>() / mean_one.values().len() as f32;
    let constant = mean_one.map(|_| shift);
    let (one, other) = (away(one, &constant), away(other, &constant));
    let product = |one: &Plane, other: &Plane| smooth(&one.zip(other, |one, other| one * other));
    let (squares_one, squares_other, products) =
        (product(&one, &one), product(&other, &other), product(&one, &other));
    let counted = valid.eroded(REACH);
    let (mut sum, mut n) = (0.0, 0_usize);
    for (place, _) in counted.values().iter().enumerate().filter(|(_, counted)| **counted) {
        let (x, y) = (mean_one.values()[place], mean_other.values()[place]);
        let (dx, dy) = (x - shift, y - shift);
        let variances = squares_one.values()[place] - dx * dx + squares_other.values()[place] - dy * dy;
        let covariance = products.values()[place] - dx * dy;
        let upper = (2.0 * x * y + C1) * (2.0 * covariance + C2);
        sum += f64::from(upper / ((x * x + y * y + C1) * (variances + C2)));
        n += 1;
    }
    if n == 0 { Err(NotComparable::TooLittle) } else { Ok(sum / n as f64) }
}
