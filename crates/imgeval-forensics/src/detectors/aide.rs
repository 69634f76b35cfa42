//! AIDE: the smoothest and the busiest patches of an image, and what the whole shows.
//!
//! Yan et al., "A Sanity Check for AI-generated Image Detection", ICLR 2025. Two patches of the lowest and two of the highest frequency go
//! through fixed high-pass filters and a ResNet-50 each, the whole image through OpenCLIP's ConvNeXt-XXL.

use std::{path::Path, sync::Arc};

use candle_core::{Result as CandleResult, Tensor};
use imgeval_vision::{
    ModelError,
    checkpoint::{Checkpoint, Parameters},
    compute::Backend,
    ops::{
        Activation,
        convolution::Convolution,
        layers::Layers,
        linear::Linear,
        norm::LayerNorm,
        pooling::mean,
        resize::resize_bilinear,
        tensor::{from_numbers, with_numbers},
    },
};

use crate::{
    networks::{
        convnext::ConvNext,
        frequency_grades::{self, Grades, WINDOW},
        map::{Map, open_cpu, reserve},
        resnet::{ResNet, is_counter},
    },
    port::{
        Description, Detector, ForensicsError, Judgment, LoadRequest, Pipeline, Published, WeightsLicense,
    },
    preparation::{CLIP, IMAGENET, Normalization, UNIT},
    source::{Reader, SourceImage},
    trace::Trace,
};

/// Side to which patches and the whole image are scaled.
const SIDE: usize = 256;
const FILTER_SIDE: usize = 5;
const STEM_SIDE: usize = 7;
const EPSILON: f32 = 1e-5;
const ANCHOR: &str = "hpf.hpf.weight";
const SEMANTIC: &str = "openclip_convnext_xxl.";
/// Of the whole image: its colors, and what grading takes.
const BYTES_PER_PIXEL: u64 = 4 * 3 + frequency_grades::BYTES_PER_PIXEL;

/// Description of AIDE.
pub static AIDE: Description = Description {
    id: "aide",
    name: "AIDE",
    paper: "Yan et al., ICLR 2025",
    license: WeightsLicense::Free(
        "MIT, code; the data that some weights were trained on are for research only",
    ),
    pipelines: &[Pipeline {
        name: "patches",
        what: "four patches of 32 x 32 pixels and the whole image, scaled to 256 x 256 without smoothing",
    }],
    threshold: "softmax of the second logit above 0.5",
    published: &[
        Published {
            set: "GenImage, fakes as JPEG 96",
            measure: "accuracy",
            value: 0.612,
            source: "DDA's README",
        },
        Published {
            set: "EvalGEN, fakes as JPEG 96",
            measure: "accuracy",
            value: 0.191,
            source: "DDA's README",
        },
    ],
    canaries: &[],
    native_crop: None,
    load,
};

struct Aide {
    pipeline: &'static str,
    network: Network,
    backend: Backend,
}

struct Network {
    filters: Convolution,
    smooth: ResNet,
    busy: ResNet,
    whole: ConvNext,
    whole_norm: LayerNorm,
    whole_projection: Linear,
    hidden: Linear,
    head: Linear,
}

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&AIDE)?;
    let backend = open_cpu(&request.compute)?;
    let network = Network::load(request.only_file(&AIDE)?)?;
    Ok(Box::new(Aide { pipeline, network, backend }))
}

impl Network {
    fn load(path: &Path) -> Result<Self, ModelError> {
        let checkpoint = Checkpoint::open(path)?.unwrapped(&[ANCHOR])?;
        if checkpoint.info(ANCHOR).is_none() {
            return Err(ModelError::not_this_network(&checkpoint, "AIDE's networks"));
        }
        let mut parameters = Parameters::new(Arc::new(checkpoint));
        let mut layers = Layers::new(&mut parameters);
        let n_filters = layers.dimension(ANCHOR, 0);
        let filters_shape = [n_filters, 3, FILTER_SIDE, FILTER_SIDE];
        let filters = layers.convolution("hpf.hpf", filters_shape, false, (1, FILTER_SIDE / 2));
        let [smooth, busy] = ["model_min.", "model_max."]
            .map(|name| ResNet::take(&mut layers, name, (n_filters, STEM_SIDE), 4));
        let whole = ConvNext::take(&mut layers, SEMANTIC, EPSILON);
        let whole_norm =
            layers.layer_norm(&format!("{SEMANTIC}head.norm"), whole.channels).with_epsilon(EPSILON);
        let projected = layers.dimension("convnext_proj.0.weight", 0);
        let whole_projection = layers.linear("convnext_proj.0", whole.channels, projected);
        let inner = layers.dimension("fc.fc1.weight", 0);
        let hidden = layers.linear("fc.fc1", projected + smooth.channels, inner);
        let head = layers.linear("fc.fc2", inner, 2);
        if smooth.channels != busy.channels && layers.impossible.is_none() {
            layers.impossible =
                Some(format!("networks of {} and {} channels", smooth.channels, busy.channels));
        }
        let impossible = layers.impossible;
        // The last layer that ResNet-50 brings along; its outputs go nowhere.
        let is_unused = |name: &str| {
            is_counter(name)
                || ["model_min.fc.", "model_max.fc."].iter().any(|unused| name.starts_with(unused))
        };
        parameters.ignore(is_unused);
        parameters.finish()?;
        match impossible {
            Some(detail) => Err(ModelError::Configuration { path: path.to_owned(), detail }),
            None => Ok(Self { filters, smooth, busy, whole, whole_norm, whole_projection, hidden, head }),
        }
    }

