//! From SVG to PNG.

use resvg::tiny_skia::{Pixmap, Transform};

use super::svg_tree;

/// Pixels to an inch in SVG.
const SVG_DPI: f32 = 96.0;

const MAX_DPI: u32 = 2400;
const MAX_PIXELS: u64 = 200_000_000;

/// Why there is no PNG or PDF.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    #[error("a figure cannot have {dpi} dpi; use 1 to {MAX_DPI}")]
    Resolution { dpi: u32 },
    #[error("the figure would be {width} x {height} pixels large; use a lower resolution")]
    TooLarge { width: u32, height: u32 },
    #[error("could not read the figure's SVG")]
    Svg(#[source] resvg::usvg::Error),
    #[error("the figure has {what}, which no figure of ours has and its PDF cannot show")]
    Foreign { what: &'static str },
    #[error("could not decode a picture in the figure")]
    Picture(#[source] image::ImageError),
    #[error("could not compress the figure's PDF")]
    Compress(#[source] std::io::Error),
    #[error("could not encode the figure as PNG")]
    Encode(#[source] png::EncodingError),
}

pub(super) fn render(svg: &str, dpi: u32) -> Result<Vec<u8>, FigureError> {
    if !(1..=MAX_DPI).contains(&dpi) {
        return Err(FigureError::Resolution { dpi });
    }
    let tree = svg_tree::parse(svg)?;
    let scale = dpi as f32 / SVG_DPI;
    let size = tree.size();
    let (width, height) = ((size.width() * scale).round() as u32, (size.height() * scale).round() as u32);
    let too_large = FigureError::TooLarge { width, height };
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(too_large);
    }
    let mut pixels = Pixmap::new(width, height).ok_or(too_large)?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    encode(&pixels, dpi).map_err(FigureError::Encode)
}

fn encode(pixels: &Pixmap, dpi: u32) -> Result<Vec<u8>, png::EncodingError> {
    // Figures have a white ground, so that no pixel is transparent.
    let rgb: Vec<u8> =
        pixels.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    encode_rgb(&rgb, pixels.width(), pixels.height(), Some(dpi))
}

/// Three bytes a pixel, row by row.
pub(super) fn encode_rgb(
    rgb: &[u8],
    width: u32,
    height: u32,
    dpi: Option<u32>,
) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_pixel_dims(dpi.map(|dpi| {
        let per_metre = (f64::from(dpi) / 0.0254).round() as u32;
        png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter }
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(file)
}
