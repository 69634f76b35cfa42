//! Community Forensics: a small vision transformer trained on the images of thousands of generators.
//!
//! Park and Owens, "Community Forensics: Using Thousands of Generators to Train Fake Image Detectors", CVPR 2025.

use imgeval_vision::compute::Backend;

use crate::{
    networks::{
        heads::{one_logit, side_of},
        vit::VisionTransformer,
    },
    port::{
        Canary, CanaryValue, Description, Detector, ForensicsError, Judgment, LoadRequest, Pipeline,
        WeightsLicense,
    },
    preparation::{Filter, IMAGENET, numbers, resized_middle, sha256},
    source::{Reader, SourceImage},
    trace::Trace,
};

/// Of the 384 model.
const fn canary(image: &'static str, score: f64) -> Canary {
    let from = "JeongsooP/Community-Forensics on GitHub";
    Canary { image, from, expected: CanaryValue::Score(score) }
}

pub static COMMUNITY_FORENSICS: Description = Description {
    id: "community-forensics",
    name: "Community Forensics",
    paper: "Park and Owens, CVPR 2025",
    license: WeightsLicense::Free("MIT"),
    pipelines: &[Pipeline {
        name: "resize440-crop384",
        what: "short side to 440 pixels (256 for the 224 model), middle 384 (224)",
    }],
    threshold: "sigmoid of the logit above 0.5",
    published: &[],
    canaries: &[
        canary("test_images/00000274.png", 0.9988),
        canary("test_images/00000420.png", 0.9878),
        canary("test_images/00000845.png", 0.9569),
        canary("test_images/00000916.png", 0.9516),
        canary("test_images/00000989.png", 0.7860),
    ],
    native_crop: None,
    load,
};

struct CommunityForensics {
    network: VisionTransformer,
    pipeline: &'static str,
    backend: Backend,
}

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&COMMUNITY_FORENSICS)?;
    let file = request.only_file(&COMMUNITY_FORENSICS)?;
    let network =
        VisionTransformer::load(file, "vit.", "vit.cls_token", "the network of Community Forensics")?;
    let backend = Backend::open(&request.compute)?;
    Ok(Box::new(CommunityForensics { network, pipeline, backend }))
}

/// To how many pixels the short side is scaled before the middle is cut out: published are 440 for 384 and 256 for 224.
fn short_side(side: u32) -> u32 {
    match side {
        384 => 440,
        _ => side * 8 / 7,
    }
}

impl Detector for CommunityForensics {
    fn description(&self) -> &'static Description {
        &COMMUNITY_FORENSICS
    }

    fn pipeline(&self) -> &'static str {
        self.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let (image, side) = (image.read_by(Reader::Pillow), self.network.side());
        let pixels = side_of(side)?;
        let crop = resized_middle(image, short_side(pixels), pixels, Filter::Bilinear);
        let input = numbers(&crop, IMAGENET, &self.backend)?;
        trace.keep("input", &input);
        let patches = self.network.embed(&input, (side, side))?;
        trace.keep("patch_conv", &patches);
        let logit = one_logit(&self.network.logits(&[patches], &self.backend, trace)?)?;
        Ok(Judgment::of_logit(logit, Some(sha256(&crop))))
    }
}