    /// The mean of the last map of the patch's network, [1, channels].
    fn features(&self, network: &ResNet, patch: Map, name: &str, trace: &mut Trace) -> CandleResult<Tensor> {
        let filtered = Map { x: self.filters.forward(&patch.x, patch.size)?, size: patch.size };
        trace.keep(format!("hpf_{name}"), &filtered.x);
        network.forward(filtered, &mut Trace::off())
    }

    /// What the whole image shows, [1, projected].
    fn semantic(&self, whole: Map, trace: &mut Trace) -> CandleResult<Tensor> {
        let map = self.whole.forward(whole, &mut Trace::off())?;
        let normed = self.whole_norm.forward(&map.x)?;
        trace.keep("convnext_map", &normed);
        let semantic = self.whole_projection.forward(&mean(&normed)?)?;
        trace.keep("semantic", &semantic);
        Ok(semantic)
    }
}

impl Detector for Aide {
    fn description(&self) -> &'static Description {
        &AIDE
    }

    fn pipeline(&self) -> &'static str {
        self.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let pixels = image.read_by(Reader::Pillow);
        let (width, height) = (pixels.width(), pixels.height());
        if (width.min(height) as usize) < WINDOW {
            let needed = WINDOW as u32;
            return Err(ForensicsError::TooSmall { detector: AIDE.id, width, height, needed });
        }
        let _memory = reserve(pixels, BYTES_PER_PIXEL)?;
        let map = Map::of_pixels(pixels, UNIT, &self.backend)?;
        let grades = Grades::of(&map)?;
        let order = grades.order();
        // An image of one window is its own second.
        let second = 1.min(order.len() - 1);
        let (low, high) = ([order[0], order[second]], [order.len() - 1, order.len() - 1 - second]);
        let patches = [
            ("minmin", low[0], &self.network.smooth),
            ("maxmax", order[high[0]], &self.network.busy),
            ("minmin1", low[1], &self.network.smooth),
            ("maxmax1", order[high[1]], &self.network.busy),
        ];
        let mut features = Vec::with_capacity(patches.len());
        for (name, window, resnet) in patches {
            let patch = window_of(&map, grades.corner(window))?;
            trace.keep(format!("patch_{name}"), &patch.x);
            let input = scaled(&patch, IMAGENET)?;
            trace.keep(format!("input_{name}"), &input.x);
            let found = self.network.features(resnet, input, name, trace)?;
            trace.keep(format!("features_{name}"), &found);
            features.push(found);
        }
        let network = &self.network;
        trace.keep_with("input_whole", || Ok(scaled(&map, IMAGENET)?.x))?;
        let semantic = network.semantic(scaled(&map, CLIP)?, trace)?;
        let joined = Tensor::cat(&[semantic, mean(&Tensor::cat(&features, 0)?)?], 1)?;
        let hidden = network.hidden.forward_with(&joined, Activation::Gelu, None)?;
        let logits: Vec<f32> = network.head.forward(&hidden)?.flatten_all()?.to_vec1()?;
        Ok(Judgment::of_pair([logits[0], logits[1]], None))
    }
}

/// The window whose upper left pixel is at this row and column.
fn window_of(map: &Map, (top, left): (usize, usize)) -> CandleResult<Map> {
    let width = map.size.1;
    let x = with_numbers(&map.x, |numbers| {
        let rows = (top..top + WINDOW).flat_map(|row| &numbers[3 * (row * width + left)..][..3 * WINDOW]);
        from_numbers(rows.copied().collect(), &[WINDOW * WINDOW, 3])
    })?;
    Ok(Map { x, size: (WINDOW, WINDOW) })
}

/// Scaled to the networks' size, then normalized.
fn scaled(map: &Map, by: Normalization) -> CandleResult<Map> {
    let size = (SIDE, SIDE);
    let resized = resize_bilinear(&map.x, map.size, size)?;
    let x = with_numbers(&resized, |numbers| {
        let normalized = numbers.iter().enumerate().map(|(place, x)| {
            let channel = place % 3;
            (x - by.mean[channel]) / by.standard_deviation[channel]
        });
        from_numbers(normalized.collect(), resized.dims())
    })?;
    Ok(Map { x, size })
}
