//! Convolution on the CPU as a product with unfolded patches, image by image, forwards and backwards.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::ops::tensor::{from_numbers, with_both, with_numbers};

/// The same stride and padding with zeros on both axes.
pub(super) struct Convolve {
    pub(super) stride: usize,
    pub(super) padding: usize,
}

/// One image's sizes.
#[derive(Clone, Copy)]
struct Geometry {
    batch: usize,
    channels: usize,
    height: usize,
    width: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    out_height: usize,
    out_width: usize,
}

impl Convolve {
    fn geometry(&self, image: &[usize], weight: &[usize]) -> Result<Geometry> {
        let (&[batch, channels, height, width], &[outputs, inputs, kernel, kernel_width]) = (image, weight)
        else {
            bail!("a convolution of {image:?} with {weight:?}");
        };
        let (stride, padding) = (self.stride, self.padding);
        let fits = |side: usize| side + 2 * padding >= kernel && side > 0;
        if inputs != channels || kernel != kernel_width || kernel == 0 || stride == 0 {
            bail!("a convolution of {image:?} with {weight:?} in steps of {stride}");
        }
        if !fits(height) || !fits(width) {
            bail!("a convolution of {image:?} with a kernel of {kernel}");
        }
        let out = |side: usize| (side + 2 * padding - kernel) / stride + 1;
        let (out_height, out_width) = (out(height), out(width));
        Ok(Geometry {
            batch,
            channels,
            height,
            width,
            outputs,
            kernel,
            stride,
            padding,
            out_height,
            out_width,
        })
    }
}

impl Geometry {
    fn image_length(&self) -> usize {
        self.channels * self.height * self.width
    }

    fn places(&self) -> usize {
        self.out_height * self.out_width
    }

    fn patch_length(&self) -> usize {
        self.channels * self.kernel * self.kernel
    }

    /// The output columns whose tap at `offset` lies inside the image.
    fn columns_inside(&self, offset: usize) -> std::ops::Range<usize> {
        let first = self.padding.saturating_sub(offset).div_ceil(self.stride);
        let end =
            (self.width + self.padding).saturating_sub(offset).div_ceil(self.stride).min(self.out_width);
        first.min(end)..end
    }

    /// Calls `work` with each run of neighboring output places of one tap: where it starts in the unfolded matrix, where in
    /// the image, and its length. Steps are 1 there and `stride` here.
    fn for_each_run(&self, mut work: impl FnMut(usize, usize, usize)) {
        for channel in 0..self.channels {
            for tap_y in 0..self.kernel {
                for tap_x in 0..self.kernel {
                    let row = ((channel * self.kernel + tap_y) * self.kernel + tap_x) * self.places();
                    let columns = self.columns_inside(tap_x);
                    if columns.is_empty() {
                        continue;
                    }
                    for out_y in 0..self.out_height {
                        let Some(y) = (out_y * self.stride + tap_y).checked_sub(self.padding) else {
                            continue;
                        };
                        if y >= self.height {
                            break;
                        }
                        let x = columns.start * self.stride + tap_x - self.padding;
                        let there = row + out_y * self.out_width + columns.start;
                        work(there, (channel * self.height + y) * self.width + x, columns.len());
                    }
                }
            }
        }
    }

    /// [channels * kernel * kernel, places]: what each tap sees at each output place.
    fn unfold(&self, image: &[f32]) -> Result<Tensor> {
        let mut unfolded = vec![0.0; self.patch_length() * self.places()];
        self.for_each_run(|there, here, length| {
            let target = &mut unfolded[there..there + length];
            if self.stride == 1 {
                target.copy_from_slice(&image[here..here + length]);
            } else {
                target
                    .iter_mut()
                    .zip(image[here..].iter().step_by(self.stride))
                    .for_each(|(to, from)| *to = *from);
            }
        });
        from_numbers(unfolded, &[self.patch_length(), self.places()])
    }

    /// The reverse: adds up what the taps that see a pixel have.
    fn fold(&self, unfolded: &[f32], image: &mut [f32]) {
        self.for_each_run(|there, here, length| {
            let source = &unfolded[there..there + length];
            if self.stride == 1 {
                image[here..here + length].iter_mut().zip(source).for_each(|(to, from)| *to += from);
            } else {
                image[here..].iter_mut().step_by(self.stride).zip(source).for_each(|(to, from)| *to += from);
            }
        });
    }

    fn matrix(&self, weight: &[f32]) -> Result<Tensor> {
        from_numbers(weight.to_vec(), &[self.outputs, self.patch_length()])
    }
}

fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(numbers), Some((start, end))) => Ok(&numbers[start..end]),
        _ => bail!("a convolution takes contiguous 32-bit numbers"),
    }
}

impl CustomOp2 for Convolve {
    fn name(&self) -> &'static str {
        "convolve"
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let geometry = self.geometry(images_layout.dims(), weight_layout.dims())?;
        let matrix = geometry.matrix(numbers(weight, weight_layout)?)?;
        let images = numbers(images, images_layout)?;
        let length = geometry.outputs * geometry.places();
        let mut result = vec![0.0; geometry.batch * length];
        result.par_chunks_mut(length).zip(images.par_chunks(geometry.image_length())).try_for_each(
            |(target, image)| {
                let product = matrix.matmul(&geometry.unfold(image)?)?;
                with_numbers(&product, |product| {
                    target.copy_from_slice(product);
                    Ok(())
                })
            },
        )?;
        let shape = (geometry.batch, geometry.outputs, geometry.out_height, geometry.out_width);
        Ok((CpuStorage::F32(result), shape.into()))
    }

    /// The patches are unfolded again rather than kept: they are nine times as large as the images.
    fn bwd(
        &self,
        images: &Tensor,
        weight: &Tensor,
        _result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let geometry = self.geometry(images.dims(), weight.dims())?;
        let matrix = with_numbers(weight, |weight| geometry.matrix(weight))?;
        // The network's input is a constant.
        let needs_image = images.track_op();
        let of_each = with_both(images, &gradient.contiguous()?, |images, gradient| {
            let images = images.par_chunks(geometry.image_length());
            let gradients = gradient.par_chunks(geometry.outputs * geometry.places());
            let of_image = |(image, gradient): (&[f32], &[f32])| {
                let gradient = from_numbers(gradient.to_vec(), &[geometry.outputs, geometry.places()])?;
                let for_weight = gradient.matmul(&geometry.unfold(image)?.t()?)?;
                let mut for_image = Vec::new();
                if needs_image {
                    for_image.resize(image.len(), 0.0);
                    let unfolded = matrix.t()?.matmul(&gradient)?;
                    with_numbers(&unfolded, |unfolded| {
                        geometry.fold(unfolded, &mut for_image);
                        Ok(())
                    })?;
                }
                Ok((for_weight, for_image))
            };
            images.zip(gradients).map(of_image).collect::<Result<Vec<(Tensor, Vec<f32>)>>>()
        })?;
        // Added up in order, so that the sum does not depend on which thread was faster.
        let mut for_weight = vec![0.0; weight.elem_count()];
        for (part, _) in &of_each {
            with_numbers(part, |part| {
                for_weight.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
                Ok(())
            })?;
        }
        let for_images = if needs_image {
            let parts: Vec<Vec<f32>> = of_each.into_iter().map(|(_, image)| image).collect();
            Some(from_numbers(parts.concat(), images.dims())?)
        } else {
            None
        };
        Ok((for_images, Some(from_numbers(for_weight, weight.dims())?)))
    }
}
