//! Everything that one image shows.

use imgeval_core::Pixels;

use super::{
    Checkerboard, ColorStatistics, Gray, JpegGrid, Measured, Noise, Sharpness, Spectrum, Upscaling,
    edge_sigma,
    spectrum::{Square, SquarePower},
};

/// The measures of one image, each a value or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageMeasures {
    /// Width and height in pixels.
    pub size: [usize; 2],
    pub color: ColorStatistics,
    pub sharpness: Measured<Sharpness>,
    pub noise: Measured<Noise>,
    pub spectrum: Measured<Spectrum>,
    /// The median blur of the clearest edges, in pixels.
    pub edge_sigma: Measured<f64>,
    pub upscaling: Measured<Upscaling>,
    pub checkerboard: Measured<Checkerboard>,
    pub jpeg_grid: Measured<JpegGrid>,
}

/// Measures an image. One Fourier transform serves both spectra wherever both take the same square of the image.
#[must_use]
pub fn measure_image(pixels: &Pixels) -> ImageMeasures {
    let gray = Gray::of(pixels);
    let (spectrum, checkerboard) = spectra(&gray);
    let upscaling = match &spectrum {
        Ok(spectrum) => Upscaling::of(&gray, spectrum),
        Err(reason) => Err(*reason),
    };
    ImageMeasures {
        size: [gray.width(), gray.height()],
        color: ColorStatistics::of(pixels, &gray),
        sharpness: Sharpness::of(&gray),
        noise: Noise::of(&gray),
        spectrum,
        edge_sigma: edge_sigma(&gray),
        upscaling,
        checkerboard,
        jpeg_grid: JpegGrid::of(&gray),
    }
}

fn spectra(gray: &Gray) -> (Measured<Spectrum>, Measured<Checkerboard>) {
    if Square::center(gray) != Checkerboard::square(gray) || gray.check(Checkerboard::MIN_SIDE).is_err() {
        return (Spectrum::of(gray), Checkerboard::of(gray));
    }
    let power = SquarePower::of(gray, Square::center(gray));
    (Spectrum::of_power(&power), Checkerboard::of_power(&power))
}
