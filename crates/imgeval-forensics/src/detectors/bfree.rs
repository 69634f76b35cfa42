//! B-Free: a DINOv2 with registers, tuned on images and their self-conditioned reconstructions, over five windows of the native image.
//!
//! Guillaro, Zingarini, Usman, Sud, Cozzolino and Verdoliva, "A Bias-Free Training Paradigm for More General AI-generated Image Detection",
//! CVPR 2025. Patches are embedded over the whole image once; windows of 36 x 36 patches are cut out of the grid.

use candle_core::Tensor;
use imgeval_core::Pixels;
use imgeval_vision::compute::Backend;

use crate::{
    networks::{
        heads::{logits, side_of},
        map::reserve,
        vit::VisionTransformer,
    },
    port::{
        Canary, CanaryValue, Description, Detector, ForensicsError, Judgment, LoadRequest, Pipeline,
        WeightsLicense,
    },
    preparation::{IMAGENET, numbers, sha256},
    source::{Reader, SourceImage},
    trace::Trace,
};

const fn canary(image: &'static str, logit: f64) -> Canary {
    Canary { image, from: "the repository of B-Free", expected: CanaryValue::Logit(logit) }
}

pub static B_FREE: Description = Description {
    id: "b-free",
    name: "B-Free",
    paper: "Guillaro et al., CVPR 2025",
    license: WeightsLicense::NonCommercial("license of GRIP-UNINA, nonprofit use"),
    pipelines: &[Pipeline {
        name: "five-windows",
        what: "native size, mean logit of five windows of 504 x 504 pixels",
    }],
    threshold: "mean logit above 0",
    published: &[],
    canaries: &[
        canary("code/demo_images/img0000.png", -5.937_478_5),
        canary("code/demo_images/img0001.png", -4.441_922),
        canary("code/demo_images/img0002.png", 4.430_519),
        canary("code/demo_images/img0003.png", 3.849_981_3),
    ],
    native_crop: Some(504),
    load,
};

/// Three numbers of a pixel, and the embedding of a patch of 196.
const BYTES_PER_PIXEL: u64 = 32;

struct BFree {
    network: VisionTransformer,
    pipeline: &'static str,
    backend: Backend,
}

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&B_FREE)?;
    let file = request.only_file(&B_FREE)?;
    let network = VisionTransformer::load(file, "", "reg_token", "the network of B-Free")?;
    let backend = Backend::open(&request.compute)?;
    Ok(Box::new(BFree { network, pipeline, backend }))
}

impl BFree {
    fn check_size(&self, image: &Pixels) -> Result<(usize, usize), ForensicsError> {
        let (width, height) = (image.width(), image.height());
        let needed = side_of(self.network.patch())?;
        if width.min(height) < needed {
            return Err(ForensicsError::TooSmall { detector: B_FREE.id, width, height, needed });
        }
        Ok((height as usize, width as usize))
    }

    /// The five logits. Windows at the same place are judged once, except for a trace.
    fn windows(
        &self,
        patches: &Tensor,
        grid: (usize, usize),
        trace: &mut Trace,
    ) -> Result<Vec<f32>, ForensicsError> {
        let places = window_places(grid, self.network.grid());
        let mut judged = Vec::new();
        for place in places {
            if trace.is_on() || !judged.contains(&place) {
                judged.push(place);
            }
        }
        let squares = judged.iter().map(|place| self.window(patches, grid, *place));
        let squares = squares.collect::<Result<Vec<Tensor>, _>>()?;
        let result = self.network.logits(&squares, &self.backend, trace)?;
        trace.keep("head", &result);
        let found = logits(&result)?;
        let logit_at = |place| found.get(judged.iter().position(|found| found == place)?).copied();
        Ok(places.iter().filter_map(logit_at).collect())
    }

    /// A window of the grid, which is repeated where it is smaller: [patches, width].
    fn window(
        &self,
        patches: &Tensor,
        (rows, columns): (usize, usize),
        (top, left): (usize, usize),
    ) -> Result<Tensor, ForensicsError> {
        let side = self.network.grid();
        let mut places = Vec::with_capacity(side * side);
        for row in (top..top + side).map(|row| row % rows) {
            for column in (left..left + side).map(|column| column % columns) {
                places.push(side_of(row * columns + column)?);
            }
        }
        Ok(patches.index_select(&Tensor::new(places, patches.device())?, 0)?)
    }
}

/// Row and column of the first patch of the middle, top left, bottom left, bottom right and top right window. A side of the grid that is
/// shorter than a window is repeated up to the window's length, so that all windows begin with it.
fn window_places((rows, columns): (usize, usize), side: usize) -> [(usize, usize); 5] {
    let (bottom, right) = (rows.saturating_sub(side), columns.saturating_sub(side));
    [(bottom / 2, right / 2), (0, 0), (bottom, 0), (bottom, right), (0, right)]
}

impl Detector for BFree {
    fn description(&self) -> &'static Description {
        &B_FREE
    }

    fn pipeline(&self) -> &'static str {
        self.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let image = image.read_by(Reader::Pillow);
        let (height, width) = self.check_size(image)?;
        let _memory = reserve(image, BYTES_PER_PIXEL)?;
        let input = numbers(image, IMAGENET, &self.backend)?;
        trace.keep("input", &input);
        let patches = self.network.embed(&input, (height, width))?;
        trace.keep("patch_conv_whole_image", &patches);
        let grid = (height / self.network.patch(), width / self.network.patch());
        let logits = self.windows(&patches, grid, trace)?;
        let sum: f32 = logits.iter().sum();
        Ok(Judgment::of_logit(sum / 5.0, Some(sha256(image))))
    }
}

#[cfg(test)]
mod tests {
    use super::window_places;

    #[test]
    fn windows_lie_in_the_middle_and_the_corners() {
        assert_eq!(window_places((36, 36), 36), [(0, 0); 5]);
        assert_eq!(window_places((41, 39), 36), [(2, 1), (0, 0), (5, 0), (5, 3), (0, 3)]);
    }
}
