//! From images to what the networks take: crops at native scale, mirrored or not.

use candle_core::Tensor;
use imgeval_core::Pixels;

use super::{
    clip_network, description::NetworkShape, draws::Draws, error::TrainError, kind::Framing, residual_network,
};
use crate::{
    clip::{Preparation, middle_square},
    compute::Backend,
    model_error::ModelError,
    ops::tensor::from_numbers,
};

/// Which augmentation is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Augmentation {
    pub(super) flip: bool,
    pub(super) random_crop: bool,
}

/// A square of an image, ready for a network.
pub(super) struct Prepared(Vec<f32>);

/// One crop for training. `index` names the image in errors.
pub(super) fn prepare_augmented(
    shape: &NetworkShape,
    pixels: &Pixels,
    index: usize,
    augmentation: Augmentation,
    draws: &mut Draws,
) -> Result<Prepared, TrainError> {
    let framed = Framed::of(shape, pixels, index)?;
    let (free_x, free_y) = framed.free();
    // Both are drawn whatever the image's size and the settings, so that one does not move the other.
    let (x, y, mirror) = (draws.below(free_x + 1), draws.below(free_y + 1), draws.below(2) == 1);
    let (left, top) = if augmentation.random_crop { (x, y) } else { (free_x / 2, free_y / 2) };
    Ok(framed.prepare(left, top, augmentation.flip && mirror))
}

/// The crops whose answers are averaged: `crops_per_side` along each side, evenly spaced; those that coincide once.
pub(super) fn prepare_all(
    shape: &NetworkShape,
    crops_per_side: usize,
    pixels: &Pixels,
    index: usize,
) -> Result<Vec<Prepared>, TrainError> {
    let framed = Framed::of(shape, pixels, index)?;
    let (free_x, free_y) = framed.free();
    let starts = |free: usize| {
        let mut starts: Vec<usize> = match crops_per_side {
            0 | 1 => vec![free / 2],
            count => (0..count).map(|place| free * place / (count - 1)).collect(),
        };
        starts.dedup();
        starts
    };
    let columns = starts(free_x);
    let places = starts(free_y).into_iter().flat_map(|top| columns.iter().map(move |left| (*left, top)));
    Ok(places.map(|(left, top)| framed.prepare(left, top, false)).collect())
}

/// Several crops as the network's input.
pub(super) fn stack(
    shape: &NetworkShape,
    crops: &[Prepared],
    backend: &Backend,
) -> candle_core::Result<Tensor> {
    let dims = match shape {
        NetworkShape::Clip(shape) => {
            let side = shape.image_size / shape.patch;
            vec![crops.len(), side * side, 3 * shape.patch * shape.patch]
        }
        NetworkShape::Residual(shape) => {
            vec![crops.len(), residual_network::CHANNELS, shape.crop / 2, shape.crop / 2]
        }
    };
    let numbers: Vec<f32> = crops.iter().flat_map(|crop| &crop.0).copied().collect();
    from_numbers(numbers, &dims)?.to_device(&backend.device)?.to_dtype(backend.dtype)
}

/// An image at the scale of the network.
struct Framed<'a> {
    shape: &'a NetworkShape,
    pixels: std::borrow::Cow<'a, Pixels>,
}

impl<'a> Framed<'a> {
    fn of(shape: &'a NetworkShape, pixels: &'a Pixels, index: usize) -> Result<Self, TrainError> {
        if let NetworkShape::Clip(clip) = shape
            && clip.framing == Framing::Resized
        {
            let square =
                middle_square(pixels, clip.image_size, Preparation::OpenClip).map_err(ModelError::from)?;
            return Ok(Self { shape, pixels: std::borrow::Cow::Owned(square) });
        }
        check_size(pixels, index, shape.side())?;
        Ok(Self { shape, pixels: std::borrow::Cow::Borrowed(pixels) })
    }

    /// By how much a crop can be moved to the right and down.
    fn free(&self) -> (usize, usize) {
        let side = self.shape.side();
        (self.pixels.width() as usize - side, self.pixels.height() as usize - side)
    }

    fn prepare(&self, left: usize, top: usize, is_mirrored: bool) -> Prepared {
        let side = self.shape.side();
        let rgb = square_of(&self.pixels, left, top, side, is_mirrored);
        Prepared(match self.shape {
            NetworkShape::Clip(shape) => clip_network::patches(&rgb, side, shape.patch),
            NetworkShape::Residual(_) => residual_network::planes(&rgb, side),
        })
    }
}

/// Whether a crop fits in.
pub(super) fn check_size(pixels: &Pixels, index: usize, side: usize) -> Result<(), TrainError> {
    let (width, height) = (pixels.width(), pixels.height());
    if (width as usize) < side || (height as usize) < side {
        return Err(TrainError::TooSmall { index, width, height, side });
    }
    Ok(())
}

/// The square must lie inside.
pub(super) fn square_of(pixels: &Pixels, left: usize, top: usize, side: usize, is_mirrored: bool) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(3 * side * side);
    for y in top..top + side {
        let start = (y * pixels.width() as usize + left) * 3;
        let row = &pixels.rgb()[start..start + 3 * side];
        if is_mirrored {
            row.rchunks_exact(3).for_each(|pixel| rgb.extend_from_slice(pixel));
        } else {
            rgb.extend_from_slice(row);
        }
    }
    rgb
}
